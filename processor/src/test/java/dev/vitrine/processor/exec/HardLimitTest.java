// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import static dev.vitrine.processor.asm.Reg.*;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.processor.Processor;
import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Asm.Cond;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.guest.FlatMachine;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Runs that end at an instruction, wherever in its block it is. */
class HardLimitTest {
    private static final int ROUND = 3;

    private static void body(Asm a, String kind, long[] place) {
        Label again = a.label();
        a.mov(RCX, 0).mov(RDX, 1L << 30).bind(again);
        place[0] = a.here();
        if (kind.endsWith("32")) {
            a.inc(ECX);
        } else {
            a.inc(RCX);
        }
        place[1] = a.here();
        switch (kind) {
            case "cmp64" -> a.cmp(RCX, RDX);
            case "cmp32" -> a.cmp(ECX, EDX);
            case "test64" -> a.test(RCX, RCX);
            default -> a.test(ECX, ECX);
        }
        place[2] = a.here();
        a.jcc(kind.startsWith("cmp") ? Cond.C : Cond.NZ, again).hlt();
    }

    /** Between a comparison and its branch, too, which the interpreter executes as one. */
    @ParameterizedTest
    @ValueSource(strings = {"cmp64", "cmp32", "test64", "test32"})
    void endsBetweenAnyTwoInstructions(String kind) {
        long[] place = new long[ROUND];
        for (int most = 1; most < 40; most++) {
            try (FlatMachine m = new FlatMachine(1, 4 << 20)) {
                m.code(0, a -> body(FlatMachine.startup(a), kind, place));
                Processor p = m.processor(0);
                for (int i = 0; i < 100 && p.rip() != place[0]; i++) {
                    p.run(1, 1);
                }
                assertThat(p.rip()).isEqualTo(place[0]);
                long before = p.retired();
                while (p.retired() < before + most) {
                    p.run(1_000, before + most - p.retired());
                }
                assertThat(p.retired()).isEqualTo(before + most);
                assertThat(p.rip()).as("behind %d", most).isEqualTo(place[most % ROUND]);
                assertThat(p.gpr(C)).isEqualTo((most + ROUND - 1) / ROUND);
                // And goes on as if it had not ended there.
                while (p.retired() < before + 30_000) {
                    p.run(1_000, before + 30_000 - p.retired());
                }
                assertThat(p.rip()).isEqualTo(place[0]);
                assertThat(p.gpr(C)).isEqualTo(10_000);
            }
        }
    }

    private static final int C = 1;
}
