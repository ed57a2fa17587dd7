// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.system;

import dev.vitrine.processor.Interception;
import dev.vitrine.processor.Intercepts;
import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.ModelSpecific;

/**
 * Model-specific registers (SDM volume 4). Those that the processor does not own are the host's;
 * one that nobody knows gives #GP(0).
 */
public final class Msrs {
    private static final int TSC = 0x10;
    private static final int PLATFORM_ID = 0x17;
    private static final int FEATURE_CONTROL = 0x3A;
    private static final int TSC_ADJUST = 0x3B;
    private static final int BIOS_SIGN_ID = 0x8B;
    private static final int PLATFORM_INFO = 0xCE;
    private static final int MTRR_CAP = 0xFE;
    private static final int ARCH_CAPABILITIES = 0x10A;
    private static final int MISC_FEATURES_ENABLES = 0x140;
    private static final int SYSENTER_CS = 0x174;
    private static final int SYSENTER_ESP = 0x175;
    private static final int SYSENTER_EIP = 0x176;
    private static final int MCG_CAP = 0x179;
    private static final int MCG_STATUS = 0x17A;
    private static final int MISC_ENABLE = 0x1A0;
    private static final int DEBUGCTL = 0x1D9;
    private static final int MTRR_PHYS_FIRST = 0x200;
    private static final int PAT = 0x277;
    private static final int MTRR_DEF_TYPE = 0x2FF;
    private static final int TSC_DEADLINE = 0x6E0;
    private static final int XSS = 0xDA0;
    private static final int EFER = 0xC0000080;
    private static final int STAR = 0xC0000081;
    private static final int LSTAR = 0xC0000082;
    private static final int CSTAR = 0xC0000083;
    private static final int SFMASK = 0xC0000084;
    private static final int FS_BASE = 0xC0000100;
    private static final int GS_BASE = 0xC0000101;
    private static final int KERNEL_GS_BASE = 0xC0000102;
    private static final int TSC_AUX = 0xC0000103;

    /** 8 variable ranges, fixed ranges, write-combining. */
    private static final long MTRR_CAP_VALUE = ModelSpecific.VARIABLE_MTRRS | 1 << 8 | 1 << 10;

    /** CPUID faulting is available. */
    private static final long PLATFORM_INFO_VALUE = 1L << 31;

    private static final long CPUID_FAULTING = 1;

    /** Locked, with everything that it could enable off. */
    private static final long FEATURE_CONTROL_VALUE = 1;

    /** MISC_ENABLE: fast strings and limiting CPUID to leaf 3 can be switched. */
    private static final long MISC_FAST_STRINGS = 1;

    static final long MISC_LIMIT_CPUID = 1 << 22;

    /** MISC_ENABLE: no branch trace store, no PEBS. */
    private static final long MISC_FIXED = 1 << 11 | 1 << 12;

    /** Bits of MISC_ENABLE whose writing is ignored rather than refused. */
    private static final long MISC_IGNORED =
            MISC_FIXED | 1 << 3 | 1 << 7 | 1 << 16 | 1 << 18 | 1 << 23 | 1L << 34;

    /**
     * IA32_ARCH_CAPABILITIES: this processor does not speculate, so it has none of the flaws that
     * come from it. RDCL_NO 0, SKIP_L1DFL 3, SSB_NO 4, MDS_NO 5, PSCHANGE_MC_NO 6, TAA_NO 8,
     * SBDR_SSDP_NO 13, FBSDP_NO 14, PSDP_NO 15, BHI_NO 20, PBRSB_NO 24, GDS_NO 26, RFDS_NO 27,
     * ITS_NO 62.
     */
    private static final long ARCH_CAPABILITIES_VALUE =
            1 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 8 | 1 << 13 | 1 << 14 | 1 << 15 | 1 << 20
                    | 1 << 24 | 1 << 26 | 1 << 27 | 1L << 62;

    private Msrs() {}

    /** The time-stamp counter as RDTSC gives it. */
    static long timeStamp(Cpu cpu) {
        return cpu.host.timeStampCounter() + cpu.tscAdjust;
    }

    /** RDMSR instruction. */
    static void read(Cpu cpu) {
        if (cpu.cpl != 0) {
            throw cpu.gp(0);
        }
        long value = read(cpu, (int) cpu.r[Cpu.RCX]);
        cpu.r[Cpu.RAX] = value & 0xFFFFFFFFL;
        cpu.r[Cpu.RDX] = value >>> 32;
    }

