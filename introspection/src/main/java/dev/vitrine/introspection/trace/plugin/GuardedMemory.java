// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.trace.Moment;

import java.util.Arrays;
import java.util.HexFormat;

/** Memory of the kernel that is to stay as it is, and how it was. */
final class GuardedMemory {
    private static final int PAGE = 4096;

    /** Bytes that are shown of what has changed. */
    private static final int SHOWN = 64;

    /** Changes with so many equal bytes between them are told as one. */
    private static final int GAP = 8;

    /** Gets changes. */
    interface Changed {
        /**
         * Some bytes are others than they were.
         *
         * @param at linear address of the first one
         * @param old in hexadecimal, the first ones
         * @param now in hexadecimal, the first ones
         * @param content of the page or a part of it
         * @param index of the first one in it
         */
        void changed(long at, String old, String now, byte[] content, int index);
    }

    /** Tells what may be there. */
    interface Explanation {
        /** How many bytes from a changed one on are right; 0 if that one is not. */
        int explained(long at, byte[] content, int index);
    }

    private final long start;

    /** What was there, or has been told to be there. */
    private final byte[] known;

    private GuardedMemory(long start, byte[] known) {
        this.start = start;
        this.known = known;
    }

    /** Memory as it is now; pages that are not mapped count as zeros, and are not looked at. */
    static GuardedMemory of(Moment m, long start, long end) {
        byte[] b = new byte[(int) Math.clamp(end - start, 0, 1 << 28)];
        for (int i = 0; i < b.length; i += PAGE) {
            m.read(start + i, b, i, Math.min(PAGE, b.length - i));
        }
        return new GuardedMemory(start, b);
    }

    long start() {
        return start;
    }

    long length() {
        return known.length;
    }

    /** Compares all pages. */
    void compare(Moment m, Explanation right, Changed changed) {
        for (long page = start & -PAGE; page < start + known.length; page += PAGE) {
            compare(m, page, right, changed);
        }
    }

    /** Compares a page with what is known, and tells each change once. */
    synchronized void compare(Moment m, long page, Explanation right, Changed changed) {
        long first = Math.max(page, start);
        long end = Math.min(page + PAGE, start + known.length);
        if (first >= end) {
            return;
        }
        int from = (int) (first - start);
        byte[] now = new byte[(int) (end - first)];
        if (!m.read(first, now, 0, now.length)) {
            return;
        }
        int i = 0;
        while (i < now.length) {
            int n = Arrays.mismatch(now, i, now.length, known, from + i, from + now.length);
            if (n < 0) {
                return;
            }
            i += n;
            int good = right.explained(first + i, now, i);
            if (good > 0) {
                i += good;
                continue;
            }
            int last = i;
            for (int k = i + 1; k < now.length && k <= last + GAP; k++) {
                if (now[k] != known[from + k] && right.explained(first + k, now, k) == 0) {
                    last = k;
                }
            }
            changed.changed(
                    first + i,
                    hex(known, from + i, last + 1 - i),
                    hex(now, i, last + 1 - i),
                    now,
                    i);
            System.arraycopy(now, i, known, from + i, last + 1 - i);
            i = last + 1;
        }
    }

    private static String hex(byte[] b, int from, int length) {
        return HexFormat.of().formatHex(b, from, from + Math.min(SHOWN, length));
    }
}
