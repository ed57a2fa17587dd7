// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.bench;

import static dev.vitrine.processor.asm.Reg.*;

import dev.vitrine.memory.AlternateView;
import dev.vitrine.memory.PhysicalView;
import dev.vitrine.processor.Intercepts;
import dev.vitrine.processor.Processor;
import dev.vitrine.processor.Reaction;
import dev.vitrine.processor.asm.Mem;
import dev.vitrine.processor.guest.FlatMachine;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

import java.util.BitSet;

/**
 * Views: a hypercall whose host switches to the other of two, a load from a page that may only be
 * executed, INT3 in a copy of a page that is emulated with what stands in the page itself, and a
 * breakpoint of the engine. Compare the first with {@link Hypercall}, the last two with the call
 * alone.
 */
public class View extends Guest {
    private static final int TARGET = FlatMachine.DATA;

    /** What the guest's loop does. */
    @Param({"switched", "hiddenRead", "breakpoint", "hook", "call"})
    public String kind = "switched";

    private int turn;

    /** Assembles the guest. */
    @Setup
    public void assemble() {
        Processor p = machine.processor(0);
        AlternateView view = new AlternateView(machine.map);
        AlternateView other = new AlternateView(machine.map);
        machine.assemble(TARGET, a -> a.inc(RSI).ret());
        machine.host(0).intercepts = (processor, what) -> Reaction.EMULATE;
        switch (kind) {
            case "switched" -> {
                machine.host(0).onHypercall = q -> q.setView((turn++ & 1) == 0 ? view : other);
                loop(a -> {}, a -> a.vmcall());
            }
            case "hiddenRead" -> {
                view.setAccess(TARGET >>> 12, PhysicalView.EXECUTE);
                p.setView(view);
                loop(a -> a.mov(R8, TARGET), a -> a.mov(RAX, Mem.base(R8)));
            }
            case "hook" -> {
                machine.group.addHook(machine.map.lookup(TARGET >>> 12) & -4096L, q -> turn++);
                loop(a -> a.mov(R8, TARGET), a -> a.call(R8));
            }
            case "call" -> loop(a -> a.mov(R8, TARGET), a -> a.call(R8));
            default -> {
                copy(view);
                p.setView(view);
                machine.group.setIntercepts(Intercepts.NONE.with(Intercepts.BREAKPOINT));
                loop(a -> a.mov(R8, TARGET), a -> a.call(R8));
            }
        }
    }

    private void copy(AlternateView view) {
        long copy = machine.memory.allocateFrame();
        byte[] page = machine.ram.read(TARGET, 4096);
        byte[] patched = page.clone();
        patched[0] = (byte) 0xCC;
        machine.memory.ram().write(copy << 12, patched, 0, patched.length);
        BitSet places = new BitSet();
        places.set(0);
        machine.group.patch(copy, places, page, machine.map.lookup(TARGET >>> 12) >>> 12, 1);
        view.change(TARGET >>> 12, copy, PhysicalView.EXECUTE);
    }

    @Benchmark
    @OperationsPerInvocation(BATCH)
    public void rounds(Rounds count) {
        run(count);
    }
}
