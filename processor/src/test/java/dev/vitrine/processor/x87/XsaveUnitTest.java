// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.x87;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Vector;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.Arrays;

class XsaveUnitTest {
    private static final long AREA = 0x4000;
    private static final int NONE = X87TestMachine.NONE;
    private static final String XSAVE = "48 0f ae 23";
    private static final String XRSTOR = "48 0f ae 2b";
    private static final String XSAVEOPT = "48 0f ae 33";
    private static final String XSAVEC = "48 0f c7 23";
    private static final String XSAVES = "48 0f c7 2b";
    private static final String XRSTORS = "48 0f c7 1b";
    private final X87TestMachine machine = new X87TestMachine();
    private final Cpu cpu = machine.cpu;

    @BeforeEach
    void prepare() {
        machine.back(AREA, 2);
        cpu.r[Cpu.RBX] = AREA;
        request(7);
    }

    @AfterEach
    void close() {
        machine.close();
    }

    private void request(int components) {
        cpu.r[Cpu.RAX] = components;
        cpu.r[Cpu.RDX] = 0;
    }

    private void fillState() {
        for (int n = 0; n < 64; n++) {
            cpu.v[n] = 0x0101010101010101L * (n + 1);
        }
        for (int n = 0; n < 8; n++) {
            machine.st(n, Long.MIN_VALUE + n, 0x4000 + n);
        }
        cpu.mxcsr = 0x1FA0;
    }

    private void clearState() {
        Arrays.fill(cpu.v, 0);
        cpu.x87.init();
        Arrays.fill(cpu.x87.mantissa, 0);
        Arrays.fill(cpu.x87.exponent, 0);
        cpu.mxcsr = 0x1F80;
    }

    @ParameterizedTest
    @CsvSource({
        XSAVE + ", " + XRSTOR,
        XSAVEOPT + ", " + XRSTOR,
        XSAVEC + ", " + XRSTOR,
        XSAVES + ", " + XRSTORS
    })
    void bringsEverythingBack(String save, String restore) {
        fillState();
        long[] vectors = cpu.v.clone();
        long[] mantissas = cpu.x87.mantissa.clone();
        assertThat(machine.execute(save)).isEqualTo(NONE);
        assertThat(cpu.load(AREA + 512, 8)).isEqualTo(7);
        clearState();
        assertThat(machine.execute(restore)).isEqualTo(NONE);
        assertThat(Arrays.copyOf(cpu.v, 64)).isEqualTo(Arrays.copyOf(vectors, 64));
        assertThat(cpu.x87.mantissa).isEqualTo(mantissas);
        assertThat(cpu.mxcsr).isEqualTo(0x1FA0);
    }

    @ParameterizedTest
    @ValueSource(strings = {XSAVEOPT, XSAVEC, XSAVES})
    void initialComponentsAreNotWritten(String save) {
        fillState();
        for (int n = 0; n < 64; n += 4) {
            cpu.v[n + 2] = 0;
            cpu.v[n + 3] = 0;
        }
        cpu.store(AREA + 576, 8, 0x55);
        assertThat(machine.execute(save)).isEqualTo(NONE);
        assertThat(cpu.load(AREA + 512, 8)).isEqualTo(3);
        assertThat(cpu.load(AREA + 576, 8)).isEqualTo(0x55);
        Arrays.fill(cpu.v, -1);
        assertThat(machine.execute(XRSTOR)).isEqualTo(NONE);
        assertThat(cpu.v[2]).isZero();
        assertThat(cpu.v[4]).isEqualTo(0x0505050505050505L);
    }

    @Test
    void onlyWhatIsRequestedIsTouched() {
        fillState();
        request(2);
        cpu.store(AREA + 512, 8, 5);
        cpu.store(AREA, 8, 0x77);
        assertThat(machine.execute(XSAVE)).isEqualTo(NONE);
        assertThat(cpu.load(AREA + 512, 8)).isEqualTo(7);
        assertThat(cpu.load(AREA, 8)).isEqualTo(0x77);
        assertThat(cpu.load(AREA + 160, 8)).isEqualTo(0x0101010101010101L);
        request(4);
        cpu.v[0] = 9;
        cpu.v[2] = 9;
        assertThat(machine.execute(XRSTOR)).isEqualTo(NONE);
        assertThat(cpu.v[0]).isEqualTo(9);
        assertThat(cpu.v[2]).isZero();
    }

