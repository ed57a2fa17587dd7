// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.image;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Where packages come from. */
public interface PackageSource {
    /**
     * The packages that can be had.
     *
     * @param needed a package that has to be among them: lists without it are fetched anew
     */
    PackageIndex index(String needed, Progress progress) throws IOException, InterruptedException;

    /**
     * Gets packages.
     *
     * @param packages packages of the index
     * @param into an empty folder to put them in
     * @return each package's file, by its name
     */
    Map<String, Path> download(List<DebPackage> packages, Path into, Progress progress)
            throws IOException, InterruptedException;

    /**
     * Fetches newer package lists after a download that failed; false if there are none, so that
     * another download would fail as well.
     */
    default boolean refresh(Progress progress) throws IOException, InterruptedException {
        return false;
    }

    /** A download failed: with old package lists the cause may be that a version is gone. */
    final class DownloadFailed extends IOException {
        private static final long serialVersionUID = 1L;

        DownloadFailed(String message) {
            super(message);
        }
    }
}
