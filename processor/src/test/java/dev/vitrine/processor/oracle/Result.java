// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0
package dev.vitrine.processor.oracle;

import java.util.Arrays;

/**
 * How a case ended: the exception (if one ended it), the state, and the memory lines that changed.
 */
public final class Result {
    /** The case ran to the end of its code. */
    public static final int END = 0xff;

    /** The case did not end in 20 ms or more of processor time. */
    public static final int TIMEOUT = 0xfe;

    /** The case made a system call, which was not carried out; RIP is behind the instruction. */
    public static final int SYSTEM_CALL = 0xfd;

    /** The case killed the child process. */
    public static final int KILLED = 0xfc;

    /** The vector of the exception that ended the case, or END, TIMEOUT, SYSTEM_CALL, KILLED. */
    public int vector;

    /** The error code of the exception. */
    public long error;

    /** The linear address of a page fault; 0 for everything else. */
    public long cr2;

    /** The signal by which Linux reported the exception, 0 at END. */
    public int signal;

    public final CpuImage state = new CpuImage();

    /**
     * The number of 64-byte lines that differ from the initial memory (not: from the case's own
     * lines).
     */
    public int lineCount;

    long[] lineAddresses = new long[16];
    long[] lineWords = new long[16 * 8];

    void ensureLines(int count) {
        if (count > lineAddresses.length) {
            lineAddresses = Arrays.copyOf(lineAddresses, count);
            lineWords = Arrays.copyOf(lineWords, count * 8);
        }
    }

    /** Copies everything from another result. */
    void copyFrom(Result o) {
        vector = o.vector;
        error = o.error;
        cr2 = o.cr2;
        signal = o.signal;
        state.copyFrom(o.state);
        lineCount = o.lineCount;
        ensureLines(lineCount);
        System.arraycopy(o.lineAddresses, 0, lineAddresses, 0, lineCount);
        System.arraycopy(o.lineWords, 0, lineWords, 0, lineCount * 8);
    }

    /** The number of the changed line that holds an address, or -1. */
    int line(long address) {
        for (int i = 0; i < lineCount; i++) {
            if (lineAddresses[i] == (address & -64)) {
                return i;
            }
        }
        return -1;
    }

    /**
     * Copies a byte of memory from another result.
     *
     * @return false if only one of the two has changed the line that it lies in
     */
    boolean copyByte(Result o, long address) {
        int to = line(address);
        int from = o.line(address);
        if (to < 0 || from < 0) {
            return to == from;
        }
        int word = ((int) address & 63) / 8;
        long mask = 0xffL << ((int) address & 7) * 8;
        lineWords[to * 8 + word] =
                lineWords[to * 8 + word] & ~mask | o.lineWords[from * 8 + word] & mask;
        return true;
    }

    /** The 64-bit word at an aligned address after the case. */
    public long word(InitialMemory initial, long address) {
        int i = line(address);
        return i < 0 ? initial.word(address) : lineWords[i * 8 + ((int) address & 63) / 8];
    }

    /** The name of a vector. */
    public static String vectorName(int vector) {
        String[] names = {
            "#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "9", "#TS", "#NP", "#SS",
            "#GP", "#PF", "15", "#MF", "#AC", "#MC", "#XM"
        };
        return switch (vector) {
            case END -> "end";
            case TIMEOUT -> "timeout";
            case SYSTEM_CALL -> "system call";
            case KILLED -> "killed";
            default -> vector >= 0 && vector < names.length ? names[vector] : "vector " + vector;
        };
    }

    @Override
    public String toString() {
        return vectorName(vector)
                + "("
                + Long.toHexString(error)
                + ") cr2="
                + Long.toHexString(cr2)
                + " rip="
                + Long.toHexString(state.rip)
                + " rflags="
                + Long.toHexString(state.rflags);
    }
}
