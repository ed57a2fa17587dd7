// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Consumer;

/** Input from outside that a domain with a virtual clock has not got yet, and its way there. */
final class ExternalInputs {
    /** Gives the domain what has arrived. */
    private static final InputJournal NONE =
            new InputJournal() {
                @Override
                public List<ExternalInput> point(long number, List<ExternalInput> arrived) {
                    return arrived;
                }

                @Override
                public void written(long number, ExternalInput write) {}

                @Override
                public long stopAt() {
                    return Long.MAX_VALUE;
                }

                @Override
                public void stopReached() {}
            };

    private final DomainMemory memory;
    private final ConcurrentHashMap<Integer, Consumer<byte[]>> handlers = new ConcurrentHashMap<>();
    private final ConcurrentLinkedQueue<ExternalInput> arrived = new ConcurrentLinkedQueue<>();
    private volatile InputJournal journal = NONE;

    /** Number of the next injection point. Written by the thread that runs the vCPUs only. */
    private volatile long point;

    ExternalInputs(DomainMemory memory) {
        this.memory = memory;
    }

    long nextPoint() {
        return point;
    }

    void setHandler(int channel, Consumer<byte[]> handler) {
        handlers.put(channel, handler);
    }

    void setJournal(InputJournal newJournal) {
        journal = newJournal;
    }

    void post(ExternalInput input) {
        arrived.add(input);
    }

    /** What the domain gets at the point where it is; null if it is to be held there. */
    @Nullable List<ExternalInput> atPoint() {
        List<ExternalInput> now = List.of();
        for (ExternalInput i = arrived.poll(); i != null; i = arrived.poll()) {
            if (now.isEmpty()) {
                now = new ArrayList<>();
            }
            now.add(i);
        }
        return journal.point(point, now);
    }

    /** The domain gets its input, and the next point has the next number. */
    @SuppressWarnings("NonAtomicOperationOnVolatileField") // one writer
    void passPoint(List<ExternalInput> input) {
        point++;
        input.forEach(this::deliver);
    }

    void deliver(ExternalInput input) {
        if (input.channel() == ExternalInput.MEMORY) {
            byte[] b = input.bytes();
            memory.physical.write(Bytes.getLong(b, 0), b, 8, b.length - 8);
            return;
        }
        Consumer<byte[]> handler = handlers.get(input.channel());
        if (handler != null) {
            handler.accept(input.bytes());
        }
    }

    /** Writes to memory at once, while the domain stands still. */
    void write(long physical, byte[] source, int offset, int length) {
        byte[] b = new byte[8 + length];
        Bytes.putLong(b, 0, physical);
        System.arraycopy(source, offset, b, 8, length);
        ExternalInput input = new ExternalInput(ExternalInput.MEMORY, b);
        journal.written(point, input);
        deliver(input);
    }

    long stopAt() {
        return journal.stopAt();
    }

    void stopReached() {
        journal.stopReached();
    }
}
