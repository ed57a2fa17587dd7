// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.image;

import java.util.List;

/**
 * A binary package of the package lists.
 *
 * @param name the name
 * @param version the version
 * @param depends what it depends on: each group is satisfied by any of its names
 * @param provides the virtual packages it is, too
 * @param size the bytes of the .deb file, 0 if the lists do not say
 */
public record DebPackage(
        String name, String version, List<List<String>> depends, List<String> provides, long size) {
    public DebPackage {
        depends = List.copyOf(depends);
        provides = List.copyOf(provides);
    }
}
