// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace;

/** A component of an event that writes itself, such as a structure. */
public interface Content {
    /** Writes one value. */
    void write(ValueWriter writer);
}