    /** WRMSR instruction. */
    static void write(Cpu cpu) {
        if (cpu.cpl != 0) {
            throw cpu.gp(0);
        }
        long value = cpu.r[Cpu.RDX] << 32 | (cpu.r[Cpu.RAX] & 0xFFFFFFFFL);
        int msr = (int) cpu.r[Cpu.RCX];
        if ((cpu.passed & Intercepts.MSR) == 0 && cpu.intercepts.watches(msr)) {
            long old = read(cpu, msr);
            if (cpu.intercepts.wantsMsr(msr, value, old)) {
                throw cpu.intercept(new Interception.MsrWrite(msr, value, old));
            }
        }
        if (!cpu.mmu.discards()) {
            write(cpu, msr, value);
        }
    }

    /** Value of an MSR; raises #GP(0) if there is none of that number. */
    public static long read(Cpu cpu, int msr) {
        ModelSpecific m = cpu.msr;
        return switch (msr) {
            case TSC -> timeStamp(cpu);
            case PLATFORM_ID, MCG_CAP, MCG_STATUS, DEBUGCTL -> 0;
            case FEATURE_CONTROL -> FEATURE_CONTROL_VALUE;
            case TSC_ADJUST -> cpu.tscAdjust;
            case BIOS_SIGN_ID -> m.biosSignId;
            case PLATFORM_INFO -> PLATFORM_INFO_VALUE;
            case MTRR_CAP -> MTRR_CAP_VALUE;
            case ARCH_CAPABILITIES -> ARCH_CAPABILITIES_VALUE;
            case MISC_FEATURES_ENABLES -> m.miscFeatures;
            case SYSENTER_CS -> cpu.sysenterCs;
            case SYSENTER_ESP -> cpu.sysenterEsp;
            case SYSENTER_EIP -> cpu.sysenterEip;
            case MISC_ENABLE -> cpu.miscEnable | MISC_FIXED;
            case PAT -> cpu.pat;
            case MTRR_DEF_TYPE -> m.mtrrDefault;
            case XSS -> m.xss;
            case EFER -> cpu.efer;
            case STAR -> cpu.star;
            case LSTAR -> cpu.lstar;
            case CSTAR -> cpu.cstar;
            case SFMASK -> cpu.sfmask;
            case FS_BASE -> cpu.r[Cpu.R_SEG_BASE + Cpu.FS];
            case GS_BASE -> cpu.r[Cpu.R_SEG_BASE + Cpu.GS];
            case KERNEL_GS_BASE -> cpu.kernelGsBase;
            case TSC_AUX -> cpu.tscAux;
            default -> readOther(cpu, msr);
        };
    }

    private static long readOther(Cpu cpu, int msr) {
        int variable = msr - MTRR_PHYS_FIRST;
        if (variable >= 0 && variable < cpu.msr.mtrrVariable.length) {
            return cpu.msr.mtrrVariable[variable];
        }
        int fixed = fixedMtrr(msr);
        if (fixed >= 0) {
            return cpu.msr.mtrrFixed[fixed];
        }
        if (!cpu.host.readMsr(msr, cpu.msr.hostValue)) {
            throw cpu.gp(0);
        }
        long value = cpu.msr.hostValue[0];
        // The host's clock runs without the guest's adjustment.
        return msr == TSC_DEADLINE && value != 0 ? value + cpu.tscAdjust : value;
    }

