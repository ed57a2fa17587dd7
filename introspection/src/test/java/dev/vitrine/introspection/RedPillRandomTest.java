// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection;

import static dev.vitrine.hypervisor.guest.AssembledGuest.*;
import static dev.vitrine.introspection.RedPill.*;
import static dev.vitrine.processor.asm.Reg.*;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.hypervisor.guest.AssembledGuest;
import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Mem;

import org.junit.jupiter.api.Test;

import java.util.SplittableRandom;
import java.util.function.Consumer;

/**
 * Guests that write instructions at random to a page with breakpoints at random places, and enter
 * it at random: also into the middle of instructions, and over the page's end.
 */
class RedPillRandomTest {
    private static final int SEEDS = Integer.getInteger("vitrine.pills", 24);

    private static final int STEPS = 150;

    /** Code begins so far before the page's end, and goes as far behind it. */
    private static final int HALF = 40;

    private static final int MIDDLE = TARGET + 0x1000;

    /** Bytes to choose from, for writes. */
    private static final int POOL = DATA + 0x1000;

    private static final int POOL_SIZE = 0x1000;

    /**
     * Whatever is put together from these changes RAX, RDX and flags only, or is too long: NOP,
     * CMC, CLC, STC, CBW, CWD, LAHF, MOV and arithmetic with immediate operands, and prefixes.
     */
    private static final int[] BYTES = {
        0x90, 0xF5, 0xF8, 0xF9, 0x98, 0x99, 0x9F, 0xB0, 0xB2, 0xB8, 0x04, 0x14, 0x35, 0x2D, 0x48,
        0x66, 0x2E, 0x90, 0x90, 0xF5
    };

    private static byte[] some(SplittableRandom random, int count) {
        byte[] some = new byte[count];
        for (int i = 0; i < count; i++) {
            some[i] = (byte) BYTES[random.nextInt(BYTES.length)];
        }
        return some;
    }

    /**
     * @param pair vCPU 1 writes while vCPU 0 executes; else one does both
     */
    private static RedPill pill(int seed, boolean pair) {
        SplittableRandom random = new SplittableRandom(seed);
        byte[] first = some(random, 2 * HALF);
        byte[] pool = some(random, POOL_SIZE);
        long[] points = random.longs(8, MIDDLE - HALF, MIDDLE + HALF).distinct().toArray();
        long seedOfCode = random.nextLong();
        Consumer<AssembledGuest> prepare =
                g -> {
                    g.domain.physical().write(MIDDLE - HALF, first);
                    g.domain.physical().write(POOL, pool);
                    // Any instruction that goes over the end of the code finds a RET behind it.
                    g.assemble(MIDDLE + HALF, a -> a.fill(32, 0xC3));
                    g.window(0, TARGET >>> 12);
                    g.window(1, MIDDLE >>> 12);
                    // What is too long is a #GP, which returns to the caller.
                    noteFault(
                            g,
                            13,
                            true,
                            a ->
                                    a.push(RBX)
                                            .mov(RBX, MIDDLE + HALF + 16)
                                            .mov(Mem.base(RSP).disp(8), RBX)
                                            .pop(RBX));
                };
        if (!pair) {
            return new RedPill(prepare, a -> steps(a, new SplittableRandom(seedOfCode)), points);
        }
        return new RedPill(
                        prepare.andThen(g ->
                                g.secondary(1, a -> writes(a, new SplittableRandom(seedOfCode)))),
                        a -> calls(a, new SplittableRandom(seedOfCode + 1)),
                        points)
                .vcpus(2);
    }

    private static void writes(Asm a, SplittableRandom random) {
        RedPillPair.setWord(a, RedPillPair.READY, 1);
        for (int i = 0; i < STEPS; i++) {
            write(a, random);
            AssembledGuest.yield(a);
        }
    }

    private static void calls(Asm a, SplittableRandom random) {
        RedPillPair.start(a);
        a.mov(R15, RESULT);
        for (int i = 0; i < STEPS; i++) {
            a.mov(EBP, random.nextInt(8));
            RedPillPair.endTurnSoon(a);
            call(a, random);
        }
        noteTime(a);
    }

    private static void call(Asm a, SplittableRandom random) {
        a.mov(R14, MIDDLE - HALF + random.nextInt(2 * HALF)).call(R14);
        note(a);
        a.pushf().pop(RBX);
        note(a.mov(RAX, RDX));
        note(a.mov(RAX, RBX));
    }

    private static void steps(Asm a, SplittableRandom random) {
        a.mov(R15, RESULT).xor(EAX, EAX).xor(EDX, EDX);
        for (int i = 0; i < STEPS; i++) {
            if (random.nextInt(3) == 0) {
                call(a, random);
            } else {
                write(a, random);
            }
        }
        noteTime(a);
    }

    private static void write(Asm a, SplittableRandom random) {
        int width = 1 << random.nextInt(5);
        int at = MIDDLE - HALF + random.nextInt(2 * HALF - width + 1);
        long base = random.nextBoolean() ? WINDOW + at - TARGET : at;
        a.mov(R8, base).mov(R9, POOL + random.nextInt(POOL_SIZE - 64));
        boolean locked = random.nextInt(4) == 0;
        switch (width) {
            case 1 -> {
                a.mov(CL, Mem.base(R9));
                if (locked) {
                    a.lock().xchg(Mem.base(R8), CL);
                } else {
                    a.mov(Mem.base(R8), CL);
                }
            }
            case 2 -> {
                a.mov(CX, Mem.base(R9));
                if (locked) {
                    a.xchg(Mem.base(R8), CX);
                } else {
                    a.mov(Mem.base(R8), CX);
                }
            }
            case 4 -> {
                a.mov(ECX, Mem.base(R9));
                if (locked) {
                    a.xchg(Mem.base(R8), ECX);
                } else {
                    a.mov(Mem.base(R8), ECX);
                }
            }
            case 8 -> {
                a.mov(RCX, Mem.base(R9));
                if (locked) {
                    a.xchg(Mem.base(R8), RCX);
                } else {
                    a.mov(Mem.base(R8), RCX);
                }
            }
            default -> {
                if (locked) {
                    a.mov(RSI, R9).mov(RDI, R8).mov(ECX, 16).rep().movs(8);
                } else {
                    a.movdqu(XMM1, Mem.base(R9)).movdqu(Mem.base(R8), XMM1);
                }
            }
        }
    }

    @Test
    void writesAndExecutes() throws InterruptedException {
        findNothing(false);
    }

    @Test
    void writesWhatAnotherExecutes() throws InterruptedException {
        findNothing(true);
    }

    private static void findNothing(boolean pair) throws InterruptedException {
        int hits = 0;
        int noticed = 0;
        for (int seed = 0; seed < SEEDS; seed++) {
            try {
                RedPill pill = pill(seed, pair);
                hits += pill.findsNothing();
                if (seed < SEEDS / 2) {
                    noticed += pill.notices(Naive.INT3) ? 1 : 0;
                    noticed += pill.notices(Naive.COPIES_THAT_FOLLOW) ? 1 : 0;
                }
            } catch (AssertionError e) {
                throw new AssertionError("seed " + seed + ": " + e.getMessage(), e);
            }
        }
        assertThat(hits).isGreaterThan(20 * SEEDS);
        assertThat(noticed).as("naive ones that are found").isGreaterThan(SEEDS / 2);
    }
}
