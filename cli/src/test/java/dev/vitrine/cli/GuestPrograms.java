// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;

/** Programs of a few instructions for a Linux guest. */
final class GuestPrograms {
    private static final int PAGE = 4096;
    private static final int I386_BASE = 0x0804_8000;
    private static final int X64_BASE = 0x40_0000;

    /**
     * A 32-bit program. It finds AT_SYSINFO, behind which the kernel has what the processor is
     * fastest with, and ends with status 7.
     */
    private static final String I386 =
            """
            89e6 8b0e 8d748e08 ad85c075fb   mov esi,esp ; to the auxiliary vector
            8b06 8b7e04 83c608              2: mov eax,[esi] ; mov edi,[esi+4] ; add esi,8
            83f820 7406 85c075ef eb06       cmp eax,32 ; je 3f ; test eax,eax ; jnz 2b ; jmp 4f
            893dd0800408                    3: mov [vs],edi
            b804000000 bb01000000 b9d4800408 ba04000000 cd80    4: write(1, "hi!\\n", 4)
            b805000000 bbd8800408 31c9 31d2 cd80                open("/etc/passwd", 0, 0)
            89c3 b8c5000000 b9e4800408 cd80                     fstat64(fd, buf)
            b809010000 bb01000000 b9e4800408 cd80               clock_gettime(1, buf)
            b8af000000 31db 31c9 bae4800408 be08000000 cd80     rt_sigprocmask(0, 0, buf, 8)
            b8c0000000 31db b900100000 ba03000000 be22000000 bfffffffff bd01000000
            ff15d0800408                                        mmap2(0, 4096, 3, 0x22, -1, 1) by vs
            b814000000 ff15d0800408                             getpid() by vs
            b806000000 bb63000000 ff15d0800408                  close(99) by vs
            b8fc000000 bb07000000 cd80                          exit_group(7)
            cd80c3                                              int 0x80 ; ret
            cd800408                                            vs
            6869210a 2f6574632f70617373776400                   texts
            """;

    /** Calls with x32's bit, and the end with status 9 as a 64-bit program. */
    private static final String X32 =
            """
            b801000040 bf01000000 488d352c000000 ba04000000 0f05   write(1, "x32\\n", 4)
            b827000040 0f05                                        getpid()
            b808020040 488d3d16000000 31f6 31d2 0f05               execve("/no/such/file", 0, 0)
            b8e7000000 bf09000000 0f05                             exit_group(9), 64-bit
            7833320a 2f6e6f2f737563682f66696c6500                  texts
            """;

    /** Reads from address 16, where nothing is. */
    private static final String CRASH =
            """
            b810000000 8b00   mov eax,16 ; mov eax,[rax]
            """;

    private GuestPrograms() {}

    private static byte[] code(String listing) {
        StringBuilder hex = new StringBuilder();
        for (String line : listing.lines().toList()) {
            for (String word : line.split(" ")) {
                if (!word.matches("([0-9a-f]{2})+")) {
                    break;
                }
                hex.append(word);
            }
        }
        return HexFormat.of().parseHex(hex);
    }

    /** Writes the programs into a folder: i386, x32 and crash. */
    static void write(Path folder) throws IOException {
        program(folder.resolve("i386"), elf32(code(I386)));
        program(folder.resolve("x32"), elf64(code(X32)));
        program(folder.resolve("crash"), elf64(code(CRASH)));
    }

    private static void program(Path file, byte[] content) throws IOException {
        Files.write(file, content);
        if (!file.toFile().setExecutable(true, false)) {
            throw new IOException(file + " cannot be made executable");
        }
    }

    private static ByteBuffer header(int bits, int machine, int size) {
        ByteBuffer b = ByteBuffer.allocate(PAGE + size).order(ByteOrder.LITTLE_ENDIAN);
        b.putInt(0x464C457F).put((byte) (bits / 32)).put((byte) 1).put((byte) 1);
        b.position(16);
        return b.putShort((short) 2).putShort((short) machine).putInt(1);
    }

    /** All in one segment behind the first page of the file, with room for a buffer. */
    private static byte[] elf32(byte[] code) {
        ByteBuffer b = header(32, 3, code.length);
        b.putInt(I386_BASE).putInt(52).putInt(0).putInt(0);
        b.putShort((short) 52).putShort((short) 32).putShort((short) 1);
        b.position(52);
        b.putInt(1).putInt(PAGE).putInt(I386_BASE).putInt(I386_BASE);
        b.putInt(code.length).putInt(PAGE).putInt(7).putInt(PAGE);
        return b.position(PAGE).put(code).array();
    }

    private static byte[] elf64(byte[] code) {
        ByteBuffer b = header(64, 62, code.length);
        b.putLong(X64_BASE).putLong(64).putLong(0).putInt(0);
        b.putShort((short) 64).putShort((short) 56).putShort((short) 1);
        b.position(64);
        b.putInt(1).putInt(7).putLong(PAGE).putLong(X64_BASE).putLong(X64_BASE);
        b.putLong(code.length).putLong(PAGE).putLong(PAGE);
        return b.position(PAGE).put(code).array();
    }
}
