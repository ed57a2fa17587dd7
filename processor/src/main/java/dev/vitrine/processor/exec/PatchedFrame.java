// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import java.util.BitSet;

/**
 * Breakpoint instructions in a frame, and what would stand there without them. They count where an
 * instruction begins: it is shown to the host first. What is decoded, also of an instruction that
 * only goes over one because the guest has jumped into the middle of another or has written
 * something else before it, are the original bytes; so blocks end where they do in the original.
 *
 * @param places offsets of the breakpoint instructions, which must not be changed
 * @param original the frame's bytes without them
 * @param copied the machine frame that this one is a copy of; its hooks are reached here, too
 * @param snapshot number of the snapshot of the other frame; the greatest counts
 */
record PatchedFrame(BitSet places, byte[] original, long copied, long snapshot) {}
