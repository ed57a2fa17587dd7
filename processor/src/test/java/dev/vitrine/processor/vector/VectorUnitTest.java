// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.vector;

import static dev.vitrine.processor.vector.VectorMachine.DATA;
import static dev.vitrine.processor.vector.VectorMachine.DATA_END;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Vector;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Faults, state and memory of vector instructions; results are the oracle's subject. */
class VectorUnitTest {
    private static final int OK = -1;
    private static final long ONES = -1L;

    private final VectorMachine machine = new VectorMachine();
    private final Cpu cpu = machine.cpu;

    @AfterEach
    void close() {
        machine.close();
    }

    // ------------------------------------------------------------ availability

    @Test
    void taskSwitchedGivesNm() {
        cpu.cr0 |= Cpu.CR0_TS;
        assertThat(machine.run("660fefc1")).isEqualTo(Vector.NM); // pxor xmm0, xmm1
        assertThat(machine.run("0fefc1")).isEqualTo(Vector.NM); // pxor mm0, mm1
        assertThat(machine.run("c5f9efc1")).isEqualTo(Vector.NM); // vpxor xmm0, xmm0, xmm1
    }

    @Test
    void emulationConcernsLegacyInstructionsOnly() {
        cpu.cr0 |= Cpu.CR0_EM | Cpu.CR0_TS;
        assertThat(machine.run("660fefc1")).isEqualTo(Vector.UD);
        assertThat(machine.run("0fefc1")).isEqualTo(Vector.UD);
        cpu.cr0 &= ~Cpu.CR0_TS;
        assertThat(machine.run("c5f9efc1")).isEqualTo(OK);
    }

    @Test
    void withoutOsfxsrOnlyMmxAndAvxRun() {
        cpu.cr4 &= ~Cpu.CR4_OSFXSR;
        assertThat(machine.run("660fefc1")).isEqualTo(Vector.UD);
        assertThat(machine.run("0fefc1")).isEqualTo(OK);
        assertThat(machine.run("f30fd6c1")).isEqualTo(Vector.UD); // movq2dq xmm0, mm1
        assertThat(machine.run("c5f9efc1")).isEqualTo(OK);
    }

    @Test
    void vexNeedsEnabledState() {
        cpu.xcr0 = 3;
        assertThat(machine.run("c5f9efc1")).isEqualTo(Vector.UD);
        cpu.xcr0 = 7;
        cpu.cr4 &= ~Cpu.CR4_OSXSAVE;
        assertThat(machine.run("c5f9efc1")).isEqualTo(Vector.UD);
        assertThat(machine.run("660fefc1")).isEqualTo(OK);
    }

    @Test
    void mmxReportsWaitingX87Exceptions() {
        cpu.x87.status = 0x8081;
        assertThat(machine.run("0fefc1")).isEqualTo(Vector.MF);
        assertThat(machine.run("660fefc1")).isEqualTo(OK);
    }

    @Test
    void mmxTakesTheX87RegistersOver() {
        cpu.x87.top = 5;
        cpu.x87.mantissa[3] = 0x0102030405060708L;
        cpu.x87.exponent[3] = 0x4000;
        assertThat(machine.run("0ffcdb")).isEqualTo(OK); // paddb mm3, mm3
        assertThat(cpu.x87.mantissa[3]).isEqualTo(0x020406080a0c0e10L);
        assertThat(cpu.x87.exponent[3]).isEqualTo(0xFFFF);
        assertThat(cpu.x87.top).isZero();
        assertThat(cpu.x87.valid).isEqualTo(0xFF);
    }

    // -------------------------------------------------------------- upper halves

