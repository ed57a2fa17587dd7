// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import static java.lang.constant.ConstantDescs.CD_double;
import static java.lang.constant.ConstantDescs.CD_long;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Form;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Operand;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;

/** Operands of vector instructions in a region: lanes in local variables, and guest memory. */
final class LaneAccess {
    private static final ClassDesc DOUBLE = ClassDesc.of("java.lang.Double");
    private static final MethodTypeDesc TO_DOUBLE = MethodTypeDesc.of(CD_double, CD_long);
    private static final MethodTypeDesc FROM_DOUBLE = MethodTypeDesc.of(CD_long, CD_double);

    final CodeBuilder code;
    final UopEmitter uops;
    final MemoryEmitter memory;
    final FlagEmitter flags;

    /** What is known of the numbers in the lanes. */
    final LaneKnowledge known = new LaneKnowledge();

    /** Lanes whose local is a double; bit 4r + k. */
    private final long doubles;

    LaneAccess(
            CodeBuilder code,
            UopEmitter uops,
            MemoryEmitter memory,
            FlagEmitter flags,
            long doubles) {
        this.code = code;
        this.uops = uops;
        this.memory = memory;
        this.flags = flags;
        this.doubles = doubles;
    }

    // ------------------------------------------------------------------ registers

    private boolean isDouble(int register, int lane) {
        return (doubles >>> 4 * register + lane & 1) != 0;
    }

    void push(int register, int lane) {
        if (isDouble(register, lane)) {
            code.dload(Locals.lane(register, lane));
            code.invokestatic(DOUBLE, "doubleToRawLongBits", FROM_DOUBLE);
        } else {
            code.lload(Locals.lane(register, lane));
        }
    }

    void pop(int register, int lane) {
        if (isDouble(register, lane)) {
            code.invokestatic(DOUBLE, "longBitsToDouble", TO_DOUBLE);
            code.dstore(Locals.lane(register, lane));
        } else {
            code.lstore(Locals.lane(register, lane));
        }
        known.forget(4 * register + lane);
    }

    void pushDouble(int register, int lane) {
        if (isDouble(register, lane)) {
            code.dload(Locals.lane(register, lane));
        } else {
            code.lload(Locals.lane(register, lane));
            code.invokestatic(DOUBLE, "longBitsToDouble", TO_DOUBLE);
        }
    }

    void popDouble(int register, int lane) {
        if (isDouble(register, lane)) {
            code.dstore(Locals.lane(register, lane));
        } else {
            code.invokestatic(DOUBLE, "doubleToRawLongBits", FROM_DOUBLE);
            code.lstore(Locals.lane(register, lane));
        }
        known.forget(4 * register + lane);
    }

    void pushTemp(int n) {
        code.lload(Locals.vectorTemp(n));
    }

    void popTemp(int n) {
        code.lstore(Locals.vectorTemp(n));
    }

    void copy(int to, int toLane, int from, int fromLane) {
        if (to == from && toLane == fromLane) {
            return;
        }
        if (isDouble(to, toLane)) {
            pushDouble(from, fromLane);
            popDouble(to, toLane);
        } else {
            push(from, fromLane);
            pop(to, toLane);
        }
        known.move(4 * to + toLane, 4 * from + fromLane);
    }

    void clear(int register, int lane) {
        if (isDouble(register, lane)) {
            code.dconst_0();
            popDouble(register, lane);
        } else {
            code.lconst_0();
            pop(register, lane);
        }
        known.zero(4 * register + lane);
    }

    /** With VEX what lies above is cleared. */
    void clearAbove(Instruction i, int lanes) {
        if (i.vex) {
            for (int k = lanes; k < 4; k++) {
                clear(i.reg[0], k);
            }
        }
    }

    // -------------------------------------------------------------------- operands

    /** Number of the last operand that is not an immediate. */
    static int lastSource(Instruction i) {
        int n = i.operands - 1;
        return i.kind[n] == Operand.IMM ? n - 1 : n;
    }

    /** Register of the first source: the destination itself if operand n is the second. */
    static int firstSource(Instruction i, int n) {
        return n >= 2 ? i.reg[1] : i.reg[0];
    }

    /** Pushes the linear address of the memory operand. */
    void pushAddress(Instruction i) {
        if (i.base == Instruction.RIP_BASE) {
            uops.pushRip(i.disp + i.nextRip());
        } else {
            code.loadConstant(i.disp);
        }
        if (i.base >= 0 && i.base != Instruction.RIP_BASE) {
            uops.push(i.base);
            code.ladd();
        }
        if (i.index >= 0) {
            uops.push(i.index);
            if (i.scale != 0) {
                code.loadConstant(i.scale).lshl();
            }
            code.ladd();
        }
        if (i.segment >= Cpu.FS) {
            uops.push(Cpu.R_SEG_BASE + i.segment);
            code.ladd();
        }
    }

    /**
     * Looks whether the memory operand can be accessed at once.
     *
     * @param aligned it has to be aligned even where VEX does not demand it
     */
    void probe(Instruction i, int size, boolean write, boolean aligned, Label miss) {
        pushAddress(i);
        boolean legacy = size == 16 && !i.vex && (i.form.attributes & Form.UNALIGNED) == 0;
        if (aligned || legacy) {
            code.lstore(Locals.LINEAR);
            code.lload(Locals.LINEAR).l2i().loadConstant(size - 1).iand().ifne(miss);
            code.lload(Locals.LINEAR);
        }
        memory.probeAny(size, write, miss);
    }

    /** Loads a memory operand into the temporaries; register operands stay where they are. */
    boolean fetch(Instruction i, int n, int size, boolean aligned, Label miss) {
        if (i.kind[n] != Operand.MEM) {
            return false;
        }
        probe(i, size, false, aligned, miss);
        if (size < 8) {
            memory.loadAt(size, 0);
            popTemp(0);
        } else {
            for (int k = 0; k < size / 8; k++) {
                memory.loadAt(8, 8 * k);
                popTemp(k);
            }
        }
        return true;
    }

    /** Pushes lane k of operand n, which has been fetched if it is in memory. */
    void pushOperand(Instruction i, int n, int k) {
        if (i.kind[n] == Operand.MEM) {
            pushTemp(k);
        } else {
            push(i.reg[n], k);
        }
    }

    /** Stores some bytes of a lane to where {@link #probe} has looked. */
    void store(int size, int offset, int register, int lane) {
        memory.storeAt(size, offset, () -> push(register, lane));
    }
}
