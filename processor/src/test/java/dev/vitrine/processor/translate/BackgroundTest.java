// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.exec.Block;
import dev.vitrine.processor.exec.HotSpot;
import dev.vitrine.processor.exec.Region;
import dev.vitrine.processor.exec.RegionCode;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/** The thread that translates, with a compiler that does what a test says. */
class BackgroundTest {
    /** How long a step may take before it has failed; no result depends on it. */
    private static final long PATIENCE_SECONDS = 120;

    /** The code of regions: one class for each that a test has to tell from others. */
    private static class First extends RegionCode {
        final AtomicInteger calls = new AtomicInteger();

        @Override
        public int run(Cpu cpu, Region region, int entry) {
            calls.incrementAndGet();
            return EXIT;
        }

        @Override
        protected RegionCode another() {
            return new First();
        }
    }

    private static final class Second extends First {
        @Override
        public int run(Cpu cpu, Region region, int entry) {
            return super.run(cpu, region, entry);
        }
    }

    private static final class Third extends First {
        @Override
        public int run(Cpu cpu, Region region, int entry) {
            return super.run(cpu, region, entry);
        }
    }

    private static final class Fourth extends First {
        @Override
        public int run(Cpu cpu, Region region, int entry) {
            return super.run(cpu, region, entry);
        }
    }

    private static Region region(RegionCode code, int stage) {
        return new Region(
                code,
                new Block[0],
                new Block[0],
                new Instruction[0],
                new Block[0],
                new long[0],
                new int[0],
                new long[0],
                1,
                1,
                stage,
                false);
    }

    /** By the class whose method it is. */
    private static final class Scripted implements Background.Compiler {
        volatile boolean open = true;
        final Map<Class<?>, Integer> levels = new ConcurrentHashMap<>();
        final Map<Class<?>, Integer> asked = new ConcurrentHashMap<>();
        final Map<Class<?>, Integer> looks = new ConcurrentHashMap<>();
        final Map<Class<?>, Integer> notCompilable = new ConcurrentHashMap<>();

        @Override
        public boolean compile(Method method, int level) {
            asked.put(method.getDeclaringClass(), level);
            return open;
        }

        @Override
        public int level(Method method) {
            looks.merge(method.getDeclaringClass(), 1, Integer::sum);
            return levels.getOrDefault(method.getDeclaringClass(), 0);
        }

        @Override
        public boolean compilable(Method method, int level) {
            return !Integer.valueOf(level).equals(notCompilable.get(method.getDeclaringClass()));
        }
    }

    private final Scripted compiler = new Scripted();
    private final AtomicLong now = new AtomicLong();

    /** What each look at the clock takes. */
    private final AtomicLong tick = new AtomicLong();

    private final Background background = new Background(compiler, () -> now.addAndGet(tick.get()));
    private final BlockingQueue<Region> used = new LinkedBlockingQueue<>();

    @SafeVarargs
    private boolean submit(Supplier<@Nullable Region>... translations) {
        return background.submit(Arrays.asList(translations), used::add, null, () -> {});
    }

    private void expectUsed(Region region) throws InterruptedException {
        assertThat(used.poll(PATIENCE_SECONDS, TimeUnit.SECONDS)).isSameAs(region);
    }

    /** Comes back when all that was submitted before has been looked at once more. */
    private void settle() throws InterruptedException {
        compiler.levels.put(Third.class, HotSpot.SIMPLE);
        Region last = region(new Third(), 1);
        submit(() -> last);
        expectUsed(last);
    }

    @Test
    void isUsedWhenItIsCompiledAndNotBefore() throws InterruptedException {
        Region region = region(new First(), 1);
        submit(() -> region);
        settle();
        assertThat(used).isEmpty();
        assertThat(compiler.asked.get(First.class)).isEqualTo(HotSpot.SIMPLE);
        compiler.levels.put(First.class, HotSpot.SIMPLE);
        expectUsed(region);
        settle();
        assertThat(used).as("used once").isEmpty();
    }

