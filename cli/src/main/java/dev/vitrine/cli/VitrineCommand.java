// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

/** The help of the program as a whole; {@link Main} does the rest of it. */
final class VitrineCommand implements Described {
    @Override
    public Options options() {
        return new Options(
                        "vitrine",
                        "vitrine run [IMAGE | FILE.cfg] [OPTION...]",
                        "       vitrine trace [IMAGE | FILE.cfg] [OPTION...]",
                        "       vitrine record RUN [IMAGE | FILE.cfg] [OPTION...]",
                        "       vitrine replay RUN [OPTION...]",
                        "       vitrine inspect TARGET ACTION [ARGUMENT...] [OPTION...]",
                        "       vitrine inject [OPTION...] TARGET ACTION ARGUMENT...",
                        "       vitrine pull IMAGE [--with PACKAGE,...]",
                        "       vitrine images",
                        "")
                .header("Runs Xen guests in user space, on a software x86-64 processor.", "")
                .footer(
                        "",
                        "commands:",
                        "  run     boots a guest and gives its console",
                        "  trace   runs a guest and writes what happens inside: its system calls",
                        "  record  runs a guest so that it can be replayed",
                        "  replay  runs a recorded guest again, instruction by instruction",
                        "  inspect shows what is inside a guest: processes, files, memory",
                        "  inject  starts programs in a guest, reads and writes its files, without an agent",
                        "  pull    gets an image, so that run needs no network",
                        "  images  lists the images that there are",
                        "",
                        "vitrine COMMAND --help tells more about a command.",
                        "",
                        "exit status:",
                        "  0    the guest powered off (with --exec, and inject --wait: the status of the command)",
                        "  2    usage or bad input, or standard output cannot be written",
                        "  3    the guest crashed",
                        "  4    --verify-translation: translated code did something else than the interpreter",
                        "  5    replay: the replay differs from the recording",
                        "  70   an error of Vitrine itself, or Java's heap is too small",
                        "  124  the time given with --timeout passed",
                        "  141  nobody reads standard output any more")
                .help()
                .flag("-V", "--version", () -> {}, "the version of Vitrine and of Java");
    }
}
