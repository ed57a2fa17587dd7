// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.kallsyms;

import dev.vitrine.introspection.linux.Symbol;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;

/** Writes kallsyms tables as kernels of several versions have them. */
public final class KallsymsBuilder {
    /** The order and width of the tables. */
    public enum Layout {
        /** Up to 4.5: addresses in full, markers of 8 bytes. */
        ABSOLUTE,
        /** 4.6 to 4.19. */
        RELATIVE_WIDE,
        /** 4.20 to 6.1. */
        RELATIVE,
        /** 6.2 to 6.4. */
        ORDERED,
        /** Since 6.5. */
        TAIL,
        /** Seen in 7.2. */
        DISTANCES
    }

    /** Where the memory is in which the table is put. */
    public static final long PLACE = 0xFFFF_FFFF_9E80_0000L;

    private int alignment = 8;

    private static final String[] PAIRS = {"__", "sys_", "init", "_lock", "get_", "read", "do_"};

    private final List<Symbol> symbols = new ArrayList<>();
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final List<String> tokens = new ArrayList<>();

    /** Symbols to write, in the order of their addresses. */
    public KallsymsBuilder add(long address, char type, String name) {
        symbols.add(new Symbol(address, type, name, ""));
        return this;
    }

    /** So many symbols, from an address on, and one with a name of 300 characters if asked for. */
    public static KallsymsBuilder many(int count, long address, boolean longName) {
        KallsymsBuilder b = new KallsymsBuilder();
        b.add(0, 'A', "fixed_percpu_data");
        b.add(0x1F000, 'A', "__per_cpu_end");
        for (int i = 2; i < count; i++) {
            String name = (i % 3 == 0 ? "__do_sys_" : "init_read") + Integer.toHexString(i * 7919);
            b.add(address + 16L * i, "TtdDrRbB".charAt(i % 8), name);
        }
        if (longName) {
            b.add(address + 16L * count, 't', "Zq".repeat(150));
        }
        return b;
    }

    public List<Symbol> symbols() {
        return symbols;
    }

    /**
     * The table.
     *
     * @param junk bytes in front of it
     * @param absolutePercpu whether offsets count down
     */
    public byte[] build(Layout layout, int junk, boolean absolutePercpu) {
        makeTokens();
        alignment = layout == Layout.DISTANCES ? 4 : 8;
        for (int i = 0; i < junk; i++) {
            out.write(i * 37 + (i >>> 8));
        }
        align();
        long base =
                symbols.stream().mapToLong(Symbol::address).filter(a -> a < 0).min().orElseThrow();
        boolean front = layout != Layout.TAIL && layout != Layout.DISTANCES;
        if (layout == Layout.ABSOLUTE) {
            symbols.forEach(s -> number(s.address(), 8));
        } else if (front) {
            offsets(base, absolutePercpu);
        }
        number(symbols.size(), layout == Layout.ABSOLUTE ? 8 : 4);
        align();
        names(layout);
        if (layout == Layout.ORDERED) {
            order();
        }
        tokens();
        if (layout == Layout.DISTANCES) {
            symbols.forEach(s -> number(s.address() - PLACE - out.size(), 4));
            order();
        } else if (!front) {
            offsets(base, absolutePercpu);
            order();
        }
        for (int i = 0; i < 64; i++) {
            out.write(i);
        }
        return out.toByteArray();
    }

    private void offsets(long base, boolean absolutePercpu) {
        for (Symbol s : symbols) {
            long a = s.address();
            number(absolutePercpu ? a < 0 ? base - 1 - a : a : a - base, 4);
        }
        align();
        number(base, 8);
    }

    private void names(Layout layout) {
        List<Integer> markers = new ArrayList<>();
        int start = out.size();
        for (int i = 0; i < symbols.size(); i++) {
            if (i % 256 == 0) {
                markers.add(out.size() - start);
            }
            byte[] packed = pack(symbols.get(i).type() + symbols.get(i).name());
            if (packed.length > 127) {
                out.write(packed.length & 0x7F | 0x80);
                out.write(packed.length >>> 7);
            } else {
                out.write(packed.length);
            }
            out.writeBytes(packed);
        }
        align();
        boolean wide = layout == Layout.ABSOLUTE || layout == Layout.RELATIVE_WIDE;
        markers.forEach(m -> number(m, wide ? 8 : 4));
        align();
    }

    /** kallsyms_seqs_of_names: 3 bytes each. */
    private void order() {
        for (int i = 0; i < symbols.size(); i++) {
            number(i * 31 % symbols.size(), 3);
        }
        align();
    }

    private void makeTokens() {
        int pair = 0;
        for (int i = 0; i < 256; i++) {
            boolean used =
                    i >= '0' && i <= '9'
                            || i >= 'A' && i <= 'Z'
                            || i >= 'a' && i <= 'z'
                            || i == '_';
            tokens.add(
                    used
                            ? String.valueOf((char) i)
                            : PAIRS[pair % PAIRS.length] + (pair++ < PAIRS.length ? "" : "x" + i));
        }
    }

    private byte[] pack(String text) {
        ByteArrayOutputStream b = new ByteArrayOutputStream();
        // The first token may hold more than the type.
        for (int at = 0; at < text.length(); ) {
            int best = text.charAt(at);
            for (int t = 0; t < 256; t++) {
                if (tokens.get(t).length() > tokens.get(best).length()
                        && text.startsWith(tokens.get(t), at)) {
                    best = t;
                }
            }
            b.write(best);
            at += tokens.get(best).length();
        }
        return b.toByteArray();
    }

    private void tokens() {
        List<Integer> index = new ArrayList<>();
        int start = out.size();
        for (String t : tokens) {
            index.add(out.size() - start);
            t.chars().forEach(out::write);
            out.write(0);
        }
        align();
        index.forEach(i -> number(i, 2));
        align();
    }

    private void number(long value, int size) {
        for (int i = 0; i < size; i++) {
            out.write((int) (value >>> 8 * i));
        }
    }

    private void align() {
        while (out.size() % alignment != 0) {
            out.write(0);
        }
    }
}
