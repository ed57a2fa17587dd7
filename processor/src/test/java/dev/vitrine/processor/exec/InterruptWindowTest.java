// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import static dev.vitrine.processor.asm.Reg.*;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.processor.Processor;
import dev.vitrine.processor.asm.Asm.Cond;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Mem;
import dev.vitrine.processor.guest.FlatMachine;

import org.junit.jupiter.api.Test;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** Interrupts asked for by another thread: HLT, and the shadow of STI. */
class InterruptWindowTest {
    private static final int VECTOR = 0x40;
    private static final int HANDLER = 0x110000;
    private static final int COUNT = FlatMachine.DATA;

    /** What the handler found on its stack: the last address interrupted, and all of them ORed. */
    private static final int WHERE = FlatMachine.DATA + 8;

    private static final int STOP = FlatMachine.DATA + 24;

    private static FlatMachine machine() {
        FlatMachine m = new FlatMachine(1, 4 << 20);
        m.gate(VECTOR, HANDLER);
        m.assemble(
                HANDLER,
                a ->
                        a.push(RAX)
                                .mov(RAX, Mem.base(RSP).disp(8))
                                .mov(Mem.abs(WHERE), RAX)
                                .lock()
                                .inc(Mem.abs(COUNT).q())
                                .pop(RAX)
                                .iret(64));
        return m;
    }

    /** A guest that sleeps in HLT is woken by each of a thousand interrupts, once. */
    @Test
    void haltIsLeftForAnInterrupt() throws InterruptedException {
        int rounds = 1000;
        try (FlatMachine m = machine()) {
            Processor p = m.processor(0);
            m.code(
                    0,
                    a -> {
                        Label loop = a.label();
                        FlatMachine.startup(a).xor(EBX, EBX).sti();
                        a.bind(loop).hlt().inc(EBX).cmp(EBX, rounds).jcc(Cond.NZ, loop).cli();
                    });
            Semaphore wake = new Semaphore(0);
            Semaphore asleep = new Semaphore(0);
            Thread guest =
                    new Thread(() -> {
                        while (p.gpr(3) != rounds || p.interruptsEnabled()) {
                            Processor.Exit exit = p.run(1_000_000);
                            if (exit == Processor.Exit.HALTED && p.interruptsEnabled()) {
                                asleep.release();
                                wake.acquireUninterruptibly();
                            } else if (exit != Processor.Exit.HALTED) {
                                return;
                            }
                        }
                    });
            guest.setDaemon(true);
            guest.start();
            for (int k = 0; k < rounds; k++) {
                assertThat(asleep.tryAcquire(60, TimeUnit.SECONDS)).isTrue();
                assertThat(m.ram.getLong(COUNT)).isEqualTo(k);
                m.host(0).interrupt(VECTOR);
                p.requestInterruptCheck();
                wake.release();
            }
            guest.join(60_000);
            assertThat(guest.isAlive()).isFalse();
            assertThat(p.gpr(3)).isEqualTo(rounds);
            assertThat(m.ram.getLong(COUNT)).isEqualTo(rounds);
        }
    }

    /** An interrupt that waits when STI comes right before HLT is taken after HLT, not before. */
    @Test
    void stiBeforeHaltLosesNoWakeUp() {
        try (FlatMachine m = machine()) {
            long[] after = new long[1];
            m.code(
                    0,
                    a -> {
                        Label here = a.label();
                        FlatMachine.startup(a).cli().nop().sti().hlt().bind(here).cli();
                        after[0] = here.address();
                    });
            m.host(0).interrupt(VECTOR);
            m.processor(0).requestInterruptCheck();
            assertThat(m.run(0, 10_000)).isEqualTo(Processor.Exit.HALTED);
            assertThat(m.ram.getLong(COUNT)).isEqualTo(1);
            assertThat(m.ram.getLong(WHERE)).isEqualTo(after[0]);
            assertThat(m.processor(0).interruptsEnabled()).isFalse();
        }
    }

