// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.image;

/** Is told what long work is doing, one line at a time. A command prints the lines to stderr. */
@FunctionalInterface
public interface Progress {
    /** Nobody wants to know. */
    Progress SILENT = line -> {};

    /** Takes a line of text, without its end. */
    void say(String line);
}
