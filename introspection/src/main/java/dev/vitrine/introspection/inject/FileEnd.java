// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import org.jspecify.annotations.Nullable;

import java.util.Set;

/**
 * How a file that has been opened is given up, and the memory that belongs to it: in the same way
 * whatever has become of what was to be done with it.
 *
 * <p>The kernel closes a file later: a thread of its own by a work, others when they leave the
 * kernel. Until then a program just written could not be started, so that it is made to do it.
 */
final class FileEnd {
    private static final String CLOSE = "filp_close";
    private static final String DELAYED = "flush_delayed_fput";
    private static final String WORKS = "task_work_run";

    private enum State {
        OPEN,
        CLOSED,
        DELAYED,
        PUT,
        FREED
    }

    private State state = State.OPEN;
    private long block;
    private long error;

    /** The functions that it calls. */
    static Set<String> functions() {
        return Set.of(CLOSE, DELAYED, WORKS, Buffers.FREE);
    }

    /** A negative error number of closing: of a write that only fails then; or 0. */
    long error() {
        return error;
    }

    /**
     * Begins with the file.
     *
     * @param memory what is freed in the end
     */
    KernelCall close(long file, long memory) {
        block = memory;
        state = State.CLOSED;
        return KernelCall.of(CLOSE, file, 0L);
    }

    /** Without a file. */
    KernelCall free(long memory) {
        state = State.FREED;
        return KernelCall.of(Buffers.FREE, memory);
    }

    /** What is called next; null if all is given up. */
    @Nullable KernelCall next(long result) {
        switch (state) {
            case CLOSED -> {
                error = Math.min(0, (int) result);
                state = State.DELAYED;
                return KernelCall.of(DELAYED);
            }
            case DELAYED -> {
                state = State.PUT;
                return KernelCall.of(WORKS);
            }
            case PUT -> {
                return free(block);
            }
            case FREED -> {
                return null;
            }
            case OPEN -> throw new IllegalStateException();
        }
        throw new IllegalStateException();
    }
}
