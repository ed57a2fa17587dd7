// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import dev.vitrine.introspection.IntrospectionException;

/** An argument of a function of the kernel. */
public sealed interface CallArgument {
    /** A number or an address; an int is one whose upper half is not looked at. */
    record Value(long number) implements CallArgument {}

    /**
     * The address of a symbol of the kernel or a module.
     *
     * @param offset bytes behind it
     */
    record Symbolic(String name, long offset) implements CallArgument {}

    /**
     * The address of a text with a zero byte behind it, which is the kernel's until the function
     * returns.
     */
    record Text(String text) implements CallArgument {}

    /** As {@link #decode} reads it: the request {@code call} of {@code docs/introspection.md}. */
    default String encoded() {
        return switch (this) {
            case Value v -> "n" + v.number;
            case Symbolic s -> "s" + s.offset + " " + s.name;
            case Text t -> "t" + t.text;
        };
    }

    /**
     * Reads an argument.
     *
     * @throws IntrospectionException it is none
     */
    static CallArgument decode(String s) {
        try {
            if (s.startsWith("n")) {
                return new Value(Long.parseLong(s, 1, s.length(), 10));
            }
            if (s.startsWith("s")) {
                int space = s.indexOf(' ');
                return new Symbolic(
                        s.substring(space + 1), Long.parseLong(s, 1, Math.max(1, space), 10));
            }
        } catch (NumberFormatException e) {
            throw new IntrospectionException("An argument of the call has no number.", e);
        }
        if (s.startsWith("t")) {
            return new Text(s.substring(1));
        }
        throw new IntrospectionException("An argument of the call is of no kind.");
    }
}
