// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

import dev.vitrine.introspection.types.Btf;
import dev.vitrine.introspection.types.Isf;

import org.jspecify.annotations.Nullable;

import java.util.List;

/** The structures of a kernel. Unions count as structures, and anonymous members as their parts. */
public sealed interface KernelTypes permits Btf, Isf {
    /** Where the types are from, for messages. */
    String origin();

    /** Size of a structure in bytes; -1 if there is none of that name. */
    long size(String structure);

    /**
     * A member.
     *
     * @param path names of members, each within the one before it, with dots between
     * @return null if there is no such structure or member
     */
    @Nullable Member member(String structure, String path);

    /** Value of an enumeration's constant; null if there is none of that name. */
    @Nullable Long constant(String enumeration, String name);

    /** Names of a structure's members in their order; empty if there is no such structure. */
    List<String> members(String structure);
}
