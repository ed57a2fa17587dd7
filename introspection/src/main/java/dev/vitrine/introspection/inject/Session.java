// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import dev.vitrine.introspection.IntrospectionException;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.CompletableFuture;

/**
 * A thread of the guest that has been led astray: it calls functions of the kernel, one after the
 * other, and then goes on where it was, with the registers that it had. Told apart by its
 * task_struct, since it may come back on another vCPU, and by a number on its stack, since a
 * task_struct may become another thread's.
 */
final class Session {
    /** Room on the stack that is left for whatever is at its top. */
    private static final int GAP = 256;

    private Procedure procedure;
    private final int process;
    private final long cookie;
    private final int waits;
    private final boolean wakes;
    private final CompletableFuture<@Nullable Void> done = new CompletableFuture<>();
    private final CompletableFuture<@Nullable Void> taken = new CompletableFuture<>();
    private KernelLink.@Nullable Kind kind;
    private @Nullable SavedRegisters saved;
    private StoppedThreads.@Nullable Woken stop;
    private @Nullable StopBracket bracket;
    private long returnSp;
    private volatile String function = "";
    private volatile int thread;
    private boolean held;
    private boolean cancelled;
    private volatile int woken;

    /**
     * @param process of which a thread is to do it; 0 is for any that may do everything
     * @param cookie a number that is not to be guessed
     * @param waits how often a worker, when it is done, waits for more to do
     */
    Session(Procedure procedure, int process, long cookie, int waits) {
        this.procedure = procedure;
        this.wakes = procedure instanceof WakeProcedure;
        this.process = process;
        this.cookie = cookie;
        this.waits = waits;
    }

    int process() {
        return process;
    }

    /** Whether a thread that is taken at such a place may do it. */
    boolean isFor(KernelLink.Kind kind) {
        return kind == KernelLink.Kind.WORK || !procedure.onWorker();
    }

    /** Whether it only wakes another thread. */
    boolean isWake() {
        return wakes;
    }

    int waits() {
        return waits;
    }

    /** Completed when there is a thread for it. */
    CompletableFuture<@Nullable Void> taken() {
        return taken;
    }

    /** Completed when the thread goes on with its own work. */
    CompletableFuture<@Nullable Void> done() {
        return done;
    }

    /**
     * Takes it for a thread that is there.
     *
     * @return false if it has one, or if one is just being woken for it
     */
    synchronized boolean take() {
        return !held && !cancelled && taken.complete(null);
    }

    /**
     * Keeps it from being taken while a thread is told that there is a signal: one that has been
     * taken before would believe it in the midst of an injected function.
     *
     * @param wakes number of the thread that is woken
     * @return false if it has been taken
     */
    synchronized boolean hold(int wakes) {
        held = !taken.isDone();
        woken = held ? wakes : woken;
        return held;
    }

    /** Ends {@link #hold}. */
    synchronized void release() {
        held = false;
    }

    /** No thread is to be taken any more; false if one has been. */
    synchronized boolean cancel() {
        cancelled = !taken.isDone();
        return cancelled;
    }

    /** Number of the thread in the first PID namespace; 0 until there is one. */
    int thread() {
        return thread;
    }

    /** The function that is being called. */
    String function() {
        return function;
    }

    /** Where the thread has been taken; null until it has. */
    KernelLink.@Nullable Kind kind() {
        return kind;
    }

    /** If the thread was stopped, and is to be so again; null if not. */
    StoppedThreads.@Nullable Woken woken() {
        return stop;
    }

    /** Whether the thread, which is where functions return to, comes from the call. */
    boolean isReturn(VcpuMemory at) {
        return at.stackPointer() == returnSp && at.numberOr(returnSp, cookie + 1) == cookie;
    }

    /**
     * The thread is taken from what it was about to do; {@link #take} has said that it may.
     *
     * @param stopped if it was stopped before, and is behind the call that it was stopped in
     */
    void begin(
            VcpuMemory at,
            long task,
            KernelLink.Kind where,
            StoppedThreads.@Nullable Woken stopped) {
        saved = SavedRegisters.of(at.processor());
        kind = where;
        thread = (int) at.numberOr(task + at.offset("task_struct.pid"), 0);
        boolean comes = thread != 0 && thread == woken;
        procedure = new ThreadBracket(procedure, where, comes, task, at.argument(0));
        stop = stopped;
        if (stopped != null) {
            bracket = new StopBracket(procedure, task, stopped.state());
            procedure = bracket;
        }
        step(at, 0);
    }

    /** A call has returned. */
    void returned(VcpuMemory at) {
        step(at, at.result());
    }

    /** The thread has ended in the call. */
    void ended() {
        done.completeExceptionally(
                new IntrospectionException(
                        "The thread of the guest ended in "
                                + function
                                + " and did not come back; its kernel's log may tell why."));
    }

    private void step(VcpuMemory at, long result) {
        SavedRegisters s = saved;
        if (s == null) {
            throw new IllegalStateException("not begun");
        }
        try {
            KernelCall call = procedure.next(at, result);
            if (call != null) {
                function = call.function();
                call(at, s, call);
                return;
            }
            restore(at, s);
            done.complete(null);
        } catch (IntrospectionException e) {
            restore(at, s);
            done.completeExceptionally(e);
        }
    }

    private void restore(VcpuMemory at, SavedRegisters s) {
        s.restore(at.processor());
        if (bracket != null && bracket.again()) {
            at.processor().setRip(s.instructionPointer() - StopPlaces.CALL);
        }
    }

    /**
     * At the function's first instruction the stack is aligned as behind a CALL (System V, 3.2.2);
     * the number is above the return address.
     */
    private void call(VcpuMemory at, SavedRegisters s, KernelCall call) {
        returnSp = s.stackPointer() - GAP & -16L;
        at.putNumber(returnSp, cookie);
        at.putNumber(returnSp - 8, at.returnAddress());
        at.enter(at.symbol(call.function()), returnSp - 8, call.arguments());
    }
}
