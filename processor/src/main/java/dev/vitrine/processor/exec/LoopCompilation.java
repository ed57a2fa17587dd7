// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.memory.GuestRam;
import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.GuestFault;
import dev.vitrine.processor.core.Mmu;
import dev.vitrine.processor.core.SegmentCheck;
import dev.vitrine.processor.core.SelfModification;
import dev.vitrine.processor.core.Tlb;
import dev.vitrine.processor.decode.Instruction;

import java.lang.invoke.MethodHandles;
import java.lang.reflect.Method;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/** Asks HotSpot for code of the interpreter's loops. */
final class LoopCompilation {
    private LoopCompilation() {}

    /**
     * Has the loops compiled before HotSpot, busy with what starts with them, finds the time; the
     * first time that it is called.
     */
    static void begin() {
        if (ASKED.compareAndSet(false, true)) {
            start(CompilerThreads::letOthersGoFirst, "priorities");
            start(LoopCompilation::compile, "prepare");
        }
    }

    private static void start(Runnable what, String name) {
        Thread t = new Thread(what, name);
        t.setDaemon(true);
        t.start();
    }

    private static final AtomicBoolean ASKED = new AtomicBoolean();

    private static final AtomicInteger LOOPS = new AtomicInteger();

    /** {@link #begin}, for one more loop. */
    static void beginOne() {
        LOOPS.getAndIncrement();
        begin();
    }

    /** How many loops there have been, one for each processor of a guest. */
    static int loops() {
        return LOOPS.get();
    }

    /** What the loops call; HotSpot leaves out calls into classes that are not there yet. */
    private static final Class<?>[] CALLED = {
        Alu.class,
        Block.class,
        BlockFinder.class,
        CodeCache.class,
        Conditions.class,
        Cpu.class,
        Detour.class,
        FaultSite.class,
        GuestFault.class,
        GuestRam.class,
        Instruction.class,
        IntegerUnit.class,
        LazyFlags.class,
        LockedAccess.class,
        Mmu.class,
        RegionRunner.class,
        Rendezvous.class,
        SegmentCheck.class,
        SelfModification.class,
        SizedUnit.class,
        StraightLine.class,
        Tlb.class,
        Units.class
    };

    private static final int PATIENCE_MILLIS = 1000;

    private static void compile() {
        try {
            for (Class<?> c : CALLED) {
                MethodHandles.lookup().ensureInitialized(c);
            }
            Method blocks =
                    Interpreter.class.getDeclaredMethod(
                            "execute", Block.class, int.class, long.class);
            Method line =
                    StraightLine.class.getDeclaredMethod(
                            "run", long[].class, int.class, Block.class);
            // The second compiler takes some tenths of a second for them, the first one a
            // twentieth. What waits for one compiler cannot be asked of the other.
            if (HotSpot.compile(line, HotSpot.SIMPLE) && HotSpot.compile(blocks, HotSpot.SIMPLE)) {
                await(line);
                HotSpot.compile(line, HotSpot.OPTIMIZED);
                await(blocks);
                HotSpot.compile(blocks, HotSpot.OPTIMIZED);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("the interpreter's own classes", e);
        }
    }

    private static void await(Method m) throws InterruptedException {
        for (int i = 0; HotSpot.level(m) == 0 && i < PATIENCE_MILLIS; i++) {
            Thread.sleep(1);
        }
    }
}
