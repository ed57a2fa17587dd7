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

import java.util.Objects;
import java.util.Set;

/** What a thread is told before and after injected functions. */
class ThreadBracketTest {
    private static final long TASK = FakeMemory.TASK;
    private static final long REGISTERS = FakeMemory.REGISTERS;
    private static final long SIGNAL = 1 << 2;

    private final FakeMemory memory = new FakeMemory();

    /** Calls one function, or fails when that has returned. */
    private static Procedure one(boolean fails) {
        return new Procedure() {
            private int step;

            @Override
            public Set<String> functions() {
                return Set.of("f");
            }

            @Override
            public @Nullable KernelCall next(CallMemory memory, long result) {
                if (step++ == 0) {
                    assertThat(result).isZero();
                    return KernelCall.of("f");
                }
                assertThat(result).isEqualTo(77);
                if (fails) {
                    throw new IntrospectionException("It failed.");
                }
                return null;
            }
        };
    }

    private static ThreadBracket bracket(KernelLink.Kind kind, boolean called, boolean fails) {
        return new ThreadBracket(one(fails), kind, called, TASK, REGISTERS);
    }

    private void flags(long value) {
        memory.put(TASK + memory.offset("task_struct.thread_info.flags"), value);
    }

    private @Nullable String next(Procedure p, long result) {
        KernelCall c = p.next(memory, result);
        return c == null ? null : c.function();
    }

    @Test
    void aThreadWithoutSignalIsLeftAlone() {
        ThreadBracket p = bracket(KernelLink.Kind.CALL_END, false, false);
        assertThat(next(p, 0)).isEqualTo("f");
        assertThat(next(p, 77)).isNull();
    }

    /** And how its call is restarted is what it was, whatever the function made of it. */
    @Test
    void aThreadThatWasWokenBelievesInItsSignalAgain() {
        long restart = TASK + memory.offset("task_struct.restart_block");
        memory.put(restart, 1234);
        flags(SIGNAL | 1);
        ThreadBracket p = bracket(KernelLink.Kind.SIGNAL, false, false);
        assertThat(next(p, 0)).isEqualTo("calculate_sigpending");
        flags(1);
        assertThat(next(p, 55)).isEqualTo("f");
        memory.put(restart, 99);
        KernelCall last = p.next(memory, 77);
        assertThat(last).isEqualTo(KernelCall.of("signal_wake_up_state", TASK, 0L));
        assertThat(memory.number(restart, 8)).isEqualTo(1234);
        assertThat(next(p, 0)).isNull();
    }

    @Test
    void aFailureIsToldWhenTheThreadIsAsItWas() {
        ThreadBracket p = bracket(KernelLink.Kind.CALL_END, true, true);
        assertThat(next(p, 0)).isEqualTo("calculate_sigpending");
        assertThat(next(p, 0)).isEqualTo("f");
        assertThat(next(p, 77)).isEqualTo("signal_wake_up_state");
        assertThatThrownBy(() -> p.next(memory, 0))
                .isInstanceOf(IntrospectionException.class)
                .hasMessage("It failed.");
    }

    /** Its task_struct's restart_block and pt_regs are no program's. */
    @Test
    void aWorkerForgetsThatItWasInterrupted() {
        flags(0);
        ThreadBracket p = bracket(KernelLink.Kind.WORK, false, false);
        assertThat(next(p, 0)).isEqualTo("f");
        flags(SIGNAL);
        assertThat(next(p, 77)).isEqualTo("calculate_sigpending");
        assertThat(next(p, 0)).isNull();
    }

    @ParameterizedTest
    @CsvSource({
        "232, r10, 0xFFFFFFFF, -4, 0x33, 0, true", // epoll_wait without end
        "232, r10, 5000, -4, 0x33, 0, false",
        "232, r10, 0xFFFFFFFF, 3, 0x33, 0, false",
        "232, r10, 0xFFFFFFFF, -4, 0x23, 0, false", // 32-bit code
        "232, r10, 0xFFFFFFFF, -4, 0x33, 2, false", // INT 0x80
        "128, dx, 0, -4, 0x33, 0, true", // rt_sigtimedwait
        "128, dx, 0x7000, -4, 0x33, 0, false",
        "65, dx, 3, -4, 0x33, 0, true", // semop
        "42, dx, 3, -4, 0x33, 0, false", // connect
    })
    void callsThatOnlyTheWakingInterruptsAreRestarted(
            String nr, String register, String value, long ax, String cs, long status, boolean is) {
        memory.put(REGISTERS + memory.offset("pt_regs.orig_ax"), Long.decode(nr));
        memory.put(REGISTERS + memory.offset("pt_regs." + register), Long.decode(value));
        memory.put(REGISTERS + memory.offset("pt_regs.cs"), Long.decode(cs));
        memory.put(TASK + memory.offset("task_struct.thread_info.status"), status);
        long result = REGISTERS + memory.offset("pt_regs.ax");
        memory.put(result, ax);
        ThreadBracket p = bracket(KernelLink.Kind.CALL_END, true, false);
        assertThat(Objects.requireNonNull(p.next(memory, 0)).function())
                .isEqualTo("calculate_sigpending");
        assertThat(next(p, 0)).isEqualTo("f");
        assertThat(memory.number(result, 8)).isEqualTo(is ? -514 : ax);
    }
}
