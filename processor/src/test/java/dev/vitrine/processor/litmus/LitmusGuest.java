// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.litmus;

import static dev.vitrine.processor.asm.Reg.*;

import dev.vitrine.processor.TranslatedCode;
import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Asm.Cond;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Mem;
import dev.vitrine.processor.asm.Operand;
import dev.vitrine.processor.asm.Reg;
import dev.vitrine.processor.guest.FlatMachine;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.LongConsumer;

/**
 * A litmus test as the guest of a machine: each processor does its part on thousands of instances,
 * one after the other, each with variables of its own somewhere in memory, at times that differ a
 * little at random.
 */
final class LitmusGuest implements AutoCloseable {
    static final int INSTANCES = 16384;

    /** So few that code which is new stays in the interpreter. */
    static final int FEW_INSTANCES = 2000;

    private static final long BUDGET = 2_000_000_000L;

    /** Of each instance: the addresses of three variables, and how long each processor waits. */
    private static final int ROWS = 0x400000;

    private static final int ROW = 32;
    private static final int DELAYS = 12;

    /** Of each instance, what one processor has read. */
    private static final int RESULTS = 0x500000;

    private static final int RESULT = 8 * LitmusProgram.RESULTS;
    private static final int ALL_RESULTS = INSTANCES * RESULT;

    private static final int LINES = 0x800000;
    private static final int LINE = 64;
    private static final int LINE_COUNT = LitmusProgram.VARIABLES * INSTANCES;

    /** Instances left to each processor, in lines of their own. */
    private static final int PROGRESS = 0x300000;

    private static final int READY = 0x300400;
    private static final int COUNT = 0x300500;
    private static final int PATIENCE = 0x300540;

    /** Memory of each processor's own, so much that its caches do not hold it. */
    private static final int PRIVATE = 16 << 20;

    private static final int PRIVATE_SIZE = 4 << 20;

    /** The bytes that a value n stands for. */
    private static final int PATTERNS = 0x301000;

    private static final Reg[] VARIABLES = {R12, R13, R14};
    private static final int[] READ_TO = {3, 5, 2, 15};
    private static final VarHandle INT =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONG =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private final LitmusProgram program;
    private final int processors;
    private final Random random;
    private final FlatMachine machine;
    private final List<byte[]> codes = new ArrayList<>();
    private final byte[] rows = new byte[INSTANCES * ROW];
    private final byte[] zeros = new byte[LINE_COUNT * LINE];
    private final byte[] lines = new byte[LINE_COUNT * LINE];
    private final byte[] results = new byte[ALL_RESULTS];
    private final int[] order = new int[LINE_COUNT];

    LitmusGuest(LitmusProgram program, Random random) {
        this.program = program;
        this.random = random;
        processors = program.threads().size();
        machine = new FlatMachine(processors, 32 << 20);
        for (int n = 0; n < 16; n++) {
            machine.ram.putLong(PATTERNS + 16 * n, n * 0x0101010101010101L);
            machine.ram.putLong(PATTERNS + 16 * n + 8, n * 0x0101010101010101L);
        }
        for (int t = 0; t < processors; t++) {
            Asm a = new Asm(64, FlatMachine.code(t));
            write(a, t);
            codes.add(a.toBytes());
            renew(t);
        }
        for (int i = 0; i < LINE_COUNT; i++) {
            order[i] = i;
        }
    }

    // ------------------------------------------------------------------------- code

