// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.LittleEndian;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/** A kernel's memory from {@link #BLOCK} on; each member has an offset of its own. */
final class FakeMemory implements CallMemory {
    static final long BLOCK = 0xFFFF_C900_0000_1000L;
    static final long FILE = BLOCK + 0x8000;
    static final long INODE = FILE + 0x100;
    static final long OPERATIONS = FILE + 0x200;
    static final long TASK = BLOCK + 0x9000;
    static final long REGISTERS = BLOCK + 0xA000;

    /** Where a program's memory is: the last quarter of all. */
    static final long PROGRAM = 0x7F00_0000_0000L;

    private static final List<String> MEMBERS =
            Stream.of(FileProcedure.MEMBERS, ThreadBracket.MEMBERS, StopBracket.MEMBERS)
                    .flatMap(List::stream)
                    .toList();

    private static final List<String> OPTIONAL =
            Stream.concat(
                            FileProcedure.OPTIONAL.stream(),
                            Stream.of(
                                    ThreadBracket.CALCULATE,
                                    ThreadBracket.WAKE,
                                    WakeProcedure.RESUME))
                    .toList();

    private final byte[] content = new byte[1 << 16];

    private int at(long address, int length) {
        long n = address > 0 ? address - PROGRAM + 0xC000 : address - BLOCK;
        if (n < 0 || n > content.length - length) {
            throw new IntrospectionException("Nothing there.");
        }
        return (int) n;
    }

    @Override
    public long number(long address, int size) {
        return LittleEndian.number(content, at(address, size), size);
    }

    @Override
    public byte[] bytes(long address, int length) {
        int from = at(address, length);
        return Arrays.copyOfRange(content, from, from + length);
    }

    @Override
    public void write(long address, byte[] source) {
        System.arraycopy(source, 0, content, at(address, source.length), source.length);
    }

    @Override
    public long offset(String member) {
        return 8L * MEMBERS.indexOf(member);
    }

    @Override
    public long symbol(String name) {
        return 1 + OPTIONAL.indexOf(name);
    }

    void put(long address, long value) {
        LittleEndian.put64(content, at(address, 8), value);
    }

    String text(long address) {
        int from = at(address, 1);
        int end = from;
        while (content[end] != 0) {
            end++;
        }
        return new String(content, from, end - from, StandardCharsets.UTF_8);
    }

    /** A file of a kind that kernel_read takes. */
    FakeMemory file(int mode) {
        put(FILE + offset("file.f_inode"), INODE);
        put(FILE + offset("file.f_op"), OPERATIONS);
        put(INODE + offset("inode.i_mode"), mode);
        put(OPERATIONS + offset("file_operations.read_iter"), 1);
        put(OPERATIONS + offset("file_operations.write_iter"), 1);
        return this;
    }
}