    /** STI right before CLI never opens a window, however often another thread asks. */
    @Test
    void noInterruptBetweenStiAndCli() throws InterruptedException {
        try (FlatMachine m = machine()) {
            m.code(
                    0,
                    a -> {
                        Label loop = a.label();
                        FlatMachine.startup(a).mov(ECX, 20_000);
                        a.bind(loop).sti().cli().dec(ECX).jcc(Cond.NZ, loop);
                    });
            m.host(0).interrupt(VECTOR);
            disturbed(m, () -> m.processor(0).requestInterruptCheck());
            assertThat(m.ram.getLong(COUNT)).isZero();
        }
    }

    /** With one instruction between STI and CLI there is exactly one place to be interrupted. */
    @Test
    void interruptsComeOnlyBehindTheShadow() throws InterruptedException {
        try (FlatMachine m = machine()) {
            long[] place = new long[1];
            m.code(
                    0,
                    a -> {
                        Label loop = a.label();
                        Label next = a.label();
                        Label place0 = a.label();
                        Label elsewhere = a.label();
                        FlatMachine.startup(a).mov(R8, COUNT).xor(EDX, EDX).mov(ECX, 1_000_000_000);
                        a.bind(loop).sti().inc(EBX);
                        a.bind(place0).cli();
                        place[0] = place0.address();
                        a.mov(RAX, Mem.base(R8)).cmp(RAX, RDX).jcc(Cond.Z, next);
                        // One was delivered: where?
                        a.mov(RDX, RAX).mov(RSI, place0).cmp(Mem.base(R8).disp(8), RSI);
                        a.jcc(Cond.NZ, elsewhere);
                        a.bind(next).cmp(RDX, 500).jcc(Cond.GE, elsewhere);
                        a.dec(ECX).jcc(Cond.NZ, loop).bind(elsewhere);
                    });
            disturbed(
                    m,
                    () -> {
                        if (!m.host(0).interruptPending()) {
                            m.host(0).interrupt(VECTOR);
                        }
                        m.processor(0).requestInterruptCheck();
                    });
            assertThat(m.ram.getLong(COUNT)).isGreaterThanOrEqualTo(500);
            assertThat(m.ram.getLong(WHERE)).isEqualTo(place[0]);
        }
    }

    /** Runs the guest to its HLT while another thread does something again and again. */
    private static void disturbed(FlatMachine m, Runnable disturbance) throws InterruptedException {
        CountDownLatch running = new CountDownLatch(1);
        boolean[] done = new boolean[1];
        Thread other =
                new Thread(() -> {
                    while (true) {
                        synchronized (done) {
                            if (done[0]) {
                                return;
                            }
                        }
                        disturbance.run();
                        running.countDown();
                        Thread.yield();
                    }
                });
        other.setDaemon(true);
        other.start();
        try {
            assertThat(running.await(60, TimeUnit.SECONDS)).isTrue();
            assertThat(m.run(0, 1_000_000_000)).isEqualTo(Processor.Exit.HALTED);
        } finally {
            synchronized (done) {
                done[0] = true;
            }
            other.join(60_000);
        }
        assertThat(other.isAlive()).isFalse();
    }

    /** A stop asked for by another thread ends a loop with interrupts off. */
    @Test
    void stopIsObeyedWithInterruptsOff() throws InterruptedException {
        try (FlatMachine m = machine()) {
            m.code(
                    0,
                    a -> {
                        Label loop = a.label();
                        a.mov(R8, STOP).mov(Mem.base(R8).d(), 1).bind(loop).jmp(loop);
                    });
            Processor.Exit[] exit = new Processor.Exit[1];
            Thread guest = new Thread(() -> exit[0] = m.run(0, Long.MAX_VALUE / 2));
            guest.setDaemon(true);
            guest.start();
            while (guest.isAlive() && m.ram.getIntVolatile(STOP) == 0) {
                Thread.yield();
            }
            m.processor(0).requestStop();
            guest.join(60_000);
            assertThat(guest.isAlive()).isFalse();
            assertThat(exit[0]).isEqualTo(Processor.Exit.STOPPED);
        }
    }
}
