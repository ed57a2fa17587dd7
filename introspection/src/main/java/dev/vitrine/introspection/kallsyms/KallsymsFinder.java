// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.kallsyms;

import dev.vitrine.introspection.Effort;
import dev.vitrine.introspection.LittleEndian;

import org.jspecify.annotations.Nullable;

/**
 * Finds kallsyms in a kernel's read-only data, from nothing but its content. The tables stand
 * behind one another, each aligned to 8 bytes (in the last form to 4); what their order is has
 * changed:
 *
 * <pre>
 * up to 4.5    addresses, number, names, markers, tokens, token index
 * 4.6 to 6.1   offsets, relative base, number, names, markers, tokens, token index
 * 6.2 to 6.4   the same, with 3 bytes per symbol (the order by name) behind the markers
 * since 6.5    number, names, markers, tokens, token index, offsets, relative base, order by name
 * about 7.0    the same, without the relative base: each offset is a distance from its own place
 * </pre>
 *
 * Markers, the place of each 256th name, have 8 bytes up to 4.19 and 4 bytes since. Offsets are 32
 * bits: unsigned from the relative base; or, where per-CPU symbols are absolute, those that are not
 * negative are addresses, and all others count down from one below the base.
 */
public final class KallsymsFinder {
    /** No kernel has so many symbols. */
    private static final int MAX_SYMBOLS = 1 << 21;

    private static final int MIN_SYMBOLS = 257;
    private static final int CHUNK = Kallsyms.CHUNK;

    /** The longest packed name, and its length. */
    private static final int MAX_PACKED = 514;

    /** Markers that are looked at to tell that they are such. */
    private static final int SAMPLE = 4;

    private final byte[] image;
    private final long base;
    private final long lowest;
    private final long highest;
    private final Effort effort;

    /**
     * @param image memory that has the table in it
     * @param base linear address of that memory
     * @param lowest where the kernel's image begins
     * @param highest where it ends
     * @param effort what the search may cost
     */
    public KallsymsFinder(byte[] image, long base, long lowest, long highest, Effort effort) {
        this.image = image;
        this.base = base;
        this.effort = effort;
        this.lowest = lowest;
        this.highest = highest;
    }

    /**
     * Finds and decodes the table.
     *
     * @return null if there is none
     */
    public @Nullable Kallsyms find() {
        for (TokenTable t = TokenTable.find(image, 0, effort);
                t != null;
                t = TokenTable.find(image, t.end(), effort)) {
            Kallsyms k = before(t, 4);
            if (k == null) {
                k = before(t, 8);
            }
            if (k != null) {
                return k;
            }
        }
        return null;
    }

    /** The table whose tokens these are, if its markers have a width. */
    private @Nullable Kallsyms before(TokenTable tokens, int width) {
        int end = tokens.start();
        int lowestMarker = (int) Math.max(0, end - 4L * MAX_SYMBOLS);
        int tried = 0;
        for (int at = end - 2 * width & -width; at >= lowestMarker && tried < 64; at -= width) {
            effort.spend(1);
            if (isMarkers(at, width, end)) {
                tried++;
                Kallsyms k = withMarkers(tokens, at, width);
                if (k != null) {
                    return k;
                }
            }
        }
        return null;
    }

    private long marker(int markers, int i, int width) {
        return LittleEndian.number(image, markers + i * width, width);
    }

    /** Whether markers may begin here: zero, and then values that rise as names can be long. */
    private boolean isMarkers(int at, int width, int end) {
        if (LittleEndian.i32(image, at) != 0 || marker(at, 0, width) != 0) {
            return false;
        }
        long before = 0;
        for (int i = 1; i < SAMPLE && at + (i + 1) * width <= end; i++) {
            long m = marker(at, i, width);
            if (!follows(before, m)) {
                return i > 1;
            }
            before = m;
        }
        return true;
    }

    private static boolean follows(long before, long marker) {
        return marker >= before + 2L * CHUNK && marker <= before + (long) CHUNK * MAX_PACKED;
    }

    private @Nullable Kallsyms withMarkers(TokenTable tokens, int markers, int width) {
        int count = 1;
        while (markers + (count + 1) * width <= tokens.start()
                && count < MAX_SYMBOLS / CHUNK
                && follows(marker(markers, count - 1, width), marker(markers, count, width))) {
            count++;
        }
        effort.spend(count);
        // The number of symbols, 8 or 4 bytes before the names, tells where they begin.
        long last = marker(markers, count - 1, width);
        if (last > markers) {
            return null;
        }
        int latest = (int) (markers - last - 4) & -4;
        int earliest = (int) Math.max(0, latest - (long) CHUNK * MAX_PACKED);
        for (int at = latest; at >= earliest; at -= 4) {
            int n = LittleEndian.i32(image, at);
            effort.spend(1);
            if (n >= MIN_SYMBOLS && n <= MAX_SYMBOLS && (n + CHUNK - 1) / CHUNK <= count) {
                for (int names = at + 4; names <= at + 8; names += 4) {
                    Kallsyms k = withNumber(tokens, markers, width, at, names, n);
                    if (k != null) {
                        return k;
                    }
                }
            }
        }
        return null;
    }

