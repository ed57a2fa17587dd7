// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import java.util.BitSet;

/**
 * Breakpoint instructions in a frame, and what would stand there without them. They count where an
 * instruction begins. An instruction that only goes over one, because the guest has jumped into the
 * middle of another or has written something else before it, is decoded from the original bytes.
 *
 * @param places offsets of the breakpoint instructions, which must not be changed
 * @param original the frame's bytes without them
 * @param copied the machine frame that this one is a copy of; its hooks are reached here, too
 */
record PatchedFrame(BitSet places, byte[] original, long copied) {
    static final byte INT3 = (byte) 0xCC;
}
