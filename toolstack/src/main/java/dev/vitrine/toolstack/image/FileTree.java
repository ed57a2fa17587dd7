// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.image;

import org.jspecify.annotations.Nullable;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A guest's file system while it is put together: names and attributes in memory, contents in one
 * scratch file, in memory, or in files of the host. Paths are without a slash at the start; a path
 * is found through the symbolic links of its folders, so that {@code lib/x} lands in {@code
 * usr/lib} where {@code lib} is a link to it.
 */
final class FileTree implements AutoCloseable {
    static final int REGULAR = 0100000;
    static final int FOLDER = 0040000;
    static final int LINK = 0120000;
    static final int CHARACTER_DEVICE = 0020000;
    static final int BLOCK_DEVICE = 0060000;
    static final int FIFO = 0010000;

    private static final int TYPE_MASK = 0170000;
    private static final int MAX_LINKS = 40;

    /**
     * A file of any kind.
     *
     * @param path its path
     * @param mode type and permissions, as in stat(2)
     * @param uid owner
     * @param gid group
     * @param mtime seconds since 1970
     * @param device major shl 8 or'ed with minor, for devices
     * @param source the host's file that has the content, or null
     * @param offset where the content is in the scratch file, or in memory
     * @param size the content's bytes
     * @param inode equal for hard links to one file
     */
    record Entry(
            String path,
            int mode,
            int uid,
            int gid,
            long mtime,
            int device,
            @Nullable Path source,
            long offset,
            long size,
            int inode) {
        int type() {
            return mode & TYPE_MASK;
        }

        private Entry at(String newPath) {
            return new Entry(newPath, mode, uid, gid, mtime, device, source, offset, size, inode);
        }
    }

    /** Contents, one behind the other. */
    private static final class Memory extends ByteArrayOutputStream {
        synchronized void copy(long offset, long size, OutputStream out) throws IOException {
            out.write(buf, (int) offset, (int) size);
        }
    }

    private final @Nullable FileChannel scratch;
    private final Memory memory = new Memory();
    private final Map<String, Entry> entries = new TreeMap<>();
    private final Map<String, String> links = new HashMap<>();
    private final Links base;
    private int nextInode = 1;

    /**
     * @param file the scratch file, which is made
     */
    FileTree(Path file) throws IOException {
        base = path -> null;
        scratch =
                FileChannel.open(
                        file,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.TRUNCATE_EXISTING,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE);
    }

    /**
     * A tree that keeps contents in memory, but for those of the host's files.
     *
     * @param base the links of a tree that this one will be laid over
     */
    FileTree(Links base) {
        this.base = base;
        scratch = null;
    }

    /** All entries, folders before what is in them. */
    List<Entry> entries() {
        return new ArrayList<>(entries.values());
    }

    boolean exists(String path) throws IOException {
        return entries.containsKey(resolved(path));
    }

    void addFolder(String path, int permissions, long mtime) throws IOException {
        String at = resolved(path);
        Entry known = entries.get(at);
        if (known != null && known.type() == LINK) {
            // A package's own idea of a folder that is a link here.
            return;
        }
        put(new Entry(at, FOLDER | permissions, 0, 0, mtime, 0, null, 0, 0, nextInode++));
    }

    void addFile(String path, int permissions, int uid, int gid, long mtime, InputStream content)
            throws IOException {
        long offset = end();
        long size = content.transferTo(appending(offset));
        put(
                new Entry(
                        resolved(path),
                        REGULAR | permissions,
                        uid,
                        gid,
                        mtime,
                        0,
                        null,
                        offset,
                        size,
                        nextInode++));
    }

    /**
     * Adds a file with the content of a host's file, which is read only when the tree is written.
     *
     * @param size how much of it there is to be
     */
    void addFile(String path, int permissions, long mtime, Path source, long size)
            throws IOException {
        put(
                new Entry(
                        resolved(path),
                        REGULAR | permissions,
                        0,
                        0,
                        mtime,
                        0,
                        source,
                        0,
                        size,
                        nextInode++));
    }

    void addFile(String path, int permissions, String content) throws IOException {
        byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
        addFile(path, permissions, 0, 0, 0, new ByteArrayInputStream(bytes));
    }

    void addLink(String path, String target, long mtime) throws IOException {
        byte[] bytes = target.getBytes(StandardCharsets.UTF_8);
        long offset = end();
        appending(offset).write(bytes);
        String at = resolved(path);
        Entry known = entries.get(at);
        if (known != null && known.type() == FOLDER) {
            throw new IOException(path + " is a folder and a link");
        }
        put(new Entry(at, LINK | 0777, 0, 0, mtime, 0, null, offset, bytes.length, nextInode++));
        links.put(at, target);
    }

