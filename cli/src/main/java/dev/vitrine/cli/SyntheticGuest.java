// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;

/** Makes PVH kernels of a few instructions. */
final class SyntheticGuest {
    /** Where the code is loaded, and where it starts, in 32-bit protected mode. */
    static final int ADDRESS = 0x100000;

    private static final int HEADER = 64;
    private static final int PROGRAM_HEADER = 56;
    private static final int CODE = 256;
    private static final int XEN_ELFNOTE_PHYS32_ENTRY = 18;

    private SyntheticGuest() {}

    /**
     * The bytes of a listing: the first word of each line in hexadecimal; what follows is for
     * people.
     */
    static byte[] assemble(String listing) {
        StringBuilder digits = new StringBuilder();
        for (String line : listing.strip().split("\\R")) {
            digits.append(line.strip().split("\\s+", 2)[0]);
        }
        return HexFormat.of().parseHex(digits);
    }

    /** A 64-bit ELF file with one segment of code at {@link #ADDRESS} and the note for PVH. */
    static byte[] kernel(byte[] code) {
        ByteBuffer b = ByteBuffer.allocate(CODE + code.length).order(ByteOrder.LITTLE_ENDIAN);
        b.put(new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1});
        b.putShort(16, (short) 2).putShort(18, (short) 62).putInt(20, 1); // ET_EXEC, EM_X86_64
        b.putLong(24, ADDRESS).putLong(32, HEADER);
        b.putShort(52, (short) HEADER).putShort(54, (short) PROGRAM_HEADER).putShort(56, (short) 2);
        b.putShort(58, (short) 64);
        programHeader(b, HEADER, 1, 7, CODE, code.length); // PT_LOAD, RWX
        int note = HEADER + 2 * PROGRAM_HEADER;
        programHeader(b, HEADER + PROGRAM_HEADER, 4, 4, note, 20); // PT_NOTE, R
        b.putInt(note, 4).putInt(note + 4, 4).putInt(note + 8, XEN_ELFNOTE_PHYS32_ENTRY);
        b.put(note + 12, new byte[] {'X', 'e', 'n', 0}).putInt(note + 16, ADDRESS);
        b.put(CODE, code);
        return b.array();
    }

    private static void programHeader(
            ByteBuffer b, int at, int type, int flags, int offset, int size) {
        b.putInt(at, type).putInt(at + 4, flags).putLong(at + 8, offset);
        b.putLong(at + 16, ADDRESS).putLong(at + 24, ADDRESS);
        b.putLong(at + 32, size).putLong(at + 40, size).putLong(at + 48, 4);
    }
}
