// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Vector;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;
import dev.vitrine.processor.decode.Operand;

/** Integer instructions that are a helper rather than micro-operations. */
public final class IntegerUnit {
    private IntegerUnit() {}

    static void execute(Cpu cpu, Instruction i) {
        if (i.vex && !cpu.protectedMode()) {
            throw cpu.ud();
        }
        switch (i.op) {
            case MUL, IMUL -> multiply(cpu, i);
            case DIV -> divide(cpu, i);
            case IDIV -> divideSigned(cpu, i);
            case CWD -> {
                int n = i.operandSize;
                cpu.writeRegister(Cpu.RDX, n, Cpu.extend(cpu.r[Cpu.RAX], n) >> 63);
            }
            case BT, BTS, BTR, BTC -> BitTest.execute(cpu, i);
            case RCL, RCR -> rotateThroughCarry(cpu, i);
            case SHLD, SHRD -> doubleShift(cpu, i);
            case BSF -> {
                long v = cpu.read(i, 1);
                scanned(cpu, i, v, v == 0 ? -1 : Long.numberOfTrailingZeros(v));
            }
            case BSR -> {
                long v = cpu.read(i, 1);
                scanned(cpu, i, v, v == 0 ? -1 : 63 - Long.numberOfLeadingZeros(v));
            }
            case TZCNT -> {
                long v = cpu.read(i, 1);
                int bits = i.size[0] * 8;
                counted(cpu, i, v, v == 0 ? bits : Long.numberOfTrailingZeros(v));
            }
            case LZCNT -> {
                long v = cpu.read(i, 1);
                counted(cpu, i, v, Long.numberOfLeadingZeros(v) - (64 - i.size[0] * 8));
            }
            case POPCNT -> {
                long v = cpu.read(i, 1);
                cpu.write(i, 0, Long.bitCount(v));
                cpu.setArithmeticFlags(v == 0 ? Cpu.ZF : 0);
            }
            case ANDN -> {
                long v = ~cpu.read(i, 1) & cpu.read(i, 2);
                logicResult(cpu, i, v, false);
            }
            case BLSI -> {
                long v = cpu.read(i, 1);
                logicResult(cpu, i, v & -v, v != 0);
            }
            case BLSR -> {
                long v = cpu.read(i, 1);
                logicResult(cpu, i, v & (v - 1), v == 0);
            }
            case BLSMSK -> {
                long v = cpu.read(i, 1);
                logicResult(cpu, i, v ^ (v - 1), v == 0);
            }
            case RORX -> {
                long v = cpu.read(i, 1);
                int n = (int) i.imm;
                cpu.write(
                        i,
                        0,
                        i.size[0] == 8
                                ? Long.rotateRight(v, n)
                                : Integer.rotateRight((int) v, n) & 0xFFFFFFFFL);
            }
            case SARX -> {
                long v = Cpu.extend(cpu.read(i, 1), i.size[0]);
                cpu.write(i, 0, v >> (cpu.read(i, 2) & (i.size[0] * 8 - 1)));
            }
            case SHLX -> {
                long v = cpu.read(i, 1);
                cpu.write(i, 0, v << (cpu.read(i, 2) & (i.size[0] * 8 - 1)));
            }
            case SHRX -> {
                long v = cpu.read(i, 1);
                cpu.write(i, 0, v >>> (cpu.read(i, 2) & (i.size[0] * 8 - 1)));
            }
            case BSWAP -> {
                // 16 bits: undefined; Intel processors give zero.
                cpu.writeRegister(i.reg[0], 2, 0);
            }
            case CMPXCHG -> compareExchange(cpu, i);
            case LAHF -> {
                int f = (cpu.arithmeticFlags() & 0xD5) | 2;
                cpu.r[Cpu.RAX] = (cpu.r[Cpu.RAX] & ~0xFF00L) | (long) f << 8;
            }
            case SAHF -> cpu.setFlags(cpu.r[Cpu.RAX] >>> 8, 0xD5);
            case CLC -> carry(cpu, 0);
            case STC -> carry(cpu, Long.MIN_VALUE);
            case CMC -> carry(cpu, ~cpu.flagAux);
            case CLD -> cpu.eflags &= ~Cpu.DF;
            case STD -> cpu.eflags |= Cpu.DF;
            case MFENCE -> java.lang.invoke.VarHandle.fullFence();
            case MOVS, STOS, LODS, SCAS, CMPS -> StringUnit.execute(cpu, i);
            case INS, OUTS -> PortStrings.execute(cpu, i);
            case POP -> StackUnit.popMemory(cpu, i);
            case LEAVE -> StackUnit.leave(cpu, i);
            case CALL_REL -> StackUnit.call(cpu, i, relative(i));
            case CALL_IND -> StackUnit.call(cpu, i, target(i, cpu.read(i, 0)));
            case JMP_IND -> {
                long t = target(i, cpu.read(i, 0));
                StackUnit.checkTarget(cpu, t);
                cpu.nextRip = t;
            }
            case RET_NEAR -> StackUnit.ret(cpu, i);
            default -> throw new IllegalStateException("no meaning for " + i.op);
        }
    }

