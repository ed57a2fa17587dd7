// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import dev.vitrine.introspection.IntrospectionException;

import org.jspecify.annotations.Nullable;

import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.ToLongFunction;

/**
 * A thread of the guest that has been led astray: it calls functions of the kernel, one after the
 * other, and then goes on where it was, with the registers that it had. Told apart by its
 * task_struct, since it may come back on another vCPU, and by a number on its stack, since a
 * task_struct may become another thread's.
 */
final class Session {
    /** Room on the stack that is left for whatever is at its top. */
    private static final int GAP = 256;

    private final Procedure procedure;
    private final int process;
    private final long cookie;
    private final CompletableFuture<@Nullable Void> done = new CompletableFuture<>();
    private final CompletableFuture<@Nullable Void> taken = new CompletableFuture<>();
    private @Nullable SavedRegisters saved;
    private long returnSp;
    private volatile String function = "";

    /**
     * @param process of which a thread is to do it; 0 is for any that may do everything
     * @param cookie a number that is not to be guessed
     */
    Session(Procedure procedure, int process, long cookie) {
        this.procedure = procedure;
        this.process = process;
        this.cookie = cookie;
    }

    /** The functions that it calls. */
    Set<String> functions() {
        return procedure.functions();
    }

    int process() {
        return process;
    }

    /** Completed when there is a thread for it. */
    CompletableFuture<@Nullable Void> taken() {
        return taken;
    }

    /** Completed when the thread goes on with its own work. */
    CompletableFuture<@Nullable Void> done() {
        return done;
    }

    /** The function that is being called. */
    String function() {
        return function;
    }

    /** Whether the thread that is at the hook comes from the call. */
    boolean isReturn(VcpuMemory at) {
        return at.stackPointer() == returnSp && at.numberOr(returnSp, cookie + 1) == cookie;
    }

    /** The thread is taken from what it was about to do. */
    void begin(VcpuMemory at, ToLongFunction<String> functions) {
        saved = SavedRegisters.of(at.processor());
        taken.complete(null);
        step(at, 0, functions);
    }

    /** A call has returned. */
    void returned(VcpuMemory at, ToLongFunction<String> functions) {
        step(at, at.result(), functions);
    }

    private void step(VcpuMemory at, long result, ToLongFunction<String> functions) {
        SavedRegisters s = saved;
        if (s == null) {
            throw new IllegalStateException("not begun");
        }
        try {
            KernelCall call = procedure.next(at, result);
            if (call != null) {
                function = call.function();
                call(at, s, call, functions.applyAsLong(call.function()));
                return;
            }
            s.restore(at.processor());
            done.complete(null);
        } catch (IntrospectionException e) {
            s.restore(at.processor());
            done.completeExceptionally(e);
        }
    }

    /**
     * The function returns to the hook. At its first instruction the stack is aligned as behind a
     * CALL (System V, 3.2.2); the number is above the return address.
     */
    private void call(VcpuMemory at, SavedRegisters s, KernelCall call, long address) {
        returnSp = (s.stackPointer() - GAP & -16L);
        at.putNumber(returnSp, cookie);
        at.putNumber(returnSp - 8, s.instructionPointer());
        at.enter(address, returnSp - 8, call.arguments());
    }
}