    @ParameterizedTest
    @CsvSource({
        // XSTATE_BV, XCOMP_BV, offset and value of a reserved word, fault with XRSTOR, with XRSTORS
        "7, 0, 528, 0, false, true",
        "8, 0, 528, 0, true, true",
        "7, 1, 528, 0, true, true",
        "7, 0, 528, 1, true, true",
        "7, 0, 536, 1, false, true",
        "7, -9223372036854775801, 528, 0, false, false",
        "7, -9223372036854775805, 528, 0, true, true",
        "7, -9223372036854775793, 528, 0, true, true",
        "7, -9223372036854775801, 568, 1, true, true"
    })
    void badHeadersFault(
            long state,
            long layout,
            int offset,
            long value,
            boolean fault,
            boolean faultSupervisor) {
        fillState();
        machine.execute(XSAVE);
        cpu.store(AREA + 512, 8, state);
        cpu.store(AREA + 520, 8, layout);
        cpu.store(AREA + offset, 8, value);
        long[] before = cpu.v.clone();
        assertThat(machine.execute(XRSTOR)).isEqualTo(fault ? Vector.GP : NONE);
        assertThat(machine.execute(XRSTORS)).isEqualTo(faultSupervisor ? Vector.GP : NONE);
        assertThat(cpu.v).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(strings = {XSAVE, XRSTOR, XSAVEOPT, XSAVEC, XSAVES, XRSTORS})
    void needsAlignmentAndTheOperatingSystem(String code) {
        cpu.r[Cpu.RBX] = AREA + 16;
        assertThat(machine.execute(code)).isEqualTo(Vector.GP);
        cpu.r[Cpu.RBX] = AREA;
        cpu.cr0 |= Cpu.CR0_TS;
        assertThat(machine.execute(code)).isEqualTo(Vector.NM);
        cpu.cr4 &= ~Cpu.CR4_OSXSAVE;
        assertThat(machine.execute(code)).isEqualTo(Vector.UD);
    }

    @Test
    void supervisorFormsArePrivileged() {
        cpu.cpl = 3;
        assertThat(machine.execute(XSAVES)).isEqualTo(Vector.GP);
        assertThat(machine.execute(XRSTORS)).isEqualTo(Vector.GP);
        assertThat(machine.execute(XSAVEC)).isEqualTo(NONE);
    }

    @Test
    void mxcsrReservedBitsFault() {
        cpu.store(AREA, 4, 0x10000);
        assertThat(machine.execute("0f ae 13")).isEqualTo(Vector.GP);
        cpu.store(AREA, 4, 0xFFFF);
        assertThat(machine.execute("0f ae 13")).isEqualTo(NONE);
        assertThat(machine.execute("c5 f8 ae 5b 08")).isEqualTo(NONE); // VSTMXCSR [RBX + 8]
        assertThat(cpu.load(AREA + 8, 4)).isEqualTo(0xFFFF);
        machine.execute("0f ae 03"); // FXSAVE
        assertThat(cpu.load(AREA + 28, 4)).isEqualTo(0xFFFF);
        cpu.store(AREA + 24, 4, 0x1001F80);
        assertThat(machine.execute("0f ae 0b")).isEqualTo(Vector.GP);
    }

    @Test
    void fxsaveOutsideOf64BitModeHasEightVectors() {
        fillState();
        cpu.store(AREA + 160 + 128, 8, 0x1234);
        machine.legacy(32, false);
        assertThat(machine.execute("0f ae 03")).isEqualTo(NONE);
        assertThat(cpu.load(AREA + 160 + 112, 8)).isEqualTo(cpu.v[28]);
        assertThat(cpu.load(AREA + 160 + 128, 8)).isEqualTo(0x1234);
        cpu.r[Cpu.RBX] = AREA + 8;
        assertThat(machine.execute("0f ae 03")).isEqualTo(Vector.GP);
    }
}