    /** Sets an MSR; raises #GP(0) if there is none of that number or the value is not allowed. */
    public static void write(Cpu cpu, int msr, long value) {
        ModelSpecific m = cpu.msr;
        switch (msr) {
            case TSC -> cpu.tscAdjust = value - cpu.host.timeStampCounter();
            case TSC_ADJUST -> cpu.tscAdjust = value;
            case BIOS_SIGN_ID -> {
                // Writing 0 asks for the revision, which is there already.
            }
            case MISC_FEATURES_ENABLES -> {
                require(cpu, (value & ~CPUID_FAULTING) == 0);
                m.miscFeatures = value;
            }
            case SYSENTER_CS -> cpu.sysenterCs = value & 0xFFFFFFFFL;
            case SYSENTER_ESP -> cpu.sysenterEsp = canonical(cpu, value);
            case SYSENTER_EIP -> cpu.sysenterEip = canonical(cpu, value);
            case MISC_ENABLE -> {
                long switches = MISC_FAST_STRINGS | MISC_LIMIT_CPUID;
                require(cpu, (value & ~(switches | MISC_IGNORED)) == 0);
                cpu.miscEnable = value & switches;
            }
            case MCG_STATUS, DEBUGCTL -> require(cpu, value == 0);
            case PAT -> {
                require(cpu, validPat(value));
                cpu.pat = value;
            }
            case MTRR_DEF_TYPE -> {
                require(cpu, (value & ~0xCFFL) == 0 && validType((int) value & 0xFF));
                m.mtrrDefault = value;
            }
            case XSS -> {
                require(cpu, value == 0);
                m.xss = value;
            }
            case EFER -> ControlRegisters.setEfer(cpu, value);
            case STAR -> cpu.star = value;
            case LSTAR -> cpu.lstar = canonical(cpu, value);
            case CSTAR -> cpu.cstar = canonical(cpu, value);
            case SFMASK -> {
                require(cpu, value >>> 32 == 0);
                cpu.sfmask = value;
            }
            case FS_BASE -> setBase(cpu, Cpu.FS, canonical(cpu, value));
            case GS_BASE -> setBase(cpu, Cpu.GS, canonical(cpu, value));
            case KERNEL_GS_BASE -> cpu.kernelGsBase = canonical(cpu, value);
            case TSC_AUX -> {
                require(cpu, value >>> 32 == 0);
                cpu.tscAux = value;
            }
            default -> writeOther(cpu, msr, value);
        }
    }

    private static void writeOther(Cpu cpu, int msr, long value) {
        int variable = msr - MTRR_PHYS_FIRST;
        if (variable >= 0 && variable < cpu.msr.mtrrVariable.length) {
            long high = -(1L << PageWalker.PHYSICAL_BITS);
            if ((variable & 1) == 0) {
                require(cpu, (value & (high | 0xF00)) == 0 && validType((int) value & 0xFF));
            } else {
                require(cpu, (value & (high | 0x7FF)) == 0);
            }
            cpu.msr.mtrrVariable[variable] = value;
            return;
        }
        int fixed = fixedMtrr(msr);
        if (fixed >= 0) {
            for (int shift = 0; shift < 64; shift += 8) {
                require(cpu, validType((int) (value >>> shift) & 0xFF));
            }
            cpu.msr.mtrrFixed[fixed] = value;
            return;
        }
        if (isReadOnly(msr)) {
            throw cpu.gp(0);
        }
        long host = msr == TSC_DEADLINE && value != 0 ? value - cpu.tscAdjust : value;
        require(cpu, cpu.host.writeMsr(msr, host));
    }

    private static boolean isReadOnly(int msr) {
        return switch (msr) {
            case PLATFORM_ID,
                    FEATURE_CONTROL,
                    PLATFORM_INFO,
                    MTRR_CAP,
                    ARCH_CAPABILITIES,
                    MCG_CAP ->
                    true;
            default -> false;
        };
    }

    /** Sets the base of FS or GS. */
    static void setBase(Cpu cpu, int seg, long base) {
        cpu.segment[seg].base = base;
        cpu.r[Cpu.R_SEG_BASE + seg] = base;
    }

    static boolean cpuidFaults(Cpu cpu) {
        return (cpu.msr.miscFeatures & CPUID_FAULTING) != 0 && cpu.cpl != 0;
    }

    private static int fixedMtrr(int msr) {
        return switch (msr) {
            case 0x250 -> 0;
            case 0x258 -> 1;
            case 0x259 -> 2;
            default -> msr >= 0x268 && msr <= 0x26F ? msr - 0x268 + 3 : -1;
        };
    }

    /** Memory types of MTRRs: UC, WC, WT, WP, WB. */
    private static boolean validType(int type) {
        return type == 0 || type == 1 || (type >= 4 && type <= 6);
    }

    private static boolean validPat(long value) {
        for (int shift = 0; shift < 64; shift += 8) {
            int type = (int) (value >>> shift) & 0xFF;
            if (!validType(type) && type != 7) {
                return false;
            }
        }
        return true;
    }

    private static long canonical(Cpu cpu, long value) {
        require(cpu, Canonical.is(value));
        return value;
    }

    private static void require(Cpu cpu, boolean allowed) {
        if (!allowed) {
            throw cpu.gp(0);
        }
    }
}
