// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.system;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Vector;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;

/**
 * General-purpose instructions that compilers seldom emit (SDM volume 2): decimal adjustment, stack
 * frames, wide compare-and-exchange, CRC32, random numbers, BMI2's bit permutations and the rest of
 * group RARE.
 */
public final class RareInteger {
    private RareInteger() {}

    /**
     * Executes an instruction of group RARE. Faults are raised before any state changed, but for
     * the stack frames and registers that ENTER, PUSHA and POPA had reached.
     *
     * @throws IllegalArgumentException for an operation of another group
     */
    public static void execute(Cpu cpu, Instruction i) {
        if (i.vex && !cpu.protectedMode()) {
            throw cpu.ud();
        }
        switch (i.op) {
            case AAA -> adjustAscii(cpu, 0x106);
            case AAS -> adjustAscii(cpu, -0x106);
            case AAM -> aam(cpu, (int) i.imm & 0xFF);
            case AAD -> aad(cpu, (int) i.imm & 0xFF);
            case DAA -> daa(cpu);
            case DAS -> das(cpu);
            case SALC -> cpu.writeRegister(Cpu.RAX, 1, cpu.carry() ? 0xFF : 0);
            case BOUND -> bound(cpu, i);
            case ENTER -> enter(cpu, i);
            case PUSHA -> pushAll(cpu, i.operandSize);
            case POPA -> popAll(cpu, i.operandSize);
            case XLAT -> {
                long offset = cpu.r[Cpu.RBX] + (cpu.r[Cpu.RAX] & 0xFF);
                long la = cpu.linear(i.segment, Cpu.truncate(offset, i.addressSize), 1, false);
                cpu.writeRegister(Cpu.RAX, 1, cpu.load(la, 1));
            }
            case INTO -> {
                if ((cpu.arithmeticFlags() & Cpu.OF) != 0) {
                    Interrupts.software(cpu, Vector.OF, Interrupts.INT3_INTO);
                }
            }
            case CMPXCHG8B -> WideExchange.exchange8(cpu, i);
            case CMPXCHG16B -> WideExchange.exchange16(cpu, i);
            case CRC32 -> {
                int crc = Crc32c.update((int) cpu.read(i, 0), cpu.read(i, 1), i.size[1]);
                cpu.writeRegister(i.reg[0], 8, crc & 0xFFFFFFFFL);
            }
            case RDRAND, RDSEED -> {
                cpu.write(i, 0, cpu.host.random());
                cpu.setArithmeticFlags(Cpu.CF);
            }
            case PDEP -> cpu.write(i, 0, Long.expand(cpu.read(i, 1), cpu.read(i, 2)));
            case PEXT -> cpu.write(i, 0, Long.compress(cpu.read(i, 1), cpu.read(i, 2)));
            case MULX -> mulx(cpu, i);
            case BEXTR -> bextr(cpu, i);
            case BZHI -> bzhi(cpu, i);
            case ADCX, ADOX -> addWithFlag(cpu, i, i.op == Op.ADCX ? Cpu.CF : Cpu.OF);
            case MOVBE -> {
                int size = i.size[0];
                cpu.write(i, 0, Long.reverseBytes(cpu.read(i, 1)) >>> (64 - 8 * size));
            }
            default -> throw new IllegalArgumentException("not a rare integer operation: " + i.op);
        }
    }

    // --------------------------------------------------------------- decimal

    /** SF, ZF and PF of a byte. */
    private static int byteFlags(int v) {
        int b = v & 0xFF;
        int f = b == 0 ? Cpu.ZF : 0;
        f |= b & Cpu.SF;
        return (Integer.bitCount(b) & 1) == 0 ? f | Cpu.PF : f;
    }

    private static void adjustAscii(Cpu cpu, int correction) {
        int ax = (int) cpu.r[Cpu.RAX] & 0xFFFF;
        int f = 0;
        if ((ax & 0xF) > 9 || (cpu.arithmeticFlags() & Cpu.AF) != 0) {
            ax += correction;
            f = Cpu.AF | Cpu.CF;
        }
        ax &= 0xFF0F;
        cpu.writeRegister(Cpu.RAX, 2, ax);
        cpu.setArithmeticFlags(f | byteFlags(ax));
    }

    private static void aam(Cpu cpu, int base) {
        if (base == 0) {
            throw cpu.fault(Vector.DE);
        }
        int al = (int) cpu.r[Cpu.RAX] & 0xFF;
        cpu.writeRegister(Cpu.RAX, 2, al / base << 8 | al % base);
        cpu.setArithmeticFlags(byteFlags(al % base));
    }

    private static void aad(Cpu cpu, int base) {
        int ax = (int) cpu.r[Cpu.RAX] & 0xFFFF;
        int al = (ax & 0xFF) + (ax >> 8) * base & 0xFF;
        cpu.writeRegister(Cpu.RAX, 2, al);
        cpu.setArithmeticFlags(byteFlags(al));
    }

    private static void daa(Cpu cpu) {
        int old = (int) cpu.r[Cpu.RAX] & 0xFF;
        int flags = cpu.arithmeticFlags();
        int al = old;
        int f = 0;
        if ((old & 0xF) > 9 || (flags & Cpu.AF) != 0) {
            al += 6;
            f = Cpu.AF;
        }
        if (old > 0x99 || (flags & Cpu.CF) != 0) {
            al += 0x60;
            f |= Cpu.CF;
        }
        cpu.writeRegister(Cpu.RAX, 1, al);
        cpu.setArithmeticFlags(f | byteFlags(al));
    }

