// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import dev.vitrine.introspection.trace.call.Layout.Brief;

import org.jspecify.annotations.Nullable;

import java.util.HashMap;
import java.util.Map;
import java.util.Objects;

/** The structures of structures.tbl, in each ABI. */
final class Layouts {
    private static final Map<Abi, Map<String, Layout>> ALL = load();

    private Layouts() {}

    /** A structure; null if there is none of that name. */
    static @Nullable Layout of(Abi abi, String name) {
        Map<String, Layout> map = ALL.get(abi);
        return map == null ? null : map.get(name);
    }

    private static Map<Abi, Map<String, Layout>> load() {
        Map<Abi, Map<String, Layout>> all = new HashMap<>();
        for (Abi abi : Abi.values()) {
            Map<String, Layout> known = new HashMap<>();
            for (String line : Tables.lines(Tables.class, "structures.tbl")) {
                String[] words = line.trim().split(" +");
                String name = words[0];
                int at = name.indexOf('@');
                if (at >= 0) {
                    if (!("," + name.substring(at + 1) + ",").contains("," + abi.label() + ",")) {
                        continue;
                    }
                    name = name.substring(0, at);
                }
                Layout layout = new Layout(abi);
                for (int i = 1; i < words.length; i++) {
                    member(layout, words[i], known);
                }
                known.put(name, layout);
            }
            all.put(abi, known);
        }
        return all;
    }

    private static void member(Layout layout, String word, Map<String, Layout> known) {
        Brief brief = Brief.SHOWN;
        Layout.Condition condition = null;
        if (word.startsWith("?")) {
            brief = Brief.IF;
            int and = word.indexOf('&');
            int end = word.indexOf(':');
            long mask = Long.decode(word.substring(and + 1, end));
            String of = word.substring(1, and);
            condition = of.isEmpty() ? Layout.Condition.own(mask) : layout.condition(of, mask);
            word = word.substring(end + 1);
        }
        if (word.startsWith("~dev:")) {
            brief = Brief.DEVICE;
            word = word.substring("~dev:".length());
        } else if (word.startsWith("~file:")) {
            brief = Brief.FILE;
            word = word.substring("~file:".length());
        } else if (word.startsWith("~result:")) {
            brief = Brief.RESULT;
            word = word.substring("~result:".length());
        } else if (word.startsWith("~")) {
            brief = Brief.LEFT_OUT;
            word = word.substring(1);
        }
        int colon = word.indexOf(':');
        String name = word.substring(0, colon);
        String type = word.substring(colon + 1);
        Layout nested = known.get(type);
        Scalar scalar = Scalars.of(type);
        if (type.equals("sigset")) {
            layout.addSignals(name, brief);
        } else if (type.startsWith("chars[")) {
            int n = Integer.parseInt(type.substring("chars[".length(), type.length() - 1));
            layout.addCharacters(name, brief, n);
        } else if (type.endsWith("]")) {
            int open = type.indexOf('[');
            Scalar one = Objects.requireNonNull(Scalars.of(type.substring(0, open)), type);
            int n = Integer.parseInt(type.substring(open + 1, type.length() - 1));
            layout.addArray(name, brief, one, n);
        } else if (nested != null) {
            layout.add(name, brief, nested);
        } else if (scalar != null) {
            layout.add(name, brief, scalar, type.equals("packed64"), condition);
        } else {
            throw new IllegalStateException("no type " + type);
        }
    }
}
