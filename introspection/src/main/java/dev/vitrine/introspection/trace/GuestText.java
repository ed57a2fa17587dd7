// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace;

/**
 * Bytes of a guest that are a text, if it is one: what is no UTF-8 is told as docs/trace.md says.
 *
 * @param bytes all of them; not to be changed
 */
public record GuestText(byte[] bytes) implements Content {
    @Override
    public void write(ValueWriter writer) {
        writer.text(bytes, false);
    }
}
