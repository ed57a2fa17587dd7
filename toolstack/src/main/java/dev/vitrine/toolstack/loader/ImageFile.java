// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.loader;

import dev.vitrine.toolstack.BadInputException;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;

/**
 * A kernel's file. A kernel of 50 MB is not read as a whole: headers are read by the page, and what
 * is loaded goes to the guest in parts, without an array of its size on Java's heap.
 *
 * <p>The file may change meanwhile. It is read, not mapped: where a mapped file has become shorter,
 * an access to it is an error of the JVM. And what has been read counts only if the file is still
 * the one that was opened first.
 */
final class ImageFile implements ImageSource {
    /** The largest file that is read: a vmlinux with its debug information is half of this. */
    static final long MAX_FILE = 1L << 30;

    private static final int PAGE = 4096;

    private final Path file;
    private final BasicFileAttributes state;

    /** What has been read last, of one aligned page. */
    private final byte[] page = new byte[PAGE];

    private int pageNumber = -1;

    private ImageFile(Path file, BasicFileAttributes state) {
        this.file = file;
        this.state = state;
    }

    /**
     * A kernel's file that the user named.
     *
     * @throws BadInputException it cannot be read or is too large
     */
    static ImageFile of(Path file) {
        try {
            if (Files.isDirectory(file)) {
                throw new BadInputException(file + ": the kernel is a folder.");
            }
            // Of what is no file, such as a pipe, nobody knows whether it ever ends.
            if (Files.exists(file) && !Files.isRegularFile(file)) {
                throw new BadInputException(file + ": the kernel is not a regular file.");
            }
            BasicFileAttributes state = Files.readAttributes(file, BasicFileAttributes.class);
            if (state.size() > MAX_FILE) {
                throw new BadInputException(
                        file + ": the kernel is larger than " + (MAX_FILE >> 20) + " MiB.");
            }
            return new ImageFile(file, state);
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    @Override
    public Path file() {
        return file;
    }

    @Override
    public int size() {
        return (int) state.size();
    }

    @Override
    public int u8(int offset) {
        if (offset / PAGE != pageNumber) {
            int start = offset & -PAGE;
            try (FileChannel channel = FileChannel.open(file)) {
                fill(channel, start, page, Math.min(PAGE, size() - start));
            } catch (IOException e) {
                throw unreadable(file, e);
            }
            pageNumber = offset / PAGE;
        }
        return page[offset % PAGE] & 0xff;
    }

    @Override
    public void write(int offset, int length, long address, PhysicalWriter writer) {
        try (FileChannel channel = FileChannel.open(file)) {
            if (writer.write(address, channel, offset, length) < length) {
                throw shrank();
            }
            checkUnchanged();
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    @Override
    public byte[] array() {
        byte[] all;
        try (FileChannel channel = FileChannel.open(file)) {
            all = new byte[size()];
            for (int done = 0; done < all.length; done += PhysicalWriter.PART) {
                ByteBuffer part =
                        ByteBuffer.wrap(
                                all, done, Math.min(PhysicalWriter.PART, all.length - done));
                fill(channel, done, part);
            }
            checkUnchanged();
        } catch (OutOfMemoryError e) {
            throw new BadInputException(
                    file + ": the kernel is too large for the memory of this JVM (-Xmx).", e);
        } catch (IOException e) {
            throw unreadable(file, e);
        }
        return all;
    }

    private void fill(FileChannel channel, int at, byte[] into, int length) throws IOException {
        fill(channel, at, ByteBuffer.wrap(into, 0, length));
    }

    private void fill(FileChannel channel, int at, ByteBuffer into) throws IOException {
        long next = at;
        while (into.hasRemaining()) {
            int n = channel.read(into, next);
            if (n < 0) {
                throw shrank();
            }
            next += n;
        }
    }

    private BadInputException shrank() {
        return new BadInputException(file + ": the kernel shrank while it was read.");
    }

    private void checkUnchanged() throws IOException {
        BasicFileAttributes now = Files.readAttributes(file, BasicFileAttributes.class);
        if (now.size() != state.size()
                || !now.lastModifiedTime().equals(state.lastModifiedTime())
                || !Objects.equals(now.fileKey(), state.fileKey())) {
            throw new BadInputException(file + ": the kernel changed while it was read.");
        }
    }

    private static BadInputException unreadable(Path file, IOException e) {
        return new BadInputException(
                file
                        + (e instanceof NoSuchFileException
                                ? ": there is no such file."
                                : ": the kernel cannot be read."),
                e);
    }
}
