// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/** Paths as the user writes them. */
public final class PathNames {
    private PathNames() {}

    /**
     * The path that a text names.
     *
     * @param what what the user gave it for, for the message: {@code --kernel}
     * @throws BadInputException it names none: it is empty, or Java has no path for it in this
     *     locale
     */
    public static Path path(String what, String text) {
        if (text.isEmpty()) {
            throw new BadInputException(what + " is empty, where the name of a file has to be.");
        }
        try {
            return Path.of(text);
        } catch (InvalidPathException e) {
            String plain = text.replaceAll("\\p{Cntrl}", "?");
            String shown = plain.length() <= 60 ? plain : plain.substring(0, 60) + "…";
            String why =
                    text.indexOf('\0') >= 0
                            ? "holds a NUL character, so that it cannot be the name of a file"
                            : "has characters that this locale's character set does not have ("
                                    + System.getProperty("sun.jnu.encoding")
                                    + "); LC_ALL=C.UTF-8 has them";
            throw new BadInputException(what + ": '" + shown + "' " + why + ".", e);
        }
    }
}
