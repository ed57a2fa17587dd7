// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.image;

import org.jspecify.annotations.Nullable;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/** What is in a cpio archive of the "newc" format: names and kinds, without the contents. */
final class CpioIndex {
    private static final int HEADER = 110;

    /** An entry's mode and the size and place of its content. */
    record Item(int mode, long size, long offset) {}

    private final Map<String, Item> items = new LinkedHashMap<>();
    private final Map<String, String> links = new HashMap<>();

    /** Reads the index of a file; only headers and links are read. */
    static CpioIndex read(Path file) throws IOException {
        CpioIndex index = new CpioIndex();
        try (FileChannel in = FileChannel.open(file, StandardOpenOption.READ)) {
            long at = 0;
            while (at + HEADER <= in.size()) {
                ByteBuffer header = bytes(in, at, HEADER);
                String magic = ascii(header, 0, 6);
                if (!magic.equals("070701") && !magic.equals("070702")) {
                    throw new IOException(file + ": not a cpio archive of the newc format");
                }
                long size = field(header, 6);
                int nameSize = (int) field(header, 11);
                if (nameSize < 1 || nameSize > 4096) {
                    throw new IOException(file + ": a name of " + nameSize + " bytes");
                }
                String name =
                        StandardCharsets.UTF_8
                                .decode(bytes(in, at + HEADER, nameSize - 1))
                                .toString();
                if (name.equals("TRAILER!!!")) {
                    break;
                }
                long content = at + HEADER + nameSize + 3 & ~3L;
                int mode = (int) field(header, 1);
                if ((mode & 0170000) == FileTree.LINK && size < 4096) {
                    ByteBuffer target = bytes(in, content, (int) size);
                    index.links.put(name, StandardCharsets.UTF_8.decode(target).toString());
                }
                index.items.put(name, new Item(mode, size, content));
                at = content + size + 3 & ~3L;
            }
        }
        return index;
    }

    /** The entries, by path, in the archive's order. */
    Map<String, Item> items() {
        return java.util.Collections.unmodifiableMap(items);
    }

    /** The target of the link at {@code path}, or null. */
    @Nullable String link(String path) {
        return links.get(path);
    }

    boolean isFolder(String path) {
        Item item = items.get(path);
        return item != null && (item.mode & 0170000) == FileTree.FOLDER;
    }

    private static ByteBuffer bytes(FileChannel in, long at, int length) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(length);
        while (buffer.hasRemaining()) {
            if (in.read(buffer, at + buffer.position()) < 0) {
                throw new EOFException("the cpio archive is cut short");
            }
        }
        return buffer.flip();
    }

    private static String ascii(ByteBuffer buffer, int at, int length) {
        return new String(buffer.array(), at, length, StandardCharsets.US_ASCII);
    }

    private static long field(ByteBuffer header, int number) throws IOException {
        try {
            return Long.parseLong(ascii(header, 6 + 8 * number, 8), 16);
        } catch (NumberFormatException e) {
            throw new IOException("a cpio header is corrupt", e);
        }
    }
}
