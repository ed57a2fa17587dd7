// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection;

import static dev.vitrine.hypervisor.guest.AssembledGuest.*;
import static dev.vitrine.introspection.RedPill.*;
import static dev.vitrine.processor.asm.Reg.*;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.hypervisor.guest.AssembledGuest;
import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Asm.Cond;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Mem;

import org.junit.jupiter.api.Test;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Consumer;

/** Guests that measure time. */
class RedPillTimeTest {
    /** What takes a monitor's time: CPUID, a call with breakpoints, a look at the code. */
    @Test
    void betweenTwoReadings() throws InterruptedException {
        Consumer<AssembledGuest> prepare =
                g -> {
                    RedPill.target(g);
                    g.assemble(TARGET + 0x40, a -> a.rdtsc().cpuid().rdtsc().ret());
                };
        Consumer<Asm> code =
                a -> {
                    a.mov(R15, RESULT).xor(ESI, ESI);
                    Label again = a.label();
                    a.mov(EBP, 20).bind(again);
                    noteTime(a);
                    a.xor(EAX, EAX).cpuid();
                    noteTime(a);
                    call(a, TARGET);
                    noteTime(a);
                    a.mov(R8, TARGET).mov(RAX, Mem.base(R8));
                    noteTime(a);
                    a.lock().add(Mem.base(R8).disp(0x100).d(), 1);
                    noteTime(a);
                    a.xor(EAX, EAX);
                    note(call(a, TARGET + 0x40));
                    a.mov(RSI, R8).mov(EDI, DATA + 0x2000).mov(ECX, 0x800).rep().movs(8);
                    a.xor(ESI, ESI);
                    noteTime(a);
                    a.dec(EBP).jcc(Cond.NZ, again);
                };
        RedPill pill =
                new RedPill(
                        prepare,
                        code,
                        TARGET,
                        TARGET + 3,
                        TARGET + 0x40,
                        TARGET + 0x42,
                        TARGET + 0x44);
        assertThat(pill.findsOnly(Naive.SLOW)).isEqualTo(100);
    }

    /**
     * Interrupts say where they came and when: from a timer that each sets anew, some 800
     * instructions apart, and from one that is periodic. Blocks of instructions have breakpoints
     * and accesses to the page with breakpoints in their middle, and are translated after a while.
     */
    @Test
    void byInterrupts() throws InterruptedException {
        int rounds = 2000;
        int count = 77;
        Consumer<AssembledGuest> prepare =
                g -> {
                    g.assemble(
                            TARGET,
                            a -> {
                                a.inc(RSI).nop().nop().mov(RAX, Mem.base(R8).disp(0x200));
                                a.add(RSI, RAX).nop().mov(Mem.base(R8).disp(0x208), RSI).nop();
                                a.xor(RSI, Mem.base(R8).disp(0x208).q()).ret();
                            });
                    interrupts(g, 0x40, a -> writeMsr(a, 0x838, count));
                    interrupts(g, 0x50, a -> {});
                };
        Consumer<Asm> code =
                a -> {
                    a.mov(R15, RESULT).xor(ESI, ESI).mov(R8, TARGET);
                    enableApic(a);
                    writeMsr(a, 0x83E, 0xB); // ticks of the bus, of 10 ns each
                    writeMsr(a, 0x832, 0x40);
                    writeMsr(a, 0x838, count);
                    a.sti();
                    times(
                            a,
                            rounds,
                            () -> {
                                a.nop().mov(RAX, Mem.base(R8)).nop().nop();
                                a.lock().inc(Mem.base(R8).disp(0x300).q());
                                a.add(RSI, Mem.base(R8).disp(0x100).q()).nop().nop();
                                call(a, TARGET);
                                a.nop().movdqu(XMM1, Mem.base(R8)).nop();
                            });
                    // A repeated instruction of several pages, in parts of its own length.
                    times(
                            a,
                            rounds / 10,
                            () -> {
                                a.lea(RSI, Mem.base(R8).disp(-0x1800)).mov(EDI, 0x300000);
                                a.mov(ECX, 0x600).rep().movs(64);
                            });
                    a.cli().xor(ESI, ESI);
                    note(a.mov(RAX, R15));
                    writeMsr(a, 0x838, 0);
                    // Every 20 microseconds; a shorter period becomes that.
                    writeMsr(a, 0x832, 0x20050);
                    writeMsr(a, 0x838, count);
                    a.sti();
                    times(a, 3 * rounds, () -> call(a.add(RAX, Mem.base(R8)), TARGET));
                    a.cli();
                    note(a.mov(RAX, R15));
                    noteTime(a);
                };
        RedPill pill = new RedPill(prepare, code, TARGET, TARGET + 3, TARGET + 4, TARGET + 12);
        assertThat(pill.findsOnly(Naive.SLOW)).isEqualTo(4 * 4 * rounds);
        // Pairs of place and time, and where the list ended, of each timer.
        ByteBuffer found = ByteBuffer.wrap(pill.alone().result()).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(seen(found, 770, 800)).isGreaterThan(50);
        assertThat(seen(found, 19_900, 20_100)).isGreaterThan(2);
    }

    /** The interrupts of a list; each is so many ticks behind the one before. */
    private static int seen(ByteBuffer found, int least, int most) {
        int count = 0;
        long before = 0;
        while (found.getLong(found.position()) != RESULT + found.position()) {
            assertThat(found.getLong()).isBetween((long) CODE, TARGET + 0x1000L);
            long time = found.getLong();
            if (count++ > 0) {
                assertThat(time - before).isBetween((long) least, (long) most);
            }
            before = time;
        }
        found.getLong();
        return count;
    }
}
