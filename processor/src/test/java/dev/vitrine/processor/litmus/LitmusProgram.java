// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.litmus;

import dev.vitrine.processor.litmus.Step.Form;
import dev.vitrine.processor.litmus.Step.Kind;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * A litmus test: a few instructions for each of some processors, on variables that are zero at
 * first.
 */
record LitmusProgram(String name, List<List<Step>> threads) {
    static final int VARIABLES = 3;

    /** Results that one processor may have. */
    static final int RESULTS = 4;

    private static final int X = 0;
    private static final int Y = 1;

    private static final Form[] WRITES = {
        Form.MOV, Form.MOV, Form.IMMEDIATE, Form.STRING, Form.REPEATED_STRING, Form.SSE, Form.AVX
    };
    private static final Form[] READS = {Form.MOV, Form.MOV, Form.STRING, Form.SSE, Form.AVX};

    /** Accesses that a thread may have, by the number of threads: so that all can be thought of. */
    private static final int[] LONGEST = {0, 0, 5, 3, 2};

    @SafeVarargs
    static LitmusProgram of(String name, List<Step>... threads) {
        return new LitmusProgram(name, Arrays.asList(threads));
    }

    static List<Step> thread(Step... steps) {
        return Arrays.asList(steps);
    }

    int variables() {
        int n = 0;
        for (List<Step> t : threads) {
            for (Step s : t) {
                n = Math.max(n, s.variable() + 1);
            }
        }
        return n;
    }

    static int results(List<Step> thread) {
        return thread.stream().mapToInt(Step::results).sum();
    }

    /** How many results the threads before one have. */
    int firstResult(int thread) {
        int n = 0;
        for (int t = 0; t < thread; t++) {
            n += results(threads.get(t));
        }
        return n;
    }

    int results() {
        return firstResult(threads.size());
    }

    /** The same accesses by other instructions, and in other parts of the variables. */
    LitmusProgram varied(Random random) {
        int size = 1 << random.nextInt(4);
        int[] offset = new int[VARIABLES];
        for (int v = 0; v < VARIABLES; v++) {
            offset[v] = random.nextInt(16 / size) * size;
        }
        List<List<Step>> all = new ArrayList<>();
        for (List<Step> t : threads) {
            List<Step> steps = new ArrayList<>();
            for (Step s : t) {
                if (s.kind() == Kind.FENCE) {
                    steps.add(s);
                } else {
                    steps.add(formed(s.at(offset[s.variable()], size), random));
                }
            }
            all.add(steps);
        }
        return new LitmusProgram(name, all);
    }

    private static Step formed(Step s, Random random) {
        Form[] forms = s.kind() == Kind.WRITE ? WRITES : READS;
        if (s.kind() != Kind.WRITE && s.kind() != Kind.READ) {
            return s;
        }
        Form form = forms[random.nextInt(forms.length)];
        if (s.size() == 8 && random.nextInt(8) == 0) {
            form = Form.X87;
        }
        return s.size() < 4 && (form == Form.SSE || form == Form.AVX) ? s : s.by(form);
    }

    /**
     * Any accesses, of few places, so that they meet. Most are such that store buffers make a
     * difference.
     */
    static LitmusProgram random(long seed) {
        Random random = new Random(seed * 0x9E3779B97F4A7C15L ^ seed >>> 7);
        boolean weak = random.nextInt(3) != 0;
        while (true) {
            LitmusProgram p = random("random " + seed, random);
            int all = StoreOrder.outcomes(p, true).size();
            if (all >= 4 && (!weak || all > StoreOrder.outcomes(p, false).size())) {
                return p;
            }
        }
    }

    private static LitmusProgram random(String name, Random random) {
        int n = random.nextInt(4) == 0 ? 3 + random.nextInt(2) : 2;
        int variables = random.nextInt(6) == 0 ? 1 : 2 + random.nextInt(VARIABLES - 1);
        boolean mixed = random.nextInt(3) == 0;
        int size = 1 << random.nextInt(4);
        int value = 1;
        List<List<Step>> threads = new ArrayList<>();
        for (int t = 0; t < n; t++) {
            List<Step> steps = new ArrayList<>();
            int length = Math.max(1, LONGEST[n] - random.nextInt(2));
            while (steps.size() < length) {
                int bytes = mixed ? Math.min(16, 1 << random.nextInt(5)) : size;
                // Mostly in the same word, to overlap.
                int within = random.nextInt(4) == 0 ? 16 : 8;
                int offset = mixed && bytes < within ? random.nextInt(within / bytes) * bytes : 0;
                int place = random.nextInt(variables) * Step.VARIABLE + offset;
                Step s = random(random, place, bytes, value);
                if (s.results() + results(steps) > RESULTS) {
                    break;
                }
                value = value % 15 + (s.kind() == Kind.READ || s.kind() == Kind.FENCE ? 0 : 1);
                steps.add(s);
            }
            threads.add(steps);
        }
        return new LitmusProgram(name, threads);
    }

