// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.system;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Feature;
import dev.vitrine.processor.decode.Form;
import dev.vitrine.processor.decode.InstructionTable;

import java.nio.charset.StandardCharsets;
import java.util.EnumSet;
import java.util.Set;

/**
 * What CPUID answers (SDM volume 2, CPUID). Instruction-set bits come from the features that rows
 * of the instruction table name; what is no instruction is listed here. The host has the last word.
 */
public final class CpuidTable {
    private static final int MAX_BASIC = 0x16;
    private static final int MAX_EXTENDED = 0x80000008;
    private static final int HYPERVISOR_LEAVES = 0x4000;

    // Leaf 1: features that are no instructions.
    private static final int LEAF1_EDX =
            1 << 2 // DE
                    | 1 << 3 // PSE
                    | 1 << 6 // PAE
                    | 1 << 9 // APIC
                    | 1 << 12 // MTRR
                    | 1 << 13 // PGE
                    | 1 << 16 // PAT
                    | 1 << 17; // PSE-36
    private static final int LEAF1_ECX =
            1 << 17 // PCID
                    | 1 << 21 // x2APIC
                    | 1 << 24 // TSC deadline
                    | 1 << 31; // hypervisor present
    private static final int OSXSAVE = 1 << 27;

    // Leaf 7.
    private static final int LEAF7_EBX =
            1 << 1 // IA32_TSC_ADJUST
                    | 1 << 6 // x87 data pointer updated on exceptions only
                    | 1 << 7 // SMEP
                    | 1 << 9 // ERMS
                    | 1 << 13; // FPU CS and DS deprecated
    private static final int LEAF7_ECX = 1 << 2; // UMIP
    private static final int LEAF7_EDX =
            1 << 4 // FSRM
                    | 1 << 29; // IA32_ARCH_CAPABILITIES
    private static final int LEAF7_1_EAX =
            1 << 10 // fast zero-length REP MOVSB
                    | 1 << 11 // fast short REP STOSB
                    | 1 << 12; // fast short REP CMPSB and SCASB

    // Leaf 0x80000001.
    private static final int EXTENDED_EDX =
            1 << 20 // NX
                    | 1 << 26; // 1 GiB pages

    /** XSAVE components: x87, SSE, AVX. */
    static final long XCR0_SUPPORTED = 7;

    private static final int XSAVE_LEGACY = 576;
    private static final int XSAVE_AVX = 256;

    private static final byte[] BRAND = "Vitrine Virtual CPU".getBytes(StandardCharsets.US_ASCII);

    private CpuidTable() {}

    /** The table's features; a holder, so that the table is read when CPUID is first executed. */
    private static final class Reported {
        static final Set<Feature> FEATURES = EnumSet.noneOf(Feature.class);

        static {
            for (Form form : InstructionTable.forms()) {
                FEATURES.add(form.feature);
            }
        }

        static int bits(int leaf, int subleaf, int register) {
            int bits = 0;
            for (Feature f : FEATURES) {
                if (f.leaf == leaf && f.subleaf == subleaf && f.register == register) {
                    bits |= 1 << f.bit;
                }
            }
            return bits;
        }

        static final int LEAF1_ECX = bits(1, 0, Feature.ECX);
        static final int LEAF1_EDX = bits(1, 0, Feature.EDX);
        static final int LEAF7_EBX = bits(7, 0, Feature.EBX);
        static final int LEAF7_ECX = bits(7, 0, Feature.ECX);
        static final int LEAF7_EDX = bits(7, 0, Feature.EDX);
        static final int LEAF_D_1_EAX = bits(0xD, 1, Feature.EAX);
        static final int EXTENDED_ECX = bits(0x80000001, 0, Feature.ECX);
        static final int EXTENDED_EDX = bits(0x80000001, 0, Feature.EDX);
    }

    /** Whether the instruction table implements the feature. */
    public static boolean has(Feature feature) {
        return Reported.FEATURES.contains(feature);
    }

    /** CPUID instruction. */
    static void require(Cpu cpu) {
        if (Msrs.cpuidFaults(cpu)) {
            throw cpu.gp(0);
        }
    }

    /** Puts the answer into the registers. */
    public static void execute(Cpu cpu) {
        int[] regs = cpu.msr.cpuid;
        query(cpu, (int) cpu.r[Cpu.RAX], (int) cpu.r[Cpu.RCX], regs);
        cpu.r[Cpu.RAX] = regs[0] & 0xFFFFFFFFL;
        cpu.r[Cpu.RBX] = regs[1] & 0xFFFFFFFFL;
        cpu.r[Cpu.RCX] = regs[2] & 0xFFFFFFFFL;
        cpu.r[Cpu.RDX] = regs[3] & 0xFFFFFFFFL;
    }

    /**
     * Answers a leaf: the processor's own values, changed by the host.
     *
     * @param regs receives EAX, EBX, ECX and EDX
     */
    public static void query(Cpu cpu, int leaf, int subleaf, int[] regs) {
        int max = (cpu.miscEnable & Msrs.MISC_LIMIT_CPUID) != 0 ? 3 : MAX_BASIC;
        int effective = leaf;
        if (leaf >>> 16 != HYPERVISOR_LEAVES) {
            int top = leaf < 0 ? MAX_EXTENDED : max;
            if (leaf < 0 ? Integer.compareUnsigned(leaf, top) > 0 : leaf > top) {
                // Beyond the last leaf processors answer the last basic one.
                effective = max;
            }
        }
        regs[0] = 0;
        regs[1] = 0;
        regs[2] = 0;
        regs[3] = 0;
        if (effective < 0) {
            extended(effective, regs);
        } else {
            basic(cpu, effective, subleaf, max, regs);
        }
        cpu.host.cpuid(leaf, subleaf, regs);
    }

