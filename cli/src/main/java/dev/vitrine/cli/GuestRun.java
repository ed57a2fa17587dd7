// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import dev.vitrine.hypervisor.CrashReport;
import dev.vitrine.hypervisor.StopReason;
import dev.vitrine.introspection.ControlServer;
import dev.vitrine.processor.TranslationDifference;
import dev.vitrine.toolstack.ConsoleInput;
import dev.vitrine.toolstack.Machine;
import dev.vitrine.toolstack.Outcome;
import dev.vitrine.toolstack.builder.Ramdisk;
import dev.vitrine.toolstack.config.ShutdownAction;
import dev.vitrine.toolstack.console.GuestConsole;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Function;

/** Runs a guest with its console on the process's streams, again if its configuration says so. */
final class GuestRun {
    /** A guest that never gets far is not restarted more often than once in this time. */
    private static final long RESTART_NANOS = 1_000_000_000L;

    /** A run under the virtual clock is to repeat, so that nothing in it may be random. */
    private static final String FIXED_TOKEN = "0123456789abcdef";

    private final RunPlan plan;
    private final Streams streams;
    private final @Nullable Duration limit;
    private final Function<Machine, Closing> observer;

    /** By System.nanoTime, once the first guest runs; Long.MAX_VALUE without a limit. */
    private long deadline = Long.MAX_VALUE;

    private volatile @Nullable Machine current;
    private volatile boolean detached;

    /**
     * @param limit the time given with --timeout, which counts from the first guest's start on; or
     *     null
     * @param observer looks at each machine before it runs; what it gives is closed afterwards
     */
    GuestRun(
            RunPlan plan,
            Streams streams,
            @Nullable Duration limit,
            Function<Machine, Closing> observer) {
        this.observer = observer;
        this.plan = plan;
        this.streams = streams;
        this.limit = limit;
    }

    /** Runs the guest and returns the exit status. */
    int run() throws InterruptedException {
        RawTerminal terminal = null;
        if (streams.terminal()) {
            terminal = openTerminal();
        }
        try {
            return run(terminal);
        } finally {
            if (terminal != null) {
                terminal.close();
            }
        }
    }

    private @Nullable RawTerminal openTerminal() {
        streams.err().println("vitrine: Ctrl-] stops the guest.");
        try {
            return RawTerminal.open();
        } catch (IOException | RuntimeException | LinkageError e) {
            streams.err()
                    .println(
                            "vitrine: warning: the terminal cannot be made raw, so that the guest gets"
                                    + " whole lines: "
                                    + e.getMessage());
            return null;
        }
    }

    private int run(@Nullable RawTerminal terminal) throws InterruptedException {
        RunJournal journal = plan.journal();
        GuestConsole console = plan.imageConsole() ? console(terminal) : null;
        if (journal != null && console != null) {
            console = journal.console(console);
        }
        InputStream in = streams.in();
        if (streams.terminal()) {
            in = new DetachInput(in, this::detach);
        }
        ConsoleInput input = new ConsoleInput(in, streams.terminal());
        for (boolean first = true; ; first = false) {
            long started = System.nanoTime();
            Outcome outcome;
            ShutdownAction action;
            int status;
            try (Machine machine = build(console, input, first);
                    Closing control = control(machine);
                    Closing observed = observer.apply(machine)) {
                current = machine;
                if (detached) {
                    return ExitStatus.OK;
                }
                if (first && limit != null) {
                    deadline = System.nanoTime() + limit.toNanos();
                }
                outcome =
                        journal == null
                                ? machine.run(deadline)
                                : machine.runUntil(deadline, journal.done());
                current = null;
                if (terminal != null) {
                    terminal.pause();
                }
                if (outcome == null) {
                    return Objects.requireNonNull(journal).ended(machine, null, ExitStatus.OK);
                }
                if (plan.stats()) {
                    MachineStatistics.print(machine, outcome, streams.err());
                }
                action = journal == null ? action(outcome.reason()) : ShutdownAction.DESTROY;
                status = status(outcome, action);
                if (journal != null) {
                    return journal.ended(machine, outcome, status);
                }
            }
            boolean again =
                    action == ShutdownAction.RESTART
                            || action == ShutdownAction.RENAME_RESTART
                            || action == ShutdownAction.COREDUMP_RESTART;
            if (!again || outcome.outputClosed() || detached) {
                return status;
            }
            if (outcome.reason().isCrash()) {
                say("the guest is started again, as on_crash says");
            }
            long wait = RESTART_NANOS - (System.nanoTime() - started);
            if (wait > 0) {
                Thread.sleep(
                        Duration.ofNanos(
                                Math.min(wait, Math.max(0, deadline - System.nanoTime()))));
            }
            if (terminal != null) {
                terminal.resume();
            }
        }
    }

    private GuestConsole console(@Nullable RawTerminal terminal) {
        GuestConsole console;
        if (streams.terminal()) {
            String term = System.getenv("TERM");
            console =
                    GuestConsole.terminal(
                            terminal == null ? 0 : terminal.rows(),
                            terminal == null ? 0 : terminal.columns(),
                            term == null ? "" : term);
        } else {
            console = GuestConsole.pipe();
        }
        return plan.virtualClock() ? console.withToken(FIXED_TOKEN) : console;
    }

