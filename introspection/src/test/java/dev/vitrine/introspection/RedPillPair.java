// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection;

import static dev.vitrine.hypervisor.guest.AssembledGuest.*;
import static dev.vitrine.introspection.RedPill.*;
import static dev.vitrine.processor.asm.Reg.*;

import dev.vitrine.hypervisor.guest.AssembledGuest;
import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Asm.Cond;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Mem;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * What the guests of two vCPUs have in common. Under the virtual clock the vCPUs take turns, which
 * a timer ends at ever other instructions; under the real clock they run at the same time.
 */
final class RedPillPair {
    private RedPillPair() {}

    /** Words of both vCPUs: the other one is there, or at its end; the first one is done. */
    static final int READY = DATA + 0x80;

    static final int DONE = DATA + 0x88;

    static long word(Run run, int index) {
        return ByteBuffer.wrap(run.result()).order(ByteOrder.LITTLE_ENDIAN).getLong(8 * index);
    }

    /** Starts vCPU 1 and waits for its word. */
    static void start(Asm a) {
        startUp(a, 1);
        enableApic(a);
        writeMsr(a, 0x83E, 0xB); // ticks of 10 ns
        awaitWord(a, READY, 1);
    }

    static void setWord(Asm a, int at, int value) {
        a.mov(RAX, at).mov(Mem.base(RAX).q(), value);
    }

    static void awaitWord(Asm a, int at, int value) {
        Label wait = a.label();
        a.bind(wait);
        AssembledGuest.yield(a);
        a.mov(RAX, at).cmp(Mem.base(RAX).q(), value).jcc(Cond.NZ, wait);
    }

    /** Has the turn end 10, 20, ... 80 instructions from here; RBP counts rounds. */
    static void endTurnSoon(Asm a) {
        a.mov(ECX, 0x838).mov(EAX, EBP).and(EAX, 7).inc(EAX).xor(EDX, EDX).wrmsr();
    }

    /** Of the page whose address is in R8. */
    static Mem at(int offset) {
        return Mem.base(R8).disp(offset);
    }

    /** Counts in R12 unless a comparison has the result. */
    static void expect(Asm a, Runnable comparison, Cond good) {
        Label on = a.label();
        comparison.run();
        a.jcc(good, on).inc(R12).bind(on);
    }
}
