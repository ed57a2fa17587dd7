// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import static dev.vitrine.processor.asm.Reg.*;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.processor.Processor;
import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Asm.Cond;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Mem;
import dev.vitrine.processor.guest.FlatMachine;

import org.junit.jupiter.api.Test;

import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.util.Random;

/**
 * A guest that compiles: functions that call each other are written, become hot, are translated,
 * and are overwritten, thousands of times. What they compute is right, and of what was translated
 * before nothing is left: classes are unloaded, and no part of the JVM's memory grows.
 *
 * <p>System properties: {@code vitrine.churn.seconds} (3; 900 in long runs) and {@code
 * vitrine.churn.seed}. How long it runs decides how much is tried, not what is right.
 */
class ChurnTest {
    private static final long SECONDS =
            Long.getLong("vitrine.churn.seconds", Boolean.getBoolean("vitrine.long") ? 900 : 3);
    private static final long SEED = Long.getLong("vitrine.churn.seed", 20261127L);

    /** Each function calls the next, but the last of a group. */
    private static final int GROUP = 3;

    private static final int GROUPS = 16;
    private static final int FUNCTIONS = GROUPS * GROUP;

    /**
     * Where a function of the odd groups may be: it goes to the next place each time it is written,
     * and is called through a table. The others stay, and are called directly.
     */
    private static final int PLACES = 2;

    private static final int CODE = 0x400000;
    private static final int SPACE = 0x1000;
    private static final int STAGING = 0x300000;
    private static final int WORDS = FlatMachine.DATA;
    private static final int TABLE = FlatMachine.DATA + 0x10000;
    private static final long BUDGET = 1_000_000_000L;

    /** So often a group's first function is called at the most when one has been written. */
    private static final int CALLS = 20_000;

    /** Functions that are written between two looks at how much time is left. */
    private static final int BATCH = 50;

    /** So many classes more than at the start may be there: some for each function that is. */
    private static final int LIVE = 20 * FUNCTIONS * PLACES;

    private static final long META = 24 << 20;
    private static final long MACHINE_CODE = 24 << 20;
    private static final long HEAP = 32 << 20;

    /** A function: what it does to RAX, and how often. */
    private record Function(int[] operations, int[] values, int loops, long address) {
        static final int KINDS = 7;

        static Function random(Random random, long address) {
            int n = 2 + random.nextInt(12);
            int[] operations = random.ints(n, 0, KINDS).toArray();
            return new Function(
                    operations, random.ints(n).toArray(), 1 + random.nextInt(8), address);
        }

        byte[] code(int number, boolean moves, long next) {
            Asm a = new Asm(64, address);
            Label loop = a.label();
            a.mov(EDX, loops).bind(loop);
            Mem word = Mem.abs(WORDS + 8 * number).q();
            for (int i = 0; i < operations.length; i++) {
                int v = values[i];
                switch (operations[i]) {
                    case 0 -> a.add(RAX, v);
                    case 1 -> a.xor(RAX, v);
                    case 2 -> a.rol(RAX, v & 63);
                    case 3 -> a.imul(RAX, RAX, v | 1);
                    case 4 -> a.add(word, RAX);
                    case 5 -> a.xor(RAX, word);
                    default -> {
                        Label on = a.label();
                        a.test(RAX, RAX).jcc(Cond.NS, on).sub(RAX, v).bind(on);
                    }
                }
            }
            a.dec(EDX).jcc(Cond.NZ, loop);
            if (next != 0 && moves) {
                a.call(Mem.abs(TABLE + 8 * (number + 1)).q());
            } else if (next != 0) {
                a.db(0xE8).dd((int) (next - a.here() - 4));
            }
            a.ret();
            return a.toBytes();
        }

        long apply(long rax, long[] words, int number) {
            long x = rax;
            for (int n = 0; n < loops; n++) {
                for (int i = 0; i < operations.length; i++) {
                    int v = values[i];
                    switch (operations[i]) {
                        case 0 -> x += v;
                        case 1 -> x ^= v;
                        case 2 -> x = Long.rotateLeft(x, v & 63);
                        case 3 -> x *= v | 1;
                        case 4 -> words[number] += x;
                        case 5 -> x ^= words[number];
                        default -> x -= x < 0 ? v : 0;
                    }
                }
            }
            return x;
        }
    }

    /** What the JVM holds. */
    private record Use(long regions, long live, long unloaded, long meta, long code, long heap) {
        static Use now(FlatMachine m) {
            long[] regions = new long[1];
            m.group.translationStatistics((s, n) -> regions[0] += s.equals("regions") ? n : 0);
            System.gc();
            System.gc();
            long meta = 0;
            long code = 0;
            for (MemoryPoolMXBean p : ManagementFactory.getMemoryPoolMXBeans()) {
                if (p.getName().equals("Metaspace")) {
                    meta += p.getUsage().getUsed();
                } else if (p.getName().startsWith("CodeHeap") || p.getName().equals("CodeCache")) {
                    code += p.getUsage().getUsed();
                }
            }
            return new Use(
                    regions[0],
                    ManagementFactory.getClassLoadingMXBean().getLoadedClassCount(),
                    ManagementFactory.getClassLoadingMXBean().getUnloadedClassCount(),
                    meta,
                    code,
                    ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed());
        }