    /** Adds a further name for a file that is there. */
    void addHardLink(String path, String target) throws IOException {
        Entry known = entries.get(resolved(target));
        if (known == null) {
            throw new IOException(path + " is a link to " + target + ", which is not there");
        }
        put(known.at(resolved(path)));
    }

    void addDevice(String path, int type, int permissions, int major, int minor)
            throws IOException {
        put(
                new Entry(
                        resolved(path),
                        type | permissions,
                        0,
                        0,
                        0,
                        major << 8 | minor,
                        null,
                        0,
                        0,
                        nextInode++));
    }

    private long end() throws IOException {
        return scratch == null ? memory.size() : scratch.size();
    }

    private OutputStream appending(long offset) throws IOException {
        return scratch == null ? memory : Channels.newOutputStream(scratch.position(offset));
    }

    /** Copies an entry's content. */
    void content(Entry entry, OutputStream out) throws IOException {
        if (entry.source != null) {
            copy(entry.source, entry.size, out);
            return;
        }
        if (scratch == null) {
            memory.copy(entry.offset, entry.size, out);
            return;
        }
        byte[] buffer = new byte[(int) Math.min(1 << 20, Math.max(entry.size, 1))];
        long at = entry.offset;
        long end = entry.offset + entry.size;
        while (at < end) {
            ByteBuffer chunk = ByteBuffer.wrap(buffer, 0, (int) Math.min(buffer.length, end - at));
            int n = scratch.read(chunk, at);
            if (n < 0) {
                throw new IOException("the scratch file is too short");
            }
            out.write(buffer, 0, n);
            at += n;
        }
    }

    /** What was added to the file meanwhile is left out; what is missing cannot be made up for. */
    private static void copy(Path source, long size, OutputStream out) throws IOException {
        byte[] buffer = new byte[(int) Math.min(1 << 20, Math.max(size, 1))];
        try (InputStream in = Files.newInputStream(source)) {
            for (long left = size; left > 0; ) {
                int n = in.read(buffer, 0, (int) Math.min(buffer.length, left));
                if (n < 0) {
                    throw new IOException(source + " shrank while it was read");
                }
                out.write(buffer, 0, n);
                left -= n;
            }
        }
    }

    byte[] content(String path) throws IOException {
        Entry entry = entries.get(resolved(path));
        if (entry == null) {
            throw new IOException(path + " is not there");
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        content(entry, out);
        return out.toByteArray();
    }

    @Override
    public void close() throws IOException {
        if (scratch != null) {
            scratch.close();
        }
    }

    private void put(Entry entry) throws IOException {
        if (entry.path.isEmpty()) {
            return;
        }
        int slash = entry.path.lastIndexOf('/');
        if (slash > 0 && !entries.containsKey(entry.path.substring(0, slash))) {
            addFolder(entry.path.substring(0, slash), 0755, 0);
        }
        Entry known = entries.get(entry.path);
        if (known != null && known.type() == FOLDER && entry.type() != FOLDER) {
            throw new IOException(entry.path + " is a folder and a file");
        }
        links.remove(entry.path);
        entries.put(entry.path, entry);
    }

    private String resolved(String path) throws IOException {
        return resolve(
                path,
                at -> {
                    String own = links.get(at);
                    return own != null || entries.containsKey(at) ? own : base.target(at);
                });
    }

    /** A map from paths to the targets of the links there. */
    @FunctionalInterface
    interface Links {
        @Nullable String target(String path);
    }

    /**
     * The path without links in its folders; a link that is the last name stays. {@code .} and
     * {@code ..} are taken out, and the root is never left.
     */
    static String resolve(String path, Links links) throws IOException {
        List<String> done = new ArrayList<>();
        ArrayDeque<String> todo = new ArrayDeque<>(List.of(path.split("/")));
        int followed = 0;
        while (!todo.isEmpty()) {
            String name = todo.removeFirst();
            if (name.isEmpty() || name.equals(".")) {
                continue;
            }
            if (name.equals("..")) {
                if (!done.isEmpty()) {
                    done.removeLast();
                }
                continue;
            }
            done.add(name);
            String target = todo.isEmpty() ? null : links.target(String.join("/", done));
            if (target != null) {
                if (++followed > MAX_LINKS) {
                    throw new IOException("the links of " + path + " go round in circles");
                }
                done.removeLast();
                if (target.startsWith("/")) {
                    done.clear();
                }
                List<String> names = List.of(target.split("/"));
                for (String part : names.reversed()) {
                    todo.addFirst(part);
                }
            }
        }
        return String.join("/", done);
    }
}
