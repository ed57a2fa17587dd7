// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.x87;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Vector;
import dev.vitrine.processor.core.X87State;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;

import java.util.Arrays;

/**
 * FXSAVE, the XSAVE family and MXCSR (SDM volume 1, 10.5 and chapter 13). State components 0 (x87),
 * 1 (SSE) and 2 (upper halves of YMM) exist; there are no supervisor components.
 *
 * <p>A component counts as in use when it is not in its initial configuration, so the init
 * optimisation always applies; the modified optimisation of XSAVEOPT and XSAVES, which is optional,
 * never does.
 */
public final class XsaveUnit {
    public static final int X87 = 1;
    public static final int SSE = 2;
    public static final int AVX = 4;

    /** Valid bits of MXCSR. */
    public static final int MXCSR_MASK = 0xFFFF;

    private static final int MXCSR_INITIAL = 0x1F80;
    private static final int LEGACY_SIZE = 512;
    private static final int XSTATE_BV = 512;
    private static final int XCOMP_BV = 520;
    private static final int EXTENDED = 576;
    private static final int MXCSR = 24;
    private static final int XMM = 160;
    private static final long COMPACTED = 1L << 63;

    private XsaveUnit() {}

    static void execute(Cpu cpu, Instruction i) {
        switch (i.op) {
            case LDMXCSR, STMXCSR -> control(cpu, i);
            case FXSAVE -> fxsave(cpu, i);
            case FXRSTOR -> fxrstor(cpu, i);
            case XSAVE -> save(cpu, i, false, false);
            case XSAVEOPT -> save(cpu, i, false, true);
            case XSAVEC -> save(cpu, i, true, true);
            case XSAVES -> {
                checkEnabled(cpu);
                if (cpu.cpl != 0) {
                    throw cpu.gp(0);
                }
                save(cpu, i, true, true);
            }
            case XRSTOR -> restore(cpu, i, false);
            default -> {
                checkEnabled(cpu);
                if (cpu.cpl != 0) {
                    throw cpu.gp(0);
                }
                restore(cpu, i, true);
            }
        }
    }

    /**
     * Components that are not in their initial configuration, as XGETBV with ECX 1 reports them.
     */
    public static int inUse(Cpu cpu) {
        int bits = x87Initial(cpu.x87) ? 0 : X87;
        long[] v = cpu.v;
        long low = 0;
        long high = 0;
        for (int n = 0; n < 64; n += 4) {
            low |= v[n] | v[n + 1];
            high |= v[n + 2] | v[n + 3];
        }
        return bits | (low != 0 ? SSE : 0) | (high != 0 ? AVX : 0);
    }

    private static boolean x87Initial(X87State s) {
        if (s.control != 0x37F
                || s.status != 0
                || s.top != 0
                || s.valid != 0
                || s.opcode != 0
                || (s.instructionPointer | s.dataPointer) != 0) {
            return false;
        }
        long any = 0;
        for (int n = 0; n < 8; n++) {
            any |= s.mantissa[n] | s.exponent[n];
        }
        return any == 0;
    }

    // ------------------------------------------------------------------------ MXCSR

    private static void control(Cpu cpu, Instruction i) {
        if (i.vex) {
            if ((cpu.cr4 & Cpu.CR4_OSXSAVE) == 0 || (cpu.xcr0 & (SSE | AVX)) != (SSE | AVX)) {
                throw cpu.ud();
            }
        } else if ((cpu.cr0 & Cpu.CR0_EM) != 0 || (cpu.cr4 & Cpu.CR4_OSFXSR) == 0) {
            throw cpu.ud();
        }
        if ((cpu.cr0 & Cpu.CR0_TS) != 0) {
            throw cpu.fault(Vector.NM);
        }
        if (i.op == Op.STMXCSR) {
            cpu.write(i, 0, cpu.mxcsr);
            return;
        }
        int value = (int) cpu.read(i, 0);
        if ((value & ~MXCSR_MASK) != 0) {
            throw cpu.gp(0);
        }
        cpu.mxcsr = value;
    }

    // ----------------------------------------------------------------- FXSAVE, FXRSTOR