    private void write(Asm a, int t) {
        Label barrier = a.label();
        Label loop = a.label();
        // XCR0: x87, SSE, AVX.
        a.xor(ECX, ECX).xor(EDX, EDX).mov(EAX, 7).xsetbv().cld().fninit();
        a.mov(R8, ROWS).mov(R10, RESULTS + t * ALL_RESULTS).mov(R11, PROGRESS);
        a.lock().inc(Mem.abs(READY).d());
        a.bind(barrier).pause().cmp(Mem.abs(READY).d(), processors).jcc(Cond.NZ, barrier);
        a.mov(R9D, Mem.abs(COUNT)).bind(loop);
        for (int v = 0; v < program.variables(); v++) {
            a.mov(new Reg(Reg.Kind.GP32, 12 + v, "r" + (12 + v) + "d"), Mem.base(R8).disp(4 * v));
        }
        // Waits for the next processor, though not for ever; then a little, or not at all.
        Label wait = a.label();
        Label together = a.label();
        Label delay = a.label();
        // Stores that are slow to get to memory keep those behind them back.
        int slow = random.nextInt(3) * 4;
        a.mov(Mem.base(R11).disp(t * 64), R9D).mov(ECX, Mem.abs(PATIENCE));
        a.bind(wait).dec(ECX).jcc(Cond.S, together);
        a.cmp(Mem.base(R11).disp((t + 1) % processors * 64), R9D).jcc(Cond.G, wait);
        a.bind(together).mov(ECX, Mem.base(R8).disp(DELAYS + 4 * t));
        a.bind(delay).dec(ECX).jcc(Cond.NS, delay);
        for (int i = 0; i < slow; i++) {
            a.imul(RAX, R9, 0x9E3779B1 + 2 * i).and(EAX, PRIVATE_SIZE - 64);
            a.mov(Mem.base(RAX).disp(PRIVATE + t * PRIVATE_SIZE), R9D);
        }
        int result = 0;
        for (Step s : program.threads().get(t)) {
            noise(a);
            step(a, s, result);
            result += s.results();
        }
        for (int r = 0; r < result; r++) {
            a.mov(Mem.base(R10).disp(8 * r), Reg.gp64(READ_TO[r]));
        }
        a.add(R8, ROW).add(R10, RESULT).dec(R9D).jcc(Cond.NZ, loop).hlt();
    }

    /** Instructions that change nothing; some end a block. */
    private void noise(Asm a) {
        Label on = a.label();
        switch (random.nextInt(12)) {
            case 0 -> a.lfence();
            case 1 -> a.sfence();
            case 2 -> a.jmp(on).bind(on);
            case 3 -> a.test(R9, R9).jcc(Cond.NS, on).ud2().bind(on);
            case 4 -> a.add(R9, 7).sub(R9, 7);
            case 5 -> a.nop();
            case 6 -> a.call(on).bind(on).add(RSP, 8);
            default -> {}
        }
    }

    private static Reg part(int number, int size) {
        Reg.Kind kind =
                switch (size) {
                    case 1 -> Reg.Kind.GP8;
                    case 2 -> Reg.Kind.GP16;
                    case 4 -> Reg.Kind.GP32;
                    default -> Reg.Kind.GP64;
                };
        return new Reg(kind, number, "r" + number);
    }

    private static Mem pattern(Step s) {
        return Mem.abs(PATTERNS + 16 * s.value());
    }

    private static void step(Asm a, Step s, int result) {
        int size = s.size();
        int bits = 8 * size;
        Mem m = Mem.base(VARIABLES[s.variable()]).disp(s.place() % Step.VARIABLE).bits(bits);
        Reg to = s.results() == 0 ? RAX : Reg.gp64(READ_TO[result]);
        switch (s.kind()) {
            case WRITE -> store(a, s, m);
            case READ -> load(a, s, m, result);
            case ADD -> a.mov(RAX, s.pattern()).add(m, part(0, size));
            case LOCKED_ADD -> a.mov(RAX, s.pattern()).lock().add(m, part(0, size));
            case FETCH_AND_ADD -> {
                a.mov(RAX, s.pattern()).lock().xadd(m, part(0, size));
                extend(a, to, size);
            }
            case EXCHANGE -> {
                a.mov(RAX, s.pattern()).xchg(m, part(0, size));
                extend(a, to, size);
            }
            case COMPARE_EXCHANGE -> {
                a.xor(EAX, EAX).xor(ECX, ECX).lock().cmpxchg(m, part(1, size));
                extend(a, to, size);
            }
            case FENCE -> {
                if (s.form() == Step.Form.LOCK) {
                    a.lock().or(Mem.base(RSP).disp(-8).d(), 0);
                } else {
                    a.mfence();
                }
            }
        }
    }

