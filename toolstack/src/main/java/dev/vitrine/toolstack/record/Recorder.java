// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.record;

import dev.vitrine.hypervisor.Domain;
import dev.vitrine.hypervisor.ExternalInput;
import dev.vitrine.hypervisor.InputJournal;
import dev.vitrine.hypervisor.StateDigest;
import dev.vitrine.hypervisor.StopReason;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.util.List;

/**
 * Writes down what a domain gets from outside, and from time to time in which state it is. Should
 * the log not be writable any more, the guest goes on, and {@link #failure} tells.
 */
public final class Recorder implements InputJournal, AutoCloseable {
    /** Instructions between two looks at the registers: so far a first difference is placed. */
    static final long BEAT = 1 << 24;

    /** Instructions between two looks at everything. */
    static final long CHECKPOINT = 1 << 29;

    private final Domain domain;
    private final LogWriter log;
    private final StateDigest digest;
    private long nextBeat;
    private long nextCheckpoint;
    private long checkpoints;

    Recorder(Domain domain, LogWriter log) {
        this.domain = domain;
        this.log = log;
        this.digest = new StateDigest(domain);
    }

    @Override
    public synchronized List<ExternalInput> point(long number, List<ExternalInput> arrived) {
        long instructions = domain.retiredInstructions();
        if (instructions >= nextBeat) {
            checkpoint(number, instructions);
        }
        for (ExternalInput i : arrived) {
            log.append(new LogEntry.Input(number, instructions, i));
        }
        return arrived;
    }

    private void checkpoint(long number, long instructions) {
        MachineState state = null;
        if (instructions >= nextCheckpoint) {
            state = MachineState.of(digest);
            nextCheckpoint = instructions + CHECKPOINT;
            checkpoints++;
        }
        nextBeat = instructions + BEAT;
        log.append(
                new LogEntry.Checkpoint(
                        number, instructions, domain.clock().now(), digest.registers(), state));
    }

    @Override
    public synchronized void written(long number, ExternalInput write) {
        log.append(new LogEntry.Input(number, domain.retiredInstructions(), write));
    }

    @Override
    public long stopAt() {
        return Long.MAX_VALUE;
    }

    @Override
    public void stopReached() {
        throw new IllegalStateException("a recording stops nowhere");
    }

    /** Notes how the domain stopped, and if it did so itself in which state. */
    public synchronized void end(StopReason reason, String message) {
        long instructions = domain.retiredInstructions();
        long point = domain.nextInjectionPoint();
        LogEntry.End end = new LogEntry.End(point, instructions, reason, message);
        if (end.byGuest()) {
            log.append(
                    new LogEntry.Checkpoint(
                            point,
                            instructions,
                            domain.clock().now(),
                            digest.registers(),
                            MachineState.of(digest)));
            checkpoints++;
        }
        log.append(end);
    }

    /** Why not all is in the log; null if it is. */
    public @Nullable IOException failure() {
        return log.failure();
    }

    /** Bytes of the log. */
    public long size() {
        return log.written();
    }

    /** States written down. */
    public synchronized long checkpoints() {
        return checkpoints;
    }

    @Override
    public void close() {
        log.close();
    }
}
