// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import dev.vitrine.toolstack.BadInputException;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code vitrine run}: the options. {@link RunPlan} makes sense of them, {@link GuestRun} runs. */
final class RunCommand implements Command {
    private static final String HELP =
            """
            Boots a Xen PVH guest and gives its console; on a terminal, Ctrl-] stops it.

            usage: vitrine run [IMAGE | FILE.cfg] [OPTION...]

              IMAGE                  debian, debian:full or debian:rt; pulled if it is not there
              FILE.cfg               a domain configuration in the syntax of xl.cfg

              --kernel F             the kernel: a bzImage or ELF file, also compressed
              --ramdisk F            the ramdisk (initramfs)
              --cmdline S            the kernel's command line; added to the image's own, if there is one
              --memory SIZE          memory, such as 512M (which is the default) or 2G
              --vcpus N              virtual processors, 1 to 128 (default: 1)
              --copy HOST:GUEST      adds a file or folder to the image; may be repeated
              --exec CMD             runs a command instead of a shell, and ends with its exit status
              --timeout TIME         ends the run after a time such as 60s or 5m
              --clock real|virtual   virtual: time advances with instructions, so that a run can be
                                     repeated (default: real)
              --stats                prints what processor and hypervisor did, at the end
              -h, --help             this text

            exit status:
              0    the guest powered off (with --exec: the status of the command)
              2    usage or bad input
              3    the guest crashed; registers, last instructions and reason are on standard error
              124  the time given with --timeout passed

            examples:
              vitrine run debian
              vitrine run debian --exec 'uname -a'
              vitrine run debian --copy ./tests:/tests --exec 'sh /tests/all.sh' --timeout 5m
              vitrine run --kernel vmlinuz --ramdisk initrd.img --cmdline console=hvc0
            """;

    private final Streams streams;

    RunCommand(Streams streams) {
        this.streams = streams;
    }

    /** The options as the user wrote them; null where he did not. */
    record Options(
            @Nullable String what,
            @Nullable String kernel,
            @Nullable String ramdisk,
            @Nullable String cmdline,
            @Nullable String memory,
            @Nullable String vcpus,
            List<String> copies,
            @Nullable String exec,
            boolean virtualClock,
            boolean stats) {}

    @Override
    public String help() {
        return HELP;
    }

    @Override
    public Arguments arguments() {
        return new Arguments("vitrine run")
                .operand("IMAGE or FILE.cfg")
                .option("--kernel", Arguments.Kind.ONCE, "F")
                .option("--ramdisk", Arguments.Kind.ONCE, "F")
                .option("--cmdline", Arguments.Kind.ONCE, "S")
                .option("--memory", Arguments.Kind.ONCE, "SIZE")
                .option("--vcpus", Arguments.Kind.ONCE, "N")
                .option("--copy", Arguments.Kind.REPEATED, "HOST:GUEST")
                .option("--exec", Arguments.Kind.ONCE, "CMD")
                .option("--timeout", Arguments.Kind.ONCE, "TIME")
                .option("--clock", Arguments.Kind.ONCE, "real|virtual")
                .flag("--stats");
    }

    @Override
    public int run(Arguments a) throws InterruptedException {
        String timeout = a.value("--timeout");
        Duration limit = timeout == null ? null : Sizes.time("--timeout", timeout);
        long deadline = limit == null ? Long.MAX_VALUE : System.nanoTime() + limit.toNanos();
        Options options =
                new Options(
                        a.operand(),
                        a.value("--kernel"),
                        a.value("--ramdisk"),
                        a.value("--cmdline"),
                        a.value("--memory"),
                        a.value("--vcpus"),
                        a.values("--copy"),
                        a.value("--exec"),
                        virtualClock(a.value("--clock")),
                        a.has("--stats"));
        RunPlan plan = RunPlan.of(options, streams);
        return new GuestRun(plan, streams, limit, deadline).run();
    }

    private static boolean virtualClock(@Nullable String clock) {
        return switch (clock) {
            case null -> false;
            case "real" -> false;
            case "virtual" -> true;
            default ->
                    throw new BadInputException(
                            "--clock " + Sizes.shown(clock) + " is not a clock: it is real or virtual.");
        };
    }
}
