// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.loader;

import com.github.luben.zstd.ZstdInputStreamNoFinalizer;

import dev.vitrine.toolstack.BadInputException;

import net.jpountz.lz4.LZ4Exception;
import net.jpountz.lz4.LZ4Factory;
import net.jpountz.lz4.LZ4SafeDecompressor;

import org.apache.commons.compress.compressors.bzip2.BZip2CompressorInputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorInputStream;
import org.apache.commons.compress.compressors.lz4.FramedLZ4CompressorInputStream;
import org.jspecify.annotations.Nullable;
import org.tukaani.xz.LZMAInputStream;
import org.tukaani.xz.SingleXZInputStream;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The compressions a kernel comes in, each known by its first bytes. */
enum Compression {
    GZIP("gzip", 0x1f, 0x8b, 0x08),
    XZ("xz", 0xfd, '7', 'z', 'X', 'Z', 0),
    BZIP2("bzip2", 'B', 'Z', 'h'),
    LZMA("lzma", 0x5d, 0, 0),
    /** The format of {@code lz4 -l}, which is the kernel's. */
    LZ4_LEGACY("lz4", 0x02, 0x21, 0x4c, 0x18),
    LZ4("lz4", 0x04, 0x22, 0x4d, 0x18),
    ZSTD("zstd", 0x28, 0xb5, 0x2f, 0xfd),
    LZO("lzo", 0x89, 'L', 'Z', 'O');

    /** The most that an image may unpack to: five times what a distribution's kernel does. */
    static final int MAX_UNPACKED = 256 << 20;

    /** Kernels use dictionaries of up to 128 MiB; a header that asks for more is not believed. */
    private static final int XZ_MEMORY_KIB = 140 << 10;

    private static final int ZSTD_WINDOW_LOG = 27;

    /** An lz4 legacy block holds up to 8 MiB; packed it cannot be larger than this. */
    private static final int LZ4_BLOCK = 8 << 20;

    private static final int CHUNK = 1 << 18;

    private final String tool;
    private final int[] magic;

    Compression(String tool, int... magic) {
        this.tool = tool;
        this.magic = magic;
    }

    /** The name of the tool that makes the format. */
    String tool() {
        return tool;
    }

    /** The compression that {@code image} starts with, or null. */
    static @Nullable Compression of(ImageBytes image) {
        for (Compression compression : values()) {
            if (image.startsWith(0, compression.magic)) {
                return compression;
            }
        }
        return null;
    }

    /**
     * Unpacks {@code packed}, which starts with this compression's first bytes. What follows the
     * end of the compressed data is ignored.
     *
     * @param limit the most bytes to give, at most {@link #MAX_UNPACKED}
     * @throws BadInputException the data is corrupt, or longer than {@code limit}
     */
    byte[] unpack(ImageBytes packed, int limit) {
        try {
            if (this == LZ4_LEGACY) {
                return unpackLz4Legacy(packed, limit);
            }
            ByteArrayInputStream bytes =
                    new ByteArrayInputStream(
                            packed.array(), packed.arrayOffset(0), packed.length());
            try (InputStream in = open(packed.name(), bytes)) {
                return drain(packed.name(), in, limit);
            }
        } catch (IOException | RuntimeException e) {
            // The libraries throw run-time exceptions too (bounds, states) when data is corrupt.
            if (e instanceof BadInputException bad) {
                throw bad;
            }
            throw new BadInputException(
                    packed.name() + ": the " + tool + " data in the image is corrupt or truncated.",
                    e);
        } catch (LinkageError e) {
            throw new BadInputException(
                    packed.name()
                            + ": the library that unpacks "
                            + tool
                            + " cannot be loaded on this machine; unpack the kernel first.",
                    e);
        }
    }

    private InputStream open(String name, InputStream in) throws IOException {
        return switch (this) {
            case GZIP -> new GzipCompressorInputStream(in);
            case XZ -> new SingleXZInputStream(in, XZ_MEMORY_KIB);
            case BZIP2 -> new BZip2CompressorInputStream(in);
            case LZMA -> new LZMAInputStream(in, XZ_MEMORY_KIB);
            case LZ4 -> new FramedLZ4CompressorInputStream(in, false);
            case ZSTD -> new ZstdInputStreamNoFinalizer(in).setLongMax(ZSTD_WINDOW_LOG);
            case LZ4_LEGACY -> throw new IllegalStateException();
            case LZO ->
                    throw new BadInputException(
                            name
                                    + ": the kernel is compressed with lzo, which Vitrine does not"
                                    + " unpack; unpack it first or take a kernel with another"
                                    + " compression.");
        };
    }

    private static byte[] drain(String name, InputStream in, int limit) throws IOException {
        Chunks out = new Chunks(name, limit);
        byte[] chunk = new byte[CHUNK];
        for (int n = in.readNBytes(chunk, 0, CHUNK); n > 0; n = in.readNBytes(chunk, 0, CHUNK)) {
            out.add(chunk, n);
        }
        return out.join();
    }

    /**
     * The legacy frame: after the magic, blocks of a 32-bit packed size and that many bytes. The
     * kernel's build adds the unpacked size, which looks like the start of a further block.
     */
    private static byte[] unpackLz4Legacy(ImageBytes packed, int limit) {
        LZ4SafeDecompressor lz4 = LZ4Factory.safeInstance().safeDecompressor();
        Chunks out = new Chunks(packed.name(), limit);
        byte[] all = packed.array();
        byte[] block = new byte[LZ4_BLOCK];
        long at = 4;
        while (packed.contains(at, 8)) {
            if (packed.startsWith(at, LZ4_LEGACY.magic)) {
                at += 4;
                continue;
            }
            long size = packed.u32(at, "an lz4 block");
            if (!packed.contains(at + 4, size) || size == 0) {
                throw new BadInputException(
                        packed.name() + ": the lz4 data in the image is corrupt or truncated.");
            }
            int unpacked;
            try {
                unpacked =
                        lz4.decompress(
                                all, packed.arrayOffset(at + 4), (int) size, block, 0, LZ4_BLOCK);
            } catch (LZ4Exception e) {
                throw new BadInputException(
                        packed.name() + ": the lz4 data in the image is corrupt.", e);
            }
            out.add(block, unpacked);
            at += 4 + size;
        }
        return out.join();
    }

    /** What has been unpacked so far: memory grows with real data only, never with a claim. */
    private static final class Chunks {
        private final String name;
        private final int limit;
        private final List<byte[]> chunks = new ArrayList<>();
        private int size;

        Chunks(String name, int limit) {
            this.name = name;
            this.limit = limit;
        }

        void add(byte[] from, int length) {
            if (length > limit - size) {
                throw new BadInputException(
                        name + ": the image unpacks to more than " + limit + " bytes.");
            }
            chunks.add(Arrays.copyOf(from, length));
            size += length;
        }

        byte[] join() {
            byte[] all = new byte[size];
            int at = 0;
            for (byte[] chunk : chunks) {
                System.arraycopy(chunk, 0, all, at, chunk.length);
                at += chunk.length;
            }
            return all;
        }
    }
}
