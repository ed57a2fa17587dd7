// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;

/**
 * What a block keeps of each guest instruction, in one int: where it is, where its micro-operations
 * begin, and how it uses the stack.
 */
final class Places {
    /** Its stores go to the stack. */
    private static final int PUSHES = 1 << 15;

    /** Whatever else it accesses does, or is in the stack segment. */
    private static final int STACK = 1 << 14;

    private static final int START = 16;

    private Places() {}

    /**
     * @param start index in the block's code of its first micro-operation
     */
    static int of(Instruction i, long blockRip, int start) {
        boolean stack =
                i.op == Op.LEAVE
                        || (i.memoryOperand() >= 0
                                ? i.segment == Cpu.SS
                                : i.op == Op.PUSH || i.op == Op.POP);
        int offset = (int) (i.rip - blockRip) & STACK - 1;
        return start << START | offset | (i.op == Op.PUSH ? PUSHES : 0) | (stack ? STACK : 0);
    }

    /** Bytes from the beginning of the block. */
    static int offset(int place) {
        return place & STACK - 1;
    }

    /** Whether stores go to the stack, though loads may come from anywhere. */
    static boolean pushes(int place) {
        return (place & PUSHES) != 0;
    }

    /** Whether an access of neither kind is to the stack. */
    static boolean stack(int place) {
        return (place & STACK) != 0;
    }

    /** Index in the block's code of its first micro-operation. */
    static int start(int place) {
        return place >>> START;
    }
}
