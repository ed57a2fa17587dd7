// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace;

import dev.vitrine.introspection.trace.call.Abi;
import dev.vitrine.introspection.trace.call.CallReader;
import dev.vitrine.introspection.trace.call.CapturedArguments;

import org.jspecify.annotations.Nullable;

import java.util.Objects;

/** The memory of the process that a vCPU executes, as what is given to the kernel is read. */
final class ProcessReader implements CallReader {
    /** Bytes that are read for a call at the most, if it names many buffers. */
    private static final int MAX_READ = 1 << 22;

    private final Moment moment;
    private final int dataLimit;
    private @Nullable CapturedArguments arguments;
    private long result;

    private ProcessReader(Moment moment, int dataLimit) {
        this.moment = moment;
        this.dataLimit = dataLimit;
    }

    /**
     * The one of a moment.
     *
     * @param dataLimit bytes of a buffer that are read at the most
     * @param arguments what it reads for
     * @param result what the call returned, if it has
     */
    static ProcessReader of(Moment m, int dataLimit, CapturedArguments arguments, long result) {
        ProcessReader r = m.reader() instanceof ProcessReader known ? known : null;
        if (r == null) {
            r = new ProcessReader(m, dataLimit);
            m.setReader(r);
        }
        r.arguments = arguments;
        r.result = result;
        return r;
    }

    @Override
    public Abi abi() {
        return Objects.requireNonNull(arguments).abi();
    }

    @Override
    public long value(int parameter) {
        return Objects.requireNonNull(arguments).value(parameter);
    }

    @Override
    public long result() {
        return result;
    }

    @Override
    public int dataLimit() {
        return Math.clamp(MAX_READ - (long) moment.size(), 0, dataLimit);
    }

    @Override
    public boolean read(long linear, byte[] target, int offset, int length) {
        // Only what programs may have is theirs: the kernel would refuse other addresses.
        return linear >= 0 && linear + length >= 0 && moment.read(linear, target, offset, length);
    }
}