    private static void fxsave(Cpu cpu, Instruction i) {
        long la = legacyArea(cpu, i, true);
        boolean wide = i.operandSize == 8;
        storeX87(cpu, la, wide);
        cpu.store(la + MXCSR, 4, cpu.mxcsr);
        cpu.store(la + 28, 4, MXCSR_MASK);
        storeXmm(cpu, la);
    }

    private static void fxrstor(Cpu cpu, Instruction i) {
        long la = legacyArea(cpu, i, false);
        int mxcsr = (int) cpu.load(la + MXCSR, 4);
        if ((mxcsr & ~MXCSR_MASK) != 0) {
            throw cpu.gp(0);
        }
        loadX87(cpu, la, i.operandSize == 8);
        cpu.mxcsr = mxcsr;
        loadXmm(cpu, la);
    }

    private static long legacyArea(Cpu cpu, Instruction i, boolean write) {
        if ((cpu.cr0 & (Cpu.CR0_EM | Cpu.CR0_TS)) != 0) {
            throw cpu.fault(Vector.NM);
        }
        long la = cpu.linear(i, LEGACY_SIZE, write);
        checkPlacement(cpu, i, la, LEGACY_SIZE, 15);
        probe(cpu, la, LEGACY_SIZE, write);
        return la;
    }

    private static void probe(Cpu cpu, long la, int size, boolean write) {
        if (write) {
            cpu.mmu.probeWrite(la, size);
        } else {
            cpu.mmu.probeRead(la, size);
        }
    }

    /** Bytes 0 to 23 and 32 to 159. */
    private static void storeX87(Cpu cpu, long la, boolean wide) {
        X87State s = cpu.x87;
        long word =
                s.control
                        | (long) X87Environment.statusWord(s) << 16
                        | (long) s.valid << 32
                        | (long) s.opcode << 48;
        cpu.store(la, 8, word);
        if (wide) {
            cpu.store(la + 8, 8, s.instructionPointer);
            cpu.store(la + 16, 8, s.dataPointer);
        } else {
            cpu.store(la + 8, 8, s.instructionPointer & 0xFFFFFFFFL);
            cpu.store(la + 16, 8, s.dataPointer & 0xFFFFFFFFL);
        }
        for (int n = 0; n < 8; n++) {
            int p = (s.top + n) & 7;
            cpu.store(la + 32 + 16 * n, 8, s.mantissa[p]);
            cpu.store(la + 40 + 16 * n, 8, s.exponent[p]);
        }
    }

    private static void loadX87(Cpu cpu, long la, boolean wide) {
        X87State s = cpu.x87;
        long word = cpu.load(la, 8);
        X87Environment.loadControl(s, (int) word & 0xFFFF);
        X87Environment.loadStatus(s, (int) (word >>> 16) & 0xFFFF);
        s.valid = (int) (word >>> 32) & 0xFF;
        s.opcode = (int) (word >>> 48) & 0x7FF;
        s.instructionSelector = 0;
        s.dataSelector = 0;
        // The instruction pointer has 57 bits, sign-extended; the data pointer keeps all 64.
        s.instructionPointer = wide ? cpu.load(la + 8, 8) << 7 >> 7 : cpu.load(la + 8, 4);
        s.dataPointer = cpu.load(la + 16, wide ? 8 : 4);
        for (int n = 0; n < 8; n++) {
            int p = (s.top + n) & 7;
            s.mantissa[p] = cpu.load(la + 32 + 16 * n, 8);
            s.exponent[p] = (int) cpu.load(la + 40 + 16 * n, 2);
        }
    }

    /** XMM8 to XMM15 belong to 64-bit mode alone. */
    private static int vectorRegisters(Cpu cpu) {
        return cpu.mode64() ? 16 : 8;
    }

    private static void storeXmm(Cpu cpu, long la) {
        int count = vectorRegisters(cpu);
        for (int n = 0; n < count; n++) {
            cpu.store(la + XMM + 16 * n, 8, cpu.v[4 * n]);
            cpu.store(la + XMM + 8 + 16 * n, 8, cpu.v[4 * n + 1]);
        }
    }

