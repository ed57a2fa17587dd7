// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack;

import org.jspecify.annotations.Nullable;

/**
 * Something that the user gave cannot be used: a file, an option, a kernel, a size.
 *
 * <p>The message is one whole sentence for the user. It names the file (and the line, where there
 * is one) and says what is wrong. A command prints it as it is and ends with exit status 2; the
 * stack trace is never shown, and none is recorded.
 */
public final class BadInputException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * @param message the sentence to show
     */
    public BadInputException(String message) {
        this(message, null);
    }

    /**
     * @param message the sentence to show
     * @param cause what lies below it, for a debugger; null if there is nothing
     */
    public BadInputException(String message, @Nullable Throwable cause) {
        super(message, cause, false, false);
    }

    @Override
    public String getMessage() {
        String message = super.getMessage();
        return message == null ? "" : message;
    }
}
