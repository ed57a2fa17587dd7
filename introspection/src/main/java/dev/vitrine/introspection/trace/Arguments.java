// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace;

import org.jspecify.annotations.Nullable;

import java.util.List;

/**
 * What a system call was given: numbers, and what was in memory where they point to. Decoded when
 * it is asked for; may be used by any thread.
 */
public interface Arguments extends Content {
    /** How many there are. */
    int size();

    /** Name of a parameter. */
    String name(int index);

    /** What was in the register, cut to the size of the parameter's type. */
    long value(int index);

    /** Whether the call has the argument: some calls have it only with certain others. */
    boolean present(int index);

    /** An argument as text, as {@code --format text} has it, without quotes. */
    String text(int index);

    /** The index of a parameter; -1 if there is none of that name. */
    int index(String name);

    /** An argument's number; 0 if there is no such parameter. */
    default long value(String name) {
        int i = index(name);
        return i < 0 ? 0 : value(i);
    }

    /** The guest's text or bytes at which an argument points; null if they were not read. */
    byte @Nullable [] bytes(int index);

    /**
     * A message of a socket (struct msghdr).
     *
     * @param name the address of the peer that it has, as a struct sockaddr; null if it has none
     * @param length bytes that have been sent or received of it, if it is one of several; else -1
     */
    record Message(byte @Nullable [] name, long length) {}

    /** The messages at which an argument points; empty if there are none, or they were not read. */
    default List<Message> messages(int index) {
        return List.of();
    }

    /** The guest's text at which an argument points, such as a path; null if it was not read. */
    @Nullable String string(String name);
}