    private static void loadXmm(Cpu cpu, long la) {
        int count = vectorRegisters(cpu);
        for (int n = 0; n < count; n++) {
            cpu.v[4 * n] = cpu.load(la + XMM + 16 * n, 8);
            cpu.v[4 * n + 1] = cpu.load(la + XMM + 8 + 16 * n, 8);
        }
    }

    // ------------------------------------------------------------------- XSAVE family

    private static void checkEnabled(Cpu cpu) {
        if ((cpu.cr4 & Cpu.CR4_OSXSAVE) == 0) {
            throw cpu.ud();
        }
        if ((cpu.cr0 & Cpu.CR0_TS) != 0) {
            throw cpu.fault(Vector.NM);
        }
    }

    /** EDX:EAX, limited to what XCR0 enables. */
    private static int requested(Cpu cpu) {
        long mask = (cpu.r[Cpu.RDX] << 32) | (cpu.r[Cpu.RAX] & 0xFFFFFFFFL);
        return (int) (mask & cpu.xcr0);
    }

    private static long alignedArea(Cpu cpu, Instruction i, int size, boolean write) {
        long la = cpu.linear(i, size, write);
        checkPlacement(cpu, i, la, size, 63);
        return la;
    }

    /** The start must be canonical, then aligned, then the end canonical. */
    private static void checkPlacement(Cpu cpu, Instruction i, long la, int size, int mask) {
        checkCanonical(cpu, i, la);
        if ((la & mask) != 0) {
            throw cpu.gp(0);
        }
        checkCanonical(cpu, i, la + size - 1);
    }

    private static void checkCanonical(Cpu cpu, Instruction i, long la) {
        if (cpu.mode64() && la << 16 >> 16 != la) {
            throw i.segment == Cpu.SS ? cpu.fault(Vector.SS, 0) : cpu.gp(0);
        }
    }

    /** Probes the parts of the legacy region that hold x87 state, MXCSR and XMM registers. */
    private static void probeParts(
            Cpu cpu, long la, boolean x87, boolean mxcsr, boolean sse, boolean write) {
        if (x87) {
            probe(cpu, la, XMM, write);
        } else if (mxcsr) {
            probe(cpu, la + MXCSR, 8, write);
        }
        if (sse) {
            probe(cpu, la + XMM, 256, write);
        }
    }

    /**
     * The saving instructions.
     *
     * @param compact compacted format (XSAVEC, XSAVES); the header is written whole
     * @param optimise components in their initial configuration are not written
     */
    private static void save(Cpu cpu, Instruction i, boolean compact, boolean optimise) {
        checkEnabled(cpu);
        int requested = requested(cpu);
        int used = inUse(cpu);
        if (optimise && (requested & SSE) != 0 && cpu.mxcsr != MXCSR_INITIAL && compact) {
            // The compacting instructions count MXCSR as part of SSE state.
            used |= SSE;
        }
        int written = optimise ? requested & used : requested;
        boolean storeMxcsr = compact ? (written & SSE) != 0 : (requested & (SSE | AVX)) != 0;
        boolean storeAvx = (written & AVX) != 0;
        long la = alignedArea(cpu, i, storeAvx ? EXTENDED + 256 : EXTENDED, true);
        probeParts(cpu, la, (written & X87) != 0, storeMxcsr, (written & SSE) != 0, true);
        probe(cpu, la + XSTATE_BV, 16, true);
        if (storeAvx) {
            probe(cpu, la + EXTENDED, 256, true);
        }
        long oldBits = compact ? 0 : cpu.load(la + XSTATE_BV, 8);
        if ((written & X87) != 0) {
            storeX87(cpu, la, i.operandSize == 8);
        }
        if (storeMxcsr) {
            cpu.store(la + MXCSR, 4, cpu.mxcsr);
            cpu.store(la + 28, 4, MXCSR_MASK);
        }
        if ((written & SSE) != 0) {
            storeXmm(cpu, la);
        }
        if (storeAvx) {
            int count = vectorRegisters(cpu);
            for (int n = 0; n < count; n++) {
                cpu.store(la + EXTENDED + 16 * n, 8, cpu.v[4 * n + 2]);
                cpu.store(la + EXTENDED + 8 + 16 * n, 8, cpu.v[4 * n + 3]);
            }
        }
        if (compact) {
            cpu.store(la + XSTATE_BV, 8, requested & used);
            cpu.store(la + XCOMP_BV, 8, COMPACTED | requested);
        } else {
            cpu.store(la + XSTATE_BV, 8, (oldBits & ~requested) | (requested & used));
        }
    }

