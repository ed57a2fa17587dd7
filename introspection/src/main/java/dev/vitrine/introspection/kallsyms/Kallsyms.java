// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.kallsyms;

import dev.vitrine.introspection.linux.Symbol;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;

/** A decoded kallsyms table: names stay packed, so that few milliseconds are enough to use it. */
public final class Kallsyms {
    static final int CHUNK = 256;

    /** KSYM_NAME_LEN is 128 up to Linux 6.0, and 512 since. */
    private static final int MAX_NAME = 1024;

    /** Names that are made to have one hash are not all looked at. */
    private static final int MAX_CANDIDATES = 64;

    private final byte[] image;
    private final TokenTable tokens;
    private final int names;
    private final int namesEnd;
    private final long[] addresses;

    /** Where each symbol's packed name begins: at its length. */
    private final int[] places;

    private final int[] hashes;

    private Kallsyms(
            byte[] image, TokenTable tokens, int names, int namesEnd, long[] addresses, int count) {
        this.image = image;
        this.tokens = tokens;
        this.names = names;
        this.namesEnd = namesEnd;
        this.addresses = addresses;
        this.places = new int[count];
        this.hashes = new int[count];
    }

    /**
     * Reads the names once, for their hashes.
     *
     * @param addresses of the symbols, or of none if they are not known yet
     * @return null if the names do not fill their place
     */
    static @Nullable Kallsyms of(
            byte[] image, TokenTable tokens, int names, int namesEnd, int count, long[] addresses) {
        Kallsyms k = new Kallsyms(image, tokens, names, namesEnd, addresses, count);
        int at = names;
        for (int from = 0; from < count; from += CHUNK) {
            at = k.index(from, Math.min(from + CHUNK, count), at);
            if (at < 0) {
                return null;
            }
        }
        return k;
    }

    /** Some names; where the next one begins, or -1. */
    private int index(int from, int to, int at) {
        for (int i = from; i < to; i++) {
            if (at + 2 > namesEnd) {
                return -1;
            }
            places[i] = at;
            int length = image[at++];
            if (length < 0) { // since 6.1: seven bits, and more in the next byte
                length = length & 0x7F | (image[at++] & 0xFF) << 7;
            }
            if (length == 0 || at + length > namesEnd) {
                return -1;
            }
            hashes[i] = hash(at, length);
            at += length;
        }
        return at;
    }

    private int hash(int at, int length) {
        int h = tokens.hashWithoutFirst(image[at] & 0xFF);
        for (int i = 1; i < length; i++) {
            h = tokens.hash(h, image[at + i] & 0xFF);
        }
        return h;
    }

    /** Symbols in the table. */
    public int count() {
        return places.length;
    }

    /** Bytes that names take. */
    int namesLength() {
        return namesEnd - names;
    }

    /** Address of a symbol. */
    public long address(int i) {
        return addresses[i];
    }

    /** The character for a symbol's type, as {@code nm} has them, and its name behind it. */
    private String typeAndName(int i) {
        int at = places[i];
        int length = image[at++];
        if (length < 0) {
            length = length & 0x7F | (image[at++] & 0xFF) << 7;
        }
        StringBuilder s = new StringBuilder();
        for (int j = 0; j < length && s.length() < MAX_NAME; j++) {
            tokens.append(image[at + j] & 0xFF, s);
        }
        return s.toString();
    }

    /** A symbol. */
    public Symbol symbol(int i) {
        String s = typeAndName(i);
        return s.isEmpty()
                ? new Symbol(addresses[i], '?', "", "")
                : new Symbol(addresses[i], s.charAt(0), s.substring(1), "");
    }

    /** Number of the first symbol of a name; -1 if there is none. */
    public int find(String name) {
        int wanted = TokenTable.hashOf(name);
        int candidates = 0;
        for (int from = 0; from < hashes.length; from += CHUNK) {
            for (int i = next(wanted, from, from); i >= 0; i = next(wanted, i + 1, from)) {
                String s = typeAndName(i);
                if (s.length() == name.length() + 1 && s.endsWith(name)) {
                    return i;
                }
                if (++candidates > MAX_CANDIDATES) {
                    return -1;
                }
            }
        }
        return -1;
    }

    /** The next symbol with a hash, within a chunk. */
    private int next(int wanted, int from, int chunk) {
        int to = Math.min(chunk + CHUNK, hashes.length);
        for (int i = from; i < to; i++) {
            if (hashes[i] == wanted) {
                return i;
            }
        }
        return -1;
    }

    /** All symbols, in the order of the table. */
    public List<Symbol> all() {
        List<Symbol> list = new ArrayList<>(places.length);
        for (int i = 0; i < places.length; i++) {
            list.add(symbol(i));
        }
        return list;
    }
}
