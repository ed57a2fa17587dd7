// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;
import dev.vitrine.processor.decode.Operand;
import dev.vitrine.processor.exec.Block;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes vector instructions on 64-bit lanes in local variables. For what is not written in line,
 * and for operands that want the exact path, the vector unit itself is called or the region left.
 */
final class VectorEmitter {
    private final CodeBuilder code;
    private final LaneEmitter integers;
    private final ShuffleEmitter shuffles;
    private final MoveEmitter moves;
    private final FloatEmitter floats;
    private final CipherEmitter ciphers;
    private final BitEmitter bits;
    private final IntegerEmitter others;
    private final KernelEmitter kernel;

    private final LaneKnowledge known;

    /** What is known at the beginning of blocks that just one way leads to. */
    private final Map<Integer, LaneKnowledge> carried = new HashMap<>();

    /**
     * @param doubles lanes whose local is a double, see {@link #doubleLanes}
     * @param reloadContext writes what must follow when memory is accessed in another way
     */
    VectorEmitter(
            CodeBuilder code,
            UopEmitter uops,
            MemoryEmitter memory,
            FlagEmitter flags,
            long doubles,
            Runnable reloadContext) {
        this.code = code;
        LaneAccess lanes = new LaneAccess(code, uops, memory, flags, doubles);
        known = lanes.known;
        integers = new LaneEmitter(lanes);
        shuffles = new ShuffleEmitter(lanes);
        moves = new MoveEmitter(lanes);
        floats = new FloatEmitter(lanes);
        ciphers = new CipherEmitter(lanes);
        bits = new BitEmitter(lanes);
        others = new IntegerEmitter(lanes);
        kernel = new KernelEmitter(lanes, reloadContext);
    }

    /** Whether an instruction can be written in line. */
    static boolean supports(Instruction i, int modeKey) {
        if ((modeKey & Cpu.MODE_64) == 0) {
            return false;
        }
        if (BitEmitter.supports(i) || IntegerEmitter.supports(i)) {
            return i.memoryOperand() < 0 || i.addressSize == 8;
        }
        if (KernelEmitter.supports(i, modeKey)) {
            return true;
        }
        if (i.op.group != Op.Group.VECTOR) {
            return false;
        }
        for (int n = 0; n < i.operands; n++) {
            if (i.kind[n] == Operand.MMX || (i.kind[n] == Operand.MEM && i.addressSize != 8)) {
                return false;
            }
        }
        return MoveEmitter.supports(i)
                || LaneEmitter.supports(i)
                || ShuffleEmitter.supports(i)
                || FloatEmitter.supports(i)
                || CipherEmitter.supports(i);
    }

    /** As {@link RegionShape#weight}. */
    static int weight(Instruction i) {
        int n = i.memoryOperand();
        int memory = n < 0 ? 0 : RegionShape.MEMORY_WEIGHT + 5 * Math.max(0, i.size[n] / 8 - 1);
        if (i.op.group != Op.Group.VECTOR) {
            return memory + (i.op == Op.PUSHF ? RegionShape.MEMORY_WEIGHT : 2);
        }
        if (FloatEmitter.supports(i)) {
            return memory + FloatEmitter.weight(i);
        }
        return memory
                + (CipherEmitter.supports(i) ? CipherEmitter.weight(i) : LaneEmitter.weight(i));
    }

    private static long lanes(Instruction i, int register) {
        return (i.vex || i.vectorLength == 32 ? 15L : 3L) << 4 * register;
    }

    /** Lanes that an instruction reads or writes; bit 4r + k is lane k of register r. */
    static long lanes(Instruction i) {
        long mask = 0;
        for (int n = 0; n < i.operands; n++) {
            if (i.kind[n] == Operand.XMM) {
                mask |= lanes(i, i.reg[n]);
            }
        }
        int blend = LaneEmitter.blendMask(i);
        if (blend >= 0) {
            mask |= lanes(i, blend);
        }
        if (i.op == Op.SHA256RNDS2) {
            mask |= lanes(i, 0);
        }
        if (i.op == Op.VZEROUPPER) {
            mask = 0xCCCC_CCCC_CCCC_CCCCL;
        } else if (i.op == Op.VZEROALL) {
            mask = -1;
        }
        return mask;
    }

