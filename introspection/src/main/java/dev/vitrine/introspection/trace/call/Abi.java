// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

/** The three ways in which programs call a 64-bit x86 kernel. */
public enum Abi {
    /** 64-bit programs. */
    X64("x64", 8, 8, 8),
    /** 64-bit registers, 32-bit pointers. */
    X32("x32", 4, 8, 8),
    /** 32-bit programs, by INT 0x80, SYSENTER or SYSCALL. */
    I386("i386", 4, 4, 4);

    private final String label;
    private final int pointer;
    private final int kernelLong;
    private final int alignment;

    Abi(String label, int pointer, int kernelLong, int alignment) {
        this.label = label;
        this.pointer = pointer;
        this.kernelLong = kernelLong;
        this.alignment = alignment;
    }

    /** As events have it. */
    public String label() {
        return label;
    }

    /** Size of a pointer, and of a long in what a program has in memory, in bytes. */
    public int pointer() {
        return pointer;
    }

    /** Size of a __kernel_long_t in bytes. */
    public int kernelLong() {
        return kernelLong;
    }

    /** Alignment of a number of 8 bytes in a structure. */
    public int alignment() {
        return alignment;
    }

    /** Bytes of a register that count for a parameter of a pointer's type. */
    public int register() {
        return this == I386 ? 4 : 8;
    }
}