    @Test
    void legacyKeepsTheUpperHalfAndVexClearsIt() {
        machine.ymm(0, 4, 3, 2, 1);
        machine.ymm(1, 40, 30, 20, 10);
        machine.run("660fd4c1"); // paddq xmm0, xmm1
        assertThat(cpu.v[0]).isEqualTo(11);
        assertThat(cpu.v[2]).isEqualTo(3);
        assertThat(cpu.v[3]).isEqualTo(4);
        machine.run("c5f9d4c1"); // vpaddq xmm0, xmm0, xmm1
        assertThat(cpu.v[0]).isEqualTo(21);
        assertThat(cpu.v[2]).isZero();
        assertThat(cpu.v[3]).isZero();
        machine.run("c5f8 77"); // vzeroupper
        assertThat(cpu.v[5]).isEqualTo(20);
        assertThat(cpu.v[7]).isZero();
        machine.run("c5fc 77"); // vzeroall
        assertThat(cpu.v[5]).isZero();
    }

    // ------------------------------------------------------------------- memory

    @ParameterizedTest
    @CsvSource({
        "0f1000, -1", // movups xmm0, [rax]
        "0f2800, 13", // movaps xmm0, [rax]
        "0f5800, 13", // addps xmm0, [rax]
        "f30f5800, -1", // addss xmm0, [rax]
        "660fef00, 13", // pxor xmm0, [rax]
        "f20ff000, -1", // lddqu xmm0, [rax]
        "660f3a630000, -1", // pcmpistri xmm0, [rax], 0
        "c5f858 00, -1", // vaddps xmm0, xmm0, [rax]
        "c5f82800, 13", // vmovaps xmm0, [rax]
        "c5fc2800, 13", // vmovaps ymm0, [rax]
        "c5fc1000, -1", // vmovups ymm0, [rax]
        "660fe700, 13", // movntdq [rax], xmm0
        "c5fde700, 13", // vmovntdq [rax], ymm0
        "660f382a00, 13", // movntdqa xmm0, [rax]
    })
    void alignment(String code, int vector) {
        cpu.r[Cpu.RAX] = DATA + 24;
        if (code.startsWith("c5fc28") || code.startsWith("c5fde7")) {
            cpu.r[Cpu.RAX] = DATA + 16; // 32 bytes want 32
        }
        assertThat(machine.run(code)).isEqualTo(vector);
    }

    @Test
    void alignmentChecksConcernNarrowOperandsOnly() {
        cpu.cr0 |= Cpu.CR0_AM;
        cpu.setFlags(Cpu.AC, Cpu.AC);
        cpu.modeChanged();
        cpu.r[Cpu.RAX] = DATA + 1;
        assertThat(machine.run("0f1000")).isEqualTo(OK); // movups xmm0, [rax]
        assertThat(machine.run("c5fc1000")).isEqualTo(OK); // vmovups ymm0, [rax]
        assertThat(machine.run("f20f1000")).isEqualTo(Vector.AC); // movsd xmm0, [rax]
        assertThat(cpu.modeKey & Cpu.MODE_ALIGN).isNotZero();
    }

    @Test
    void aStoreThatFaultsOnItsSecondPageWritesNothing() {
        machine.protectSecondPage();
        long at = DATA + 0x1000 - 8;
        machine.data(at, 77);
        cpu.r[Cpu.RAX] = at;
        machine.ymm(0, 4, 3, 2, 1);
        assertThat(machine.run("0f1100")).isEqualTo(Vector.PF); // movups [rax], xmm0
        assertThat(cpu.faultAddress).isEqualTo(DATA + 0x1000);
        assertThat(machine.run("c5fc1100")).isEqualTo(Vector.PF); // vmovups [rax], ymm0
        assertThat(machine.data(at)).isEqualTo(77);
    }

    @Test
    void aLoadThatFaultsOnItsSecondPageChangesNothing() {
        cpu.r[Cpu.RAX] = DATA_END - 8;
        machine.ymm(0, 4, 3, 2, 1);
        assertThat(machine.run("0f1000")).isEqualTo(Vector.PF);
        assertThat(machine.run("c5fc1000")).isEqualTo(Vector.PF);
        assertThat(cpu.faultAddress).isEqualTo(DATA_END);
        assertThat(cpu.v[0]).isEqualTo(1);
        assertThat(cpu.v[2]).isEqualTo(3);
    }

