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
}
