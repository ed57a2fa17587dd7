// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.config;

/**
 * Something in an xl.cfg file that Vitrine does not do as xl would.
 *
 * @param file the file's name
 * @param line the line, from 1; 0 for the file as a whole
 * @param message what is different, without the place
 */
public record ConfigWarning(String file, int line, String message) {
    /** The warning as one line for the user. */
    @Override
    public String toString() {
        return line == 0 ? file + ": " + message : file + ":" + line + ": " + message;
    }
}
