// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import dev.vitrine.toolstack.image.Image;
import dev.vitrine.toolstack.image.ImageStore;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

/** {@code vitrine pull}. */
final class PullCommand implements Callable<Integer>, Described {
    private final Streams streams;

    private String image = "";
    private List<String> with = new ArrayList<>();

    PullCommand(Streams streams) {
        this.streams = streams;
    }

    @Override
    public Options options() {
        return new Options("vitrine pull", "vitrine pull IMAGE [--with PACKAGE,...]")
                .header(
                        "Gets an image, or makes the one that is there anew, of the newest packages.",
                        "")
                .footer(
                        "",
                        "The packages come from the machine's Debian archive, through apt-get download, without root.",
                        "Images are kept in $XDG_CACHE_HOME/vitrine, or ~/.cache/vitrine.")
                .argument(
                        "IMAGE",
                        v -> image = v,
                        "debian (cloud kernel and busybox); debian:full, debian:rt or debian:6.12 (other kernels)")
                .commas(
                        "--with",
                        "PACKAGE,...",
                        v -> with = v,
                        "Debian packages that the image holds as well, and what they depend on;",
                        "linux-modules stands for the modules of its kernel")
                .help();
    }

    @Override
    public Integer call() {
        List<String> packages = with.stream().map(String::strip).filter(p -> !p.isEmpty()).toList();
        Image made =
                ImageStore.ofUser()
                        .pull(image, packages, line -> streams.err().println("vitrine: " + line));
        PrintStream out = new PrintStream(streams.out(), true, StandardCharsets.UTF_8);
        out.println(
                made.name()
                        + ": "
                        + made.kernelPackage()
                        + " "
                        + made.kernelVersion()
                        + ", "
                        + made.versions().size()
                        + " packages, "
                        + ImagesCommand.megabytes(made.size()));
        return ExitStatus.OK;
    }
}
