// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.IntrospectionException;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * A folder with contents of files. Each has the SHA-256 of what is in it as name, so that no text
 * of the guest's becomes a name on the host, and what is equal is kept once. For any number of
 * threads.
 */
final class ContentFolder {
    /** What a file takes up at least. */
    private static final long BLOCK = 4096;

    private static final String TEMPORARY = ".extracting";

    private final Path folder;
    private final long limit;
    private long used;
    private long failed;
    private @Nullable String failure;

    /**
     * @param limit bytes that may be added to it
     * @throws IntrospectionException nothing can be written there
     */
    ContentFolder(Path folder, long limit) {
        this.folder = folder;
        this.limit = limit;
        try {
            Files.createDirectories(folder);
            Files.delete(Files.createTempFile(folder, TEMPORARY, null));
        } catch (IOException e) {
            throw new IntrospectionException(folder + ": no files can be written there.", e);
        }
    }

    /**
     * Begins a file.
     *
     * @param length how long it will be, in bytes
     * @return null if there is no room for it
     */
    synchronized @Nullable Part begin(long length) {
        long taken = Math.max(BLOCK, length);
        if (taken > limit - used) {
            return null;
        }
        used += taken;
        return new Part(taken);
    }

    private synchronized void giveBack(long bytes) {
        used -= bytes;
    }

    private synchronized void failed(IOException e) {
        failed++;
        if (failure == null) {
            failure = e.getMessage() == null ? e.toString() : e.getMessage();
        }
    }

    /** A sentence that says that files could not be written; null if all could. */
    synchronized @Nullable String failure() {
        return failure == null
                ? null
                : folder + ": " + failed + " files could not be written: " + failure + ".";
    }

    /** A file that is being written, by one thread. */
    final class Part {
        private final long taken;
        private @Nullable Path path;
        private @Nullable OutputStream out;
        private boolean open = true;

        private Part(long taken) {
            this.taken = taken;
            try {
                path = Files.createTempFile(folder, TEMPORARY, null);
                out = Files.newOutputStream(path);
            } catch (IOException e) {
                broken(e);
            }
        }

        private void broken(IOException e) {
            failed(e);
            drop();
        }

        void write(byte[] bytes, int length) {
            OutputStream o = out;
            if (o != null) {
                try {
                    o.write(bytes, 0, length);
                } catch (IOException e) {
                    broken(e);
                }
            }
        }

        /**
         * Ends it.
         *
         * @param name of the file
         * @return whether it is in the folder now
         */
        boolean keep(String name) {
            OutputStream o = out;
            Path from = path;
            if (o == null || from == null) {
                return false;
            }
            try {
                o.close();
                Path to = folder.resolve(name);
                if (Files.exists(to)) {
                    drop();
                } else {
                    Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
                    out = null;
                    open = false;
                }
                return true;
            } catch (IOException e) {
                broken(e);
                return false;
            }
        }

        /** Takes it away, unless it has been kept. */
        void drop() {
            if (!open) {
                return;
            }
            open = false;
            giveBack(taken);
            try (OutputStream o = out) {
                out = null;
                if (path != null) {
                    Files.deleteIfExists(path);
                }
            } catch (IOException e) {
                failed(e);
            }
        }
    }
}
