// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.record;

import dev.vitrine.hypervisor.Domain;
import dev.vitrine.hypervisor.ExternalInput;
import dev.vitrine.hypervisor.InputJournal;
import dev.vitrine.hypervisor.StateDigest;
import dev.vitrine.hypervisor.StopReason;
import dev.vitrine.platform.InstructionClock;
import dev.vitrine.toolstack.BadInputException;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Gives a domain what a recorded one got, where that got it, and compares their states at each
 * checkpoint. At the end, at a difference, or where it was told to, it pauses the domain.
 */
public final class Replayer implements InputJournal, AutoCloseable {
    /**
     * Where to stop, whichever comes first; both Long.MAX_VALUE for the end of the recording.
     *
     * @param instructions retired by all vCPUs
     * @param time of the domain's clock, in nanoseconds
     */
    public record Until(long instructions, long time) {
        public static final Until END = new Until(Long.MAX_VALUE, Long.MAX_VALUE);
    }

    /** Why a replay ended. */
    public enum Ending {
        /** As the recorded domain did: it stopped itself, or was stopped there. */
        END,
        /** The recording was cut off there. */
        CUT_OFF,
        /** Where it was told to. */
        UNTIL,
        /** At the first difference. */
        DIFFERENCE
    }

    /**
     * What came of it.
     *
     * @param instructions retired by all vCPUs
     * @param time of the domain's clock, in nanoseconds
     * @param checkpoints how many states were equal
     * @param message more about the ending, a sentence without its full stop
     * @param differences what differs, as lines
     */
    public record Result(
            Ending ending,
            long instructions,
            long time,
            long checkpoints,
            String message,
            List<String> differences) {}

    private final Domain domain;
    private final LogReader log;
    private final StateDigest digest;
    private final Until until;
    private final CompletableFuture<Result> result = new CompletableFuture<>();
    private @Nullable LogEntry next;
    private long checkpoints;
    private volatile long stopAt;

    Replayer(Domain domain, LogReader log, Until until) {
        this.domain = domain;
        this.log = log;
        this.digest = new StateDigest(domain);
        this.until = until;
        this.stopAt = until.instructions();
        this.next = log.next();
    }

    /** Completed once the domain has been paused, or by {@link #ended}. */
    public CompletableFuture<Result> result() {
        return result;
    }

    @Override
    public synchronized @Nullable List<ExternalInput> point(
            long number, List<ExternalInput> arrived) {
        long instructions = domain.retiredInstructions();
        long now = domain.clock().now();
        if (result.isDone()) {
            return null;
        }
        List<ExternalInput> input = new ArrayList<>();
        try {
            // The state of a point is compared before it is asked whether to stop there.
            while (next != null && next.point() <= number && !result.isDone()) {
                take(next, number, instructions, input);
                next = result.isDone() ? next : log.next();
            }
        } catch (BadInputException e) {
            differ("the recording cannot be read on: " + e.getMessage(), List.of());
        }
        if (result.isDone()) {
            return null;
        }
        if (instructions >= until.instructions() || now >= until.time()) {
            hold(Ending.UNTIL, "", List.of());
            return null;
        }
        if (next == null) {
            hold(Ending.CUT_OFF, "", List.of());
            return null;
        }
        limit(instructions, now);
        return input;
    }

    private void limit(long instructions, long now) {
        long stop = until.instructions();
        if (until.time() != Long.MAX_VALUE && domain.clock() instanceof InstructionClock clock) {
            long more = clock.instructionsIn(until.time() - now);
            stop = Math.min(stop, instructions + more);
        }
        stopAt = stop;
    }

