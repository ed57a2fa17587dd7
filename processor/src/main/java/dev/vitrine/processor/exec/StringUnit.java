// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.memory.GuestRam;
import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.GuestFault;
import dev.vitrine.processor.core.Intercepted;
import dev.vitrine.processor.core.Mmu;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;

/**
 * MOVS, STOS, LODS, SCAS and CMPS. Repeated MOVS and STOS run page by page as bulk operations; the
 * registers always stand at the first element not done, so a fault or an interrupt between pages
 * finds an architectural state and the instruction goes on from there.
 */
final class StringUnit {
    /** Elements before a repeated instruction lets events in. */
    private static final long CHUNK = 1 << 16;

    private StringUnit() {}

    static void execute(Cpu cpu, Instruction i) {
        int size = i.size[0];
        int asize = i.addressSize;
        if (i.rep == Instruction.REP_NONE) {
            once(cpu, i, size, asize);
            return;
        }
        truncateRegisters(cpu, i.op, asize);
        long count = Cpu.truncate(cpu.r[Cpu.RCX], asize);
        if (count == 0) {
            return;
        }
        if (i.op == Op.SCAS || i.op == Op.CMPS) {
            compareRepeated(cpu, i, size, asize, count);
            return;
        }
        long done = cpu.elementsDone;
        cpu.elementsDone = 0;
        try {
            while (count != 0) {
                if (done >= CHUNK || (done > 0 && cpu.requests() != 0)) {
                    suspend(cpu);
                    return;
                }
                long n = 1;
                switch (i.op) {
                    case MOVS -> n = moveBulk(cpu, i, size, asize, count);
                    case STOS -> n = storeBulk(cpu, i, size, asize, count);
                    default -> once(cpu, i, size, asize);
                }
                count -= n;
                done += n;
                cpu.writeRegister(Cpu.RCX, asize, count);
                if ((cpu.modeKey & (Cpu.MODE_TF | Cpu.MODE_DEBUG)) != 0 && count != 0) {
                    suspend(cpu);
                    return;
                }
                if (cpu.emulating && count != 0) {
                    suspendUnseen(cpu, done);
                    return;
                }
            }
        } catch (Intercepted e) {
            cpu.elementsDone = done;
            throw e;
        }
    }

    /**
     * With 32-bit addresses in 64-bit mode a repeated instruction clears the upper half of RCX even
     * if it does no element; MOVS and STOS, which processors have fast ways for, those of RSI and
     * RDI, too.
     */
    private static void truncateRegisters(Cpu cpu, Op op, int asize) {
        if (asize != 4 || !cpu.mode64()) {
            return;
        }
        cpu.r[Cpu.RCX] &= 0xFFFFFFFFL;
        if (op == Op.MOVS) {
            cpu.r[Cpu.RSI] &= 0xFFFFFFFFL;
        }
        if (op == Op.MOVS || op == Op.STOS) {
            cpu.r[Cpu.RDI] &= 0xFFFFFFFFL;
        }
    }

    /**
     * Repeated SCAS and CMPS. The flags are those of the last comparison if the instruction ends,
     * and those from before it if a fault or an event comes in between (SDM volume 2, REP).
     */
    private static void compareRepeated(Cpu cpu, Instruction i, int size, int asize, long count) {
        long oldResult = cpu.flagResult;
        long oldAux = cpu.flagAux;
        long done = cpu.elementsDone;
        cpu.elementsDone = 0;
        try {
            while (true) {
                once(cpu, i, size, asize);
                count--;
                done++;
                cpu.writeRegister(Cpu.RCX, asize, count);
                if (count == 0 || (cpu.flagResult == 0) != (i.rep == Instruction.REP_F3)) {
                    return;
                }
                if (cpu.emulating) {
                    cpu.flagResult = oldResult;
                    cpu.flagAux = oldAux;
                    suspendUnseen(cpu, done);
                    return;
                }
                if (done >= CHUNK
                        || cpu.requests() != 0
                        || (cpu.modeKey & (Cpu.MODE_TF | Cpu.MODE_DEBUG)) != 0) {
                    break;
                }
            }
        } catch (GuestFault | Intercepted e) {
            cpu.flagResult = oldResult;
            cpu.flagAux = oldAux;
            cpu.elementsDone = e instanceof Intercepted ? done : 0;
            throw e;
        }
        cpu.flagResult = oldResult;
        cpu.flagAux = oldAux;
        suspend(cpu);
    }

    /**
     * The instruction goes on later; RF is set in the image of what comes between (SDM 17.3.1.1).
     */
    private static void suspend(Cpu cpu) {
        cpu.nextRip = cpu.rip;
        cpu.eflags |= Cpu.RF;
    }

    /** The rest of the instruction is not the host's: it goes on as though nothing had been. */
    private static void suspendUnseen(Cpu cpu, long done) {
        cpu.nextRip = cpu.rip;
        cpu.elementsDone = done;
        cpu.unfinished = true;
    }

    private static long step(Cpu cpu, int size) {
        return (cpu.eflags & Cpu.DF) != 0 ? -size : size;
    }

