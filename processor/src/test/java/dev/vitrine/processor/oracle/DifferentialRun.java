// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0
package dev.vitrine.processor.oracle;

import dev.vitrine.processor.decode.Decoder;
import dev.vitrine.processor.decode.Feature;
import dev.vitrine.processor.decode.Form;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.InstructionTable;
import dev.vitrine.processor.decode.InstructionText;
import dev.vitrine.processor.decode.Op;
import dev.vitrine.processor.decode.UndefinedFlags;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;

/** Runs random cases on both processors and gathers differences by form. */
final class DifferentialRun {
    private static final int BATCH = 512;

    /** Kinds of differences that are kept for each form. */
    private static final int SAMPLES = 4;

    /** Flags that a sequence may leave undefined without harm: AF, which few instructions read. */
    private static final int AF = 0x10;

    /** What became of one form, or of the sequences. */
    static final class Outcome {
        final @Nullable Form form;
        final String name;
        long cases;

        /** Why there are no cases; null if there are or should be. */
        @Nullable String skipped;

        long differences;

        /** Cases of which the host's result says nothing, by reason; not counted as cases. */
        final Map<HostDifference, Long> leftOut = HostDifference.noCounts();

        /** The first case of each kind of difference, a few kinds. */
        final Map<String, String> samples = new LinkedHashMap<>();

        Outcome(@Nullable Form form, String name) {
            this.form = form;
            this.name = name;
        }
    }

    private final long seed;
    private final int threads;
    private final int stage;
    private final Predicate<Form> filter;
    private final List<Form> forms;
    private final List<Form> sequenceForms = new ArrayList<>();
    private final Outcome[] outcomes;
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicLong total = new AtomicLong();
    private final AtomicLong runs = new AtomicLong();
    private final AtomicLong translated = new AtomicLong();
    private final AtomicLong entered = new AtomicLong();
    private final AtomicLong inRegions = new AtomicLong();
    private final AtomicLong misses = new AtomicLong();
    private volatile @Nullable Throwable failure;

    /**
     * Prepares a run.
     *
     * @param seed of all cases
     * @param threads how many threads; each has a child process and a software processor of its own
     * @param stage of the translation that cases are run in; 0 to interpret them
     * @param filter which forms to run; sequences are made of those forms too
     */
    DifferentialRun(long seed, int threads, int stage, Predicate<Form> filter) {
        this.stage = stage;
        this.seed = seed;
        this.threads = threads;
        this.filter = filter;
        this.forms = InstructionTable.forms();
        this.outcomes = new Outcome[forms.size() + threads];
        for (Form f : forms) {
            outcomes[f.index] = new Outcome(f, f.toString());
        }
        for (int i = 0; i < threads; i++) {
            outcomes[forms.size() + i] = new Outcome(null, "sequences " + i);
        }
    }

    /** Outcomes in the order of the table; after the forms, the sequences. */
    Outcome[] outcomes() {
        return outcomes;
    }

    long cases() {
        return total.get();
    }

    /** Of the runs of all cases, how many were translated and entered. */
    double enteredShare() {
        return (double) entered.get() / Math.max(1, runs.get());
    }

    /** What was translated and how it ran, in words. */
    String regions() {
        return String.format(
                "%d runs, %d translated, %d entered; %d instructions in regions, %d exits to the slow path",
                runs.get(), translated.get(), entered.get(), inRegions.get(), misses.get());
    }

