// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.decode;

/** Decodes one instruction at a time. */
public final class Decoder {
    /** The bytes ended before the instruction did. */
    public static final int NEED_MORE = -1;
    /** No instruction: #UD. */
    public static final int INVALID = -2;
    /** Longer than 15 bytes: #GP(0). */
    public static final int TOO_LONG = -3;

    /** Decodes; see the class. */
    public int decode(
            byte[] code, int offset, int available, long rip, int codeSize, Instruction out) {
        return INVALID;
    }
}
