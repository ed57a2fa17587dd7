// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vitrine.introspection.IntrospectionException;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** When a stopped thread is woken, and that it is stopped again. */
class StoppedThreadsTest {
    private static final long TASK = FakeMemory.TASK;
    private static final long TRACER = FakeMemory.TASK + 0x800;
    private static final long SIGHAND = FakeMemory.BLOCK + 0x700;
    private static final long JOBCTL_FROZEN = 1 << 24;
    private static final long JOBCTL_STOPPED = 1 << 26;
    private static final long JOBCTL_TRACED = 1 << 27;
    private static final int RUNNING = 0;
    private static final int SLEEPS = 1;
    private static final int SLEEPS_FOR_GOOD = 2;
    private static final int STOPPED = 0x104;
    private static final int TRACED = 8;

    private final FakeMemory memory = new FakeMemory();
    private final StoppedThreads threads = new StoppedThreads();

    private void put(long task, String member, long value) {
        memory.put(task + memory.offset(member), value);
    }

    private void thread(int state, long jobctl, int tracer) {
        put(TASK, "task_struct.__state", state);
        put(TASK, "task_struct.jobctl", jobctl);
        put(TASK, "task_struct.parent", TRACER);
        put(TASK, "task_struct.sighand", SIGHAND);
        put(TRACER, "task_struct.__state", tracer);
    }

    private StopBracket bracket(int state, boolean fails) {
        Procedure within =
                new SleepProcedure(
                        () -> {
                            if (fails) {
                                throw new IntrospectionException("It failed.");
                            }
                            return true;
                        },
                        1,
                        7);
        return new StopBracket(within, TASK, state);
    }

    private @Nullable KernelCall next(Procedure p, long result) {
        return p.next(memory, result);
    }

    private KernelCall lock(Procedure p) {
        KernelCall c = Objects.requireNonNull(next(p, 0));
        assertThat(c.function()).isEqualTo("_raw_spin_lock_irqsave");
        return c;
    }

    @ParameterizedTest
    @CsvSource({"0x104, 0x4000000", "8, 0x8000000"})
    void oneThatNobodyHasContinuedIsStoppedAgain(String stopped, String bit) {
        int state = Integer.decode(stopped);
        thread(RUNNING, Long.decode(bit) | 19, SLEEPS);
        StopBracket p = bracket(state, false);
        assertThat(next(p, 0)).isEqualTo(KernelCall.of("msleep", 7L));
        long siglock = SIGHAND + memory.offset("sighand_struct.siglock");
        long inner = TASK + memory.offset("task_struct.pi_lock");
        assertThat(lock(p)).isEqualTo(KernelCall.of("_raw_spin_lock_irqsave", siglock));
        assertThat(next(p, 0x246)).isEqualTo(KernelCall.of("_raw_spin_lock_irqsave", inner));
        assertThat(memory.number(TASK + memory.offset("task_struct.__state"), 4)).isZero();
        assertThat(next(p, 0x46))
                .isEqualTo(KernelCall.of("_raw_spin_unlock_irqrestore", inner, 0x46L));
        assertThat(memory.number(TASK + memory.offset("task_struct.__state"), 4)).isEqualTo(state);
        assertThat(next(p, 0))
                .isEqualTo(KernelCall.of("_raw_spin_unlock_irqrestore", siglock, 0x246L));
        assertThat(next(p, 0)).isNull();
        assertThat(p.again()).isTrue();
    }

    /** By SIGCONT, by SIGKILL, or by its tracer: the kernel takes the bit away then. */
    @Test
    void oneThatWasContinuedGoesOn() {
        thread(RUNNING, JOBCTL_TRACED, SLEEPS);
        StopBracket p = bracket(STOPPED, false);
        assertThat(next(p, 0)).isEqualTo(KernelCall.of("msleep", 7L));
        long siglock = lock(p).arguments().getFirst();
        assertThat(next(p, 0x246))
                .isEqualTo(KernelCall.of("_raw_spin_unlock_irqrestore", siglock, 0x246L));
        assertThat(next(p, 0)).isNull();
        assertThat(p.again()).isFalse();
        assertThat(memory.number(TASK + memory.offset("task_struct.__state"), 4)).isZero();
    }