    /** Lanes that it changes. */
    static long changedLanes(Instruction i) {
        if (i.op == Op.VZEROUPPER || i.op == Op.VZEROALL) {
            return lanes(i);
        }
        return i.operands > 0 && i.kind[0] == Operand.XMM ? lanes(i, i.reg[0]) : 0;
    }

    /** The lanes that blocks use for doubles more than for anything else. */
    static long doubleLanes(List<Block> blocks) {
        int[] uses = new int[64];
        for (Block b : blocks) {
            for (Instruction i : b.instructions) {
                if (i.op.group != Op.Group.VECTOR || !supports(i, b.modeKey)) {
                    continue;
                }
                int use =
                        FloatEmitter.supports(i)
                                ? FloatEmitter.ofDoubles(i) ? 3 : -2
                                : MoveEmitter.supports(i) ? 0 : -1;
                for (int n = 0; n < i.operands; n++) {
                    if (i.kind[n] == Operand.XMM) {
                        int lanes = FloatEmitter.scalar(i) ? 1 : i.vectorLength / 8;
                        for (int k = 0; k < lanes; k++) {
                            uses[4 * i.reg[n] + k] += use;
                        }
                    }
                }
            }
        }
        long mask = 0;
        for (int lane = 0; lane < 64; lane++) {
            mask |= uses[lane] > 0 ? 1L << lane : 0;
        }
        return mask;
    }

    /** General registers that it names; a mask. */
    static int registers(Instruction i) {
        int mask =
                generalDestination(i)
                        | BitEmitter.impliedSource(i)
                        | IntegerEmitter.impliedSources(i)
                        | KernelEmitter.registers(i);
        for (int n = 0; n < i.operands; n++) {
            if (i.kind[n] == Operand.GPR) {
                mask |= 1 << i.reg[n];
            }
        }
        if (i.memoryOperand() >= 0) {
            if (i.base >= 0 && i.base != Instruction.RIP_BASE) {
                mask |= 1 << i.base;
            }
            if (i.index >= 0) {
                mask |= 1 << i.index;
            }
            if (i.segment >= Cpu.FS) {
                mask |= 1 << Cpu.R_SEG_BASE + i.segment;
            }
        }
        return mask;
    }

    /** The general register that it changes, as a mask. */
    static int generalDestination(Instruction i) {
        int implied =
                BitEmitter.impliedDestination(i)
                        | IntegerEmitter.implied(i)
                        | KernelEmitter.registers(i) & 0xFFFF;
        return i.operands > 0 && i.kind[0] == Operand.GPR ? implied | 1 << i.reg[0] : implied;
    }

    /**
     * At the beginning of a block.
     *
     * @param lone just one way leads to it
     */
    void begin(int block, boolean lone) {
        LaneKnowledge before = lone ? carried.get(block) : null;
        if (before != null) {
            known.set(before);
        } else {
            known.clear();
        }
    }

    /** On the only way to a block. */
    void carry(int block) {
        if (!known.isEmpty()) {
            carried.put(block, known.copy());
        }
    }

    /** All lanes have been read again from the processor. */
    void forget() {
        known.clear();
    }

    /**
     * Writes an instruction.
     *
     * @param first it is the first of its block for which the unit must be found enabled
     * @param seen whether flags that it sets can be seen by anybody
     */
    void emit(Instruction i, boolean first, boolean seen, Label miss) {
        if (i.op.group != Op.Group.VECTOR) {
            if (BitEmitter.supports(i)) {
                bits.emit(i, miss);
            } else if (IntegerEmitter.supports(i)) {
                others.emit(i, seen, miss);
            } else {
                kernel.emit(i, miss);
            }
            return;
        }
        if (first) {
            code.iload(Locals.VECTOR_STATE).loadConstant(i.vex ? 2 : 1).iand().ifeq(miss);
        }
        if (MoveEmitter.supports(i)) {
            moves.emit(i, miss);
        } else if (LaneEmitter.supports(i)) {
            integers.emit(i, miss);
        } else if (ShuffleEmitter.supports(i)) {
            shuffles.emit(i, miss);
        } else if (FloatEmitter.supports(i)) {
            floats.emit(i, miss);
        } else {
            ciphers.emit(i, miss);
        }
    }
}