    @Test
    void theSecondStageIsCompiledWithCounters() throws InterruptedException {
        Region region = region(new First(), 2);
        compiler.levels.put(First.class, HotSpot.PROFILED);
        submit(() -> region);
        expectUsed(region);
        assertThat(compiler.asked.get(First.class)).isEqualTo(HotSpot.PROFILED);
    }

    /** HotSpot's first compiler runs out of virtual registers in large methods. */
    @Test
    void aSmallerOneIsMadeWhenTheCompilerGivesUp() throws InterruptedException {
        Region large = region(new First(), 2);
        Region small = region(new Second(), 2);
        compiler.notCompilable.put(First.class, HotSpot.PROFILED);
        compiler.levels.put(Second.class, HotSpot.PROFILED);
        AtomicInteger spare = new AtomicInteger();
        submit(
                () -> large,
                () -> small,
                () -> {
                    spare.incrementAndGet();
                    return null;
                });
        expectUsed(small);
        settle();
        assertThat(used).isEmpty();
        assertThat(spare).as("translations that were not needed").hasValue(0);
    }

    @Test
    void nothingIsUsedWhenTheCompilerGivesUpTheSmallestToo() throws InterruptedException {
        compiler.notCompilable.put(First.class, HotSpot.PROFILED);
        Region region = region(new First(), 2);
        submit(() -> region);
        settle();
        compiler.levels.put(First.class, HotSpot.PROFILED);
        settle();
        assertThat(used).isEmpty();
    }

    @Test
    void theNextIsMadeWhenOneIsNull() throws InterruptedException {
        Region region = region(new First(), 2);
        compiler.levels.put(First.class, HotSpot.PROFILED);
        submit(() -> null, () -> null, () -> region);
        expectUsed(region);
        submit(() -> null, () -> null);
        submit();
        settle();
        assertThat(used).isEmpty();
    }

    private List<Throwable> reported(Thread.UncaughtExceptionHandler old) {
        List<Throwable> all = java.util.Collections.synchronizedList(new ArrayList<>());
        Thread.setDefaultUncaughtExceptionHandler((t, e) -> {
            if (e.getMessage() != null && e.getMessage().equals("planted")) {
                all.add(e);
            } else if (old != null) {
                old.uncaughtException(t, e);
            }
        });
        return all;
    }

    @Test
    void failuresAreReportedAndOthersGoOn() throws InterruptedException {
        Thread.UncaughtExceptionHandler old = Thread.getDefaultUncaughtExceptionHandler();
        List<Throwable> reported = reported(old);
        try {
            submit(() -> {
                throw new IllegalStateException("planted");
            });
            submit(() -> {
                throw new LinkageError("planted");
            });
            settle();
            assertThat(reported).hasSize(2);
            // One that cannot be used is not tried for ever, nor those before it used again.
            compiler.levels.put(First.class, HotSpot.SIMPLE);
            Region region = region(new First(), 1);
            AtomicInteger tried = new AtomicInteger();
            background.submit(
                    List.of(() -> region),
                    r -> {
                        tried.incrementAndGet();
                        throw new IllegalStateException("planted");
                    },
                    null,
                    () -> {});
            settle();
            settle();
            assertThat(tried).hasValue(1);
            assertThat(reported).hasSize(3);
            assertThat(used).isEmpty();
        } finally {
            Thread.setDefaultUncaughtExceptionHandler(old);
        }
    }

    /** As in a JVM whose compile queue is not open: calls make it hot, and its time is taken. */
    @Test
    void withoutHotSpotItIsCalledUntilItIsFast() throws InterruptedException {
        compiler.open = false;
        First code = new First();
        Region region = region(code, 1);
        tick.set(1_000_000);
        submit(() -> region);
        while (code.calls.get() < Background.CALLS + 100) {
            Thread.onSpinWait();
        }
        assertThat(used).isEmpty();
        tick.set(0);
        expectUsed(region);
        assertThat(compiler.looks).as("methods looked at").doesNotContainKey(First.class);
    }