    /**
     * XRSTOR and XRSTORS.
     *
     * @param supervisor XRSTORS: only the compacted format is legal
     */
    private static void restore(Cpu cpu, Instruction i, boolean supervisor) {
        checkEnabled(cpu);
        int requested = requested(cpu);
        long la = alignedArea(cpu, i, EXTENDED, false);
        probe(cpu, la + XSTATE_BV, 64, false);
        long state = cpu.load(la + XSTATE_BV, 8);
        long layout = cpu.load(la + XCOMP_BV, 8);
        boolean compact = layout < 0;
        boolean bad;
        if (compact) {
            bad =
                    (layout & ~COMPACTED & ~cpu.xcr0) != 0
                            || (state & ~layout) != 0
                            || (state & COMPACTED) != 0;
            bad |= anySet(cpu, la + 528, 48);
        } else {
            bad =
                    supervisor
                            || layout != 0
                            || (state & ~cpu.xcr0) != 0
                            || cpu.load(la + 528, 8) != 0;
        }
        // The processor tries both ends of the area before the header of a standard area counts,
        // and
        // after that of a compacted one.
        if (!compact) {
            probeEnds(cpu, la, requested, requested);
        }
        if (bad) {
            throw cpu.gp(0);
        }
        if (compact) {
            probeEnds(cpu, la, requested, requested & (int) layout);
        }
        int present = (int) state & requested;
        boolean loadMxcsr = compact ? (present & SSE) != 0 : (requested & (SSE | AVX)) != 0;
        int mxcsr = MXCSR_INITIAL;
        probeParts(cpu, la, (present & X87) != 0, loadMxcsr, (present & SSE) != 0, false);
        if (loadMxcsr) {
            mxcsr = (int) cpu.load(la + MXCSR, 4);
            if ((mxcsr & ~MXCSR_MASK) != 0) {
                throw cpu.gp(0);
            }
        }
        if ((present & AVX) != 0) {
            probe(cpu, la + EXTENDED, 256, false);
        }
        if ((requested & X87) != 0) {
            if ((present & X87) != 0) {
                loadX87(cpu, la, i.operandSize == 8);
            } else {
                cpu.x87.init();
                Arrays.fill(cpu.x87.mantissa, 0);
                Arrays.fill(cpu.x87.exponent, 0);
            }
        }
        if (loadMxcsr || (compact && (requested & SSE) != 0)) {
            cpu.mxcsr = mxcsr;
        }
        int count = vectorRegisters(cpu);
        if ((requested & SSE) != 0) {
            if ((present & SSE) != 0) {
                loadXmm(cpu, la);
            } else {
                for (int n = 0; n < count; n++) {
                    cpu.v[4 * n] = 0;
                    cpu.v[4 * n + 1] = 0;
                }
            }
        }
        if ((requested & AVX) != 0) {
            boolean load = (present & AVX) != 0;
            for (int n = 0; n < count; n++) {
                long at = la + EXTENDED + 16 * n;
                cpu.v[4 * n + 2] = load ? cpu.load(at, 8) : 0;
                cpu.v[4 * n + 3] = load ? cpu.load(at + 8, 8) : 0;
            }
        }
    }

    private static void probeEnds(Cpu cpu, long la, int requested, int extent) {
        if (requested != 0) {
            probe(cpu, la, 1, false);
        }
        if ((extent & AVX) != 0) {
            probe(cpu, la + EXTENDED + 255, 1, false);
        }
    }

    private static boolean anySet(Cpu cpu, long la, int size) {
        long any = 0;
        for (int n = 0; n < size; n += 8) {
            any |= cpu.load(la + n, 8);
        }
        return any != 0;
    }
}
