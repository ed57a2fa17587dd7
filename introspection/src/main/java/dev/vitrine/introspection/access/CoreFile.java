// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.access;

import static dev.vitrine.introspection.LittleEndian.i32;
import static dev.vitrine.introspection.LittleEndian.i64;
import static dev.vitrine.introspection.LittleEndian.u16;
import static dev.vitrine.introspection.LittleEndian.u32;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.PhysicalRange;
import dev.vitrine.introspection.Target;
import dev.vitrine.processor.Registers;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Reads ELF core files with physical memory: those of Vitrine, and of QEMU's {@code
 * dump-guest-memory}. Everything in the file may be wrong; nothing in it is trusted.
 */
public final class CoreFile {
    private static final int HEADER = 64;
    private static final int PROGRAM_HEADER = 56;
    private static final int ET_CORE = 4;
    private static final int EM_X86_64 = 62;
    private static final int PT_LOAD = 1;
    private static final int PT_NOTE = 4;
    private static final int NOTE_LIMIT = 16 << 20;

    private final String name;
    private final FileChannel channel;
    private final long size;
    private final List<CoreMemory.Segment> segments = new ArrayList<>();
    private List<Registers> vcpus = List.of();

    private CoreFile(String name, FileChannel channel, long size) {
        this.name = name;
        this.channel = channel;
        this.size = size;
    }

    /**
     * Opens a core file.
     *
     * @throws IntrospectionException it cannot be read, or is no such file
     */
    public static Target open(Path path) {
        try {
            return open(path.toString(), FileChannel.open(path, StandardOpenOption.READ));
        } catch (IOException e) {
            throw new IntrospectionException(
                    "File " + path + " cannot be read: " + e.getMessage() + ".", e);
        }
    }

    /** Opens a core file by its channel, which belongs to the target from now on. */
    public static Target open(String name, FileChannel channel) throws IOException {
        try {
            CoreFile f = new CoreFile(name, channel, channel.size());
            f.read();
            return new ImageTarget(
                    name,
                    new CoreMemory(channel, f.size, f.segments),
                    f.vcpus,
                    () -> close(channel));
        } catch (IntrospectionException | IOException e) {
            channel.close();
            throw e;
        }
    }

    private void read() throws IOException {
        byte[] h = bytes(0, HEADER);
        if (i32(h, 0) != 0x464C457F || h[4] != 2 || h[5] != 1) {
            throw bad("is not a memory image: it is no 64-bit ELF file");
        }
        if (u16(h, 16) != ET_CORE || u16(h, 18) != EM_X86_64) {
            throw bad("is not a memory image: it is an ELF file, but no core of an x86-64 machine");
        }
        long table = i64(h, 32);
        int count = u16(h, 56);
        if (u16(h, 54) != PROGRAM_HEADER || table < 0) {
            throw bad("has no program headers of the size that a 64-bit ELF file has");
        }
        byte[] headers = bytes(table, count * PROGRAM_HEADER);
        for (int at = 0; at < headers.length; at += PROGRAM_HEADER) {
            switch (i32(headers, at)) {
                case PT_LOAD -> load(headers, at);
                case PT_NOTE -> notes(i64(headers, at + 8), i64(headers, at + 32));
                default -> {}
            }
        }
        sort();
        if (segments.isEmpty()) {
            throw bad("has no memory in it");
        }
    }

    /** The kernel's image may be there a second time, with other linear addresses. */
    private void sort() {
        segments.sort(
                Comparator.<CoreMemory.Segment>comparingLong(s -> s.range().start())
                        .thenComparing(s -> -s.range().length()));
        List<CoreMemory.Segment> all = List.copyOf(segments);
        segments.clear();
        for (CoreMemory.Segment s : all) {
            PhysicalRange before = segments.isEmpty() ? null : segments.getLast().range();
            if (before == null || s.range().start() >= before.end()) {
                segments.add(s);
            } else if (s.range().end() > before.end()) {
                throw bad("has segments of memory that overlap");
            }
        }
    }

    private void load(byte[] headers, int at) {
        long offset = i64(headers, at + 8);
        long physical = i64(headers, at + 24);
        long inFile = i64(headers, at + 32);
        long length = i64(headers, at + 40);
        if (length == 0) {
            return;
        }
        if (offset < 0 || physical < 0 || inFile < 0 || length < inFile || physical + length < 0) {
            throw bad("has a segment of memory with impossible numbers");
        }
        long there = Math.max(0, Math.min(inFile, size - offset));
        segments.add(
                new CoreMemory.Segment(new PhysicalRange(physical, length), offset, there, inFile));
    }

    private void notes(long offset, long length) throws IOException {
        if (offset < 0 || length < 0 || length > NOTE_LIMIT) {
            throw bad("has notes with impossible numbers");
        }
        vcpus = CoreNotes.registers(bytes(offset, (int) length));
    }

    private byte[] bytes(long at, int length) throws IOException {
        if (length > size - at) {
            throw bad("is cut off: it is no longer than " + size + " bytes");
        }
        ByteBuffer b = ByteBuffer.allocate(length);
        while (b.hasRemaining()) {
            int n = channel.read(b, at + b.position());
            if (n <= 0) {
                throw bad("is cut off");
            }
        }
        return b.array();
    }

    private IntrospectionException bad(String what) {
        return new IntrospectionException("File " + name + " " + what + ".");
    }

    private static void close(FileChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Size of a name or descriptor in a note, with what fills it up to whole words. */
    static long padded(long size) {
        return size + 3 & ~3L;
    }

    /** An unsigned word of a note's header. */
    static long word(byte[] notes, int at) {
        return u32(notes, at);
    }
}