    @Test
    void withoutHotSpotWhatStaysSlowIsGivenUp() throws InterruptedException {
        compiler.open = false;
        tick.set(Background.PATIENCE_NANOS);
        Region slow = region(new First(), 1);
        submit(() -> slow);
        CountDownLatch looked = new CountDownLatch(1);
        submit(() -> {
            looked.countDown();
            return null;
        });
        looked.await();
        // From now on all is fast; the slow one must have been given up by then.
        submit(() -> {
            tick.set(0);
            return null;
        });
        Region fast = region(new Second(), 1);
        submit(() -> fast);
        expectUsed(fast);
        assertThat(used).isEmpty();
    }

    @Test
    void whatTheCompilerDoesNotGetToIsGivenUp() throws InterruptedException {
        Region region = region(new First(), 1);
        submit(() -> region);
        settle();
        now.addAndGet(Background.PATIENCE_NANOS);
        settle();
        now.addAndGet(1);
        settle();
        compiler.levels.put(First.class, HotSpot.SIMPLE);
        settle();
        assertThat(used).isEmpty();
    }

    @Test
    void countsWhatRunsWithCounters() throws InterruptedException {
        assertThat(background.profiling()).isZero();
        compiler.levels.put(First.class, HotSpot.PROFILED);
        compiler.levels.put(Second.class, HotSpot.PROFILED);
        Region one = region(new First(), 2);
        Region two = region(new Second(), 2);
        submit(() -> one);
        expectUsed(one);
        settle();
        assertThat(background.profiling()).isEqualTo(1);
        now.addAndGet(Background.PROFILING_NANOS / 2);
        submit(() -> two);
        expectUsed(two);
        settle();
        assertThat(background.profiling()).as("not those of the first stage").isEqualTo(2);
        compiler.levels.put(Second.class, HotSpot.OPTIMIZED);
        assertThat(background.profiling()).as("not what the second compiler has").isEqualTo(1);
        now.addAndGet(Background.PROFILING_NANOS / 2);
        assertThat(background.profiling()).as("at the end of its time").isEqualTo(1);
        now.addAndGet(1);
        assertThat(background.profiling()).as("not what is not executed any more").isZero();
    }

    private final BlockingQueue<Region> withdrawn = new LinkedBlockingQueue<>();
    private final BlockingQueue<Region> restored = new LinkedBlockingQueue<>();

    private void optimize(Region region) {
        background.optimize(region, withdrawn::add, restored::add);
    }

    /** Comes back when what the second compiler was asked for before has been done. */
    private void settleOptimized() throws InterruptedException {
        Region last = region(new Third(), 2);
        compiler.levels.put(Third.class, HotSpot.PROFILED);
        optimize(last);
        compiler.levels.put(Third.class, HotSpot.OPTIMIZED);
        assertThat(restored.poll(PATIENCE_SECONDS, TimeUnit.SECONDS)).isSameAs(last);
        while (background.optimizing() > 0) {
            Thread.onSpinWait();
        }
        assertThat(withdrawn.remove(last)).isTrue();
    }

    @Test
    void whatRanWithCountersIsWithdrawnUntilTheSecondCompilerHasIt() throws InterruptedException {
        Region region = region(new First(), 2);
        compiler.levels.put(First.class, HotSpot.PROFILED);
        optimize(region);
        optimize(region);
        assertThat(withdrawn).containsExactly(region);
        assertThat(background.busy()).isFalse();
        Region next = region(new Second(), 2);
        compiler.levels.put(Second.class, HotSpot.PROFILED);
        optimize(next);
        assertThat(background.busy()).isTrue();
        assertThat(withdrawn.remove(next)).isTrue();
        while (!Integer.valueOf(HotSpot.OPTIMIZED).equals(compiler.asked.get(First.class))) {
            Thread.onSpinWait();
        }
        assertThat(restored).isEmpty();
        compiler.levels.put(Second.class, HotSpot.OPTIMIZED);
        assertThat(restored).as("one after the other").isEmpty();
        compiler.levels.put(First.class, HotSpot.OPTIMIZED);
        assertThat(restored.poll(PATIENCE_SECONDS, TimeUnit.SECONDS)).isSameAs(region);
        assertThat(restored.poll(PATIENCE_SECONDS, TimeUnit.SECONDS)).isSameAs(next);
        settleOptimized();
        assertThat(restored).isEmpty();
        optimize(region);
        assertThat(withdrawn).as("not again").containsExactly(region);
        assertThat(background.busy()).isFalse();
    }