    /** What is in RAX, without what an access of that size leaves there. */
    private static void extend(Asm a, Reg to, int size) {
        if (size < 4) {
            a.movzx(to, part(0, size));
        } else if (size == 4) {
            a.mov(part(to.number(), 4), EAX);
        } else {
            a.mov(to, RAX);
        }
    }

    private static void store(Asm a, Step s, Mem m) {
        int size = s.size();
        int bits = 8 * size;
        boolean wide = size >= 8;
        switch (s.form()) {
            case IMMEDIATE -> {
                if (size == 8) {
                    a.mov(RAX, s.pattern()).mov(m, RAX);
                } else {
                    a.mov(m, s.pattern());
                }
            }
            case STRING -> a.lea(RDI, m).mov(RAX, s.pattern()).stos(bits);
            case REPEATED_STRING -> {
                if (s.value() % 2 == 0) {
                    a.lea(RDI, m).mov(RAX, s.pattern()).mov(ECX, 1).rep().stos(bits);
                } else {
                    a.lea(RDI, m).lea(RSI, pattern(s)).mov(ECX, 1).rep().movs(bits);
                }
            }
            case SSE -> {
                a.movdqu(xmm(1), pattern(s));
                switch (size) {
                    case 4 -> a.sse(0x66, 0x0F7E, xmm(1), m);
                    case 8 -> a.sse(0x66, 0x0FD6, xmm(1), m);
                    default -> a.movdqu(m, xmm(1));
                }
            }
            case AVX -> {
                a.movdqu(xmm(1), pattern(s));
                switch (size) {
                    case 4 -> a.vex(1, 1, 0, 0x7E, xmm(1), null, m);
                    case 8 -> a.vex(1, 1, 0, 0xD6, xmm(1), null, m);
                    default -> a.vex(1, 2, 0, 0x7F, xmm(1), null, m);
                }
            }
            case X87 -> a.sse(0, 0xDF, part(5, 8), pattern(s)).sse(0, 0xDF, part(7, 8), m);
            default -> a.mov(part(0, wide ? 8 : 4), s.pattern()).mov(m, part(0, size));
        }
    }

    private static void load(Asm a, Step s, Mem m, int result) {
        int size = s.size();
        Reg to = Reg.gp64(READ_TO[result]);
        Mem stack = Mem.base(RSP).disp(-32);
        switch (s.form()) {
            case STRING -> {
                a.lea(RSI, m);
                if (result % 2 == 0) {
                    a.lods(8 * size);
                    extend(a, to, size);
                    return;
                }
                a.lea(RDI, stack).movs(8 * size);
            }
            case SSE -> {
                switch (size) {
                    case 4 -> a.sse(0x66, 0x0F6E, xmm(0), m);
                    case 8 -> a.sse(0xF3, 0x0F7E, xmm(0), m);
                    default -> a.movdqu(xmm(0), m);
                }
                a.movdqu(stack, xmm(0));
            }
            case AVX -> {
                switch (size) {
                    case 4 -> a.vex(1, 1, 0, 0x6E, xmm(0), null, m);
                    case 8 -> a.vex(1, 2, 0, 0x7E, xmm(0), null, m);
                    default -> a.vex(1, 2, 0, 0x6F, xmm(0), null, m);
                }
                a.movdqu(stack, xmm(0));
            }
            case X87 -> a.sse(0, 0xDF, part(5, 8), m).sse(0, 0xDF, part(7, 8), stack);
            default -> {
                move(a, to, m, size);
                return;
            }
        }
        move(a, to, stack, size);
        if (size == 16) {
            a.mov(Reg.gp64(READ_TO[result + 1]), Mem.base(RSP).disp(-24));
        }
    }

    private static void move(Asm a, Reg to, Mem from, int size) {
        Operand m = from.bits(8 * size);
        if (size < 4) {
            a.movzx(to, m);
        } else {
            a.mov(part(to.number(), Math.min(size, 8)), from);
        }
    }

    // ---------------------------------------------------------------------- running

