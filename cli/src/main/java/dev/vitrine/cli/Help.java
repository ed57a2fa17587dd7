// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

/** The help of the program as a whole. */
final class Help {
    static final String TEXT =
            """
            Runs Xen guests in user space, on a software x86-64 processor.

            usage: vitrine run [IMAGE | FILE.cfg] [OPTION...]
                   vitrine pull IMAGE [--with PACKAGE,...]
                   vitrine images

            commands:
              run     boots a guest and gives its console
              pull    gets an image, so that run needs no network
              images  lists the images that there are

            options:
              -h, --help      this text; vitrine COMMAND --help tells more about a command
              -V, --version   the versions of Vitrine and of Java

            exit status:
              0    the guest powered off (with --exec: the status of the command)
              2    usage or bad input
              3    the guest crashed
              124  the time given with --timeout passed
            """;

    private Help() {}
}