    private void take(LogEntry e, long number, long instructions, List<ExternalInput> input) {
        if (e instanceof LogEntry.End end) {
            if (end.byGuest()) {
                differ("the recorded guest ended there (" + end.message() + ")", List.of());
            } else {
                hold(Ending.END, end.message(), List.of());
            }
            return;
        }
        if (e.point() < number || e.instructions() != instructions) {
            differ(
                    "point "
                            + e.point()
                            + " was recorded after "
                            + e.instructions()
                            + " instructions, now point "
                            + number
                            + " comes after "
                            + instructions,
                    List.of());
            return;
        }
        if (e instanceof LogEntry.Checkpoint c) {
            compare(c);
        } else if (e instanceof LogEntry.Input i) {
            if (i.input().channel() == ExternalInput.MEMORY) {
                write(i.input().bytes());
            } else {
                input.add(i.input());
            }
        }
    }

    private void write(byte[] b) {
        long address = 0;
        for (int i = 7; i >= 0; i--) {
            address = address << 8 | b[i] & 0xFF;
        }
        if (!domain.physical().isRam(address, b.length - 8)) {
            differ(
                    String.format("there is no memory at 0x%x to be written to", address),
                    List.of());
            return;
        }
        domain.physical().write(address, b, 8, b.length - 8);
    }

    private void compare(LogEntry.Checkpoint c) {
        MachineState recorded = c.state();
        List<String> lines = new ArrayList<>();
        if (c.time() != domain.clock().now()) {
            lines.add("time: recorded " + c.time() + " ns, now " + domain.clock().now() + " ns");
        }
        if (recorded != null) {
            lines.addAll(recorded.differences(MachineState.of(digest), digest));
        }
        if (lines.isEmpty() && c.registers() != digest.registers()) {
            lines.add("registers");
        }
        if (lines.isEmpty()) {
            checkpoints++;
        } else {
            differ("the state is another one", lines);
        }
    }

    private void differ(String message, List<String> lines) {
        hold(Ending.DIFFERENCE, message, lines);
    }

    private void hold(Ending ending, String message, List<String> lines) {
        domain.pause();
        complete(ending, message, lines);
    }

    private void complete(Ending ending, String message, List<String> lines) {
        result.complete(
                new Result(
                        ending,
                        domain.retiredInstructions(),
                        domain.clock().now(),
                        checkpoints,
                        message,
                        List.copyOf(lines)));
    }

    /**
     * The domain has stopped by itself: compares that with the end of the recording. Nothing, if
     * the replay had ended before.
     */
    public synchronized void ended(StopReason reason, String message) {
        if (result.isDone()) {
            return;
        }
        try {
            while (next instanceof LogEntry.Checkpoint c
                    && c.instructions() == domain.retiredInstructions()
                    && !result.isDone()) {
                compare(c);
                next = log.next();
            }
        } catch (BadInputException e) {
            complete(
                    Ending.DIFFERENCE,
                    "the recording cannot be read on: " + e.getMessage(),
                    List.of());
        }
        if (result.isDone()) {
            return;
        }
        if (next instanceof LogEntry.End end
                && end.reason() == reason
                && end.instructions() == domain.retiredInstructions()) {
            complete(Ending.END, message, List.of());
        } else if (next == null) {
            // Of the end itself nothing, or not all, has been written.
            complete(Ending.CUT_OFF, "", List.of());
        } else {
            complete(
                    Ending.DIFFERENCE,
                    "the guest ended now ("
                            + message
                            + "), the recorded one "
                            + (next instanceof LogEntry.End end
                                    ? "after "
                                            + end.instructions()
                                            + " instructions ("
                                            + end.message()
                                            + ")"
                                    : "went on"),
                    List.of());
        }
    }

    /** Once the domain is held, everybody may write to it: nothing is compared any more. */
    @Override
    public synchronized void written(long number, ExternalInput write) {
        if (!result.isDone()) {
            differ("somebody else wrote to the guest's memory", List.of());
        }
    }

    @Override
    public long stopAt() {
        return stopAt;
    }

    @Override
    public synchronized void stopReached() {
        if (!result.isDone()) {
            hold(Ending.UNTIL, "", List.of());
        }
    }

    @Override
    public void close() {
        log.close();
    }
}
