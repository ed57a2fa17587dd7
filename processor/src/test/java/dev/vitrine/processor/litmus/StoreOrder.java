// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.litmus;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * All that a litmus test may end with, by the model that SDM volume 3, 8.2.3, describes: each
 * processor's stores reach memory in order and at some later time, its loads are done in order and
 * see its own stores at once, locked instructions and MFENCE wait until its stores are in memory.
 *
 * <p>An access of 16 bytes is two of 8, in any order. A load that overlaps with stores that are
 * under way takes each byte from where it is newest.
 */
final class StoreOrder {
    private enum Action {
        LOAD,
        STORE,
        /** Stores what was loaded, with a value added. */
        STORE_SUM,
        FENCE,
        /** Locked: loads, and stores the value, the sum, or what was there. */
        SWAP,
        SUM,
        KEEP
    }

    /** A part of an instruction; its result in a place that may be no result of the test. */
    private record Part(Action action, int place, int size, long value, int result) {}

    /** What is on the way to memory. */
    private record Pending(int place, int size, long value) {}

    private final boolean buffered;
    private final int results;
    private final Part[][] parts;
    private final int[] at;
    private final byte[] memory;
    private final long[] values;
    private final List<List<Pending>> buffers = new ArrayList<>();
    private final Set<String> seen = new HashSet<>();
    private final Set<Outcome> outcomes;

    private StoreOrder(LitmusProgram p, Part[][] parts, boolean buffered, Set<Outcome> outcomes) {
        this.buffered = buffered;
        this.parts = parts;
        this.outcomes = outcomes;
        int n = parts.length;
        for (int t = 0; t < n; t++) {
            buffers.add(new ArrayList<>());
        }
        results = p.results();
        at = new int[n];
        values = new long[results + n];
        memory = new byte[p.variables() * Step.VARIABLE];
    }

    /**
     * @param buffered false: as if all stores were in memory at once
     */
    static Set<Outcome> outcomes(LitmusProgram p, boolean buffered) {
        Set<Outcome> all = new HashSet<>();
        int wide = 0;
        for (List<Step> t : p.threads()) {
            wide += (int) t.stream().filter(s -> s.size() == 16).count();
        }
        for (int orders = 0; orders < 1 << wide; orders++) {
            new StoreOrder(p, parts(p, orders), buffered, all).explore();
        }
        return all;
    }

    private static Part[][] parts(LitmusProgram p, int orders) {
        int rest = orders;
        Part[][] all = new Part[p.threads().size()][];
        for (int t = 0; t < all.length; t++) {
            List<Part> parts = new ArrayList<>();
            int result = p.firstResult(t);
            for (Step s : p.threads().get(t)) {
                if (s.size() == 16) {
                    Action action = s.kind() == Step.Kind.READ ? Action.LOAD : Action.STORE;
                    Part low = new Part(action, s.place(), 8, s.pattern(), result);
                    Part high = new Part(action, s.place() + 8, 8, s.pattern(), result + 1);
                    boolean swapped = (rest & 1) != 0;
                    rest >>= 1;
                    parts.add(swapped ? high : low);
                    parts.add(swapped ? low : high);
                } else if (s.kind() == Step.Kind.ADD) {
                    int temporary = p.results() + t;
                    parts.add(new Part(Action.LOAD, s.place(), s.size(), 0, temporary));
                    parts.add(
                            new Part(
                                    Action.STORE_SUM, s.place(), s.size(), s.pattern(), temporary));
                } else {
                    int to = s.results() == 0 ? -1 : result;
                    Action action =
                            switch (s.kind()) {
                                case WRITE -> Action.STORE;
                                case READ -> Action.LOAD;
                                case EXCHANGE -> Action.SWAP;
                                case COMPARE_EXCHANGE -> Action.KEEP;
                                case FENCE -> Action.FENCE;
                                default -> Action.SUM;
                            };
                    parts.add(new Part(action, s.place(), s.size(), s.pattern(), to));
                }
                result += s.results();
            }
            all[t] = parts.toArray(new Part[0]);
        }
        return all;
    }

    private String state() {
        return Arrays.toString(at)
                + Arrays.toString(memory)
                + Arrays.toString(values)
                + (buffered ? buffers : "");
    }

    private void explore() {
        if (!seen.add(state())) {
            return;
        }
        boolean end = true;
        for (int t = 0; t < parts.length; t++) {
            List<Pending> buffer = buffers.get(t);
            if (!buffer.isEmpty()) {
                end = false;
                Pending first = buffer.removeFirst();
                byte[] before = memory.clone();
                write(first);
                explore();
                System.arraycopy(before, 0, memory, 0, before.length);
                buffer.addFirst(first);
            }
            if (at[t] < parts[t].length) {
                end = false;
                step(t, parts[t][at[t]]);
            }
        }
        if (end) {
            outcomes.add(Outcome.of(values, results, memory));
        }
    }

    private void step(int t, Part p) {
        List<Pending> buffer = buffers.get(t);
        boolean waits =
                switch (p.action) {
                    case LOAD, STORE, STORE_SUM -> false;
                    default -> true;
                };
        if (waits && !buffer.isEmpty()) {
            return;
        }
        byte[] before = memory.clone();
        long old = p.result < 0 ? 0 : values[p.result];
        boolean stored = false;
        switch (p.action) {
            case FENCE -> {}
            case LOAD -> values[p.result] = read(buffer, p.place, p.size);
            case STORE -> stored = store(buffer, p, p.value);
            case STORE_SUM -> stored = store(buffer, p, values[p.result] + p.value);
            default -> {
                long there = read(buffer, p.place, p.size);
                if (p.result >= 0) {
                    values[p.result] = there;
                }
                switch (p.action) {
                    case SWAP -> write(new Pending(p.place, p.size, p.value));
                    case SUM -> write(new Pending(p.place, p.size, there + p.value));
                    default -> {}
                }
            }
        }
        at[t]++;
        explore();
        at[t]--;
        if (stored) {
            buffer.removeLast();
        }
        System.arraycopy(before, 0, memory, 0, before.length);
        if (p.result >= 0) {
            values[p.result] = old;
        }
    }

    /** Whether it is in the buffer now. */
    private boolean store(List<Pending> buffer, Part p, long value) {
        Pending x = new Pending(p.place, p.size, value);
        if (buffered) {
            buffer.add(x);
        } else {
            write(x);
        }
        return buffered;
    }

    private void write(Pending p) {
        for (int i = 0; i < p.size; i++) {
            memory[p.place + i] = (byte) (p.value >>> 8 * i);
        }
    }

    private long read(List<Pending> buffer, int place, int size) {
        long value = 0;
        for (int i = 0; i < size; i++) {
            int b = memory[place + i];
            for (Pending p : buffer) {
                int offset = place + i - p.place;
                if (offset >= 0 && offset < p.size) {
                    b = (int) (p.value >>> 8 * offset);
                }
            }
            value |= (b & 0xFFL) << 8 * i;
        }
        return value;
    }
}
