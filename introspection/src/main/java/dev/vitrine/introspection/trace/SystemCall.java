// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace;

import org.jspecify.annotations.Nullable;

/**
 * A system call of a guest's process.
 *
 * @param abi "x64", "x32" or "i386"
 * @param nr number of the call in that ABI, without x32's bit
 * @param name its name, such as "openat"
 * @param args what it was given
 * @param result what it returned; null if it did not: the process ended in it, or the trace did
 * @param error name of the error, if the result is one
 * @param duration ns from its beginning to its return, by the domain's clock; null if it did not
 */
public record SystemCall(
        String abi,
        int nr,
        String name,
        Arguments args,
        @Nullable Long result,
        @Nullable String error,
        @Nullable Long duration)
        implements Event {
    @Override
    public String kind() {
        return "syscall";
    }

    /** Whether it has returned, and not with an error. */
    public boolean succeeded() {
        return result != null && error == null;
    }
}
