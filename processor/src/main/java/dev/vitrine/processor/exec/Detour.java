// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.lift.Uop;

import org.jspecify.annotations.Nullable;

/**
 * A block up to an instruction that a region is often left at for the slow path, one whose operand
 * crosses from page to page, say. The interpreter executes that one only, and goes on with the
 * block that begins behind it, which is soon translated as any other; it would be slow in the rest
 * of a long block. The limit of a run is not looked at in between, and both end at the same branch:
 * so a run stops where it would without, unless another thread asks for it just then.
 */
final class Detour extends Block {
    /** So many instructions behind it, or more, are worth it. */
    private static final int WORTH = 4;

    /** What this is the beginning of. */
    final Block whole;

    private Detour(Block whole, int instructionCount) {
        super(
                whole,
                whole.beginningOfCode(instructionCount),
                instructionCount,
                whole.rip(instructionCount));
        this.whole = whole;
        // No region begins here.
        asked = true;
    }

    /** That of an instruction of a block, by number; null if it would be of no use. */
    static @Nullable Detour behind(Block b, int instruction) {
        // One that was cut for its length does not end where one that begins later does.
        boolean cut = ((int) b.code[b.code.length - 2] & 0xFF) == Uop.NEXT;
        return cut || b.count - instruction <= WORTH ? null : new Detour(b, instruction + 1);
    }
}