    private Machine build(@Nullable GuestConsole console, ConsoleInput input, boolean first) {
        Machine.Builder builder =
                Machine.builder(first ? plan.kernel() : plan.kernel().reread())
                        .name(plan.name())
                        .cmdline(plan.cmdline())
                        .memory(plan.memory())
                        .vcpus(plan.vcpus())
                        .virtualClock(plan.virtualClock())
                        .verifyTranslation(plan.verifyTranslation())
                        .output(streams.out());
        RunJournal journal = plan.journal();
        if (journal != null) {
            builder.journal(journal::open);
        }
        if (journal == null || journal.takesInput()) {
            builder.input(input);
        }
        Ramdisk ramdisk = plan.ramdisk();
        if (ramdisk != null) {
            builder.ramdisk(first ? ramdisk : ramdisk.reread());
        }
        if (console != null) {
            builder.console(console);
        }
        return builder.build();
    }

    /** What is to be closed before the machine. */
    interface Closing extends AutoCloseable {
        @Override
        void close();
    }

    private Closing control(Machine machine) {
        Path path = plan.control();
        return path == null ? () -> {} : ControlServer.open(machine.domain(), path)::close;
    }

    private void detach() {
        detached = true;
        Machine machine = current;
        if (machine != null) {
            machine.stop();
        }
    }

    private ShutdownAction action(StopReason reason) {
        return switch (reason) {
            case POWEROFF -> plan.onPoweroff();
            // Started again, it would run the command again, and most likely for ever.
            case REBOOT -> plan.command() ? ShutdownAction.DESTROY : plan.onReboot();
            case WATCHDOG -> plan.onWatchdog();
            case CRASH, TRIPLE_FAULT -> plan.onCrash();
            case SUSPEND, SOFT_RESET, TIMEOUT, DESTROYED, INTERNAL_ERROR -> ShutdownAction.DESTROY;
        };
    }

    private int status(Outcome outcome, ShutdownAction action) throws InterruptedException {
        if (outcome.outputClosed()) {
            return ExitStatus.OUTPUT_CLOSED;
        }
        switch (outcome.reason()) {
            case POWEROFF, REBOOT -> {
                if (plan.command() && outcome.commandStatus().isEmpty()) {
                    say(
                            "the guest "
                                    + (outcome.reason() == StopReason.POWEROFF
                                            ? "powered off"
                                            : "rebooted")
                                    + " before the command of --exec ended, so that its exit status"
                                    + " is not known");
                }
                return outcome.commandStatus().orElse(ExitStatus.OK);
            }
            case SUSPEND -> {
                say("the guest suspended itself, which ends it: saving is not supported yet");
                return ExitStatus.OK;
            }
            case DESTROYED -> {
                return ExitStatus.OK;
            }
            case TIMEOUT -> {
                say(
                        "the guest did not end within the "
                                + (limit == null ? "time" : seconds(limit))
                                + " of --timeout and was stopped");
                return ExitStatus.TIMEOUT;
            }
            case INTERNAL_ERROR -> {
                if (outcome.cause() instanceof TranslationDifference difference) {
                    difference.lines().forEach(line -> streams.err().println("vitrine: " + line));
                    return ExitStatus.TRANSLATION_DIFFERS;
                }
                stopped("an error of Vitrine itself stopped the guest: ", outcome);
                return ExitStatus.SOFTWARE;
            }
            case CRASH, WATCHDOG, TRIPLE_FAULT, SOFT_RESET -> {
                stopped("the guest crashed: ", outcome);
                if (action == ShutdownAction.PRESERVE) {
                    preserve();
                } else if (action == ShutdownAction.COREDUMP_DESTROY
                        || action == ShutdownAction.COREDUMP_RESTART) {
                    say("warning: no core is dumped, that is not supported yet");
                }
                return ExitStatus.CRASHED;
            }
        }
        throw new IllegalStateException(outcome.reason().name());
    }

    private void stopped(String what, Outcome outcome) {
        say(what + outcome.message().replaceAll("\\.$", ""));
        CrashReport report = outcome.crash();
        if (report != null) {
            report.lines().forEach(line -> streams.err().println(line));
        }
        Throwable cause = outcome.cause();
        if (cause != null && Boolean.getBoolean("vitrine.debug")) {
            cause.printStackTrace(streams.err());
        }
    }

    /** on_crash = "preserve": the domain is there, but does not run, until the process is ended. */
    private void preserve() throws InterruptedException {
        say("the domain is kept, as on_crash says; Ctrl-C or SIGTERM ends it");
        if (deadline == Long.MAX_VALUE) {
            Thread.currentThread().join();
        }
        Thread.sleep(Duration.ofNanos(Math.max(0, deadline - System.nanoTime())));
    }

    private static String seconds(Duration d) {
        return d.toMillis() % 1000 == 0 ? d.toSeconds() + " s" : d.toMillis() + " ms";
    }

    private void say(String what) {
        streams.err().println("vitrine: " + what + ".");
    }
}