    private static Step random(Random random, int place, int size, int value) {
        int what = random.nextInt(24);
        if (size == 16) {
            boolean write = what < 12;
            Form form = random.nextBoolean() ? Form.SSE : Form.AVX;
            return new Step(write ? Kind.WRITE : Kind.READ, form, place, size, write ? value : 0);
        }
        if (what < 10) {
            return formed(new Step(Kind.WRITE, Form.MOV, place, size, value), random);
        }
        if (what < 20) {
            return formed(new Step(Kind.READ, Form.MOV, place, size, 0), random);
        }
        return switch (what) {
            case 20 -> new Step(Kind.ADD, Form.MOV, place, size, value);
            case 21 -> new Step(Kind.EXCHANGE, Form.MOV, place, size, value);
            case 22 ->
                    new Step(
                            switch (random.nextInt(3)) {
                                case 0 -> Kind.LOCKED_ADD;
                                case 1 -> Kind.FETCH_AND_ADD;
                                default -> Kind.COMPARE_EXCHANGE;
                            },
                            Form.MOV,
                            place,
                            size,
                            value);
            default -> Step.fence(random.nextBoolean() ? Form.MOV : Form.LOCK);
        };
    }

    // ----------------------------------------------------------------- the known ones

    private static Step w(int variable, int value) {
        return Step.write(variable, value);
    }

    private static Step r(int variable) {
        return Step.read(variable);
    }

    static LitmusProgram storeBuffering() {
        return of("SB", thread(w(X, 1), r(Y)), thread(w(Y, 1), r(X)));
    }

    static LitmusProgram storeBufferingFenced(Form by) {
        Step f = Step.fence(by);
        return of("SB, fence by " + by, thread(w(X, 1), f, r(Y)), thread(w(Y, 1), f, r(X)));
    }

    static LitmusProgram storeBufferingExchanged() {
        return of(
                "SB by XCHG", thread(Step.exchange(X, 1), r(Y)), thread(Step.exchange(Y, 1), r(X)));
    }

    static LitmusProgram storeBufferingForwarded() {
        return of("SB with own reads", thread(w(X, 1), r(X), r(Y)), thread(w(Y, 1), r(Y), r(X)));
    }

    static LitmusProgram loadBuffering() {
        return of("LB", thread(r(X), w(Y, 1)), thread(r(Y), w(X, 1)));
    }

    static LitmusProgram messagePassing() {
        return of("MP", thread(w(X, 1), w(Y, 1)), thread(r(Y), r(X)));
    }

    /** The value of before must not do for the second read of the same place. */
    static LitmusProgram messagePassingReadBefore() {
        return of("MP, read before", thread(w(X, 1), w(Y, 1)), thread(r(X), r(Y), r(X)));
    }

    /** A write that another one follows must not be left out. */
    static LitmusProgram messagePassingWrittenAgain() {
        return of("MP, written again", thread(w(X, 1), w(Y, 1), w(X, 2)), thread(r(Y), r(X)));
    }

    static LitmusProgram independentReads() {
        return of("IRIW", thread(w(X, 1)), thread(w(Y, 1)), thread(r(X), r(Y)), thread(r(Y), r(X)));
    }

    static LitmusProgram writeToRead() {
        return of("WRC", thread(w(X, 1)), thread(r(X), w(Y, 1)), thread(r(Y), r(X)));
    }

    static LitmusProgram twoWritesEach() {
        return of("2+2W", thread(w(X, 1), w(Y, 2)), thread(w(Y, 1), w(X, 2)));
    }

    static LitmusProgram r() {
        return of("R", thread(w(X, 1), w(Y, 1)), thread(w(Y, 2), r(X)));
    }

    static LitmusProgram s() {
        return of("S", thread(w(X, 2), w(Y, 1)), thread(r(Y), w(X, 1)));
    }

    static LitmusProgram coherentReads() {
        return of("CoRR", thread(w(X, 1), w(X, 2)), thread(r(X), r(X), r(X)));
    }

    static LitmusProgram coherentWrites() {
        return of("CoWW", thread(w(X, 1), w(X, 2)), thread(w(X, 3), r(X)));
    }

    static LitmusProgram coherentReadWrite() {
        return of("CoRW", thread(r(X), w(X, 1)), thread(w(X, 2), r(X)));
    }

    /** All of them. */
    static List<LitmusProgram> known() {
        return List.of(
                storeBuffering(),
                storeBufferingFenced(Form.MOV),
                storeBufferingFenced(Form.LOCK),
                storeBufferingExchanged(),
                storeBufferingForwarded(),
                loadBuffering(),
                messagePassing(),
                messagePassingReadBefore(),
                messagePassingWrittenAgain(),
                independentReads(),
                writeToRead(),
                twoWritesEach(),
                r(),
                s(),
                coherentReads(),
                coherentWrites(),
                coherentReadWrite());
    }

    @Override
    public String toString() {
        StringBuilder b = new StringBuilder(name);
        for (int t = 0; t < threads.size(); t++) {
            b.append(String.format("%n  processor %d:", t));
            threads.get(t).forEach(s -> b.append(" ").append(s).append(";"));
        }
        return b.toString();
    }
}
