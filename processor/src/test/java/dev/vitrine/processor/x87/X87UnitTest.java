// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.x87;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Vector;
import dev.vitrine.processor.core.X87State;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class X87UnitTest {
    private static final long DATA = 0x4000;
    private static final int NONE = X87TestMachine.NONE;
    private final X87TestMachine machine = new X87TestMachine();
    private final Cpu cpu = machine.cpu;
    private final X87State s = cpu.x87;

    @BeforeEach
    void prepare() {
        machine.back(DATA, 2);
        cpu.r[Cpu.RBX] = DATA;
        cpu.rip = 0x1000;
    }

    @AfterEach
    void close() {
        machine.close();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "d9e8",
                "dd03",
                "d9c9",
                "d9fe",
                "db e3",
                "df e0",
                "d9 3b",
                "dd 23",
                "0f ae 03"
            })
    void taskSwitchedOrEmulatedIsDeviceNotAvailable(String code) {
        cpu.cr0 |= Cpu.CR0_TS;
        assertThat(machine.execute(code)).isEqualTo(Vector.NM);
        cpu.cr0 = cpu.cr0 & ~Cpu.CR0_TS | Cpu.CR0_EM;
        assertThat(machine.execute(code)).isEqualTo(Vector.NM);
    }

    @Test
    void waitLooksAtMonitorCoprocessor() {
        cpu.cr0 |= Cpu.CR0_TS;
        assertThat(machine.execute("9b")).isEqualTo(NONE);
        cpu.cr0 |= Cpu.CR0_MP;
        assertThat(machine.execute("9b")).isEqualTo(Vector.NM);
        cpu.cr0 |= Cpu.CR0_EM;
        assertThat(machine.execute("0f 77")).isEqualTo(Vector.UD);
    }

    @Test
    void unmaskedExceptionWaitsForTheNextWaitingInstruction() {
        s.control = 0x37B;
        machine.st(0, Long.MIN_VALUE, 0x3FFF);
        machine.st(1, 0, 0);
        assertThat(machine.execute("d8 f1")).isEqualTo(NONE); // FDIV ST, ST1
        assertThat(s.status & (Float80.ZE | Float80.ES | Float80.BUSY))
                .isEqualTo(Float80.ZE | Float80.ES | Float80.BUSY);
        assertThat(machine.mantissa(0)).isEqualTo(Long.MIN_VALUE);
        assertThat(machine.exponent(0)).isEqualTo(0x3FFF);
        assertThat(s.opcode).isEqualTo(0x0F1);
        cpu.rip = 0x1002;
        for (String waiting : new String[] {"9b", "d9e8", "d9 2b", "0f 77", "d9 23"}) {
            assertThat(machine.execute(waiting)).as(waiting).isEqualTo(Vector.MF);
        }
        assertThat(s.instructionPointer).isEqualTo(0x1000);
        assertThat(machine.execute("df e0")).isEqualTo(NONE); // FNSTSW AX
        assertThat(cpu.r[Cpu.RAX] & 0xFFFF).isEqualTo(X87Environment.statusWord(s));
        cpu.cr0 &= ~Cpu.CR0_NE;
        assertThat(machine.execute("9b")).isEqualTo(NONE);
        cpu.cr0 |= Cpu.CR0_NE;
        assertThat(machine.execute("db e2")).isEqualTo(NONE); // FNCLEX
        assertThat(machine.execute("9b")).isEqualTo(NONE);
    }

    @Test
    void maskedStackFaultsGiveTheIndefinite() {
        assertThat(machine.execute("d8 c1")).isEqualTo(NONE); // FADD of empty registers
        assertThat(s.status & (Float80.IE | Float80.SF | Float80.C1))
                .isEqualTo(Float80.IE | Float80.SF);
        assertThat(machine.mantissa(0)).isEqualTo(0xC000000000000000L);
        assertThat(machine.exponent(0)).isEqualTo(0xFFFF);
        s.init();
        s.valid = 0xFF;
        assertThat(machine.execute("d9 e8")).isEqualTo(NONE); // FLD1 on a full stack
        assertThat(s.status & (Float80.IE | Float80.SF | Float80.C1))
                .isEqualTo(Float80.IE | Float80.SF | Float80.C1);
        assertThat(s.top).isEqualTo(7);
        assertThat(machine.exponent(0)).isEqualTo(0xFFFF);
    }

    @Test
    void unmaskedOverflowKeepsAScaledResult() {
        s.control = 0x377;
        machine.st(0, Long.MIN_VALUE, 0x7FFE);
        machine.st(1, Long.MIN_VALUE, 0x4000);
        machine.execute("d8 c9");
        assertThat(machine.exponent(0)).isEqualTo(0x7FFF - 24576);
        assertThat(s.status & (Float80.OE | Float80.PE | Float80.ES))
                .isEqualTo(Float80.OE | Float80.ES);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "dd 1b", "df 3b", "db 3b", "df 33", "dd 03", "dc 03", "d9 33", "dd 33", "dd 23"
            })
    void aMemoryFaultChangesNothing(String code) {
        // The operand starts in the last two bytes of backed, segmented memory.
        machine.legacy(32, false);
        for (int n : new int[] {Cpu.DS, Cpu.ES, Cpu.SS}) {
            cpu.segment[n].limit = (int) DATA + 0xFFF;
        }
        cpu.modeChanged();
        cpu.r[Cpu.RBX] = DATA + 0xFFE;
        machine.st(0, 0xC123456789ABCDEFL, 0x4002);
        s.status = 0;
        int valid = s.valid;
        int control = s.control;
        long word = cpu.load(DATA + 0xFF8, 8);
        assertThat(machine.execute(code)).isEqualTo(Vector.GP);
        assertThat(s.valid).isEqualTo(valid);
        assertThat(s.top).isZero();
        assertThat(s.status).isZero();
        assertThat(s.control).isEqualTo(control);
        assertThat(s.instructionPointer).isZero();
        assertThat(cpu.load(DATA + 0xFF8, 8)).isEqualTo(word);
    }

    @Test
    void environmentInFourLayouts() {
        s.control = 0x27F;
        s.top = 3;
        s.status = Float80.C0 | Float80.PE;
        s.valid = 0xF;
        s.mantissa[0] = Long.MIN_VALUE;
        s.exponent[0] = 0x3FFF;
        s.mantissa[2] = 5;
        s.mantissa[3] = Long.MIN_VALUE;
        s.exponent[3] = 0x7FFF;
        s.opcode = 0x123;
        s.instructionPointer = 0x54321;
        s.dataPointer = 0x76543;
        // Registers 4 to 7 empty (3), 3 special (2), 2 special, 1 zero (1), 0 valid (0).
        int tags = 0xFFA4;
        machine.legacy(32, false);
        machine.execute("d9 33");
        assertThat(cpu.load(DATA + 8, 4)).isEqualTo(0xFFFF0000L | tags);
        assertThat(cpu.load(DATA + 4, 4)).isEqualTo(0xFFFF0000L | 0x1920);
        assertThat(cpu.load(DATA + 12, 4)).isEqualTo(0x54321);
        assertThat(cpu.load(DATA + 16, 4)).isEqualTo(0x1230000);
        assertThat(cpu.load(DATA + 20, 4)).isEqualTo(0x76543);
        assertThat(s.control & 0x3F).isEqualTo(0x3F);
        machine.execute("66 d9 33");
        assertThat(cpu.load(DATA + 4, 2)).isEqualTo(tags);
        assertThat(cpu.load(DATA + 6, 2)).isEqualTo(0x4321);
        assertThat(cpu.load(DATA + 10, 2)).isEqualTo(0x6543);
        machine.legacy(16, true);
        machine.execute("d9 37"); // FNSTENV [BX]
        assertThat(cpu.load(DATA + 6, 2)).isEqualTo(0x4321);
        assertThat(cpu.load(DATA + 8, 2)).isEqualTo(0x5123);
        assertThat(cpu.load(DATA + 10, 2)).isEqualTo(0x6543);
        assertThat(cpu.load(DATA + 12, 2)).isEqualTo(0x7000);
        machine.execute("66 d9 37");
        assertThat(cpu.load(DATA + 12, 2)).isEqualTo(0x4321);
        assertThat(cpu.load(DATA + 16, 4)).isEqualTo(0x5123);
        assertThat(cpu.load(DATA + 24, 4)).isEqualTo(0x7000);
        s.init();
        machine.execute("66 d9 27"); // FLDENV
        assertThat(s.instructionPointer).isEqualTo(0x54321);
        assertThat(s.dataPointer).isEqualTo(0x76543);
        assertThat(s.opcode).isEqualTo(0x123);
        assertThat(s.valid).isEqualTo(0xF);
        assertThat(s.top).isEqualTo(3);
    }

    @ParameterizedTest
    @ValueSource(strings = {"dd 33 dd 23", "66dd33 66dd23"})
    void savesAndRestores(String pair) {
        for (int n = 0; n < 8; n++) {
            machine.st(n, 0x8000000000000000L + n, 0x3FFF + n);
        }
        s.top = 5;
        s.control = 0x17F;
        s.status = Float80.C3;
        machine.execute(pair.substring(0, pair.lastIndexOf(' ', pair.length() - 4)));
        assertThat(s.control).isEqualTo(0x37F);
        assertThat(s.valid).isZero();
        s.mantissa[3] = 0;
        machine.execute(pair.substring(pair.lastIndexOf(' ', pair.length() - 4)));
        assertThat(s.control).isEqualTo(0x17F);
        assertThat(s.top).isEqualTo(5);
        assertThat(s.status).isEqualTo(Float80.C3);
        assertThat(s.valid).isEqualTo(0xFF);
        for (int n = 0; n < 8; n++) {
            assertThat(s.mantissa[n]).isEqualTo(0x8000000000000000L + n);
            assertThat(s.exponent[n]).isEqualTo(0x3FFF + n);
        }
    }

    @Test
    void anglesFrom2To63OnAreIncomplete() {
        machine.st(0, Long.MIN_VALUE, 16383 + 63);
        machine.execute("d9 fe");
        assertThat(s.status & Float80.C2).isNotZero();
        assertThat(machine.exponent(0)).isEqualTo(16383 + 63);
        machine.st(0, -1L, 16383 + 62);
        machine.execute("d9 fe");
        assertThat(s.status & Float80.C2).isZero();
    }
}