    @Test
    void whatTheSecondCompilerCannotDoStaysAway() throws InterruptedException {
        Region region = region(new First(), 2);
        compiler.levels.put(First.class, HotSpot.PROFILED);
        compiler.notCompilable.put(First.class, HotSpot.OPTIMIZED);
        optimize(region);
        assertThat(withdrawn).containsExactly(region);
        settleOptimized();
        assertThat(restored).isEmpty();
    }

    @Test
    void whatTheSecondCompilerDoesNotGetToStaysAway() throws InterruptedException {
        tick.set(1 + Background.PATIENCE_NANOS);
        Region region = region(new First(), 2);
        compiler.levels.put(First.class, HotSpot.PROFILED);
        optimize(region);
        while (background.optimizing() > 0) {
            Thread.onSpinWait();
        }
        tick.set(0);
        settleOptimized();
        assertThat(restored).isEmpty();
    }

    /** Without HotSpot's queue nobody knows when the second compiler has it. */
    @Test
    void whatIsNotKnownToRunWithCountersGoesOn() {
        optimize(region(new First(), 2));
        assertThat(withdrawn).isEmpty();
        assertThat(background.busy()).isFalse();
    }

    @Test
    void failuresToRestoreAreReportedAndOthersGoOn() throws InterruptedException {
        Thread.UncaughtExceptionHandler old = Thread.getDefaultUncaughtExceptionHandler();
        List<Throwable> reported = reported(old);
        try {
            compiler.levels.put(First.class, HotSpot.PROFILED);
            background.optimize(
                    region(new First(), 2),
                    withdrawn::add,
                    r -> {
                        throw new IllegalStateException("planted");
                    });
            compiler.levels.put(First.class, HotSpot.OPTIMIZED);
            settleOptimized();
            assertThat(reported).hasSize(1);
        } finally {
            Thread.setDefaultUncaughtExceptionHandler(old);
        }
    }

    @Test
    void isBusyWhileEnoughRunWithCounters() throws InterruptedException {
        List<First> codes = List.of(new First(), new Second(), new Fourth());
        for (int i = 0; i < Background.PROFILING; i++) {
            assertThat(background.busy()).isFalse();
            Region region = region(codes.get(i), 2);
            compiler.levels.put(codes.get(i).getClass(), HotSpot.PROFILED);
            submit(() -> region);
            expectUsed(region);
            settle();
        }
        assertThat(background.busy()).isTrue();
    }

    @Test
    void refusesWhatIsTooMuch() throws InterruptedException {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        submit(() -> {
            begun.countDown();
            try {
                go.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            return null;
        });
        begun.await();
        AtomicInteger done = new AtomicInteger();
        for (int n = 0; n < Background.QUEUE; n++) {
            assertThat(
                            submit(() -> {
                                done.incrementAndGet();
                                return null;
                            }))
                    .isTrue();
        }
        assertThat(submit(() -> null)).isFalse();
        go.countDown();
        // There is room again when some have been done.
        while (done.get() < Background.QUEUE) {
            Thread.onSpinWait();
        }
        settle();
    }

    /** By HotSpot itself. */
    @Test
    void isCompiledBeforeItIsUsed() throws InterruptedException {
        assumeTrue(AtOnce.canCompile(), "HotSpot's compile queue is not open in this JVM");
        Region region = region(new Fourth(), 1);
        BlockingQueue<Integer> levels = new LinkedBlockingQueue<>();
        Background.SHARED.submit(
                List.of(() -> region),
                r -> {
                    try {
                        levels.add(
                                HotSpot.level(
                                        Fourth.class.getDeclaredMethod(
                                                "run", Cpu.class, Region.class, int.class)));
                    } catch (NoSuchMethodException e) {
                        throw new IllegalStateException(e);
                    }
                },
                null,
                () -> {});
        assertThat(levels.poll(PATIENCE_SECONDS, TimeUnit.SECONDS)).isEqualTo(HotSpot.SIMPLE);
    }
}
