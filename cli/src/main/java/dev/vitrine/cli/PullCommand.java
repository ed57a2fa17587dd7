// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import dev.vitrine.toolstack.image.Image;
import dev.vitrine.toolstack.image.ImageStore;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;

/** {@code vitrine pull}. */
final class PullCommand implements Command {
    private static final String HELP =
            """
            Gets an image, or makes the one that is there anew, of the newest packages.

            usage: vitrine pull IMAGE [--with PACKAGE,...]

              IMAGE                  debian (cloud kernel and busybox); debian:full or debian:rt (other
                                     kernels)

              --with PACKAGE,...     Debian packages that the image holds as well, with all that they
                                     depend on; linux-modules stands for the modules of its kernel
              -h, --help             this text

            The packages come from the machine's Debian archive, through apt-get download, without root.
            Images are kept in $XDG_CACHE_HOME/vitrine, or ~/.cache/vitrine.
            """;

    private final Streams streams;

    PullCommand(Streams streams) {
        this.streams = streams;
    }

    @Override
    public String help() {
        return HELP;
    }

    @Override
    public Arguments arguments() {
        return new Arguments("vitrine pull")
                .operand("IMAGE")
                .option("--with", Arguments.Kind.REPEATED, "PACKAGE,...");
    }

    @Override
    public int run(Arguments arguments) {
        String image = arguments.neededOperand();
        List<String> packages =
                arguments.values("--with").stream()
                        .flatMap(list -> Stream.of(list.split(",")))
                        .map(String::strip)
                        .filter(p -> !p.isEmpty())
                        .toList();
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
