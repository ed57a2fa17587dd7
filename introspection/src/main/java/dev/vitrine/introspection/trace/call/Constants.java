// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The names of one set of numbers, of which one or, as bits, several are in an argument. */
final class Constants {
    private static final Map<String, Constants> ALL = load();

    /** Texts remembered for a set: programs use few combinations, but may use any. */
    private static final int REMEMBERED = 512;

    /** A set without names. */
    static final Constants NONE = new Constants();

    private final List<String> names = new ArrayList<>();
    private final List<Long> values = new ArrayList<>();
    private final Map<Long, String> byValue = new HashMap<>();
    private final Map<Long, String> combinations = new ConcurrentHashMap<>();

    private Constants() {}

    private static Map<String, Constants> load() {
        Map<String, Constants> all = new HashMap<>();
        Constants set = new Constants();
        for (String line : Tables.lines(Tables.class, "constants.tbl")) {
            if (line.startsWith("@")) {
                set = new Constants();
                all.put(line.substring(1), set);
                continue;
            }
            for (String word : line.split(" ")) {
                int at = word.lastIndexOf('=');
                set.names.add(word.substring(0, at));
                long value = Long.decode(word.substring(at + 1));
                set.values.add(value);
                set.byValue.putIfAbsent(value, word.substring(0, at));
            }
        }
        return all;
    }

    /**
     * A set.
     *
     * @throws IllegalArgumentException there is none of that name
     */
    static Constants of(String name) {
        Constants c = ALL.get(name);
        if (c == null) {
            throw new IllegalArgumentException("no set " + name);
        }
        return c;
    }

    /** The name of a number; null if it has none. */
    @Nullable String name(long value) {
        return byValue.get(value);
    }

    /** The number of a name; null if there is none of that name. */
    @Nullable Long value(String name) {
        int at = names.indexOf(name);
        return at < 0 ? null : values.get(at);
    }

    /** The names of the bits of a number, with bars between; what has no name in hexadecimal. */
    String bits(long value) {
        String known = combinations.get(value);
        if (known != null) {
            return known;
        }
        StringBuilder s = new StringBuilder();
        long left = value;
        for (int i = 0; i < names.size(); i++) {
            long v = values.get(i);
            if (v != 0 && (left & v) == v) {
                s.append(s.isEmpty() ? "" : "|").append(names.get(i));
                left &= ~v;
            }
        }
        if (left != 0) {
            s.append(s.isEmpty() ? "0x" : "|0x").append(Long.toHexString(left));
        }
        String none = byValue.getOrDefault(0L, "0");
        String text = s.isEmpty() ? none : s.toString();
        if (combinations.size() < REMEMBERED) {
            combinations.put(value, text);
        }
        return text;
    }
}
