// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace;

/**
 * An address, or another number that is written in hexadecimal.
 *
 * @param value all 64 bits of it
 */
public record Address(long value) implements Content {
    @Override
    public void write(ValueWriter writer) {
        writer.address(value);
    }
}
