// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.image;

import com.github.luben.zstd.ZstdInputStreamNoFinalizer;

import org.apache.commons.compress.archivers.ar.ArArchiveEntry;
import org.apache.commons.compress.archivers.ar.ArArchiveInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorInputStream;
import org.tukaani.xz.XZInputStream;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Predicate;

/** Unpacks Debian packages (deb(5)) without dpkg and without root. */
final class DebFile {
    private DebFile() {}

    /**
     * Adds the files of a package to a tree.
     *
     * @param wanted which paths to take; they have no slash at the start
     */
    static void unpack(Path file, FileTree into, Predicate<String> wanted) throws IOException {
        try (InputStream raw = new BufferedInputStream(Files.newInputStream(file));
                ArArchiveInputStream ar = new ArArchiveInputStream(raw)) {
            for (ArArchiveEntry entry = ar.getNextEntry();
                    entry != null;
                    entry = ar.getNextEntry()) {
                String name = entry.getName().replaceAll("/$", "");
                if (name.startsWith("data.tar")) {
                    try (TarArchiveInputStream tar =
                            new TarArchiveInputStream(open(name, ar), "UTF-8")) {
                        unpack(tar, into, wanted);
                    }
                    return;
                }
            }
        }
        throw new IOException(file.getFileName() + " is not a Debian package");
    }

    private static InputStream open(String name, InputStream in) throws IOException {
        return switch (name) {
            case "data.tar" -> in;
            case "data.tar.xz" -> new XZInputStream(in);
            case "data.tar.gz" -> new GzipCompressorInputStream(in);
            case "data.tar.zst" -> new ZstdInputStreamNoFinalizer(in);
            default -> throw new IOException("a package with " + name + " cannot be unpacked");
        };
    }

    private static void unpack(TarArchiveInputStream tar, FileTree into, Predicate<String> wanted)
            throws IOException {
        for (TarArchiveEntry entry = tar.getNextEntry();
                entry != null;
                entry = tar.getNextEntry()) {
            String path = clean(entry.getName());
            if (path.isEmpty() || !wanted.test(path)) {
                continue;
            }
            int permissions = entry.getMode() & 07777;
            long mtime = entry.getLastModifiedTime().toMillis() / 1000;
            if (entry.isDirectory()) {
                into.addFolder(path, permissions, mtime);
            } else if (entry.isSymbolicLink()) {
                into.addLink(path, entry.getLinkName(), mtime);
            } else if (entry.isLink()) {
                into.addHardLink(path, clean(entry.getLinkName()));
            } else if (entry.isCharacterDevice() || entry.isBlockDevice()) {
                into.addDevice(
                        path,
                        entry.isCharacterDevice()
                                ? FileTree.CHARACTER_DEVICE
                                : FileTree.BLOCK_DEVICE,
                        permissions,
                        entry.getDevMajor(),
                        entry.getDevMinor());
            } else if (entry.isFIFO()) {
                into.addDevice(path, FileTree.FIFO, permissions, 0, 0);
            } else {
                into.addFile(
                        path,
                        permissions,
                        (int) entry.getLongUserId(),
                        (int) entry.getLongGroupId(),
                        mtime,
                        tar);
            }
        }
    }

    private static String clean(String name) throws IOException {
        return FileTree.resolve(name, path -> null);
    }
}
