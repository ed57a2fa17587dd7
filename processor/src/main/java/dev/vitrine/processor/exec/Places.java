// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;

/** What a block keeps of each guest instruction: where it is, and how it uses the stack. */
final class Places {
    /** Its stores go to the stack. */
    private static final int PUSHES = 1 << 15;

    /** Whatever else it accesses does, or is in the stack segment. */
    private static final int STACK = 1 << 14;

    private Places() {}

    static char of(Instruction i, long blockRip) {
        boolean stack =
                i.op == Op.LEAVE
                        || (i.memoryOperand() >= 0
                                ? i.segment == Cpu.SS
                                : i.op == Op.PUSH || i.op == Op.POP);
        int offset = (int) (i.rip - blockRip) & STACK - 1;
        return (char) (offset | (i.op == Op.PUSH ? PUSHES : 0) | (stack ? STACK : 0));
    }

    /** Bytes from the beginning of the block. */
    static int offset(char place) {
        return place & STACK - 1;
    }

    /** Whether stores go to the stack, though loads may come from anywhere. */
    static boolean pushes(char place) {
        return (place & PUSHES) != 0;
    }

    /** Whether an access of neither kind is to the stack. */
    static boolean stack(char place) {
        return (place & STACK) != 0;
    }
}
