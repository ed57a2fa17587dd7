// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.system;

import dev.vitrine.processor.Intercepts;
import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.PagingStructures;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Operand;

/** MOV to and from control registers, LMSW, SMSW, CLTS and EFER (SDM volume 3, 2.5 and 4.1). */
public final class ControlRegisters {
    private static final long CR0_DEFINED = 0xE005003FL;

    /** CR4 bits of features that CPUID reports; all others raise #GP. */
    private static final long CR4_DEFINED =
            Cpu.CR4_TSD
                    | Cpu.CR4_DE
                    | Cpu.CR4_PSE
                    | Cpu.CR4_PAE
                    | Cpu.CR4_PGE
                    | Cpu.CR4_PCE
                    | Cpu.CR4_OSFXSR
                    | Cpu.CR4_OSXMMEXCPT
                    | Cpu.CR4_UMIP
                    | Cpu.CR4_FSGSBASE
                    | Cpu.CR4_PCIDE
                    | Cpu.CR4_OSXSAVE
                    | Cpu.CR4_SMEP
                    | Cpu.CR4_SMAP;

    /** A change of these makes cached translations wrong. */
    private static final long CR4_PAGING =
            Cpu.CR4_PSE | Cpu.CR4_PAE | Cpu.CR4_PGE | Cpu.CR4_PCIDE | Cpu.CR4_SMEP | Cpu.CR4_SMAP;

    private static final long CR0_PAGING = Cpu.CR0_PE | Cpu.CR0_WP | Cpu.CR0_PG;
    private static final long EFER_WRITABLE = Cpu.EFER_SCE | Cpu.EFER_LME | Cpu.EFER_NXE;

    /** Reserved bits of a present PDPTE. */
    private static final long PDPTE_RESERVED = -(1L << PageWalker.PHYSICAL_BITS) | 0b1_1110_0110L;

    private ControlRegisters() {}

    /** MOV_CR in both directions. */
    static void move(Cpu cpu, Instruction i) {
        boolean write = i.kind[0] == Operand.CR;
        int number = write ? i.reg[0] : i.reg[1];
        if (number != 0 && (number < 2 || number > 4) && number != 8) {
            throw cpu.ud();
        }
        if (cpu.cpl != 0) {
            throw cpu.gp(0);
        }
        if (!write) {
            cpu.writeRegister(i.reg[0], cpu.mode64() ? 8 : 4, read(cpu, number));
            return;
        }
        long value = cpu.r[i.reg[1]];
        write(cpu, number, cpu.mode64() ? value : value & 0xFFFFFFFFL);
    }

    private static long read(Cpu cpu, int number) {
        return switch (number) {
            case 0 -> cpu.cr0;
            case 2 -> cpu.cr2;
            case 3 -> cpu.cr3;
            case 4 -> cpu.cr4;
            default -> cpu.host.readTaskPriority() & 15;
        };
    }

    private static void write(Cpu cpu, int number, long value) {
        switch (number) {
            case 0 -> setCr0(cpu, value);
            case 2 -> cpu.cr2 = value;
            case 3 -> setCr3(cpu, value);
            case 4 -> setCr4(cpu, value);
            default -> {
                if (value >>> 4 != 0) {
                    throw cpu.gp(0);
                }
                cpu.host.writeTaskPriority((int) value);
            }
        }
    }

    // ------------------------------------------------------------------- CR0

    /** Sets CR0 with all checks and effects of MOV to CR0; #GP(0) if the value is not allowed. */
    public static void setCr0(Cpu cpu, long requested) {
        if (requested >>> 32 != 0) {
            throw cpu.gp(0);
        }
        long value = (requested & CR0_DEFINED) | Cpu.CR0_ET;
        boolean paging = (value & Cpu.CR0_PG) != 0;
        if ((paging && (value & Cpu.CR0_PE) == 0)
                || ((value & Cpu.CR0_NW) != 0 && (value & Cpu.CR0_CD) == 0)) {
            throw cpu.gp(0);
        }
        cpu.beforeControlWrite(0, value, cpu.cr0);
        long changed = value ^ cpu.cr0;
        if ((changed & Cpu.CR0_PG) != 0) {
            if (paging) {
                enablePaging(cpu);
            } else {
                disablePaging(cpu);
            }
        } else if (paging
                && (changed & (Cpu.CR0_CD | Cpu.CR0_NW)) != 0
                && usesPdptes(cpu, cpu.cr4)) {
            loadPdptes(cpu, cpu.cr3);
        }
        cpu.cr0 = value;
        if ((changed & CR0_PAGING) != 0) {
            cpu.mmu.flushAll();
        }
        cpu.modeChanged();
    }

    private static void enablePaging(Cpu cpu) {
        if ((cpu.efer & Cpu.EFER_LME) != 0) {
            boolean busy16 = (cpu.tr.attributes & 0x1F) == Descriptors.TSS16_BUSY;
            if ((cpu.cr4 & Cpu.CR4_PAE) == 0
                    || (cpu.segment[Cpu.CS].attributes & 0x2000) != 0
                    || busy16) {
                throw cpu.gp(0);
            }
            cpu.efer |= Cpu.EFER_LMA;
        } else if ((cpu.cr4 & Cpu.CR4_PAE) != 0) {
            loadPdptes(cpu, cpu.cr3);
        }
    }

