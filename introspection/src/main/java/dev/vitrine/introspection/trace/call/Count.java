// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import dev.vitrine.introspection.LittleEndian;

import java.util.List;

/**
 * How much of something there is.
 *
 * @param kind where the number is
 * @param number the number itself, or the index of a parameter
 */
record Count(Kind kind, int number) {
    enum Kind {
        FIXED,
        /** A parameter. */
        PARAMETER,
        /** What the call returned. */
        RESULT,
        /** An int that a parameter points to. */
        POINTED,
        /** Pages that so many bytes take, which are a parameter. */
        PAGES
    }

    /**
     * A count as the tables have it.
     *
     * @param names parameters
     */
    static Count of(String text, List<String> names) {
        if (text.equals("ret")) {
            return new Count(Kind.RESULT, 0);
        }
        if (text.chars().allMatch(Character::isDigit)) {
            return new Count(Kind.FIXED, Integer.parseInt(text));
        }
        if (text.endsWith("/4096")) {
            Count bytes = of(text.substring(0, text.indexOf('/')), names);
            return new Count(Kind.PAGES, bytes.number);
        }
        boolean pointed = text.startsWith("*");
        int at = names.indexOf(pointed ? text.substring(1) : text);
        if (at < 0) {
            throw new IllegalArgumentException("no parameter " + text);
        }
        return new Count(pointed ? Kind.POINTED : Kind.PARAMETER, at);
    }

    /** The number; 0 if it is negative or cannot be read. */
    long get(CallReader call) {
        long n =
                switch (kind) {
                    case FIXED -> number;
                    case PARAMETER -> call.value(number);
                    case RESULT -> call.result();
                    case PAGES -> (call.value(number) + 4095) >>> 12;
                    case POINTED -> {
                        byte[] b = new byte[4];
                        yield call.read(call.value(number), b, 0, 4) ? LittleEndian.i32(b, 0) : 0;
                    }
                };
        return Math.max(0, n);
    }
}
