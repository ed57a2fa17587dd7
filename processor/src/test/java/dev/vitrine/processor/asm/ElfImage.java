// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0
package dev.vitrine.processor.asm;

/**
 * Wraps code into a static x86-64 ELF executable with one code segment and one zeroed data segment.
 */
public final class ElfImage {
    /** The code of an executable starts this far into the page that also holds the ELF headers. */
    public static final int HEADER_SIZE = 0x100;

    private ElfImage() {}

    /**
     * Builds the file.
     *
     * @param base page-aligned address of the headers; the code must be assembled for {@code base +
     *     HEADER_SIZE}
     * @param code the code; execution starts at its first byte
     * @param data page-aligned address of the zeroed, writable segment
     * @param dataSize its size in bytes
     */
    public static byte[] executable(long base, byte[] code, long data, long dataSize) {
        Asm a = new Asm(64, base);
        long fileSize = HEADER_SIZE + code.length;
        // e_ident: magic, 64-bit, little-endian, version 1, System V
        a.db(0x7f).ascii("ELF").db(2, 1, 1, 0).dq(0);
        a.dw(2, 62).dd(1); // ET_EXEC, EM_X86_64
        a.dq(base + HEADER_SIZE, 64, 0).dd(0); // entry, program headers, section headers, flags
        a.dw(64, 56, 2, 64, 0, 0);
        programHeader(a, 5, 0, base, fileSize, fileSize);
        programHeader(a, 6, 0, data, 0, dataSize);
        // A GNU_STACK header is left out on purpose: nothing here runs on the kernel's initial
        // stack.
        return a.org(base + HEADER_SIZE).bytes(code).toBytes();
    }

    private static void programHeader(
            Asm a, int flags, long offset, long address, long file, long memory) {
        a.dd(1, flags).dq(offset, address, address, file, memory, 0x1000);
    }
}