    private static void disablePaging(Cpu cpu) {
        if (cpu.mode64() || (cpu.cr4 & Cpu.CR4_PCIDE) != 0) {
            throw cpu.gp(0);
        }
        cpu.efer &= ~Cpu.EFER_LMA;
    }

    /** LMSW: PE (set only), MP, EM and TS. */
    static void loadMachineStatus(Cpu cpu, int value) {
        long old = cpu.cr0;
        long next = (old & ~0xEL) | (value & 0xF);
        cpu.beforeControlWrite(0, next, old);
        cpu.cr0 = next;
        if (((old ^ next) & Cpu.CR0_PE) != 0) {
            cpu.mmu.flushAll();
        }
        cpu.modeChanged();
    }

    // ------------------------------------------------------------------- CR3

    private static boolean usesPdptes(Cpu cpu, long cr4) {
        return (cr4 & Cpu.CR4_PAE) != 0 && !cpu.longMode();
    }

    /** Loads the PDPTE registers; #GP(0), with the old ones kept, if a present one is malformed. */
    private static void loadPdptes(Cpu cpu, long cr3) {
        PagingStructures structures = cpu.mmu.structures();
        long table = cr3 & 0xFFFFFFE0L;
        for (int n = 0; n < 4; n++) {
            long e = structures.walk64(table + 8 * n, PagingStructures.NO_ADDRESS);
            if ((e & 1) != 0 && (e & PDPTE_RESERVED) != 0) {
                throw cpu.gp(0);
            }
        }
        for (int n = 0; n < 4; n++) {
            cpu.pdpte[n] = structures.load64(table + 8 * n);
        }
    }

    /** MOV to CR3. With CR4.PCIDE, bit 63 keeps what is cached for the new PCID. */
    public static void setCr3(Cpu cpu, long requested) {
        boolean pcid = (cpu.cr4 & Cpu.CR4_PCIDE) != 0;
        boolean keep = pcid && requested < 0;
        long value = pcid ? requested & Long.MAX_VALUE : requested;
        if (value >>> PageWalker.PHYSICAL_BITS != 0) {
            throw cpu.gp(0);
        }
        cpu.beforeControlWrite(3, value, cpu.cr3);
        if ((cpu.cr0 & Cpu.CR0_PG) != 0 && usesPdptes(cpu, cpu.cr4)) {
            loadPdptes(cpu, value);
        }
        cpu.cr3 = value;
        cpu.mmu.addressSpaceChanged(keep);
    }

    /** CR3 of a TSS: as MOV to CR3, but an unchanged value does nothing. */
    static void loadCr3ForTask(Cpu cpu, long value) {
        if (value != cpu.cr3) {
            // It has been shown before the task switch began.
            int was = cpu.passed;
            cpu.passed |= Intercepts.CONTROL;
            try {
                setCr3(cpu, value);
            } finally {
                cpu.passed = was;
            }
        }
    }

    // ------------------------------------------------------------------- CR4

    /** Sets CR4 with all checks and effects of MOV to CR4; #GP(0) if the value is not allowed. */
    public static void setCr4(Cpu cpu, long value) {
        long changed = value ^ cpu.cr4;
        if ((value & ~CR4_DEFINED) != 0) {
            throw cpu.gp(0);
        }
        if (cpu.longMode() && (value & Cpu.CR4_PAE) == 0) {
            throw cpu.gp(0);
        }
        if ((changed & value & Cpu.CR4_PCIDE) != 0 && (!cpu.longMode() || (cpu.cr3 & 0xFFF) != 0)) {
            throw cpu.gp(0);
        }
        cpu.beforeControlWrite(4, value, cpu.cr4);
        long reload = Cpu.CR4_PAE | Cpu.CR4_PGE | Cpu.CR4_PSE | Cpu.CR4_SMEP;
        if ((cpu.cr0 & Cpu.CR0_PG) != 0 && (changed & reload) != 0 && usesPdptes(cpu, value)) {
            loadPdptes(cpu, cpu.cr3);
        }
        cpu.cr4 = value;
        if ((changed & CR4_PAGING) != 0) {
            cpu.mmu.flushAll();
        }
        cpu.modeChanged();
    }

    // ------------------------------------------------------------------ EFER

    /** WRMSR to IA32_EFER: LMA is kept; LME cannot change while paging is on. */
    static void setEfer(Cpu cpu, long requested) {
        if ((requested & ~(EFER_WRITABLE | Cpu.EFER_LMA)) != 0) {
            throw cpu.gp(0);
        }
        long changed = requested ^ cpu.efer;
        if ((changed & Cpu.EFER_LME) != 0 && (cpu.cr0 & Cpu.CR0_PG) != 0) {
            throw cpu.gp(0);
        }
        cpu.efer = (requested & EFER_WRITABLE) | (cpu.efer & Cpu.EFER_LMA);
        if ((changed & Cpu.EFER_NXE) != 0) {
            cpu.mmu.flushAll();
        }
        cpu.modeChanged();
    }
}
