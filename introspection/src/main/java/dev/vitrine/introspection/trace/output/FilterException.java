// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.output;

/** A filter that is none; the message says where and why. */
public final class FilterException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    FilterException(String message) {
        super(message);
    }
}
