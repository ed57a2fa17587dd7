// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.image;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * Writes cpio archives in the "newc" format, which Linux takes as initramfs (Linux
 * Documentation/driver-api/early-userspace/buffer-format.rst). Devices need no root.
 */
final class CpioWriter {
    private static final int BLOCK = 512;
    private static final byte[] ZEROS = new byte[BLOCK];

    private final FileTree tree;
    private final OutputStream out;
    private final boolean contents;
    private long written;

    private CpioWriter(FileTree tree, OutputStream out, boolean contents) {
        this.tree = tree;
        this.out = out;
        this.contents = contents;
    }

    /** Writes all of {@code tree} as one archive, padded to whole blocks of 512 bytes. */
    static void write(FileTree tree, OutputStream out) throws IOException {
        write(tree, out, path -> false);
    }

    /**
     * Writes {@code tree} without the folders that are there already, so that they keep their
     * attributes.
     */
    static void write(FileTree tree, OutputStream out, Predicate<String> present)
            throws IOException {
        new CpioWriter(tree, out, true).all(present);
        out.flush();
    }

    /** The bytes that {@link #write(FileTree, OutputStream, Predicate)} writes. */
    static long size(FileTree tree, Predicate<String> present) throws IOException {
        CpioWriter writer = new CpioWriter(tree, OutputStream.nullOutputStream(), false);
        writer.all(present);
        return writer.written;
    }

    private void all(Predicate<String> present) throws IOException {
        List<FileTree.Entry> entries = new ArrayList<>(tree.entries());
        entries.removeIf(e -> e.type() == FileTree.FOLDER && present.test(e.path()));
        Map<Integer, Integer> names = new HashMap<>();
        for (FileTree.Entry entry : entries) {
            names.merge(entry.inode(), 1, Integer::sum);
        }
        Map<Integer, Integer> left = new HashMap<>(names);
        for (FileTree.Entry entry : entries) {
            // Of hard links, the last one holds the content.
            boolean last = left.merge(entry.inode(), -1, Integer::sum) == 0;
            entry(entry, names.getOrDefault(entry.inode(), 1), last);
        }
        header("TRAILER!!!", 0, 0, 0, 0, 1, 0, 0, 0);
        pad(BLOCK);
    }

    private void entry(FileTree.Entry entry, int links, boolean withContent) throws IOException {
        long size = withContent ? entry.size() : 0;
        if (size > 0xffff_ffffL) {
            throw new IOException(entry.path() + " is larger than a cpio archive can hold");
        }
        header(
                entry.path(),
                entry.inode(),
                entry.mode(),
                entry.uid(),
                entry.gid(),
                links,
                entry.mtime(),
                size,
                entry.device());
        if (size > 0) {
            if (contents) {
                tree.content(entry, out);
            }
            written += size;
        }
        pad(4);
    }

    private void header(
            String path,
            int inode,
            int mode,
            int uid,
            int gid,
            int links,
            long mtime,
            long size,
            int device)
            throws IOException {
        byte[] name = path.getBytes(StandardCharsets.UTF_8);
        StringBuilder header = new StringBuilder("070701");
        long[] fields = {
            inode,
            mode,
            uid,
            gid,
            links,
            mtime,
            size,
            0,
            0,
            device >> 8,
            device & 0xff,
            name.length + 1,
            0
        };
        for (long field : fields) {
            header.append(String.format("%08X", field & 0xffff_ffffL));
        }
        byte[] bytes = header.toString().getBytes(StandardCharsets.US_ASCII);
        out.write(bytes);
        out.write(name);
        out.write(0);
        written += bytes.length + name.length + 1;
        pad(4);
    }

    private void pad(int to) throws IOException {
        int n = (int) (-written & to - 1);
        out.write(ZEROS, 0, n);
        written += n;
    }
}
