// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import dev.vitrine.toolstack.BadInputException;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

/** {@code vitrine run}: the options. {@link RunPlan} makes sense of them, {@link GuestRun} runs. */
class RunCommand implements Callable<Integer>, Described {
    private final Streams streams;

    @Nullable String what;
    @Nullable String kernel;
    @Nullable String ramdisk;
    @Nullable String cmdline;
    @Nullable String memory;
    @Nullable String vcpus;
    List<String> copies = new ArrayList<>();
    @Nullable String exec;
    @Nullable String timeout;
    String clock = "real";
    @Nullable String control;
    boolean stats;
    boolean verifyTranslation;

    RunCommand(Streams streams) {
        this.streams = streams;
    }

    @Override
    public Options options() {
        return give(
                new Options("vitrine run", "vitrine run [IMAGE | FILE.cfg] [OPTION...]")
                        .header("Boots a Xen PVH guest and gives its console; Ctrl-] stops it.", "")
                        .footer(
                                "",
                                "Standard input is the input of the guest's console. A terminal is made raw: each key goes to",
                                "the guest at once, Ctrl-C too. What comes from a pipe or a file goes there byte by byte, and",
                                "its end as Ctrl-D. In an image it is the shell's script, at whose end the guest powers off,",
                                "or with --exec the command's standard input.",
                                "",
                                "exit status:",
                                "  0    the guest powered off (with --exec: the status of the command; 0 as well if the guest",
                                "       powered off or rebooted before the command ended, which standard error then says)",
                                "  2    usage or bad input, or standard output cannot be written",
                                "  3    the guest crashed; registers, last instructions and reason are on standard error",
                                "  4    --verify-translation: translated code did something else than the interpreter,",
                                "       a fault of Vitrine; the report is on standard error",
                                "  70   an error of Vitrine itself, or Java's heap is too small",
                                "  124  the time given with --timeout passed",
                                "  141  nobody reads standard output any more",
                                "",
                                "examples:",
                                "  vitrine run debian",
                                "  vitrine run debian --exec 'uname -a'",
                                "  vitrine run debian --copy ./tests:/tests --exec 'sh /tests/all.sh' --timeout 5m",
                                "  vitrine run --kernel vmlinuz --ramdisk initrd.img --cmdline console=hvc0"));
    }

    /** Adds what is told what to run, and how, for all commands that run guests. */
    final Options give(Options options) {
        return options.optionalArgument(
                        "IMAGE|FILE.cfg",
                        v -> what = v,
                        "an image (debian, debian:full, debian:rt, debian:6.12), pulled if not there;",
                        "or a domain configuration in the syntax of xl.cfg")
                .text(
                        "--kernel",
                        "F",
                        v -> kernel = v,
                        "the kernel: a bzImage or ELF file, also compressed")
                .text("--ramdisk", "F", v -> ramdisk = v, "the ramdisk (initramfs)")
                .text(
                        "--cmdline",
                        "S",
                        v -> cmdline = v,
                        "the kernel's command line; added to the image's own, if there is one")
                .text(
                        "--memory",
                        "SIZE",
                        v -> memory = v,
                        "memory, such as 512M (which is the default) or 2G")
                .text("--vcpus", "N", v -> vcpus = v, "virtual processors, 1 to 128 (default: 1)")
                .repeated(
                        "--copy",
                        "HOST:GUEST",
                        v -> copies = v,
                        "adds a file or folder to the image; may be repeated")
                .text(
                        "--exec",
                        "CMD",
                        v -> exec = v,
                        "runs a command instead of a shell, and ends with its exit status")
                .text(
                        "--timeout",
                        "TIME",
                        v -> timeout = v,
                        "ends the run after a time such as 60s or 5m, from the guest's start on;",
                        "pulling an image and loading do not count")
                .text(
                        "--clock",
                        "real|virtual",
                        v -> clock = v,
                        "virtual: time advances with instructions, so that a run can be",
                        "repeated (default: real)")
                .text(
                        "--control",
                        "SOCKET",
                        v -> control = v,
                        "makes a control socket, by which vitrine inspect sees the guest;",
                        "for this user only (mode 0600)")
                .flag("--stats", () -> stats = true, "prints what processor and hypervisor did")
                .flag(
                        "--verify-translation",
                        () -> verifyTranslation = true,
                        "lets the interpreter do again all that translated code does, and ends",
                        "the run at the first difference; for one vCPU, and slow")
                .help();
    }

    @Override
    public Integer call() throws InterruptedException {
        Duration limit = timeout == null ? null : Sizes.time("--timeout", timeout);
        RunPlan plan = RunPlan.of(this, streams);
        return run(plan, streams, limit);
    }

    /** Runs what the options say; a command that does more has its own. */
    int run(RunPlan plan, Streams to, @Nullable Duration limit) throws InterruptedException {
        return new GuestRun(plan, to, limit, machine -> () -> {}).run();
    }

    /** Whether there is an option that says what is run, and how. */
    boolean changesGuest() {
        return what != null
                || kernel != null
                || ramdisk != null
                || cmdline != null
                || memory != null
                || vcpus != null
                || exec != null
                || timeout != null
                || control != null
                || !copies.isEmpty()
                || !clock.equals("real")
                || stats
                || verifyTranslation;
    }

    boolean virtualClock() {
        return switch (clock) {
            case "real" -> false;
            case "virtual" -> true;
            default ->
                    throw new BadInputException(
                            "--clock "
                                    + Sizes.shown(clock)
                                    + " is not a clock: it is real or virtual.");
        };
    }
}
