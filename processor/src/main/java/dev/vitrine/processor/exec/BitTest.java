// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;
import dev.vitrine.processor.decode.Operand;
import dev.vitrine.processor.lift.Lifter;

/** BT, BTS, BTR, BTC. A register offset reaches memory beyond the operand (SDM volume 2, BT). */
final class BitTest {
    private static final int PRESENT = 1;
    private static final int USER = 4;

    private BitTest() {}

    static void execute(Cpu cpu, Instruction i) {
        int size = i.size[0];
        int bits = size * 8;
        boolean memory = i.kind[0] == Operand.MEM;
        long index = cpu.read(i, 1);
        int bit = (int) index & (bits - 1);
        if (!memory) {
            long v = cpu.read(i, 0);
            if (i.op != Op.BT) {
                cpu.write(i, 0, change(i.op, v, bit));
            }
            setCarry(cpu, v >>> bit);
            return;
        }
        long offset = cpu.offset(i);
        if (i.kind[1] == Operand.GPR) {
            offset += (Cpu.extend(index, size) >> (size == 8 ? 6 : size == 4 ? 5 : 4)) * size;
            if (i.addressSize < 8) {
                offset = Cpu.truncate(offset, i.addressSize);
            }
        }
        boolean writes = i.op != Op.BT;
        long la = cpu.linear(i.segment, offset, size, writes);
        if (!writes) {
            setCarry(cpu, cpu.load(la, size) >>> bit);
            return;
        }
        while (true) {
            long v;
            if (i.lock) {
                v = LockedAccess.load(cpu, la, size);
                if (!LockedAccess.store(cpu, size, v, change(i.op, v, bit))) {
                    continue;
                }
            } else {
                v = cpu.mmu.loadForWrite(la, size);
                cpu.store(la, size, change(i.op, v, bit));
            }
            setCarry(cpu, v >>> bit);
            if (Lifter.mayClearAccessed(i) && (v & 1L << bit) != 0 && (v & PRESENT) != 0) {
                cpu.host.accessedBitCleared((v & USER) != 0);
            }
            return;
        }
    }

    private static long change(Op op, long v, int bit) {
        long mask = 1L << bit;
        return op == Op.BTS ? v | mask : op == Op.BTR ? v & ~mask : v ^ mask;
    }

    private static void setCarry(Cpu cpu, long lowBit) {
        long aux = cpu.flagAux;
        Alu.carryOverflow(cpu, lowBit << 63, aux ^ (aux << 1));
    }
}