    private static void das(Cpu cpu) {
        int old = (int) cpu.r[Cpu.RAX] & 0xFF;
        int flags = cpu.arithmeticFlags();
        int al = old;
        int f = 0;
        if ((old & 0xF) > 9 || (flags & Cpu.AF) != 0) {
            f = Cpu.AF | (flags & Cpu.CF) | (old < 6 ? Cpu.CF : 0);
            al -= 6;
        }
        if (old > 0x99 || (flags & Cpu.CF) != 0) {
            al -= 0x60;
            f |= Cpu.CF;
        }
        cpu.writeRegister(Cpu.RAX, 1, al);
        cpu.setArithmeticFlags(f | byteFlags(al));
    }

    // ---------------------------------------------------- frames and bounds

    private static void bound(Cpu cpu, Instruction i) {
        int size = i.size[0];
        long index = Cpu.extend(cpu.read(i, 0), size);
        long offset = cpu.offset(i);
        long lower = cpu.load(cpu.linear(i.segment, offset, size, false), size);
        if (index < Cpu.extend(lower, size)) {
            throw cpu.fault(Vector.BR);
        }
        // The upper bound is read only now, and its offset wraps at the address size.
        long next = Cpu.truncate(offset + size, i.addressSize);
        long upper = cpu.load(cpu.linear(i.segment, next, size, false), size);
        if (index > Cpu.extend(upper, size)) {
            throw cpu.fault(Vector.BR);
        }
    }

    private static void enter(Cpu cpu, Instruction i) {
        int size = i.operandSize;
        int level = (int) i.imm2 & 31;
        long mask = cpu.stackMask();
        long sp = cpu.r[Cpu.RSP];
        long bp = cpu.r[Cpu.RBP];
        long frame = sp - size;
        int pushes = 1 + level;
        long end = sp - (long) pushes * size - (i.imm & 0xFFFF);
        // A fault on the way leaves what was pushed, as on a processor; registers change last.
        Stack.write(cpu, frame, size, bp);
        for (int n = 1; n < level; n++) {
            long outer = Stack.read(cpu, bp - (long) n * size, size);
            Stack.write(cpu, frame - (long) n * size, size, outer);
        }
        if (level > 0) {
            Stack.write(cpu, frame - (long) level * size, size, frame);
        }
        // A write at the final stack pointer must be possible.
        cpu.mmu.probeWrite(cpu.linear(Cpu.SS, end & mask, size, true), size);
        cpu.writeRegister(Cpu.RBP, size, frame & mask | (mask == 0xFFFF ? sp & ~0xFFFFL : 0));
        Stack.setPointer(cpu, end);
    }

    private static void pushAll(Cpu cpu, int size) {
        long sp = cpu.r[Cpu.RSP];
        for (int n = 0; n < 8; n++) {
            Stack.write(cpu, sp - (long) (n + 1) * size, size, cpu.r[n]);
        }
        Stack.setPointer(cpu, sp - 8L * size);
    }

    private static void popAll(Cpu cpu, int size) {
        long sp = cpu.r[Cpu.RSP];
        // Registers before a fault stay loaded; only the stack pointer tells that POPA began.
        for (int n = 0; n < 8; n++) {
            int reg = 7 - n;
            // The slot of the stack pointer is read, too, and its value dropped.
            long value = Stack.read(cpu, sp + (long) n * size, size);
            if (reg != Cpu.RSP) {
                cpu.writeRegister(reg, size, value);
            }
        }
        Stack.setPointer(cpu, sp + 8L * size);
    }

    // ------------------------------------------------------------- BMI, ADX

    private static void mulx(Cpu cpu, Instruction i) {
        int size = i.size[0];
        long a = Cpu.truncate(cpu.r[Cpu.RDX], size);
        long b = cpu.read(i, 2);
        long low = a * b;
        long high = size == 8 ? Math.unsignedMultiplyHigh(a, b) : low >>> 32;
        // With one register for both halves the upper one stays.
        cpu.writeRegister(i.reg[1], size, low);
        cpu.writeRegister(i.reg[0], size, high);
    }

    private static void bextr(Cpu cpu, Instruction i) {
        long v = cpu.read(i, 1);
        int control = (int) cpu.read(i, 2);
        int start = control & 0xFF;
        int length = control >> 8 & 0xFF;
        v = start > 63 ? 0 : v >>> start;
        if (length < 64) {
            v &= (1L << length) - 1;
        }
        cpu.write(i, 0, v);
        cpu.setArithmeticFlags(v == 0 ? Cpu.ZF : 0);
    }

    private static void bzhi(Cpu cpu, Instruction i) {
        int bits = i.size[0] * 8;
        long v = cpu.read(i, 1);
        int n = (int) cpu.read(i, 2) & 0xFF;
        int f = 0;
        if (n < bits) {
            v &= (1L << n) - 1;
        } else {
            f = Cpu.CF;
        }
        if (v == 0) {
            f |= Cpu.ZF;
        }
        if ((v >>> bits - 1 & 1) != 0) {
            f |= Cpu.SF;
        }
        cpu.write(i, 0, v);
        cpu.setArithmeticFlags(f);
    }

    private static void addWithFlag(Cpu cpu, Instruction i, int flag) {
        int flags = cpu.arithmeticFlags();
        long a = cpu.read(i, 0);
        long b = cpu.read(i, 1);
        long in = (flags & flag) != 0 ? 1 : 0;
        long sum = a + b + in;
        boolean carry;
        if (i.size[0] == 8) {
            carry = ((a & b) | ((a | b) & ~sum)) < 0;
        } else {
            carry = sum >>> 32 != 0;
        }
        cpu.write(i, 0, sum);
        cpu.setArithmeticFlags(flags & ~flag | (carry ? flag : 0));
    }
}
