// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import org.jspecify.annotations.Nullable;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Calls one function; its texts are in memory meanwhile. */
final class CallProcedure implements Procedure {
    private enum State {
        BEGIN,
        ALLOCATED,
        CALLED,
        FREED
    }

    private final String function;
    private final List<CallArgument> arguments;
    private final List<Long> values = new ArrayList<>();
    private final ByteArrayOutputStream texts = new ByteArrayOutputStream();
    private State state = State.BEGIN;
    private long block;
    private long result;

    /**
     * @param link finds the symbols among the arguments
     */
    CallProcedure(String function, List<CallArgument> arguments, KernelLink link) {
        this.function = function;
        this.arguments = arguments;
        for (CallArgument a : arguments) {
            switch (a) {
                case CallArgument.Value v -> values.add(v.number());
                case CallArgument.Symbolic s -> values.add(link.resolve(s.name()) + s.offset());
                case CallArgument.Text t -> {
                    values.add((long) texts.size());
                    texts.writeBytes(t.text().getBytes(StandardCharsets.UTF_8));
                    texts.write(0);
                }
            }
        }
    }

    @Override
    public Set<String> functions() {
        return texts.size() == 0
                ? Set.of(function)
                : function.equals(Buffers.ALLOCATE) || function.equals(Buffers.FREE)
                        ? Set.of(Buffers.ALLOCATE, Buffers.FREE)
                        : Set.of(function, Buffers.ALLOCATE, Buffers.FREE);
    }

    @Override
    public @Nullable KernelCall next(CallMemory memory, long last) {
        switch (state) {
            case BEGIN -> {
                if (texts.size() == 0) {
                    return call();
                }
                state = State.ALLOCATED;
                return KernelCall.of(Buffers.ALLOCATE, (long) texts.size());
            }
            case ALLOCATED -> {
                block = Buffers.checked(last);
                memory.write(block, texts.toByteArray());
                for (int i = 0; i < values.size(); i++) {
                    if (arguments.get(i) instanceof CallArgument.Text) {
                        values.set(i, values.get(i) + block);
                    }
                }
                return call();
            }
            case CALLED -> {
                result = last;
                state = State.FREED;
                return block == 0 ? null : KernelCall.of(Buffers.FREE, block);
            }
            case FREED -> {
                return null;
            }
        }
        throw new IllegalStateException();
    }

    private KernelCall call() {
        state = State.CALLED;
        return new KernelCall(function, values);
    }

    /** What the function left in RAX. */
    long result() {
        return result;
    }
}
