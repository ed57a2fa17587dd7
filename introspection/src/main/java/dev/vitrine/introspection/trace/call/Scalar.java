// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import dev.vitrine.introspection.trace.ValueWriter;

/** A type whose value fits into a register. */
record Scalar(Width width, boolean signed, Style style) {
    /** How many bytes. */
    enum Width {
        W1,
        W2,
        W4,
        W8,
        /** As a pointer. */
        POINTER,
        /** As __kernel_long_t. */
        KERNEL_LONG
    }

    /** How a value is told. */
    interface Style {
        void write(ValueWriter w, long value, CallView call);
    }

    /** Bytes in memory. */
    int size(Abi abi) {
        return switch (width) {
            case W1 -> 1;
            case W2 -> 2;
            case W4 -> 4;
            case W8 -> 8;
            case POINTER -> abi.pointer();
            case KERNEL_LONG -> abi.kernelLong();
        };
    }

    /** The value that a register holds: as much of it as the type has. */
    long inRegister(Abi abi, long register) {
        int size =
                width == Width.POINTER || width == Width.KERNEL_LONG ? abi.register() : size(abi);
        return cut(register, size);
    }

    /** A value of so many bytes, with its sign. */
    long cut(long raw, int size) {
        int unused = 64 - 8 * Math.min(size, 8);
        return signed ? raw << unused >> unused : raw << unused >>> unused;
    }

    void write(ValueWriter w, long value, CallView call) {
        style.write(w, value, call);
    }
}
