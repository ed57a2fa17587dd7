// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.access;

import dev.vitrine.introspection.Core;
import dev.vitrine.introspection.MappedRange;
import dev.vitrine.introspection.PhysicalMemory;
import dev.vitrine.introspection.PhysicalRange;
import dev.vitrine.introspection.Target;
import dev.vitrine.processor.Registers;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Writes core files. */
public final class CoreWriter {
    private static final int HEADER = 64;
    private static final int PROGRAM_HEADER = 56;
    private static final int PAGE = 4096;
    private static final int CHUNK = 1 << 20;
    private static final byte[] ZEROS = new byte[PAGE];

    /** p_flags: PF_R, PF_W, PF_X. */
    private static final int ALL = 7;

    private final Target target;
    private final Core.KernelNotes kernel;

    public CoreWriter(Target target, Core.KernelNotes kernel) {
        this.target = target;
        this.kernel = kernel;
    }

    /** Writes the file and returns the bytes of memory in it. */
    public long write(Path file) throws IOException {
        List<Registers> vcpus = new ArrayList<>();
        for (int i = 0; i < target.vcpus(); i++) {
            vcpus.add(target.registers(i));
        }
        byte[] notes = CoreNotes.of(vcpus, kernel);
        List<PhysicalRange> ranges = present(target.memory());
        if (ranges.size() >= 0xFFFF) {
            throw new IOException("the guest's memory is in more pieces than an ELF file can hold");
        }
        PhysicalRange image = image(ranges);
        int segments = ranges.size() + (image == null ? 1 : 2);
        int headers = HEADER + PROGRAM_HEADER * segments;
        long data = headers + notes.length + PAGE - 1 & -PAGE;
        try (FileChannel out =
                FileChannel.open(
                        file,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.TRUNCATE_EXISTING,
                        StandardOpenOption.WRITE)) {
            ByteBuffer b =
                    ByteBuffer.allocate(headers + notes.length).order(ByteOrder.LITTLE_ENDIAN);
            b.put(new byte[] {0x7F, 'E', 'L', 'F', 2, 1, 1});
            b.putShort(16, (short) 4).putShort(18, (short) 62).putInt(20, 1); // ET_CORE, EM_X86_64
            b.putLong(32, HEADER).putShort(52, (short) HEADER);
            b.putShort(54, (short) PROGRAM_HEADER).putShort(56, (short) segments);
            b.position(HEADER);
            header(b, 4, 0, headers, 0, 0, notes.length); // PT_NOTE
            if (image != null && kernel.image() != null) {
                long at = data;
                for (PhysicalRange r : ranges) {
                    if (r.start() <= image.start() && image.end() <= r.end()) {
                        at += image.start() - r.start();
                        break;
                    }
                    at += r.length();
                }
                header(b, 1, ALL, at, kernel.image().start(), image.start(), image.length());
            }
            long at = data;
            for (PhysicalRange r : ranges) {
                long linear = kernel.directMap() == 0 ? 0 : kernel.directMap() + r.start();
                header(b, 1, ALL, at, linear, r.start(), r.length()); // PT_LOAD
                at += r.length();
            }
            b.put(notes).flip();
            put(out, b, 0);
            long written = data;
            for (PhysicalRange r : ranges) {
                memory(out, r, written);
                written += r.length();
            }
            if (out.size() < written) {
                put(out, ByteBuffer.wrap(ZEROS, 0, 1), written - 1);
            }
            return written - data;
        }
    }

    /** The kernel's image, if all of it is in one range of memory. */
    private @Nullable PhysicalRange image(List<PhysicalRange> ranges) {
        MappedRange m = kernel.image();
        for (PhysicalRange r : ranges) {
            if (m != null
                    && m.physical() >= r.start()
                    && m.length() > 0
                    && m.length() <= r.end() - m.physical()) {
                return new PhysicalRange(m.physical(), m.length());
            }
        }
        return null;
    }

    private static void header(
            ByteBuffer b, int type, int flags, long offset, long linear, long physical, long size) {
        b.putInt(type).putInt(flags).putLong(offset).putLong(linear).putLong(physical);
        b.putLong(size).putLong(size).putLong(type == 1 ? PAGE : 4);
    }

    private void memory(FileChannel out, PhysicalRange r, long at) throws IOException {
        byte[] chunk = new byte[CHUNK];
        for (long done = 0; done < r.length(); done += CHUNK) {
            int n = (int) Math.min(CHUNK, r.length() - done);
            if (!target.memory().read(r.start() + done, chunk, 0, n)) {
                throw new IOException("the guest's memory changed its size");
            }
            int from = 0;
            while (from < n) {
                boolean zero = zeros(chunk, from, n);
                int to = from;
                while (to < n && zeros(chunk, to, n) == zero) {
                    to = Math.min(n, to + PAGE);
                }
                if (!zero) {
                    put(out, ByteBuffer.wrap(chunk, from, to - from), at + done + from);
                }
                from = to;
            }
        }
    }

    private static boolean zeros(byte[] b, int from, int end) {
        int to = Math.min(end, from + PAGE);
        return Arrays.equals(b, from, to, ZEROS, 0, to - from);
    }

    private static void put(FileChannel out, ByteBuffer b, long at) throws IOException {
        while (b.hasRemaining()) {
            at += out.write(b, at);
        }
    }

    /**
     * Ranges without the pages that the guest gave back (balloon), so that all of it can be read.
     */
    private static List<PhysicalRange> present(PhysicalMemory memory) {
        List<PhysicalRange> list = new ArrayList<>();
        byte[] chunk = new byte[CHUNK];
        for (PhysicalRange r : memory.ranges()) {
            long start = r.start();
            for (long a = r.start(); a < r.end(); ) {
                int n = (int) Math.min(CHUNK, r.end() - a);
                if (memory.read(a, chunk, 0, n)) {
                    a += n;
                    continue;
                }
                for (int i = 0; i < n; i += PAGE) {
                    if (!memory.read(a + i, chunk, 0, Math.min(PAGE, n - i))) {
                        add(list, start, a + i);
                        start = a + i + Math.min(PAGE, n - i);
                    }
                }
                a += n;
            }
            add(list, start, r.end());
        }
        return list;
    }

    private static void add(List<PhysicalRange> list, long start, long end) {
        if (end > start) {
            list.add(new PhysicalRange(start, end - start));
        }
    }
}