    private static long relative(Instruction i) {
        return target(i, i.nextRip() + i.imm);
    }

    private static long target(Instruction i, long t) {
        return i.operandSize == 8 ? t : i.operandSize == 4 ? t & 0xFFFFFFFFL : t & 0xFFFFL;
    }

    /** LOOP, LOOPE, LOOPNE and JRCXZ: whether the branch is taken. */
    public static boolean loop(Cpu cpu, Instruction i) {
        int size = i.addressSize;
        long count = Cpu.truncate(cpu.r[Cpu.RCX], size);
        if (i.op == Op.JRCXZ) {
            return count == 0;
        }
        count = Cpu.truncate(count - 1, size);
        cpu.writeRegister(Cpu.RCX, size, count);
        if (count == 0) {
            return false;
        }
        return i.op == Op.LOOP || (cpu.flagResult == 0) == (i.op == Op.LOOPE);
    }

    private static void carry(Cpu cpu, long sign) {
        long aux = cpu.flagAux;
        Alu.carryOverflow(cpu, sign, aux ^ (aux << 1));
    }

    private static void multiply(Cpu cpu, Instruction i) {
        int size = i.size[0];
        long a = Cpu.truncate(cpu.r[Cpu.RAX], size);
        long b = cpu.read(i, 0);
        boolean signed = i.op == Op.IMUL;
        boolean over;
        long low;
        if (size == 8) {
            low = a * b;
            long high = signed ? Math.multiplyHigh(a, b) : Math.unsignedMultiplyHigh(a, b);
            cpu.r[Cpu.RAX] = low;
            cpu.r[Cpu.RDX] = high;
            over = signed ? high != low >> 63 : high != 0;
        } else {
            if (signed) {
                a = Cpu.extend(a, size);
                b = Cpu.extend(b, size);
            }
            long p = a * b;
            low = Cpu.extend(p, size);
            over = signed ? p != low : p >>> (size * 8) != 0;
            if (size == 1) {
                cpu.writeRegister(Cpu.RAX, 2, p);
            } else {
                cpu.writeRegister(Cpu.RAX, size, p);
                cpu.writeRegister(Cpu.RDX, size, p >>> (size * 8));
            }
        }
        cpu.flagResult = low;
        cpu.flagAux = over ? Long.MIN_VALUE : 0;
    }

