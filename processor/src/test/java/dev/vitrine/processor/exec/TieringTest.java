// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.memory.MachineMemory;
import dev.vitrine.memory.PhysicalMap;
import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Asm.Cond;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Reg;
import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Mmu;
import dev.vitrine.processor.guest.QuietHost;
import dev.vitrine.processor.translate.AtOnce;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** When the second stage is asked for. */
class TieringTest {
    private static final int CODE = 0x10000;

    private final MachineMemory memory = MachineMemory.reserve(1 << 20);
    private final Rendezvous rendezvous = new Rendezvous();
    private final CodeCache cache = new CodeCache(memory, rendezvous);
    private final Cpu cpu;
    private final Runner runner;
    private long least;
    private int asked;

    TieringTest() {
        long first = memory.allocateRange(1 << 8);
        long base = first << MachineMemory.FRAME_SHIFT;
        PhysicalMap map = new PhysicalMap(memory);
        map.mapRange(0, 1 << 8, first);
        cpu = new Cpu(new QuietHost(), new Mmu(map, cache));
        rendezvous.join(cpu);
        runner = new Runner(cpu, cache, rendezvous, false, false, new Counting(), mfn -> {});
        cpu.cr0 = Cpu.CR0_PE | Cpu.CR0_ET;
        for (int s : new int[] {Cpu.ES, Cpu.SS, Cpu.DS, Cpu.FS, Cpu.GS}) {
            cpu.segment[s].set(0x10, 0, -1, 0xC093);
        }
        cpu.segment[Cpu.CS].set(8, 0, -1, 0xC09B);
        cpu.rip = CODE;
        cpu.modeChanged();
        Asm a = new Asm(32, CODE);
        Label again = a.label("again");
        a.mov(Reg.ECX, 200_000);
        a.bind(again).add(Reg.EAX, Reg.ECX);
        a.dec(Reg.ECX).jcc(Cond.NZ, again).hlt();
        byte[] code = a.toBytes();
        memory.ram().write(base + CODE, code, 0, code.length);
    }

    @AfterEach
    void close() {
        memory.close();
    }

    /** Translates what is hot into the first stage at once, and counts. */
    private final class Counting implements Tiering {
        private final AtOnce translator = new AtOnce(1, memory.ram());

        @Override
        public void sampled(Cpu c, CodeCache all, Block block) {
            translator.translate(c, all, block, 1);
        }

        @Override
        public boolean hot(Cpu c, CodeCache all, Block block, long origin, long executed) {
            asked++;
            return true;
        }

        @Override
        public long least() {
            return least;
        }
    }

    @Test
    void asksOnceForWhatHasExecutedMuch() {
        runner.run(10_000_000);
        assertThat(cpu.halted).isTrue();
        assertThat(asked).isEqualTo(1);
    }

    @Test
    void doesNotAskForWhatExecutesTooSeldomForItsCost() {
        least = Long.MAX_VALUE;
        runner.run(10_000_000);
        assertThat(cpu.halted).isTrue();
        assertThat(asked).isZero();
    }
}
