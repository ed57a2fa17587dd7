// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.IntrospectionException;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.atomic.AtomicReference;

/** Puts pages into a folder, each content once, by its hash. */
final class PageDump {
    /** 256 MiB. */
    private static final int MAX_FILES = 1 << 16;

    private final @Nullable Path folder;
    private final AtomicReference<@Nullable String> failure = new AtomicReference<>();
    private int files;

    PageDump(@Nullable Path folder) {
        this.folder = folder;
    }

    /**
     * Puts a page there.
     *
     * @return the file's name; null if there is no folder, it is full, or cannot be written to
     */
    @Nullable String put(String hash, byte[] content) {
        if (folder == null) {
            return null;
        }
        synchronized (this) {
            if (files >= MAX_FILES) {
                return null;
            }
            files++;
        }
        String name = hash + ".page";
        try {
            Files.write(
                    folder.resolve(name),
                    content,
                    StandardOpenOption.CREATE_NEW,
                    StandardOpenOption.WRITE);
        } catch (FileAlreadyExistsException e) {
            return name;
        } catch (IOException e) {
            failure.set(folder + ": a page could not be written: " + e.getMessage() + ".");
            return null;
        }
        return name;
    }

    /**
     * Tells of what went wrong since the last time.
     *
     * @throws IntrospectionException a page could not be written
     */
    void check() {
        String f = failure.getAndSet(null);
        if (f != null) {
            throw new IntrospectionException(f);
        }
    }
}
