// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import static dev.vitrine.processor.asm.Reg.*;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Asm.Cond;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Mem;
import dev.vitrine.processor.asm.Reg;
import dev.vitrine.processor.guest.FlatMachine;

import org.junit.jupiter.api.Test;

import java.util.HashMap;
import java.util.Map;

/** Code at the same offsets of two 32-bit code segments, which take turns. */
class RegionSegmentsTest {
    private static final int FIRST = 0x40;
    private static final int SECOND = 0x48;
    private static final int BASE = 0x40000;
    private static final int ENTRY = 0x200000;
    private static final int END = 0x300000;
    private static final int FUNCTIONS = 32;
    private static final int TURNS = 20_000;

    private record Result(long first, long second, long retired, Map<String, Long> statistics) {}

    /**
     * Jumps through a table; each place there adds to the sum. Where to go on behind such a jump is
     * looked up by the address, which stands for another place in the other segment.
     */
    private static void body(Asm a, Reg sum) {
        Label table = a.label();
        Label loop = a.label();
        Label exit = a.label();
        a.mov(ECX, 50);
        a.bind(loop).imul(EDX, EDX, 1103515245).add(EDX, 12345);
        a.mov(EAX, EDX).shr(EAX, 16).and(EAX, FUNCTIONS - 1);
        a.mov(EAX, Mem.abs(table).index(EAX, 4)).jmp(EAX);
        Label[] functions = new Label[FUNCTIONS];
        for (int i = 0; i < FUNCTIONS; i++) {
            functions[i] = a.label();
            a.align(16).bind(functions[i]).add(sum, i + 1).dec(ECX).jcc(Cond.NZ, loop).jmp(exit);
        }
        a.align(8).bind(table);
        for (Label f : functions) {
            a.dd(f);
        }
        a.bind(exit);
    }

    private static byte[] first() {
        Asm a = new Asm(32, ENTRY);
        body(a, ESI);
        a.push(SECOND).push(ENTRY).retf(32);
        return a.toBytes();
    }

    private static byte[] second() {
        Asm a = new Asm(32, ENTRY);
        Label done = a.label();
        body(a, EDI);
        a.dec(EBX).jcc(Cond.Z, done).push(FIRST).push(ENTRY).retf(32);
        a.bind(done).push(FlatMachine.KERNEL_CODE).push(END).retf(32);
        return a.toBytes();
    }

    private static Result run() {
        try (FlatMachine m = new FlatMachine(1, 16 << 20)) {
            long gdt = m.ram.getLong(FlatMachine.POINTERS + 2);
            m.ram.putLong(gdt + FIRST, 0x00CF9B000000FFFFL);
            m.ram.putLong(gdt + SECOND, 0x00CF9B000000FFFFL | (long) BASE << 16);
            byte[] code = first();
            m.ram.write(ENTRY, code);
            code = second();
            m.ram.write(ENTRY + BASE, code);
            m.assemble(END, Asm::hlt);
            m.code(
                    0,
                    a -> {
                        FlatMachine.startup(a).mov(EBX, TURNS).mov(EDX, 1);
                        a.xor(ESI, ESI).xor(EDI, EDI).push(FIRST).push(ENTRY).retf(64);
                    });
            m.runAll(60_000_000_000L, () -> {});
            Map<String, Long> statistics = new HashMap<>();
            m.group.translationStatistics(statistics::put);
            return new Result(
                    m.processor(0).gpr(6),
                    m.processor(0).gpr(7),
                    m.processor(0).retired(),
                    statistics);
        }
    }

    @Test
    void eachSegmentRunsItsOwnCode() {
        Result interpreted = BothWays.interpreted(RegionSegmentsTest::run);
        assertThat(interpreted.first).isPositive().isNotEqualTo(interpreted.second);
        Result translated = BothWays.translated(RegionSegmentsTest::run);
        assertThat(translated.statistics.get("region exits for helpers"))
                .as("of %s", translated.statistics)
                .isGreaterThan(TURNS);
        assertThat(translated.first).isEqualTo(interpreted.first);
        assertThat(translated.second).isEqualTo(interpreted.second);
        assertThat(translated.retired).isEqualTo(interpreted.retired);
    }
}
