// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.system;

import static dev.vitrine.processor.asm.Reg.*;
import static dev.vitrine.processor.system.Machine.*;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Vector;
import dev.vitrine.processor.decode.Feature;
import dev.vitrine.processor.decode.Form;
import dev.vitrine.processor.decode.InstructionTable;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.EnumSet;

/** CPUID, MSRs, the time-stamp counter and XCR0. */
class IdentificationTest {
    private final Machine m = new Machine().long64();

    @AfterEach
    void close() {
        m.close();
    }

    private int[] cpuid(int leaf, int subleaf) {
        int[] regs = new int[4];
        CpuidTable.query(m.cpu, leaf, subleaf, regs);
        return regs;
    }

    /** RDMSR in the guest; the vector of the fault or -1. */
    private int rdmsr(int msr) {
        try (Machine n = new Machine().long64()) {
            n.code(64, a -> a.mov(ECX, msr & 0xFFFFFFFFL).rdmsr());
            return n.runToHandler();
        }
    }

    private int wrmsr(int msr, long value) {
        try (Machine n = new Machine().long64()) {
            n.code(
                    64,
                    a ->
                            a.mov(ECX, msr & 0xFFFFFFFFL)
                                    .mov(EAX, value & 0xFFFFFFFFL)
                                    .mov(EDX, value >>> 32)
                                    .wrmsr());
            return n.runToHandler();
        }
    }

    @Test
    void vendorAndBrand() {
        int[] leaf = cpuid(0, 0);
        ByteBuffer vendor = ByteBuffer.allocate(12).order(ByteOrder.LITTLE_ENDIAN);
        vendor.putInt(leaf[1]).putInt(leaf[3]).putInt(leaf[2]);
        assertThat(new String(vendor.array(), StandardCharsets.US_ASCII)).isEqualTo("GenuineIntel");
        ByteBuffer brand = ByteBuffer.allocate(48).order(ByteOrder.LITTLE_ENDIAN);
        for (int n = 0; n < 3; n++) {
            for (int reg : cpuid(0x80000002 + n, 0)) {
                brand.putInt(reg);
            }
        }
        assertThat(new String(brand.array(), StandardCharsets.US_ASCII).trim())
                .isEqualTo("Vitrine Virtual CPU");
    }

    @Test
    void featureBitsAreThoseOfTheInstructionTable() {
        EnumSet<Feature> implemented = EnumSet.noneOf(Feature.class);
        for (Form form : InstructionTable.forms()) {
            implemented.add(form.feature);
        }
        for (Feature f : Feature.values()) {
            if (f.leaf != -1) {
                boolean reported = (cpuid(f.leaf, f.subleaf)[f.register] >>> f.bit & 1) != 0;
                assertThat(reported).as(f.name()).isEqualTo(implemented.contains(f));
            }
        }
        assertThat(implemented).contains(Feature.AVX2, Feature.SHA, Feature.XSAVES);
    }

    @Test
    void nothingIsReportedThatIsMissing() {
        int[] one = cpuid(1, 0);
        assertThat(one[2] & (1 << 3 | 1 << 5 | 1 << 6 | 1 << 15)).as("MWAIT VMX SMX PDCM").isZero();
        assertThat(one[3] & (1 << 1 | 1 << 7 | 1 << 14 | 1 << 21)).as("VME MCE MCA DS").isZero();
        int[] seven = cpuid(7, 0);
        assertThat(seven[1] & (1 << 4 | 1 << 11 | 1 << 16)).as("HLE RTM AVX512F").isZero();
        assertThat(seven[2] & (1 << 3 | 1 << 16)).as("PKU LA57").isZero();
        assertThat(seven[3] & (3 << 26 | 1 << 31)).as("IBRS STIBP SSBD").isZero();
    }

    @Test
    void osxsaveFollowsCr4AndStateSizesFollowXcr0() {
        assertThat(cpuid(1, 0)[2] & 1 << 27).isZero();
        m.cpu.cr4 |= Cpu.CR4_OSXSAVE;
        assertThat(cpuid(1, 0)[2] & 1 << 27).isNotZero();
        assertThat(cpuid(0xD, 0)).containsExactly(7, 576, 832, 0);
        m.cpu.xcr0 = 7;
        assertThat(cpuid(0xD, 0)).containsExactly(7, 832, 832, 0);
        assertThat(cpuid(0xD, 2)).containsExactly(256, 576, 0, 0);
    }

    @Test
    void leavesBeyondTheLastAnswerTheLastBasicOne() {
        m.tscFrequency = 2_000_000_000;
        assertThat(cpuid(0x1234, 0)).isEqualTo(cpuid(0x16, 0));
        assertThat(cpuid(0x80000009, 0)).isEqualTo(cpuid(0x16, 0));
        assertThat(cpuid(0x15, 0)).containsExactly(1, 1, 2_000_000_000, 0);
        assertThat(cpuid(0x40000000, 0)[0]).as("the host's").isEqualTo(0x40000005);
        assertThat(cpuid(0x40000001, 0)).containsExactly(0, 0, 0, 0);
    }

    @Test
    void cpuidFaultingConcernsUsersOnly() {
        m.cpu.msr.miscFeatures = 1;
        m.code(64, a -> a.xor(EAX, EAX).cpuid());
        assertThat(m.runToHandler()).isEqualTo(-1);
        assertThat(m.cpu.r[Cpu.RAX]).isEqualTo(0x16);
        m.user().code(64, USER_CODE, a -> a.cpuid());
        assertThat(m.runToHandler()).isEqualTo(Vector.GP);
    }

