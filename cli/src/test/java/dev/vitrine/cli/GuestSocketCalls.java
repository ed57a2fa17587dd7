// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Makes a 32-bit program for a guest that makes calls by socketcall, one after the other. At its
 * end it writes a table with their results to its standard output: for each call three numbers of
 * 32 bits, the last of which is the result.
 */
final class GuestSocketCalls {
    static final int WORDS = 3;

    private static final int BASE = 0x0804_8000;
    private static final int TABLE = 0x60;
    private static final int POOL = 0x400;

    /** The kernel maps 64 KiB around a page that is touched. */
    private static final int FAR = 0x4_0000;

    private static final String CODE =
            """
            be60800408                              esi = table
            8b1e 85db 7412                          while ((ebx = esi->call) != 0) {
            8b4e04 b866000000 cd80 894608           esi->result = socketcall(ebx, esi->arguments)
            83c60c ebe8                             esi++ }
            b804000000 bb01000000 b960800408        write(1, table, esi - table)
            89f2 29ca cd80
            b8fc000000 31db cd80                    exit_group(0)
            """;

    private final ByteBuffer image =
            ByteBuffer.allocate(FAR + 0x100).order(ByteOrder.LITTLE_ENDIAN);
    private int calls;
    private int pool = POOL;
    private int far = FAR;

    GuestSocketCalls() {
        image.put(GuestPrograms.code(CODE));
    }

    /** Address of bytes of the program. */
    int bytes(byte... b) {
        int at = pool;
        image.put(at, b);
        pool += b.length + 3 & -4;
        return BASE + at;
    }

    /** Makes a call; gives its number. */
    int call(int which, int... arguments) {
        pool = numbers(pool, arguments);
        return add(which, pool - 4 * arguments.length);
    }

    /** The same, with arguments in a page that has not been touched. */
    int callFromFar(int which, int... arguments) {
        far = numbers(far, arguments);
        return add(which, far - 4 * arguments.length);
    }

    private int numbers(int at, int... all) {
        for (int i = 0; i < all.length; i++) {
            image.putInt(at + 4 * i, all[i]);
        }
        return at + 4 * all.length;
    }

    private int add(int which, int at) {
        image.putInt(TABLE + 12 * calls, which).putInt(TABLE + 12 * calls + 4, BASE + at);
        return calls++;
    }

    /** The program, as an ELF file. */
    byte[] program() {
        return GuestPrograms.elf32(image.array());
    }
}