    @Test
    void maskedMovesTouchSelectedElementsOnly() {
        machine.data(DATA_END - 8, 0x1111_1111_2222_2222L);
        cpu.r[Cpu.RAX] = DATA_END - 8;
        machine.ymm(1, 0, 0, 0, 0x8000_0000_8000_0000L);
        machine.ymm(0, ONES, ONES, ONES, ONES);
        assertThat(machine.run("c4e2752c00")).isEqualTo(OK); // vmaskmovps ymm0, ymm1, [rax]
        assertThat(cpu.v[0]).isEqualTo(0x1111_1111_2222_2222L);
        assertThat(cpu.v[1] | cpu.v[2] | cpu.v[3]).isZero();
        machine.ymm(1, 0, 0, 0, 0x8000_0000_0000_0000L);
        machine.ymm(0, 0, 0, 0, 5L << 32 | 6);
        assertThat(machine.run("c4e2752e00")).isEqualTo(OK); // vmaskmovps [rax], ymm1, ymm0
        assertThat(machine.data(DATA_END - 8)).isEqualTo(0x0000_0005_2222_2222L);
        machine.ymm(1, 0, 0, ONES, 0);
        assertThat(machine.run("c4e2752e00")).isEqualTo(Vector.PF);
    }

    @Test
    void aGatherGoesOnWhereItFaulted() {
        // vpgatherqq ymm0, [rax + ymm1], ymm2
        String gather = "c4e2ed910408";
        cpu.r[Cpu.RAX] = DATA;
        for (int k = 0; k < 4; k++) {
            machine.data(DATA + 8 * k, 100 + k);
        }
        machine.ymm(0, ONES, ONES, ONES, ONES);
        machine.ymm(1, 24, 0x4000, 8, 0);
        machine.ymm(2, ONES, ONES, 0, ONES);
        assertThat(machine.run(gather)).isEqualTo(Vector.PF);
        assertThat(cpu.faultAddress).isEqualTo(DATA + 0x4000);
        assertThat(cpu.v[0]).isEqualTo(100);
        assertThat(cpu.v[1]).isEqualTo(ONES);
        assertThat(cpu.v[3]).isEqualTo(ONES);
        assertThat(cpu.v[8]).isZero();
        assertThat(cpu.v[10]).isEqualTo(ONES);
        cpu.v[6] = 16; // the handler made the page present, so to say
        assertThat(machine.run(gather)).isEqualTo(OK);
        assertThat(cpu.v[2]).isEqualTo(102);
        assertThat(cpu.v[3]).isEqualTo(103);
        assertThat(cpu.v[8] | cpu.v[9] | cpu.v[10] | cpu.v[11]).isZero();
    }

    // --------------------------------------------------------------- exceptions

    @Test
    void anUnmaskedExceptionKeepsTheDestination() {
        machine.xmm(0, 0, Double.doubleToRawLongBits(1));
        machine.xmm(1, 0, 0);
        cpu.mxcsr = 0x1F80 & ~0x200; // ZM clear
        assertThat(machine.run("f20f5ec1")).isEqualTo(Vector.XM); // divsd xmm0, xmm1
        assertThat(cpu.v[0]).isEqualTo(Double.doubleToRawLongBits(1));
        assertThat(cpu.mxcsr).isEqualTo(0x1F80 & ~0x200 | 4);
        cpu.cr4 &= ~Cpu.CR4_OSXMMEXCPT;
        assertThat(machine.run("f20f5ec1")).isEqualTo(Vector.UD);
    }

