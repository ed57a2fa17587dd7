// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection;

/** What was asked for is not to be had from this guest; the message is a sentence for the user. */
public final class IntrospectionException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public IntrospectionException(String sentence) {
        super(sentence);
    }

    public IntrospectionException(String sentence, Throwable cause) {
        super(sentence, cause);
    }
}