    private static void divide(Cpu cpu, Instruction i) {
        int size = i.size[0];
        long d = cpu.read(i, 0);
        if (d == 0) {
            throw cpu.fault(Vector.DE);
        }
        if (size == 8) {
            long high = cpu.r[Cpu.RDX];
            long low = cpu.r[Cpu.RAX];
            if (Long.compareUnsigned(high, d) >= 0) {
                throw cpu.fault(Vector.DE);
            }
            long q = WideDivision.quotient(high, low, d);
            cpu.r[Cpu.RAX] = q;
            cpu.r[Cpu.RDX] = low - q * d;
            return;
        }
        long n =
                size == 1
                        ? cpu.r[Cpu.RAX] & 0xFFFF
                        : Cpu.truncate(cpu.r[Cpu.RDX], size) << (size * 8)
                                | Cpu.truncate(cpu.r[Cpu.RAX], size);
        long q = Long.divideUnsigned(n, d);
        if (q != Cpu.truncate(q, size)) {
            throw cpu.fault(Vector.DE);
        }
        putDivision(cpu, size, q, n - q * d);
    }

    private static void divideSigned(Cpu cpu, Instruction i) {
        int size = i.size[0];
        long d = Cpu.extend(cpu.read(i, 0), size);
        if (d == 0) {
            throw cpu.fault(Vector.DE);
        }
        if (size == 8) {
            long high = cpu.r[Cpu.RDX];
            long low = cpu.r[Cpu.RAX];
            boolean negative = high < 0;
            if (negative) {
                low = -low;
                high = ~high + (low == 0 ? 1 : 0);
            }
            long m = Math.abs(d);
            if (Long.compareUnsigned(high, m) >= 0) {
                throw cpu.fault(Vector.DE);
            }
            long q = WideDivision.quotient(high, low, m);
            long rest = low - q * m;
            boolean negativeQuotient = negative != d < 0;
            if (negativeQuotient ? Long.compareUnsigned(q, Long.MIN_VALUE) > 0 : q < 0) {
                throw cpu.fault(Vector.DE);
            }
            cpu.r[Cpu.RAX] = negativeQuotient ? -q : q;
            cpu.r[Cpu.RDX] = negative ? -rest : rest;
            return;
        }
        long n =
                size == 1
                        ? (short) cpu.r[Cpu.RAX]
                        : size == 2
                                ? (int) (cpu.r[Cpu.RDX] << 16 | (cpu.r[Cpu.RAX] & 0xFFFF))
                                : cpu.r[Cpu.RDX] << 32 | (cpu.r[Cpu.RAX] & 0xFFFFFFFFL);
        if (n == Long.MIN_VALUE && d == -1) {
            throw cpu.fault(Vector.DE);
        }
        long q = n / d;
        if (q != Cpu.extend(q, size)) {
            throw cpu.fault(Vector.DE);
        }
        putDivision(cpu, size, q, n % d);
    }

    private static void putDivision(Cpu cpu, int size, long q, long rest) {
        if (size == 1) {
            cpu.writeRegister(Cpu.RAX, 2, (q & 0xFF) | (rest & 0xFF) << 8);
        } else {
            cpu.writeRegister(Cpu.RAX, size, q);
            cpu.writeRegister(Cpu.RDX, size, rest);
        }
    }

    private static void rotateThroughCarry(Cpu cpu, Instruction i) {
        int size = i.size[0];
        int shift = 64 - size * 8;
        long count = cpu.read(i, 1) & (size == 8 ? 63 : 31);
        boolean memory = i.kind[0] == Operand.MEM;
        long la = memory ? cpu.linear(i, size, true) : 0;
        long v;
        if (memory) {
            v = i.lock ? LockedAccess.load(cpu, la, size) : cpu.mmu.loadForWrite(la, size);
        } else {
            v = cpu.read(i, 0);
        }
        long r = i.op == Op.RCL ? Alu.rcl(cpu, v, count, shift) : Alu.rcr(cpu, v, count, shift);
        if (memory) {
            cpu.store(la, size, r);
        } else {
            cpu.write(i, 0, r);
        }
    }

