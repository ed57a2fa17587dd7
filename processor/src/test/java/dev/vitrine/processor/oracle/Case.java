// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0
package dev.vitrine.processor.oracle;

import java.util.Arrays;

/**
 * One case: code, the state to start from, and the memory that differs from the common initial
 * memory.
 */
public final class Case {

    /** How the end of the code is noticed. */
    public enum Exit {
        /**
         * A jump to the runner: fast, but wrong under TF. The result has the vector {@link
         * Result#END}.
         */
        JUMP,
        /** An INT3; the result has vector 3 and RIP behind it. Also what is used with TF. */
        INT3,
        /** Nothing: the case ends by its own fault, or in the filler, or in the unmapped page. */
        NONE
    }

    /** The state to start from. RIP is where execution starts. */
    public final CpuImage state = new CpuImage();

    /** Where the code goes: in CODE or CODE_WRITABLE. */
    public long codeAddress = OracleLayout.CODE;

    public Exit exit = Exit.JUMP;

    final byte[] code = new byte[OracleLayout.CODE_WINDOW];
    int codeLength;

    int lineCount;
    long[] lineAddresses = new long[8];
    long[] lineWords = new long[8 * 8];

    /**
     * Clears everything: no code, the initial state of {@link CpuImage#reset}, no memory of its
     * own.
     */
    public Case reset() {
        state.reset();
        codeAddress = OracleLayout.CODE;
        exit = Exit.JUMP;
        codeLength = 0;
        lineCount = 0;
        return this;
    }

    /** Sets code and entry at {@link #codeAddress}. */
    public Case code(byte... bytes) {
        return code(bytes, bytes.length);
    }

    /**
     * Sets the code to the first {@code length} bytes, at most {@link OracleLayout#CODE_WINDOW}
     * less 16.
     */
    public Case code(byte[] bytes, int length) {
        if (length > OracleLayout.CODE_WINDOW - 16) {
            throw new IllegalArgumentException("code too long: " + length);
        }
        System.arraycopy(bytes, 0, code, 0, length);
        codeLength = length;
        state.rip = codeAddress;
        return this;
    }

    /**
     * Places the code so that it ends, its exit sequence included, right at an address in the code
     * region.
     */
    public Case endAt(long address) {
        codeAddress = address - codeLength - exitLength();
        state.rip = codeAddress;
        return this;
    }

    /** Makes this a case in 32-bit compatibility mode. */
    public Case mode32() {
        state.cs = OracleLayout.CODE32_SELECTOR;
        return this;
    }

    public boolean is32() {
        return state.cs == OracleLayout.CODE32_SELECTOR;
    }

    public int codeLength() {
        return codeLength;
    }

    /** A copy of the code bytes without the exit sequence. */
    public byte[] codeBytes() {
        return Arrays.copyOf(code, codeLength);
    }

    /** The address behind the last code byte. */
    public long codeEnd() {
        return codeAddress + codeLength;
    }

    int exitLength() {
        return switch (exit) {
            case JUMP -> is32() ? 7 : 5;
            case INT3 -> 1;
            case NONE -> 0;
        };
    }

    /**
     * Sets a 64-bit word of the case's memory. The rest of its 64-byte line keeps the common
     * initial memory, which {@code oracle} knows.
     */
    public Case word(InitialMemory initial, long address, long value) {
        int shift = (int) address & 7;
        if (shift != 0) {
            throw new IllegalArgumentException("not aligned: " + Long.toHexString(address));
        }
        int n = line(initial, address);
        lineWords[n * 8 + ((int) address & 63) / 8] = value;
        return this;
    }

    /** The 64-bit word at an aligned address when the case starts. */
    long word(InitialMemory initial, long address) {
        for (int i = 0; i < lineCount; i++) {
            if (lineAddresses[i] == (address & -64)) {
                return lineWords[i * 8 + ((int) address & 63) / 8];
            }
        }
        return initial.word(address);
    }

    /** The number of the line that holds the address, made if there is none yet. */
    int line(InitialMemory initial, long address) {
        long start = address & -64;
        for (int i = 0; i < lineCount; i++) {
            if (lineAddresses[i] == start) {
                return i;
            }
        }
        if (lineCount == lineAddresses.length) {
            lineAddresses = Arrays.copyOf(lineAddresses, lineCount * 2);
            lineWords = Arrays.copyOf(lineWords, lineCount * 16);
        }
        if (!InitialMemory.isWritable(address)) {
            throw new IllegalArgumentException(
                    "not in writable memory: " + Long.toHexString(address));
        }
        lineAddresses[lineCount] = start;
        for (int k = 0; k < 8; k++) {
            lineWords[lineCount * 8 + k] = initial.word(start + 8 * k);
        }
        return lineCount++;
    }
}