    @Test
    void aFailureIsToldWhenItIsStoppedAgain() {
        thread(RUNNING, JOBCTL_STOPPED, SLEEPS);
        StopBracket p = bracket(STOPPED, true);
        lock(p);
        next(p, 0);
        next(p, 0);
        next(p, 0);
        assertThatThrownBy(() -> next(p, 0))
                .isInstanceOf(IntrospectionException.class)
                .hasMessage("It failed.");
        assertThat(p.again()).isTrue();
    }

    @Test
    void onlyOneMayWakeAThread() {
        thread(STOPPED, JOBCTL_STOPPED, RUNNING);
        StoppedThreads.Woken w = threads.add(memory, TASK);
        assertThat(w).isNotNull();
        assertThat(threads.of(TASK)).isSameAs(w);
        assertThat(threads.hasTracer(TRACER)).isFalse();
        assertThat(threads.add(memory, TASK)).isNull();
        threads.remove(TASK, Objects.requireNonNull(w));
        StoppedThreads.Woken other = threads.add(memory, TASK);
        assertThat(other).isNotNull();
        threads.remove(TASK, w);
        assertThat(threads.of(TASK)).isSameAs(other);
        // It is about to be continued.
        thread(STOPPED, 0, RUNNING);
        threads.remove(TASK, Objects.requireNonNull(other));
        assertThat(threads.add(memory, TASK)).isNull();
        assertThat(threads.isEmpty()).isTrue();
    }

    @Test
    void aTracerIsNotDisturbedAtItsWork() {
        thread(TRACED, JOBCTL_TRACED, RUNNING);
        assertThat(threads.add(memory, TASK)).isNull();
        thread(TRACED, JOBCTL_TRACED, SLEEPS_FOR_GOOD);
        assertThat(threads.add(memory, TASK)).isNull();
        thread(TRACED, JOBCTL_TRACED | JOBCTL_FROZEN, SLEEPS);
        assertThat(threads.add(memory, TASK)).isNull();
        assertThat(threads.isEmpty()).isTrue();
        thread(TRACED, JOBCTL_TRACED, SLEEPS);
        assertThat(threads.add(memory, TASK)).isNotNull();
        assertThat(threads.hasTracer(TRACER)).isTrue();
        assertThat(threads.hasTracer(TASK)).isFalse();
    }

    private static List<String> names(FakeMemory memory, WakeProcedure p, long... results) {
        List<String> all = new ArrayList<>();
        long last = 0;
        int i = 0;
        for (KernelCall c = p.next(memory, 0); c != null; c = p.next(memory, last)) {
            all.add(c.function());
            last = results[i++];
        }
        return all;
    }

    /** It is not told that there is a signal. */
    @Test
    void itIsWokenFromItsStop() {
        thread(STOPPED, JOBCTL_STOPPED, RUNNING);
        Session s = new Session(new SleepProcedure(() -> true, 1, 5), 5, 0, 0);
        long block = FakeMemory.BLOCK;
        assertThat(names(memory, new WakeProcedure(7, s, threads), block, TASK, 1, 0, 0, 0))
                .containsExactly(
                        "vmalloc",
                        "find_get_task_by_vpid",
                        "wake_up_state",
                        "wake_q_add_safe",
                        "wake_up_q",
                        "vfree");
        assertThat(threads.of(TASK)).isNotNull();
        // Somebody else has.
        assertThat(names(memory, new WakeProcedure(7, s, threads), block, TASK, 0, 0, 0))
                .doesNotContain("wake_up_state", "signal_wake_up_state");
        threads.remove(TASK, Objects.requireNonNull(threads.of(TASK)));
        // It has been continued just before.
        names(memory, new WakeProcedure(7, s, threads), block, TASK, 0, 0, 0, 0);
        assertThat(threads.isEmpty()).isTrue();
    }
}
