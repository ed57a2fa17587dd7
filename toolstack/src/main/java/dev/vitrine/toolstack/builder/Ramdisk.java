// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.builder;

import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.loader.PhysicalWriter;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;

/** What a guest gets as its ramdisk (module 0): bytes, a file, or several of them in a row. */
public interface Ramdisk {
    /** The bytes it has. */
    long size();

    /**
     * Writes it to guest memory from {@code address} on.
     *
     * @throws BadInputException its file cannot be read, or is no longer as long as it was
     */
    void writeTo(long address, PhysicalWriter writer);

    /**
     * The ramdisk for the next start of the guest, of its files as they are now.
     *
     * @throws BadInputException they cannot be used any more
     */
    default Ramdisk reread() {
        return this;
    }

    /** A ramdisk of bytes, which must not change. */
    static Ramdisk of(byte[] bytes) {
        return new Ramdisk() {
            @Override
            public long size() {
                return bytes.length;
            }

            @Override
            public void writeTo(long address, PhysicalWriter writer) {
                writer.write(address, bytes, 0, bytes.length);
            }
        };
    }

    /**
     * A ramdisk in a file, which is read when it is written to memory.
     *
     * @throws BadInputException there is no such file, it is empty or not a regular file
     */
    static Ramdisk of(Path file) {
        long size;
        try {
            size = Files.size(file);
            if (!Files.isRegularFile(file)) {
                throw new BadInputException(file + ": the ramdisk is not a regular file.");
            }
        } catch (NoSuchFileException e) {
            throw new BadInputException(file + ": there is no such file.", e);
        } catch (IOException e) {
            throw new BadInputException(file + ": the ramdisk cannot be read.", e);
        }
        if (size == 0) {
            throw new BadInputException(file + ": the ramdisk is empty.");
        }
        return new FileRamdisk(file, size);
    }

    /**
     * Several ramdisks, one behind the other. Linux takes cpio archives in a row as one initramfs,
     * the later ones laid over the earlier; each starts at a multiple of four bytes.
     */
    static Ramdisk concat(List<Ramdisk> parts) {
        List<Ramdisk> copy = List.copyOf(parts);
        return new Ramdisk() {
            @Override
            public long size() {
                long size = 0;
                for (Ramdisk part : copy) {
                    size = (size + 3 & ~3L) + part.size();
                }
                return size;
            }

            @Override
            public void writeTo(long address, PhysicalWriter writer) {
                long at = 0;
                for (Ramdisk part : copy) {
                    long aligned = at + 3 & ~3L;
                    writer.write(address + at, new byte[4], 0, (int) (aligned - at));
                    part.writeTo(address + aligned, writer);
                    at = aligned + part.size();
                }
            }

            @Override
            public Ramdisk reread() {
                return concat(copy.stream().map(Ramdisk::reread).toList());
            }
        };
    }

    /** A ramdisk in a file. */
    record FileRamdisk(Path file, long size) implements Ramdisk {
        @Override
        public Ramdisk reread() {
            return Ramdisk.of(file);
        }

        @Override
        public void writeTo(long address, PhysicalWriter writer) {
            try (FileChannel channel = FileChannel.open(file)) {
                for (long at = 0; at < size; ) {
                    int n = (int) Math.min(1 << 30, size - at);
                    if (writer.write(address + at, channel, at, n) < n) {
                        throw new BadInputException(
                                file + ": the ramdisk shrank while it was read.");
                    }
                    at += n;
                }
            } catch (IOException e) {
                throw new BadInputException(file + ": the ramdisk cannot be read.", e);
            }
        }
    }
}
