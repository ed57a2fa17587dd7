// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.builder.Ramdisk;
import dev.vitrine.toolstack.image.Image;
import dev.vitrine.toolstack.image.ImageStore;
import dev.vitrine.toolstack.image.Overlay;
import dev.vitrine.toolstack.loader.KernelImage;
import dev.vitrine.toolstack.loader.LoadedKernel;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.util.List;

/**
 * Where a guest's kernel and ramdisk come from.
 *
 * @param image the name of an image, or null
 * @param kernel a kernel of the user's, which goes before the image's; or null
 * @param ramdisk a ramdisk of the user's, which takes the place of the image's root; or null
 * @param copies what --copy was given
 * @param exec what --exec was given, or null
 */
record RunSource(
        @Nullable String image,
        @Nullable Path kernel,
        @Nullable Path ramdisk,
        List<String> copies,
        @Nullable String exec) {
    /** What it comes to. */
    record Loaded(LoadedKernel kernel, @Nullable Ramdisk ramdisk, @Nullable Image image) {}

    RunSource {
        copies = List.copyOf(copies);
    }

    /** Whether the root file system is an image's, whose init is told about the console. */
    boolean imageRoot() {
        return image != null && ramdisk == null;
    }

    /**
     * Reads all of it. An image that is not there is pulled.
     *
     * @throws BadInputException a file cannot be used
     */
    Loaded load(Streams streams) {
        Overlay overlay = new Overlay();
        copies.forEach(overlay::copy);
        if (exec != null) {
            overlay.exec(exec);
        }
        // A file that cannot be used is told before anything is fetched for it.
        LoadedKernel ownKernel = kernel == null ? null : KernelImage.load(kernel);
        Ramdisk ownRamdisk = ramdisk == null ? null : Ramdisk.of(ramdisk);
        if (image == null) {
            if (ownKernel == null) {
                throw new IllegalStateException("neither kernel nor image");
            }
            return new Loaded(ownKernel, ownRamdisk, null);
        }
        Image stored =
                ImageStore.ofUser().get(image, line -> streams.err().println("vitrine: " + line));
        return new Loaded(
                ownKernel != null ? ownKernel : stored.loadKernel(),
                ownRamdisk != null ? ownRamdisk : overlay.over(stored),
                stored);
    }
}
