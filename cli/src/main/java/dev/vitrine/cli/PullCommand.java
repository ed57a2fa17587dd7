// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import dev.vitrine.toolstack.image.Image;
import dev.vitrine.toolstack.image.ImageStore;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

/** {@code vitrine pull}. */
@Command(
        name = "vitrine pull",
        header = {
            "Gets an image, or makes the one that is there anew, of the newest packages.",
            ""
        },
        synopsisHeading = "usage: ",
        customSynopsis = "vitrine pull IMAGE [--with PACKAGE,...]",
        parameterListHeading = "%n",
        optionListHeading = "%n",
        sortOptions = false,
        footer = {
            "",
            "The packages come from the machine's Debian archive, through apt-get download, without root.",
            "Images are kept in $XDG_CACHE_HOME/vitrine, or ~/.cache/vitrine."
        })
final class PullCommand implements Callable<Integer> {
    private final Streams streams;

    @Parameters(
            paramLabel = "IMAGE",
            description =
                    "debian (cloud kernel and busybox); debian:full, debian:rt or debian:6.12 (other kernels)")
    private String image = "";

    @Option(
            names = "--with",
            paramLabel = "PACKAGE,...",
            split = ",",
            hideParamSyntax = true,
            description = {
                "Debian packages that the image holds as well, and what they depend on;",
                "linux-modules stands for the modules of its kernel"
            })
    private List<String> with = new ArrayList<>();

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "this text")
    private boolean help;

    PullCommand(Streams streams) {
        this.streams = streams;
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