    /** Gives a processor its code anew, so that it is decoded again and in the interpreter. */
    void renew(int t) {
        machine.ram.write(FlatMachine.code(t), codes.get(t));
    }

    /** The level at which HotSpot has compiled a processor's code; 0 while it is interpreted. */
    int level(int t) {
        long from = FlatMachine.code(t);
        return TranslatedCode.level(machine.group, from, from + codes.get(t).length);
    }

    /** Places the variables of all instances anew, half of them all on one line. */
    void place() {
        for (int i = LINE_COUNT - 1; i > 0; i--) {
            int k = random.nextInt(i + 1);
            int line = order[i];
            order[i] = order[k];
            order[k] = line;
        }
        int longest = 1 << random.nextInt(6);
        for (int i = 0; i < INSTANCES; i++) {
            int at = i * ROW;
            boolean near = random.nextBoolean();
            for (int v = 0; v < LitmusProgram.VARIABLES; v++) {
                int line = order[LitmusProgram.VARIABLES * i + (near ? 0 : v)];
                int within = near ? v * Step.VARIABLE : random.nextInt(4) * Step.VARIABLE;
                INT.set(rows, at + 4 * v, LINES + line * LINE + within);
            }
            for (int t = 0; t < processors; t++) {
                INT.set(rows, at + DELAYS + 4 * t, random.nextInt(longest));
            }
        }
        machine.ram.write(ROWS, rows);
    }

    /**
     * Runs all processors over the first instances.
     *
     * @param patience how long they wait for each other: 0 or some hundred
     * @param outcome is told {@link Outcome#key} for each instance
     */
    void run(int instances, int patience, LongConsumer outcome) {
        machine.ram.write(LINES, zeros);
        machine.ram.putInt(READY, 0);
        machine.ram.putInt(COUNT, instances);
        machine.ram.putInt(PATIENCE, patience);
        for (int t = 0; t < processors; t++) {
            machine.ram.putInt(PROGRESS + 64 * t, instances + 1);
            machine.processor(t).setRip(FlatMachine.code(t));
            machine.processor(t).setHalted(false);
        }
        machine.runAll(BUDGET, () -> {});
        long[] keys = new long[instances];
        java.util.Arrays.fill(keys, 1);
        for (int t = 0; t < processors; t++) {
            machine.ram.read(RESULTS + t * ALL_RESULTS, results, 0, instances * RESULT);
            int n = LitmusProgram.results(program.threads().get(t));
            for (int i = 0; i < instances; i++) {
                for (int r = 0; r < n; r++) {
                    keys[i] = Outcome.mix(keys[i], (long) LONG.get(results, i * RESULT + 8 * r));
                }
            }
        }
        machine.ram.read(LINES, lines, 0, lines.length);
        int variables = program.variables();
        for (int i = 0; i < instances; i++) {
            for (int v = 0; v < variables; v++) {
                int at = (int) INT.get(rows, i * ROW + 4 * v) - LINES;
                keys[i] = Outcome.mix(keys[i], (long) LONG.get(lines, at));
                keys[i] = Outcome.mix(keys[i], (long) LONG.get(lines, at + 8));
            }
            outcome.accept(keys[i]);
        }
    }

    /** What one instance of the last run ended with, for a report. */
    Outcome outcome(int instance) {
        int variables = program.variables();
        byte[] memory = new byte[variables * Step.VARIABLE];
        for (int v = 0; v < variables; v++) {
            int at = (int) INT.get(rows, instance * ROW + 4 * v) - LINES;
            System.arraycopy(lines, at, memory, v * Step.VARIABLE, Step.VARIABLE);
        }
        long[] values = new long[program.results()];
        int k = 0;
        for (int t = 0; t < processors; t++) {
            int n = LitmusProgram.results(program.threads().get(t));
            for (int r = 0; r < n; r++) {
                values[k++] =
                        machine.ram.getLong(RESULTS + t * ALL_RESULTS + instance * RESULT + 8 * r);
            }
        }
        return Outcome.of(values, values.length, memory);
    }

    @Override
    public void close() {
        machine.close();
    }
}
