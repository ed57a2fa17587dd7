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

import java.util.Arrays;
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
        assertThat(pill.findsNothing()).isEqualTo(100);
    }

    /**
     * Interrupts every 777 ticks say where they came. Blocks of instructions have breakpoints and
     * accesses to the page with breakpoints in their middle, and are translated after a while.
     */
    @Test
    void byInterrupts() throws InterruptedException {
        Consumer<AssembledGuest> prepare =
                g -> {
                    g.assemble(
                            TARGET,
                            a -> {
                                a.inc(RSI).nop().nop().mov(RAX, Mem.base(R8).disp(0x200));
                                a.add(RSI, RAX).nop().mov(Mem.base(R8).disp(0x208), RSI).nop();
                                a.xor(RSI, Mem.base(R8).disp(0x208).q()).ret();
                            });
                    RedPillTrapTest.interrupts(g);
                };
        Consumer<Asm> code =
                a -> {
                    Label again = a.label();
                    a.mov(R15, RESULT).xor(ESI, ESI).mov(R8, TARGET);
                    RedPillTrapTest.enableApic(a);
                    a.mov(ECX, 0x83E).mov(EAX, 0xB).xor(EDX, EDX).wrmsr();
                    a.mov(ECX, 0x832).mov(EAX, 0x20040).wrmsr();
                    a.mov(ECX, 0x838).mov(EAX, 777).wrmsr().sti();
                    a.mov(EBP, 12_000).bind(again);
                    a.nop().mov(RAX, Mem.base(R8)).nop().nop();
                    a.lock().inc(Mem.base(R8).disp(0x300).q());
                    a.add(RSI, Mem.base(R8).disp(0x100).q()).nop().nop();
                    call(a, TARGET);
                    a.nop().movdqu(XMM1, Mem.base(R8)).nop().dec(EBP).jcc(Cond.NZ, again);
                    a.cli().mov(EBX, 100);
                    // A repeated instruction of several pages, in parts of its own length.
                    Label rounds = a.label();
                    a.sti().bind(rounds).lea(RSI, Mem.base(R8).disp(-0x1800)).mov(EDI, 0x300000);
                    a.mov(ECX, 0x18000).rep().movs(8).nop().dec(EBX).jcc(Cond.NZ, rounds).cli();
                    noteTime(a);
                };
        RedPill pill = new RedPill(prepare, code, TARGET, TARGET + 3, TARGET + 4, TARGET + 12);
        assertThat(pill.findsNothing()).isGreaterThan(36_000);
        // There were some.
        byte[] found = pill.alone().result();
        assertThat(Arrays.copyOfRange(found, 0x1000, 0x1008)).isNotEqualTo(new byte[8]);
    }
}