    private static long source(Cpu cpu, Instruction i, int size, int asize) {
        return cpu.linear(i.segment, Cpu.truncate(cpu.r[Cpu.RSI], asize), size, false);
    }

    private static long destination(Cpu cpu, int size, int asize, boolean write) {
        return cpu.linear(Cpu.ES, Cpu.truncate(cpu.r[Cpu.RDI], asize), size, write);
    }

    private static void advance(Cpu cpu, int register, int asize, long by) {
        cpu.writeRegister(register, asize, cpu.r[register] + by);
    }

    private static void once(Cpu cpu, Instruction i, int size, int asize) {
        long by = step(cpu, size);
        int shift = 64 - size * 8;
        switch (i.op) {
            case MOVS -> {
                long v = cpu.load(source(cpu, i, size, asize), size);
                cpu.store(destination(cpu, size, asize, true), size, v);
                advance(cpu, Cpu.RSI, asize, by);
                advance(cpu, Cpu.RDI, asize, by);
            }
            case STOS -> {
                cpu.store(destination(cpu, size, asize, true), size, cpu.r[Cpu.RAX]);
                advance(cpu, Cpu.RDI, asize, by);
            }
            case LODS -> {
                long v = cpu.load(source(cpu, i, size, asize), size);
                cpu.writeRegister(Cpu.RAX, size, v);
                advance(cpu, Cpu.RSI, asize, by);
            }
            case SCAS -> {
                long v = cpu.load(destination(cpu, size, asize, false), size);
                Alu.sub(cpu, cpu.r[Cpu.RAX], v, 0, shift);
                advance(cpu, Cpu.RDI, asize, by);
            }
            default -> {
                // The processor reads the second operand first: its faults come first.
                long b = cpu.load(destination(cpu, size, asize, false), size);
                long a = cpu.load(source(cpu, i, size, asize), size);
                Alu.sub(cpu, a, b, 0, shift);
                advance(cpu, Cpu.RSI, asize, by);
                advance(cpu, Cpu.RDI, asize, by);
            }
        }
    }

    /** The smaller of a count, unsigned, and a small limit. */
    private static long atMost(long count, long limit) {
        return Long.compareUnsigned(count, limit) < 0 ? count : limit;
    }

    private static boolean bulkAllowed(Cpu cpu, int asize) {
        return cpu.mode64()
                && asize == 8
                && (cpu.eflags & Cpu.DF) == 0
                && (cpu.modeKey & (Cpu.MODE_TF | Cpu.MODE_DEBUG | Cpu.MODE_ALIGN)) == 0;
    }

    private static long storeBulk(Cpu cpu, Instruction i, int size, int asize, long count) {
        if (!bulkAllowed(cpu, asize)) {
            once(cpu, i, size, asize);
            return 1;
        }
        Mmu mmu = cpu.mmu;
        long la = destination(cpu, size, asize, true);
        long n = atMost(count, (4096 - (la & 4095)) / size);
        long m = n > 1 ? mmu.machineFor(la, true) : -1;
        if (m < 0) {
            once(cpu, i, size, asize);
            return 1;
        }
        GuestRam ram = mmu.ram;
        long v = cpu.r[Cpu.RAX];
        long pattern = v;
        if (size == 1) {
            pattern = (v & 0xFF) * 0x0101010101010101L;
        } else if (size == 2) {
            pattern = (v & 0xFFFF) * 0x0001000100010001L;
        } else if (size == 4) {
            pattern = (v & 0xFFFFFFFFL) * 0x0000000100000001L;
        }
        if (size == 1 || pattern == 0 || pattern == -1) {
            ram.fill(m, n * size, (byte) pattern);
        } else {
            for (long k = 0; k < n; k++) {
                switch (size) {
                    case 2 -> ram.putShort(m + k * 2, (short) v);
                    case 4 -> ram.putInt(m + k * 4, (int) v);
                    default -> ram.putLong(m + k * 8, v);
                }
            }
        }
        advance(cpu, Cpu.RDI, asize, n * size);
        return n;
    }

    private static long moveBulk(Cpu cpu, Instruction i, int size, int asize, long count) {
        if (!bulkAllowed(cpu, asize)) {
            once(cpu, i, size, asize);
            return 1;
        }
        Mmu mmu = cpu.mmu;
        long to = destination(cpu, size, asize, true);
        long from = source(cpu, i, size, asize);
        long n = Math.min(4096 - (to & 4095), 4096 - (from & 4095)) / size;
        n = atMost(count, n);
        if (n <= 1) {
            once(cpu, i, size, asize);
            return 1;
        }
        mmu.accessSegment = i.segment;
        long mf = mmu.machineFor(from, false);
        mmu.accessSegment = Cpu.ES;
        long mt = mf >= 0 ? mmu.machineFor(to, true) : -1;
        // A destination shortly after the source repeats what was written: element by element then.
        if (mt < 0 || (mt > mf && mt < mf + n * size)) {
            once(cpu, i, size, asize);
            return 1;
        }
        mmu.ram.copy(mf, mt, n * size);
        advance(cpu, Cpu.RSI, asize, n * size);
        advance(cpu, Cpu.RDI, asize, n * size);
        return n;
    }
}