    @Test
    void unknownMsrsFault() {
        assertThat(rdmsr(0xDEAD)).isEqualTo(Vector.GP);
        assertThat(wrmsr(0xDEAD, 0)).isEqualTo(Vector.GP);
        assertThat(rdmsr(0x48)).as("SPEC_CTRL").isEqualTo(Vector.GP);
        assertThat(rdmsr(0x1B)).as("the host has it").isEqualTo(-1);
    }

    @Test
    void msrValuesAreChecked() {
        assertThat(wrmsr(0xC0000080, 1 << 14)).as("EFER.FFXSR").isEqualTo(Vector.GP);
        assertThat(wrmsr(0xC0000080, 0xD01 & ~0x100))
                .as("LME off with paging")
                .isEqualTo(Vector.GP);
        assertThat(wrmsr(0xC0000082, 1L << 47)).as("LSTAR").isEqualTo(Vector.GP);
        assertThat(wrmsr(0xC0000100, 1L << 63)).as("FS_BASE").isEqualTo(Vector.GP);
        assertThat(wrmsr(0xC0000103, 1L << 32)).as("TSC_AUX").isEqualTo(Vector.GP);
        assertThat(wrmsr(0x277, 2)).as("PAT type 2").isEqualTo(Vector.GP);
        assertThat(wrmsr(0x277, 0x0007040600070406L)).as("PAT").isEqualTo(-1);
        assertThat(wrmsr(0x1D9, 1)).as("LBR").isEqualTo(Vector.GP);
        assertThat(wrmsr(0x1D9, 0)).isEqualTo(-1);
        assertThat(wrmsr(0x10A, 0)).as("read-only").isEqualTo(Vector.GP);
        assertThat(wrmsr(0x2FF, 0xC02)).as("MTRR type 2").isEqualTo(Vector.GP);
        assertThat(wrmsr(0x200, 1L << 46 | 6)).as("MTRR beyond memory").isEqualTo(Vector.GP);
        assertThat(wrmsr(0x26F, 0x0606060606060600L)).as("fixed MTRR").isEqualTo(-1);
        assertThat(wrmsr(0x8B, 0)).as("microcode signature").isEqualTo(-1);
        assertThat(wrmsr(0x140, 2)).as("MISC_FEATURES").isEqualTo(Vector.GP);
        assertThat(wrmsr(0xDA0, 1 << 8)).as("XSS").isEqualTo(Vector.GP);
    }

    @Test
    void processorSaysItIsImmune() {
        long caps = Msrs.read(m.cpu, 0x10A);
        for (int bit : new int[] {0, 3, 4, 5, 6, 8, 13, 14, 15, 20, 24, 26, 27, 62}) {
            assertThat(caps >>> bit & 1).as("bit " + bit).isEqualTo(1);
        }
        assertThat(cpuid(7, 0)[3] & 1 << 29).isNotZero();
        assertThat(Msrs.read(m.cpu, 0x2FF)).isEqualTo(0xC06);
        assertThat(Msrs.read(m.cpu, 0xCE) & 1L << 31).isNotZero();
        assertThat(m.cpu.r[Cpu.RDX]).isNotEqualTo(-1);
    }

    @Test
    void timeStampCounterIsAdjustedByWritingIt() {
        m.tsc = 5000;
        Msrs.write(m.cpu, 0x10, 100);
        assertThat(Msrs.read(m.cpu, 0x3B)).isEqualTo(100 - 5000);
        m.tsc = 5100;
        m.cpu.tscAux = 3;
        m.code(64, a -> a.rdtscp());
        assertThat(m.runToHandler()).isEqualTo(-1);
        assertThat(m.cpu.r[Cpu.RAX]).isEqualTo(200);
        assertThat(m.cpu.r[Cpu.RDX]).isZero();
        assertThat(m.cpu.r[Cpu.RCX]).isEqualTo(3);
        m.cpu.cr4 |= Cpu.CR4_TSD;
        m.user().code(64, USER_CODE, a -> a.rdtsc());
        assertThat(m.runToHandler()).isEqualTo(Vector.GP);
    }

    @Test
    void xsetbvChecksItsValue() {
        m.code(64, a -> a.xgetbv());
        assertThat(m.runToHandler()).as("without OSXSAVE").isEqualTo(Vector.UD);
        int[] good = {1, 3, 7};
        int[] bad = {0, 2, 5, 6, 0x17};
        for (int value : good) {
            assertThat(xsetbv(value)).as("XCR0 " + value).isEqualTo(-1);
        }
        for (int value : bad) {
            assertThat(xsetbv(value)).as("XCR0 " + value).isEqualTo(Vector.GP);
        }
    }

    private static int xsetbv(int value) {
        try (Machine n = new Machine().long64()) {
            n.cpu.cr4 |= Cpu.CR4_OSXSAVE;
            n.code(64, a -> a.xor(ECX, ECX).xor(EDX, EDX).mov(EAX, value).xsetbv().xgetbv());
            int vector = n.runToHandler();
            if (vector == -1) {
                assertThat(n.cpu.r[Cpu.RAX]).isEqualTo(value);
            }
            return vector;
        }
    }

    @Test
    void smapInstructionsAreUndefinedForUsers() {
        m.user().code(64, USER_CODE, a -> a.stac());
        assertThat(m.runToHandler()).isEqualTo(Vector.UD);
    }
}
