// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.loader;

import com.github.luben.zstd.Zstd;

import net.jpountz.lz4.LZ4Factory;

import org.apache.commons.compress.compressors.bzip2.BZip2CompressorOutputStream;
import org.tukaani.xz.FilterOptions;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.LZMAOutputStream;
import org.tukaani.xz.X86Options;
import org.tukaani.xz.XZOutputStream;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;

/** Makes kernels for tests: ELF files and bzImages. */
public final class TestKernels {
    private TestKernels() {}

    /** An ELF file in the making. */
    public static final class Elf {
        private final boolean wide;
        private final List<Segment> segments = new ArrayList<>();
        private final ByteArrayOutputStream notes = new ByteArrayOutputStream();
        private boolean sectionNotes;
        public int machine;
        public int type = 2;

        private record Segment(long address, byte[] bytes, long memorySize) {}

        public Elf(boolean wide) {
            this.wide = wide;
            this.machine = wide ? 62 : 3;
        }

        public Elf segment(long address, byte[] bytes, long memorySize) {
            segments.add(new Segment(address, bytes, memorySize));
            return this;
        }

        public Elf note(int noteType, byte[] value) {
            return note("Xen", noteType, value);
        }

        public Elf note(String name, int noteType, byte[] value) {
            byte[] nameBytes = (name + "\0").getBytes(StandardCharsets.US_ASCII);
            ByteBuffer note = little(12 + pad(nameBytes.length) + pad(value.length));
            note.putInt(nameBytes.length).putInt(value.length).putInt(noteType).put(nameBytes);
            note.position(12 + pad(nameBytes.length));
            note.put(value);
            notes.writeBytes(note.array());
            return this;
        }

        public Elf note(int noteType, int value) {
            return note(noteType, little(4).putInt(value).array());
        }

        /** Notes are found by a section only, as in Mini-OS. */
        public Elf notesInSection() {
            sectionNotes = true;
            return this;
        }

        public byte[] build() {
            boolean phNote = notes.size() > 0 && !sectionNotes;
            int headerSize = wide ? 64 : 52;
            int phSize = wide ? 56 : 32;
            int phCount = segments.size() + (phNote ? 1 : 0);
            int noteAt = headerSize + phSize * phCount;
            int at = noteAt + notes.size();
            ByteBuffer tables = little(at);
            tables.position(headerSize);
            int dataAt = at;
            for (Segment s : segments) {
                programHeader(tables, 1, dataAt, s.address, s.bytes.length, s.memorySize);
                dataAt += s.bytes.length;
            }
            if (phNote) {
                programHeader(tables, 4, noteAt, 0, notes.size(), notes.size());
            }
            tables.put(notes.toByteArray());
            int shAt = sectionNotes ? dataAt : 0;
            header(tables, phCount, shAt);
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            out.writeBytes(tables.array());
            segments.forEach(s -> out.writeBytes(s.bytes));
            if (sectionNotes) {
                ByteBuffer section = little(wide ? 64 : 40);
                section.putInt(4, 7);
                if (wide) {
                    section.putLong(24, noteAt).putLong(32, notes.size());
                } else {
                    section.putInt(16, noteAt).putInt(20, notes.size());
                }
                out.writeBytes(section.array());
            }
            return out.toByteArray();
        }

        private void header(ByteBuffer into, int phCount, int shAt) {
            into.put(0, new byte[] {0x7f, 'E', 'L', 'F', (byte) (wide ? 2 : 1), 1, 1});
            into.putShort(16, (short) type).putShort(18, (short) machine).putInt(20, 1);
            long entry = segments.isEmpty() ? 0 : segments.getFirst().address;
            if (wide) {
                into.putLong(24, entry).putLong(32, 64).putLong(40, shAt);
                into.putShort(52, (short) 64).putShort(54, (short) 56);
                into.putShort(56, (short) phCount).putShort(58, (short) 64);
                into.putShort(60, (short) (shAt == 0 ? 0 : 1));
            } else {
                into.putInt(24, (int) entry).putInt(28, 52).putInt(32, shAt);
                into.putShort(40, (short) 52).putShort(42, (short) 32);
                into.putShort(44, (short) phCount).putShort(46, (short) 40);
                into.putShort(48, (short) (shAt == 0 ? 0 : 1));
            }
        }