    /**
     * Runs the cases and waits for the end.
     *
     * @param perForm cases for each form
     * @param sequences cases that are sequences of instructions, in all
     */
    void run(int perForm, int sequences) throws InterruptedException {
        chooseForms();
        List<Thread> workers = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            Thread t = new Thread(() -> work(perForm, sequences / threads), "differential-" + i);
            t.start();
            workers.add(t);
        }
        for (Thread t : workers) {
            t.join();
        }
        Throwable f = failure;
        if (f != null) {
            throw new IllegalStateException("a worker of the differential run failed", f);
        }
    }

    private void chooseForms() {
        try (NativeOracle oracle = NativeOracle.start(seed)) {
            HostFeatures host = oracle.features();
            for (Form f : forms) {
                Outcome o = outcomes[f.index];
                Feature feature = f.feature;
                if (!filter.test(f)) {
                    o.skipped = "not asked for";
                } else if (!hasFeature(host, f)) {
                    o.skipped = "the host has no " + feature;
                } else if (f.has(Form.I64) && !host.compatibilityMode()) {
                    o.skipped = "the host kernel runs no 32-bit code";
                } else {
                    o.skipped = excluded(f.op);
                }
                if (o.skipped == null && suitsSequence(f)) {
                    sequenceForms.add(f);
                }
            }
        }
    }

    /**
     * Runs one case and describes it with both results: to look into a case that a report names.
     */
    String replay(long number) {
        chooseForms();
        try (NativeOracle oracle = NativeOracle.start(seed);
                SoftwareProcessor software =
                        new SoftwareProcessor(oracle.initialMemory(), false, stage);
                SoftwareProcessor smp =
                        new SoftwareProcessor(oracle.initialMemory(), true, stage)) {
            Worker w = new Worker(oracle, software, smp);
            // Reports of other numbers of threads have more sequences.
            Outcome o = outcomes[Math.min((int) (number >>> 40), outcomes.length - 1)];
            if (!w.make(o, number, w.cases[0])) {
                return "no such case";
            }
            oracle.run(w.cases, 1, w.real);
            String text = w.difference(o, w.cases[0], w.real[0]);
            return o.name
                    + '\n'
                    + describe(w.cases[0], number)
                    + "  real "
                    + w.real[0]
                    + "\n  ours "
                    + w.ours
                    + '\n'
                    + (text == null ? "  left out: " + o.leftOut + '\n' : text);
        }
    }

    private static boolean hasFeature(HostFeatures host, Form f) {
        Feature x = f.feature;
        return x.leaf == -1
                || host.has(x.leaf, x.subleaf, x.register, x.bit) && (!f.vex || host.avx());
    }

    /** Instructions that a process under Linux cannot show as they are, with the reason. */
    static @Nullable String excluded(Op op) {
        return switch (op) {
            case SYSCALL, SYSENTER -> "enters the host kernel";
            case VMCALL, VMMCALL, VMFUNC -> "reaches the host's own hypervisor";
            case SGDT, SIDT, SLDT, SMSW, STR -> "the host kernel emulates it under UMIP";
            default -> null;
        };
    }

    /** Whether an instruction can go elsewhere than to the next one. */
    static boolean branches(Op op) {
        return switch (op) {
            case JCC, JMP_REL, JMP_IND, JMP_FAR, CALL_REL, CALL_IND, CALL_FAR -> true;
            case RET_NEAR, RET_FAR, IRET, LOOP, LOOPE, LOOPNE, JRCXZ -> true;
            default -> false;
        };
    }

    private static boolean suitsSequence(Form f) {
        if (f.has(Form.VOLATILE)
                || f.has(Form.PRIVILEGED)
                || branches(f.op)
                || (f.undefinedFlags & ~AF) != 0) {
            return false;
        }
        Comparison.Tolerance tolerance = Comparison.Tolerance.of(f);
        if (tolerance != Comparison.Tolerance.EXACT && tolerance != Comparison.Tolerance.MMX) {
            return false;
        }
        return switch (f.op) {
            // readers of AF, and what faults nearly always without preparation
            case LAHF, PUSHF, POPF, DAA, DAS, AAA, AAS -> false;
            case INT, INT3, INT1, INTO, UD0, UD1, UD2 -> false;
            case LAR, LSL, VERR, VERW -> false; // the host has descriptors of its own
            case MOV_SEG, POP_SEG, LOAD_FAR, XRSTOR, FXRSTOR, XSAVE, XSAVEC, BOUND, CLAC, STAC ->
                    false;
            case BSF, BSR, BSWAP, SHLD, SHRD -> false; // undefined results
            case MASKMOVQ, MASKMOVDQU, WRFSBASE, WRGSBASE -> false;
            default -> f.operands.stream().noneMatch(o -> o.token.startsWith("vm"));
        };
    }

    private void work(int perForm, int sequences) {
        try (NativeOracle oracle = NativeOracle.start(seed);
                SoftwareProcessor software =
                        new SoftwareProcessor(oracle.initialMemory(), false, stage);
                SoftwareProcessor smp =
                        new SoftwareProcessor(oracle.initialMemory(), true, stage)) {
            Worker w = new Worker(oracle, software, smp);
            for (int i = next.getAndIncrement();
                    i < outcomes.length && failure == null;
                    i = next.getAndIncrement()) {
                Outcome o = outcomes[i];
                if (o.skipped == null) {
                    w.run(o, o.form == null ? sequences : perForm, (long) i << 40);
                }
            }
            for (SoftwareProcessor p : List.of(software, smp)) {
                runs.addAndGet(p.runs());
                translated.addAndGet(p.translated());
                entered.addAndGet(p.entered());
                inRegions.addAndGet(p.statistic("instructions in regions"));
                misses.addAndGet(p.statistic("region exits to the slow path"));
            }
        } catch (Throwable t) {
            failure = t;
        }
    }

    /** What one thread needs. */
    private final class Worker {
        private final NativeOracle oracle;
        private final SoftwareProcessor software;

        /** One of several processors, which has other micro-operations for atomic instructions. */
        private final SoftwareProcessor smp;

        private final RandomCase random;
        private final Decoder decoder = new Decoder();
        private final Instruction decoded = new Instruction();
        private final Case[] cases = new Case[BATCH];
        private final Result[] real = new Result[BATCH];
        private final long[] numbers = new long[BATCH];
        private final Result ours = new Result();

        Worker(NativeOracle oracle, SoftwareProcessor software, SoftwareProcessor smp) {
            this.oracle = oracle;
            this.software = software;
            this.smp = smp;
            this.random =
                    new RandomCase(
                            seed, oracle.initialMemory(), oracle.features().compatibilityMode());
            for (int i = 0; i < BATCH; i++) {
                cases[i] = new Case();
                real[i] = new Result();
            }
        }

        void run(Outcome o, int count, long firstNumber) {
            for (int done = 0; done < count && failure == null; done += BATCH) {
                int made = 0;
                for (int i = 0; i < Math.min(BATCH, count - done); i++) {
                    numbers[made] = firstNumber + done + i;
                    if (make(o, numbers[made], cases[made])) {
                        made++;
                    }
                }
                oracle.run(cases, made, real);
                int compared = 0;
                for (int i = 0; i < made; i++) {
                    compared += compare(o, i) ? 1 : 0;
                }
                o.cases += compared;
                total.addAndGet(compared);
            }
        }

        private boolean make(Outcome o, long number, Case c) {
            return o.form == null
                    ? random.sequence(sequenceForms, number, c)
                    : random.single(o.form, number, c);
        }

        /** Returns false if the case showed nothing. */
        private boolean compare(Outcome o, int i) {
            Case c = cases[i];
            String text = difference(o, c, real[i]);
            if (text != null && !text.isEmpty()) {
                // Once more: an interrupted batch or a paused machine must not look like a
                // difference.
                Result again = oracle.run(c);
                text = difference(o, c, again);
                if (text != null && !text.isEmpty()) {
                    o.differences++;
                    if (o.samples.size() < SAMPLES) {
                        o.samples.putIfAbsent(kind(again, text), describe(c, numbers[i]) + text);
                    }
                }
            }
            return text != null;
        }

        /** Exceptions on both sides if they differ, else the first thing that differs. */
        private String kind(Result expected, String text) {
            return expected.vector == ours.vector
                    ? text.strip().split(" ", 2)[0]
                    : expected.vector + " " + ours.vector;
        }

        /** A line for each difference; null if the case shows nothing. */
        private @Nullable String difference(Outcome o, Case c, Result expected) {
            Form form = o.form;
            if (form == null) {
                // Sequences have a good many atomic instructions: half of them on each processor.
                return difference(
                        (c.codeAddress & 1) == 0 ? software : smp,
                        o,
                        c,
                        expected,
                        AF,
                        Comparison.Tolerance.MMX);
            }
            Comparison.Tolerance tolerance = Comparison.Tolerance.of(form);
            int undefined = undefinedFlags(form, c);
            String text = difference(software, o, c, expected, undefined, tolerance);
            if (text != null && text.isEmpty() && (form.has(Form.LOCK) || form.op == Op.XCHG)) {
                text = difference(smp, o, c, expected, undefined, tolerance);
                if (text != null && !text.isEmpty()) {
                    text = "  as one of several processors:\n" + text;
                }
            }
            return text;
        }

        private int undefinedFlags(Form form, Case c) {
            byte[] code = c.codeBytes();
            int undefined =
                    decode(code, 0, c) && decoded.form == form
                            ? UndefinedFlags.after(decoded, c.state.gpr[CpuImage.RCX])
                            : form.undefinedFlags;
            if (branches(form.op)) {
                // It may lead into its own bytes, where other instructions can hide.
                for (int at = 1; at < code.length; at++) {
                    undefined |= decode(code, at, c) ? decoded.form.undefinedFlags : 0;
                }
            }
            return undefined;
        }

        private boolean decode(byte[] code, int at, Case c) {
            int bits = c.is32() ? 32 : 64;
            return decoder.decode(code, at, code.length - at, c.codeAddress + at, bits, decoded)
                    > 0;
        }

        private @Nullable String difference(
                SoftwareProcessor processor,
                Outcome o,
                Case c,
                Result expected,
                int undefined,
                Comparison.Tolerance tolerance) {
            try {
                processor.run(c, ours);
                if (ours.vector == Result.TIMEOUT && expected.vector != Result.TIMEOUT) {
                    processor.runLong(c, ours);
                }
            } catch (RuntimeException | Error e) {
                StackTraceElement[] trace = e.getStackTrace();
                return "  ours threw " + e + (trace.length == 0 ? "" : " at " + trace[0]) + "\n";
            }
            String text = Comparison.differences(c, expected, ours, undefined, tolerance);
            return text.isEmpty()
                    ? text
                    : HostDifference.remaining(
                            oracle.features(),
                            oracle.initialMemory(),
                            c,
                            o.form,
                            expected,
                            ours,
                            undefined,
                            tolerance,
                            o.leftOut);
        }
    }

    /**
     * The case as a reader can reproduce it: number, bytes, instructions, and the registers that
     * matter.
     */
    static String describe(Case c, long number) {
        StringBuilder b = new StringBuilder();
        b.append(
                String.format(
                        "  case %#x, %d bits, exit %s, ", number, c.is32() ? 32 : 64, c.exit));
        b.append(
                String.format(
                        "at %x: %s%n", c.codeAddress, HexFormat.of().formatHex(c.codeBytes())));
        Decoder decoder = new Decoder();
        byte[] code = c.codeBytes();
        int at = 0;
        while (at < code.length) {
            Instruction i = new Instruction();
            int n =
                    decoder.decode(
                            code, at, code.length - at, c.codeAddress + at, c.is32() ? 32 : 64, i);
            if (n <= 0) {
                b.append("    (not an instruction)\n");
                break;
            }
            b.append("    ").append(InstructionText.format(i)).append('\n');
            at += n;
        }
        CpuImage s = c.state;
        b.append("    ");
        for (int i = 0; i < 16; i++) {
            b.append(String.format("r%d=%x ", i, s.gpr[i]));
        }
        b.append(
                String.format(
                        "rflags=%x fsbase=%x gsbase=%x mxcsr=%x fcw=%x fsw=%x ftw=%x%n",
                        s.rflags, s.fsBase, s.gsBase, s.mxcsr(), s.fcw(), s.fsw(), s.ftw()));
        return b.toString();
    }
}
