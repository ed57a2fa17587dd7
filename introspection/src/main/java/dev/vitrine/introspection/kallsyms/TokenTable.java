// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.kallsyms;

import dev.vitrine.introspection.Effort;
import dev.vitrine.introspection.LittleEndian;

import org.jspecify.annotations.Nullable;

/**
 * kallsyms_token_table and kallsyms_token_index: 256 strings, each ended by a zero byte, and where
 * each of them begins. A symbol's name is a row of token numbers.
 */
final class TokenTable {
    private static final int TOKENS = 256;
    private static final int INDEX_SIZE = 2 * TOKENS;

    /** The index stands at the next address with such an alignment; older kernels had fewer. */
    private static final int MAX_PADDING = 256;

    private static final int MAX_TOKEN = 512;

    /** Multiplier of the names' hash. */
    static final int PRIME = 16777619;

    private final byte[] image;
    private final int start;
    private final int indexStart;
    private final int[] offset = new int[TOKENS];
    private final int[] length = new int[TOKENS];
    private final int[] hash = new int[TOKENS];
    private final int[] power = new int[TOKENS];

    private TokenTable(byte[] image, int start, int indexStart) {
        this.image = image;
        this.start = start;
        this.indexStart = indexStart;
    }

    /**
     * The first token table in a piece of memory, at or behind a place.
     *
     * @return null if there is none
     */
    static @Nullable TokenTable find(byte[] image, int from, Effort effort) {
        int page = Math.max(0, from) & -4096;
        for (; page < image.length; page += 4096) {
            int to = Math.min(page + 4096, image.length - 7);
            for (int at = digitsInPage(image, page, to);
                    at >= 0;
                    at = digitsInPage(image, at + 8, to)) {
                // The word that was found is somewhere within "0 1 2 ... 9 ".
                for (int zero = at - 20; zero <= at; zero++) {
                    if (zero >= from && isDigits(image, zero)) {
                        TokenTable t = around(image, zero, effort);
                        if (t != null) {
                            return t;
                        }
                    }
                }
            }
        }
        return null;
    }

    /**
     * Each digit is a token of its own, in order, so that there are 20 bytes of digits with zeros
     * between, in which a whole aligned word lies. A method of its own, so that it is soon
     * compiled.
     */
    private static int digitsInPage(byte[] image, int from, int to) {
        for (int i = from; i < to; i += 8) {
            long w = LittleEndian.i64(image, i);
            if ((w & 0xFF00FF00FF00FF00L) == 0) {
                if ((w & 0x00F000F000F000F0L) == 0x0030003000300030L && rises(w)) {
                    return i;
                }
            } else if ((w & 0x00FF00FF00FF00FFL) == 0
                    && (w & 0xF000F000F000F000L) == 0x3000300030003000L
                    && rises(w >>> 8)) {
                return i;
            }
        }
        return -1;
    }

    private static boolean rises(long w) {
        long first = w & 0xFF;
        return (w >>> 16 & 0xFF) == first + 1
                && (w >>> 32 & 0xFF) == first + 2
                && (w >>> 48 & 0xFF) == first + 3;
    }

    private static boolean isDigits(byte[] image, int at) {
        if (at < 0 || at + 20 > image.length) {
            return false;
        }
        for (int i = 0; i < 10; i++) {
            if (image[at + 2 * i] != '0' + i || image[at + 2 * i + 1] != 0) {
                return false;
            }
        }
        return true;
    }

    /** The table in which token 0x30 is at a place, if it is one. */
    private static @Nullable TokenTable around(byte[] image, int zero, Effort effort) {
        int at = zero;
        for (int token = '0'; token < TOKENS; token++) {
            int end = at;
            while (end < image.length && image[end] != 0 && end - at < MAX_TOKEN) {
                end++;
            }
            effort.spend(1 + end - at);
            if (end >= image.length || image[end] != 0) {
                return null;
            }
            at = end + 1;
        }
        effort.spend(MAX_PADDING * 16L);
        int last = Math.min(at + MAX_PADDING, image.length - INDEX_SIZE);
        for (int index = at; index <= last; index++) {
            if (LittleEndian.u16(image, index) == 0) {
                int start = zero - LittleEndian.u16(image, index + 2 * '0');
                if (start >= 0 && start < zero) {
                    TokenTable t = new TokenTable(image, start, index);
                    if (t.load(at)) {
                        return t;
                    }
                }
            }
        }
        return null;
    }

    /** Whether the index fits the strings, which end at a place. */
    private boolean load(int end) {
        int at = start;
        for (int t = 0; t < TOKENS; t++) {
            if (LittleEndian.u16(image, indexStart + 2 * t) != at - start) {
                return false;
            }
            offset[t] = at;
            int h = 0;
            int p = 1;
            while (at < end && image[at] != 0) {
                h = h * PRIME + (image[at] & 0xFF);
                p *= PRIME;
                at++;
            }
            length[t] = at - offset[t];
            hash[t] = h;
            power[t] = p;
            at++;
        }
        return at == end;
    }

    /** Where the strings begin. */
    int start() {
        return start;
    }

    /** Where the index ends. */
    int end() {
        return indexStart + INDEX_SIZE;
    }

    int length(int token) {
        return length[token];
    }

    /** The hash of a name that goes on with a token. */
    int hash(int before, int token) {
        return before * power[token] + hash[token];
    }

    /** The hash of a whole name, as {@link #hash(int, int)} makes it token by token. */
    static int hashOf(String name) {
        int h = 0;
        for (int i = 0; i < name.length(); i++) {
            h = h * PRIME + (name.charAt(i) & 0xFF);
        }
        return h;
    }

    /** Adds a token's characters to a name. */
    void append(int token, StringBuilder to) {
        for (int i = 0; i < length[token]; i++) {
            to.append((char) (image[offset[token] + i] & 0xFF));
        }
    }

    /** A token's first character; 0 if it is empty. */
    int first(int token) {
        return length[token] == 0 ? 0 : image[offset[token]] & 0xFF;
    }

    /**
     * Removes what the token's first character adds to its hash: the symbol's type stands there.
     */
    int hashWithoutFirst(int token) {
        int h = 0;
        for (int i = 1; i < length[token]; i++) {
            h = h * PRIME + (image[offset[token] + i] & 0xFF);
        }
        return h;
    }
}