    @Test
    void anUnmaskedExceptionBeforeTheComputationHidesLaterOnes() {
        // Element 0 signals, element 1 is inexact.
        machine.xmm(0, 0, 0x3F80_0000_7F80_0001L);
        machine.xmm(1, 0, 0x4040_0000_3F80_0000L);
        cpu.mxcsr = 0x1F00;
        assertThat(machine.run("0f5ec1")).isEqualTo(Vector.XM); // divps xmm0, xmm1
        // 0/0 in the upper elements is invalid, too; PE stays clear.
        assertThat(cpu.mxcsr).isEqualTo(0x1F01);
    }

    // ------------------------------------------------------------- cryptography

    @ParameterizedTest
    @CsvSource({
        "660f38dcc1, a8311c2f9fdba3c58b104b58ded7e595", // aesenc
        "660f38ddc1, c7fb881e938c5964177ec42553fdc611", // aesenclast
        "660f38dec1, 138ac342faea2787b58eb95eb730392a", // aesdec
        "660f38dfc1, c5a391ef6b317f95d410637b72a593d0", // aesdeclast
        "660f38dbc1, 597f8df109efaa15f39bc5a119d859b6", // aesimc
    })
    void aesRoundsAsOnProcessors(String code, String result) {
        machine.xmm(0, 0x7b5b546573745665L, 0x63746f725d53475dL);
        machine.xmm(1, 0x4869285368617929L, 0x5b477565726f6e5dL);
        assertThat(machine.run(code)).isEqualTo(OK);
        assertThat(machine.xmm(0)).isEqualTo(result);
    }

    @Test
    void aesKeyGenerationAssist() {
        machine.xmm(1, 0x3c4fcf098815f7abL, 0xa6d2ae2816157e2bL);
        machine.run("660f3adfc101");
        assertThat(machine.xmm(0)).isEqualTo("01eb848beb848a013424b5e524b5e434");
    }

    // ------------------------------------------------------------------ strings

    @Test
    void pcmpistriFindsTheEndOfAString() {
        // "equal each" of the text with zeros, masked negative: the usual strlen.
        machine.xmm(1, 0, 0x006F_6C6C_6548L); // "Hello"
        machine.xmm(0, 0, 0);
        machine.run("660f3a63c108"); // pcmpistri xmm0, xmm1, 8
        assertThat(cpu.r[Cpu.RCX]).isEqualTo(5);
        assertThat(cpu.flags() & Cpu.ZF).isNotZero();
    }

    @Test
    void pcmpestrmMarksCharactersOfARange() {
        machine.xmm(0, 0, 0x7A61); // a to z
        machine.xmm(1, 0, 0x5A78_4361_395F_6248L); // "Hb_9aCxZ", least byte first
        cpu.r[Cpu.RAX] = 2;
        cpu.r[Cpu.RDX] = 8;
        machine.run("660f3a60c104"); // pcmpestrm xmm0, xmm1, ranges
        assertThat(cpu.v[0]).isEqualTo(0b0101_0010);
        assertThat(cpu.v[1]).isZero();
    }

    @Test
    void ordinaryComparisonSetsTheThreeFlags() {
        machine.xmm(0, 0, Double.doubleToRawLongBits(1));
        machine.xmm(1, 0, Double.doubleToRawLongBits(2));
        machine.run("660f2ec1"); // ucomisd xmm0, xmm1
        assertThat(cpu.flags() & Cpu.ARITHMETIC).isEqualTo(Cpu.CF);
        machine.run("660f2ec8"); // ucomisd xmm1, xmm0
        assertThat(cpu.flags() & Cpu.ARITHMETIC).isZero();
        machine.xmm(1, 0, Double.doubleToRawLongBits(Double.NaN));
        machine.run("660f2ec1");
        assertThat(cpu.flags() & Cpu.ARITHMETIC).isEqualTo(Cpu.CF | Cpu.PF | Cpu.ZF);
        assertThat(cpu.mxcsr & 1).isZero();
        machine.run("660f2fc1"); // comisd
        assertThat(cpu.mxcsr & 1).isOne();
    }
}
