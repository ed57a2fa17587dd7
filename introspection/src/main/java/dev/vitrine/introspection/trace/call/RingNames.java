// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

/** Names of io_uring's operations. */
public final class RingNames {
    private RingNames() {}

    /** The name of an operation, or its number if it has none. */
    public static String of(int opcode) {
        String name = Constants.of("io_uring_op").name(opcode);
        return name == null ? Integer.toString(opcode) : name;
    }
}
