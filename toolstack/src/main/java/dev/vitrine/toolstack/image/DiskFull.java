// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.image;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** No space is left where an image is being made. */
final class DiskFull extends IOException {
    private static final long serialVersionUID = 1L;

    /** What is left when not even a small package fits any more. */
    private static final long NOTHING = 64 << 10;

    DiskFull(String message, @Nullable Throwable cause) {
        super(message, cause);
    }

    /** Whether an error, of Java or of apt, says that the disk is full. */
    static boolean says(@Nullable String message) {
        return message != null
                && (message.contains("No space left on device")
                        || message.contains("Disk quota exceeded")
                        || message.contains("enough free space"));
    }

    /**
     * Whether that is behind an error, which Java words in the user's language.
     *
     * @param folder where there would be no space; it still holds what has filled the disk
     */
    static boolean isBehind(IOException e, Path folder) {
        if (e instanceof DiskFull || says(e.getMessage())) {
            return true;
        }
        try {
            return Files.getFileStore(folder).getUsableSpace() < NOTHING;
        } catch (IOException unknown) {
            return false;
        }
    }
}
