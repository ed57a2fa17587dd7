// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import dev.vitrine.toolstack.image.Image;
import dev.vitrine.toolstack.image.ImageStore;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;

/** {@code vitrine images}. */
final class ImagesCommand implements Callable<Integer>, Described {
    private static final String ROW = "%-12s %-34s %-16s %8s  %s%n";

    private final Streams streams;

    ImagesCommand(Streams streams) {
        this.streams = streams;
    }

    @Override
    public Options options() {
        return new Options("vitrine images", "vitrine images")
                .header("Lists the images that there are.", "")
                .help();
    }

    @Override
    public Integer call() {
        List<Image> images = ImageStore.ofUser().list();
        PrintStream out = new PrintStream(streams.out(), true, StandardCharsets.UTF_8);
        if (images.isEmpty()) {
            out.println("There are no images yet; 'vitrine pull debian' gets one.");
            return ExitStatus.OK;
        }
        out.printf(ROW, "IMAGE", "KERNEL", "MADE", "SIZE", "WITH");
        for (Image image : images) {
            out.printf(
                    ROW,
                    image.name(),
                    image.kernelPackage().replaceFirst("^linux-image-", ""),
                    DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm", Locale.ROOT)
                            .withZone(ZoneId.systemDefault())
                            .format(Instant.ofEpochSecond(image.created())),
                    megabytes(image.size()),
                    image.with().isEmpty() ? "-" : String.join(",", image.with()));
        }
        return ExitStatus.OK;
    }

    static String megabytes(long bytes) {
        return (bytes + 500_000) / 1_000_000 + " MB";
    }
}