    private @Nullable Kallsyms withNumber(
            TokenTable tokens, int markers, int width, int number, int names, int count) {
        if (!namesFit(markers, width, names, count)) {
            return null;
        }
        long[] addresses = addresses(tokens, number, count);
        return addresses == null
                ? null
                : Kallsyms.of(image, tokens, names, markers, count, addresses);
    }

    /** Whether so many names, with the markers that there are, end where the markers begin. */
    private boolean namesFit(int markers, int width, int names, int count) {
        int at = names;
        for (int from = 0; from < count; from += CHUNK) {
            if (at - names != marker(markers, from / CHUNK, width)) {
                return false;
            }
            effort.spend(CHUNK);
            at = skip(at, Math.min(CHUNK, count - from), markers);
            if (at < 0) {
                return false;
            }
        }
        return at <= markers && markers - at < 8;
    }

    private int skip(int at, int count, int end) {
        for (int i = 0; i < count; i++) {
            if (at >= end) {
                return -1;
            }
            int length = image[at++];
            if (length < 0) {
                length = length & 0x7F | (image[at++] & 0xFF) << 7;
            }
            at += length;
        }
        return at > end ? -1 : at;
    }

    /** The addresses, wherever they are; null if they are nowhere. */
    private long @Nullable [] addresses(TokenTable tokens, int number, int count) {
        effort.spend(8L * count);
        int offsets = 4 * count + 7 & -8;
        int behind = tokens.end() + 7 & -8;
        // Addresses first: halves of them look like offsets, and the last one like a base.
        long[] a = absolute(number - 8 * count, count);
        if (a == null) {
            a = absolute(behind, count);
        }
        if (a == null) {
            a = relative(behind, behind + offsets, count);
        }
        if (a == null) {
            a = relative(number - 8 - offsets, number - 8, count);
        }
        return a == null ? distances(tokens.end() + 3 & -4, count) : a;
    }

    private long @Nullable [] relative(int offsets, int baseAt, int count) {
        if (offsets < 0 || baseAt < 0 || baseAt > image.length - 8) {
            return null;
        }
        long from = LittleEndian.i64(image, baseAt);
        if (!inKernel(from)) {
            return null;
        }
        int negative = 0;
        for (int i = 0; i < count; i += CHUNK) {
            negative += negative(offsets + 4 * i, Math.min(CHUNK, count - i));
        }
        long[] a = new long[count];
        for (int i = 0; i < count; i += CHUNK) {
            int n = Math.min(CHUNK, count - i);
            if (2 * negative > count) {
                countingDown(a, i, n, offsets, from);
            } else {
                countingUp(a, i, n, offsets, from);
            }
        }
        return plausible(a) ? a : null;
    }

    private int negative(int at, int count) {
        int n = 0;
        for (int i = 0; i < count; i++) {
            n += LittleEndian.i32(image, at + 4 * i) >>> 31;
        }
        return n;
    }

    private void countingDown(long[] a, int first, int count, int offsets, long base) {
        for (int i = first; i < first + count; i++) {
            long offset = LittleEndian.i32(image, offsets + 4 * i);
            a[i] = offset >= 0 ? offset : base - 1 - offset;
        }
    }

    private void countingUp(long[] a, int first, int count, int offsets, long base) {
        for (int i = first; i < first + count; i++) {
            a[i] = base + LittleEndian.u32(image, offsets + 4 * i);
        }
    }

    private long @Nullable [] distances(int at, int count) {
        if (at > image.length - 4L * count) {
            return null;
        }
        long[] a = new long[count];
        for (int i = 0; i < count; i += CHUNK) {
            distances(a, i, Math.min(CHUNK, count - i), at);
        }
        return plausible(a) ? a : null;
    }

    private void distances(long[] a, int first, int count, int at) {
        for (int i = first; i < first + count; i++) {
            a[i] = base + at + 4L * i + LittleEndian.i32(image, at + 4 * i);
        }
    }

    private long @Nullable [] absolute(int at, int count) {
        if (at < 0 || at > image.length - 8L * count) {
            return null;
        }
        long[] a = new long[count];
        for (int i = 0; i < count; i++) {
            a[i] = LittleEndian.i64(image, at + 8 * i);
        }
        return plausible(a) ? a : null;
    }

    /**
     * Whether nearly all are addresses of the kernel's image: the others are per-CPU or absolute.
     */
    private boolean plausible(long[] a) {
        int there = 0;
        for (int i = 0; i < a.length; i += CHUNK) {
            there += inKernel(a, i, Math.min(i + CHUNK, a.length));
        }
        return there >= a.length / 2;
    }

    private int inKernel(long[] a, int from, int to) {
        int n = 0;
        for (int i = from; i < to; i++) {
            n += inKernel(a[i]) ? 1 : 0;
        }
        return n;
    }

    private boolean inKernel(long address) {
        return address - lowest >= 0 && address - lowest <= highest - lowest;
    }
}