        private void programHeader(
                ByteBuffer into, int phType, long offset, long address, long size, long memory) {
            if (wide) {
                into.putInt(phType)
                        .putInt(7)
                        .putLong(offset)
                        .putLong(0xffffffff80000000L + address);
                into.putLong(address).putLong(size).putLong(memory).putLong(4096);
            } else {
                into.putInt(phType)
                        .putInt((int) offset)
                        .putInt((int) address)
                        .putInt((int) address);
                into.putInt((int) size).putInt((int) memory).putInt(7).putInt(4096);
            }
        }

        private static int pad(int size) {
            return size + 3 & ~3;
        }
    }

    /** A 64-bit kernel with two segments that boots by PVH at 0x1000010. */
    public static byte[] pvh() {
        return new Elf(true)
                .segment(0x100_0000, pattern(5000), 0x2000)
                .segment(0x100_4000, pattern(300), 0x5000)
                .note(ElfNotes.GUEST_OS, "linux\0".getBytes(StandardCharsets.US_ASCII))
                .note(ElfNotes.PHYS32_ENTRY, 0x100_0010)
                .note(ElfNotes.SUPPORTED_FEATURES, 1 << 15)
                .build();
    }

    /** Bytes that look like code: compressible, with calls for the x86 filter. */
    public static byte[] pattern(int size) {
        byte[] bytes = new byte[size];
        for (int i = 0; i < size; i++) {
            bytes[i] = (byte) (i % 7 == 0 ? 0xe8 : i / 13 * 31);
        }
        return bytes;
    }

    /**
     * A bzImage of boot protocol 2.15 around {@code payload}, which ends with the unpacked size.
     */
    public static byte[] bzImage(byte[] payload) {
        int payloadOffset = 0x100;
        ByteBuffer image = little(3 * 512 + payloadOffset + payload.length);
        image.put(0x1f1, (byte) 2);
        image.putShort(0x1fe, (short) 0xaa55);
        image.put(0x202, "HdrS".getBytes(StandardCharsets.US_ASCII));
        image.putShort(0x206, (short) 0x20f);
        image.putShort(0x20e, (short) 0x100);
        image.put(0x300, "6.1.0-test (someone)\0".getBytes(StandardCharsets.US_ASCII));
        image.putInt(0x248, payloadOffset).putInt(0x24c, payload.length);
        image.put(3 * 512 + payloadOffset, payload);
        return image.array();
    }

    /**
     * {@code bytes} packed as the kernel's build does it, the size behind them where it adds it.
     */
    public static byte[] payload(Compression compression, byte[] bytes) {
        byte[] packed = pack(compression, bytes);
        if (compression == Compression.GZIP) {
            return packed;
        }
        byte[] all = Arrays.copyOf(packed, packed.length + 4);
        little(all).putInt(packed.length, bytes.length);
        return all;
    }

    static byte[] pack(Compression compression, byte[] bytes) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try {
            switch (compression) {
                case GZIP -> {
                    try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
                        gzip.write(bytes);
                    }
                }
                case XZ -> {
                    FilterOptions[] filters = {new X86Options(), new LZMA2Options(6)};
                    try (XZOutputStream xz = new XZOutputStream(out, filters)) {
                        xz.write(bytes);
                    }
                }
                case LZMA -> {
                    try (LZMAOutputStream lzma =
                            new LZMAOutputStream(out, new LZMA2Options(6), -1)) {
                        lzma.write(bytes);
                    }
                }
                case BZIP2 -> {
                    try (BZip2CompressorOutputStream bzip2 = new BZip2CompressorOutputStream(out)) {
                        bzip2.write(bytes);
                    }
                }
                case ZSTD -> out.writeBytes(Zstd.compress(bytes, 19));
                case LZ4_LEGACY -> {
                    out.writeBytes(little(4).putInt(0x184c2102).array());
                    for (int at = 0; at < bytes.length; at += 8 << 20) {
                        byte[] block =
                                LZ4Factory.safeInstance()
                                        .fastCompressor()
                                        .compress(bytes, at, Math.min(8 << 20, bytes.length - at));
                        out.writeBytes(little(4).putInt(block.length).array());
                        out.writeBytes(block);
                    }
                }
                case LZ4 -> {
                    try (var lz4 =
                            new org.apache.commons.compress.compressors.lz4
                                    .FramedLZ4CompressorOutputStream(out)) {
                        lz4.write(bytes);
                    }
                }
                case LZO ->
                        out.writeBytes(new byte[] {(byte) 0x89, 'L', 'Z', 'O', 0, 13, 10, 26, 10});
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    static ByteBuffer little(int size) {
        return little(new byte[size]);
    }

    static ByteBuffer little(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