    private static void set(int[] regs, int a, int b, int c, int d) {
        regs[0] = a;
        regs[1] = b;
        regs[2] = c;
        regs[3] = d;
    }

    private static void basic(Cpu cpu, int leaf, int subleaf, int max, int[] regs) {
        switch (leaf) {
            case 0 -> set(regs, max, 0x756E6547, 0x6C65746E, 0x49656E69); // GenuineIntel
            case 1 -> {
                int ecx = Reported.LEAF1_ECX | LEAF1_ECX;
                if ((cpu.cr4 & Cpu.CR4_OSXSAVE) != 0) {
                    ecx |= OSXSAVE;
                }
                // One logical processor with APIC id 0, unless the host says otherwise.
                set(regs, Cpu.SIGNATURE, 8 << 8 | 1 << 16, ecx, Reported.LEAF1_EDX | LEAF1_EDX);
            }
            case 2 -> set(regs, 0x00FEFF01, 0, 0, 0); // caches: see leaf 4
            case 4 -> cache(subleaf, regs);
            case 6 -> regs[0] = 1 << 2; // ARAT
            case 7 -> {
                if (subleaf == 0) {
                    set(
                            regs,
                            1,
                            Reported.LEAF7_EBX | LEAF7_EBX,
                            Reported.LEAF7_ECX | LEAF7_ECX,
                            Reported.LEAF7_EDX | LEAF7_EDX);
                } else if (subleaf == 1) {
                    regs[0] = LEAF7_1_EAX;
                }
            }
            case 0xB -> topology(subleaf, regs);
            case 0xD -> stateComponents(cpu, subleaf, regs);
            case 0x15 -> {
                // TSC = crystal clock * 1 / 1. Beyond 32 bits the ratio takes the factor 2.
                long hertz = cpu.host.timeStampFrequency();
                if (hertz != 0) {
                    boolean fits = hertz >>> 32 == 0;
                    set(regs, 1, fits ? 1 : 2, (int) (fits ? hertz : hertz / 2), 0);
                }
            }
            case 0x16 -> {
                int megahertz = (int) (cpu.host.timeStampFrequency() / 1_000_000);
                set(regs, megahertz, megahertz, megahertz == 0 ? 0 : 100, 0);
            }
            default -> {}
        }
    }

    /** Leaf 4: 32 KiB data and instruction caches, 1 MiB and 16 MiB unified, lines of 64 bytes. */
    private static void cache(int subleaf, int[] regs) {
        switch (subleaf) {
            case 0 -> cache(regs, 1, 1, 8, 64);
            case 1 -> cache(regs, 2, 1, 8, 64);
            case 2 -> cache(regs, 3, 2, 16, 1024);
            case 3 -> cache(regs, 3, 3, 16, 16384);
            default -> {}
        }
    }

    private static void cache(int[] regs, int type, int level, int ways, int sets) {
        set(regs, type | level << 5 | 1 << 8, 63 | (ways - 1) << 22, sets - 1, 0);
    }

    /** Leaf 0xB for a single processor; the host knows the real topology. */
    private static void topology(int subleaf, int[] regs) {
        switch (subleaf) {
            case 0 -> set(regs, 0, 1, 1 << 8, 0);
            case 1 -> set(regs, 0, 1, 2 << 8 | 1, 0);
            default -> regs[2] = subleaf & 0xFF;
        }
    }

    private static void stateComponents(Cpu cpu, int subleaf, int[] regs) {
        int all = XSAVE_LEGACY + XSAVE_AVX;
        int enabled = (cpu.xcr0 & 4) != 0 ? all : XSAVE_LEGACY;
        switch (subleaf) {
            case 0 -> set(regs, (int) XCR0_SUPPORTED, enabled, all, 0);
            case 1 -> set(regs, Reported.LEAF_D_1_EAX, enabled, 0, 0);
            case 2 -> set(regs, XSAVE_AVX, XSAVE_LEGACY, 0, 0);
            default -> {}
        }
    }

    private static void extended(int leaf, int[] regs) {
        switch (leaf & 0xFF) {
            case 0 -> regs[0] = MAX_EXTENDED;
            case 1 -> set(regs, 0, 0, Reported.EXTENDED_ECX, Reported.EXTENDED_EDX | EXTENDED_EDX);
            case 2, 3, 4 -> {
                int at = ((leaf & 0xFF) - 2) * 16;
                set(regs, brand(at), brand(at + 4), brand(at + 8), brand(at + 12));
            }
            case 6 -> regs[2] = 64 | 8 << 12 | 1024 << 16; // L2: 64-byte lines, 16 ways, KiB
            case 7 -> regs[3] = 1 << 8; // invariant TSC
            case 8 -> regs[0] = PageWalker.PHYSICAL_BITS | PageWalker.LINEAR_BITS << 8;
            default -> {}
        }
    }

    private static int brand(int at) {
        int word = 0;
        for (int n = 3; n >= 0; n--) {
            word = word << 8 | (at + n < BRAND.length ? BRAND[at + n] : 0);
        }
        return word;
    }
}
