// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static org.junit.jupiter.api.Assumptions.abort;

import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.image.ImageStore;

import java.nio.file.Path;
import java.util.List;

/**
 * Debian with strace and the modules of its kernel, in place of the user's image of that name. It
 * is kept in a folder of the user's store.
 */
record TracingImage(String home) implements AutoCloseable {
    static final TracingImage NONE = new TracingImage("");

    /** Makes {@code debian} that image; the test is skipped if it cannot be had. */
    static TracingImage use() {
        TracingImage image = new TracingImage(System.getProperty("user.home"));
        Path own = ImageStore.ofUser().root().resolve("tracing");
        System.setProperty("user.home", own.toString());
        try {
            ImageStore store = ImageStore.ofUser();
            if (!store.root().startsWith(own)) {
                throw new BadInputException("XDG_CACHE_HOME says where images are");
            }
            if (store.find("debian") == null) {
                store.pull("debian", List.of("strace", ImageStore.MODULES), line -> {});
            }
        } catch (BadInputException e) {
            image.close();
            System.out.println("a trace is not compared: no image with strace: " + e.getMessage());
            abort("no image: " + e.getMessage());
        }
        return image;
    }

    @Override
    public void close() {
        if (!home.isEmpty()) {
            System.setProperty("user.home", home);
        }
    }
}