        void print(String when, long written, long seconds) {
            System.out.printf(
                    "churn, %s: %d s, %d functions written, %d regions; classes %d, unloaded %d;"
                            + " KiB of metaspace %d, code cache %d, heap %d%n",
                    when,
                    seconds,
                    written,
                    regions,
                    live,
                    unloaded,
                    meta >> 10,
                    code >> 10,
                    heap >> 10);
        }
    }

    private final FlatMachine machine = new FlatMachine(1, 32 << 20);
    private final Random random = new Random(SEED);
    private final Function[] functions = new Function[FUNCTIONS];
    private final long[] words = new long[FUNCTIONS];
    private int written;

    private static boolean moves(int number) {
        return number / GROUP % 2 != 0;
    }

    private long address(int number) {
        int place = moves(number) ? random.nextInt(PLACES) : 0;
        return CODE + (number * PLACES + place) * SPACE + (moves(number) ? 0x10 * place : 0);
    }

    /** Writes a function; the guest does it itself, or somebody outside. */
    private void write(int number) {
        boolean last = number % GROUP == GROUP - 1;
        Function f = Function.random(random, address(number));
        functions[number] = f;
        byte[] code = f.code(number, moves(number), last ? 0 : functions[number + 1].address);
        machine.ram.putLong(TABLE + 8 * number, f.address);
        written++;
        if (random.nextBoolean()) {
            machine.ram.write(f.address, code);
        } else {
            machine.ram.write(STAGING, code);
            machine.code(
                    0,
                    a -> {
                        a.mov(RSI, STAGING).mov(RDI, f.address).mov(ECX, code.length);
                        a.cld().rep().movs(8);
                    });
            run();
        }
    }

    private void call(int group) {
        int first = group * GROUP;
        int calls = 1 + random.nextInt(CALLS);
        long begin = random.nextLong();
        machine.code(
                0,
                a -> {
                    Label loop = a.label();
                    a.mov(RAX, begin).mov(ECX, calls).bind(loop);
                    a.db(0xE8).dd((int) (functions[first].address - a.here() - 4));
                    a.dec(ECX).jcc(Cond.NZ, loop);
                });
        run();
        long x = begin;
        for (int n = 0; n < calls; n++) {
            for (int k = first; k < first + GROUP; k++) {
                x = functions[k].apply(x, words, k);
            }
        }
        assertThat(machine.processor(0).gpr(0)).as("after %s functions", written).isEqualTo(x);
        for (int k = first; k < first + GROUP; k++) {
            assertThat(machine.ram.getLong(WORDS + 8 * k))
                    .as("word %s after %s functions", k, written)
                    .isEqualTo(words[k]);
        }
    }

    private void run() {
        machine.processor(0).setRip(FlatMachine.code(0));
        machine.processor(0).setHalted(false);
        assertThat(machine.run(0, BUDGET)).isEqualTo(Processor.Exit.HALTED);
    }

    /** Writes and calls for some time. */
    private void churn(long seconds) {
        long begun = System.nanoTime();
        do {
            for (int n = 0; n < BATCH; n++) {
                int number = random.nextInt(FUNCTIONS);
                write(number);
                call(number / GROUP);
            }
        } while (System.nanoTime() - begun < seconds * 1_000_000_000L);
    }

    @Test
    void whatIsOverwrittenIsForgotten() {
        try (FlatMachine m = machine) {
            for (int n = FUNCTIONS - 1; n >= 0; n--) {
                write(n);
            }
            Use begin = Use.now(m);
            begin.print("at the start", written, 0);
            churn(SECONDS / 3);
            Use early = Use.now(m);
            early.print("early", written, SECONDS / 3);
            churn(SECONDS / 3);
            Use middle = Use.now(m);
            middle.print("in the middle", written, 2 * SECONDS / 3);
            churn(SECONDS / 3);
            Use end = Use.now(m);
            end.print("at the end", written, SECONDS);
            assertThat(end.regions - begin.regions).as("regions").isPositive();
            assertThat(end.live - begin.live).as("classes that stay").isLessThan(LIVE);
            assertThat(end.unloaded - begin.unloaded)
                    .as("classes unloaded")
                    .isGreaterThanOrEqualTo(end.regions - begin.regions - LIVE);
            assertThat(end.meta - early.meta).as("metaspace").isLessThan(META);
            assertThat(end.code - early.code).as("code cache").isLessThan(MACHINE_CODE);
            assertThat(end.heap - early.heap).as("heap").isLessThan(HEAP);
        }
    }
}
