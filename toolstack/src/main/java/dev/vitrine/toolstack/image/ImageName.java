// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.image;

import dev.vitrine.toolstack.BadInputException;

import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * The name of an image that can be pulled.
 *
 * @param name the name: {@code debian}, {@code debian:full}, {@code debian:rt} or {@code
 *     debian:6.12}
 * @param kernel the meta package that depends on its kernel
 */
public record ImageName(String name, String kernel) {
    private static final Map<String, String> KERNELS =
            new TreeMap<>(
                    Map.of(
                            "debian", "linux-image-cloud-amd64",
                            "debian:full", "linux-image-amd64",
                            "debian:rt", "linux-image-rt-amd64",
                            "debian:6.12", "linux-image-6.12-cloud-amd64"));

    /**
     * The image of that name.
     *
     * @throws BadInputException there is no such image
     */
    public static ImageName of(String name) {
        String kernel = KERNELS.get(name);
        if (kernel == null) {
            throw new BadInputException(
                    "There is no image '"
                            + name
                            + "': images are "
                            + String.join(", ", KERNELS.keySet())
                            + ".");
        }
        return new ImageName(name, kernel);
    }

    /** All names of images. */
    public static Set<String> all() {
        return Collections.unmodifiableSet(KERNELS.keySet());
    }

    /** Whether {@code name} is the name of an image, not of a file. */
    public static boolean isKnown(String name) {
        return KERNELS.containsKey(name);
    }

    /** The folder in the store. */
    String folder() {
        return name.replace(':', '-');
    }
}