    private static void doubleShift(Cpu cpu, Instruction i) {
        int size = i.size[0];
        int bits = size * 8;
        int n = (int) cpu.read(i, 2) & (size == 8 ? 63 : 31);
        boolean memory = i.kind[0] == Operand.MEM;
        long la = memory ? cpu.linear(i, size, true) : 0;
        long v = memory ? cpu.mmu.loadForWrite(la, size) : cpu.read(i, 0);
        long w = cpu.read(i, 1);
        if (n == 0) {
            if (memory) {
                cpu.store(la, size, v);
            } else {
                cpu.write(i, 0, v);
            }
            return;
        }
        long r;
        long carry;
        if (n > bits) {
            // Only 16 bits get here; undefined. Intel shifts a circle of both operands.
            long circle = i.op == Op.SHLD ? v << 32 | w << 16 | v : v << 32 | w << 16 | v;
            if (i.op == Op.SHLD) {
                r = circle << n >>> 32;
                carry = circle >>> (48 - n) & 1;
            } else {
                circle = v << 32 | w << 16 | v;
                r = circle >>> n;
                carry = circle >>> (n - 1) & 1;
            }
        } else if (i.op == Op.SHLD) {
            r = n == bits ? w : (v << n) | (w >>> (bits - n));
            carry = v >>> (bits - n) & 1;
        } else {
            r = n == bits ? w : (v >>> n) | (w << (bits - n));
            carry = v >>> (n - 1) & 1;
        }
        r = Cpu.extend(r, size);
        if (memory) {
            cpu.store(la, size, r);
        } else {
            cpu.write(i, 0, r);
        }
        cpu.flagResult = r;
        long overflow = r ^ Cpu.extend(v, size);
        long c = carry << 63;
        cpu.flagAux = c | ((c ^ overflow) & Long.MIN_VALUE) >>> 1;
    }

    private static void scanned(Cpu cpu, Instruction i, long v, int position) {
        if (position >= 0) {
            cpu.write(i, 0, position);
        } else if (i.size[0] == 4) {
            // Intel leaves the destination alone but still clears the upper half on some cores.
            cpu.r[i.reg[0]] = cpu.r[i.reg[0]];
        }
        // Only ZF is defined; the others are as after OR, which is least work.
        cpu.flagResult = Cpu.extend(v, i.size[0]);
        cpu.flagAux = 0;
    }

    private static void counted(Cpu cpu, Instruction i, long v, int count) {
        cpu.write(i, 0, count);
        // Only ZF and CF are defined.
        cpu.flagResult = count;
        cpu.flagAux = v == 0 ? CARRY_ONLY : 0;
    }

    private static void logicResult(Cpu cpu, Instruction i, long v, boolean carry) {
        int size = i.size[0];
        cpu.write(i, 0, v);
        cpu.flagResult = Cpu.extend(v, size);
        cpu.flagAux = carry ? CARRY_ONLY : 0;
    }

    /** CF set, OF clear. */
    private static final long CARRY_ONLY = 3L << 62;

    private static void compareExchange(Cpu cpu, Instruction i) {
        int size = i.size[0];
        int shift = 64 - size * 8;
        long expected = Cpu.truncate(cpu.r[Cpu.RAX], size);
        long replacement = cpu.read(i, 1);
        if (i.kind[0] != Operand.MEM) {
            long v = cpu.read(i, 0);
            Alu.sub(cpu, expected, v, 0, shift);
            if (v == expected) {
                cpu.write(i, 0, replacement);
            } else {
                cpu.writeRegister(Cpu.RAX, size, v);
            }
            return;
        }
        long la = cpu.linear(i, size, true);
        while (true) {
            long v = LockedAccess.load(cpu, la, size);
            // The processor writes in any case: the old value where they differ.
            boolean equal = v == expected;
            if (LockedAccess.store(cpu, size, v, equal ? replacement : v)) {
                Alu.sub(cpu, expected, v, 0, shift);
                if (!equal) {
                    cpu.writeRegister(Cpu.RAX, size, v);
                }
                return;
            }
        }
    }
}
