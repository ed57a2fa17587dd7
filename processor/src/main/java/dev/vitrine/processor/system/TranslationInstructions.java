// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.system;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Instruction;

/** INVLPG and INVPCID (SDM volume 3, 4.10.4.1). */
final class TranslationInstructions {
    private static final int INDIVIDUAL = 0;
    private static final int SINGLE_CONTEXT = 1;
    private static final int ALL_WITH_GLOBAL = 2;
    private static final int ALL = 3;

    private TranslationInstructions() {}

    /** Segment limits do not matter, and an address that is not canonical does nothing. */
    static void invlpg(Cpu cpu, Instruction i) {
        if (cpu.cpl != 0) {
            throw cpu.gp(0);
        }
        long la = cpu.offset(i);
        if (!cpu.mode64()) {
            la = (la + cpu.r[Cpu.R_SEG_BASE + i.segment]) & 0xFFFFFFFFL;
        } else if (i.segment >= Cpu.FS) {
            la += cpu.r[Cpu.R_SEG_BASE + i.segment];
        }
        if (Canonical.is(la)) {
            cpu.mmu.invalidatePage(la);
        }
    }

    static void invpcid(Cpu cpu, Instruction i) {
        if (cpu.v86() || cpu.cpl != 0) {
            throw cpu.gp(0);
        }
        long type = Cpu.truncate(cpu.r[i.reg[0]], cpu.mode64() ? 8 : 4);
        long at = cpu.linear(i, 16, false);
        long pcid = cpu.load(at, 8);
        long address = cpu.load(at + 8, 8);
        if (Long.compareUnsigned(type, ALL) > 0) {
            throw cpu.gp(0);
        }
        boolean enabled = (cpu.cr4 & Cpu.CR4_PCIDE) != 0;
        if (type <= SINGLE_CONTEXT && (pcid >>> 12 != 0 || (!enabled && pcid != 0))) {
            throw cpu.gp(0);
        }
        if (type == INDIVIDUAL && !Canonical.is(address)) {
            throw cpu.gp(0);
        }
        switch ((int) type) {
            case INDIVIDUAL -> {
                long current = enabled ? cpu.cr3 & 0xFFF : 0;
                if (pcid == current) {
                    cpu.mmu.invalidatePage(address);
                } else {
                    cpu.mmu.flushPcid((int) pcid);
                }
            }
            case SINGLE_CONTEXT -> cpu.mmu.flushPcid((int) pcid);
            case ALL_WITH_GLOBAL -> cpu.mmu.flushAll();
            default -> cpu.mmu.flushNonGlobal();
        }
    }
}
