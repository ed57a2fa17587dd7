// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import static dev.vitrine.processor.asm.Reg.*;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.processor.Processor;
import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Asm.Cond;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Mem;
import dev.vitrine.processor.guest.FlatMachine;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.HashMap;
import java.util.Map;

/** Loops with an access that always needs the slow path, in the middle of a long block. */
class DetourTest {
    private static final int ROUNDS = 30_000;
    private static final long CROSSING = FlatMachine.DATA + 4096 - 3;

    /** What a run leaves, with all places that it has stopped at on the way. */
    private record Result(long sum, long retired, long stops, Map<String, Long> statistics) {}

    /** Where there is no memory. */
    private static final long DEVICE = 1 << 28;

    private static void body(Asm a, boolean store, long address) {
        Label again = a.label();
        a.mov(RBX, address).mov(RCX, ROUNDS).mov(R10, 1).bind(again);
        a.add(R10, 3).imul(R10, R10, 77);
        if (store) {
            a.mov(Mem.base(RBX), R10);
        } else {
            a.xor(R10, Mem.base(RBX));
        }
        a.lea(RDX, Mem.base(R10).disp(5)).xor(R10, RDX).rol(R10, 3).add(R10, RCX);
        a.xor(R10, Mem.base(RBX).disp(16)).dec(RCX).jcc(Cond.NZ, again).hlt();
    }

    private static Result run(boolean store, long address, long piece) {
        try (FlatMachine m = new FlatMachine(1, 4 << 20)) {
            m.code(0, a -> body(FlatMachine.startup(a), store, address));
            m.ram.putLong(CROSSING, 0x1234_5678_9ABC_DEF0L);
            Processor p = m.processor(0);
            int[] writes = new int[1];
            m.host(0).onDeviceWrite =
                    () -> {
                        if (++writes[0] % 100 == 0) {
                            p.requestStop();
                        }
                    };
            long stops = 0;
            while (p.run(piece) != Processor.Exit.HALTED) {
                stops = stops * 31 + p.rip() * 7 + p.retired();
            }
            Map<String, Long> statistics = new HashMap<>();
            m.group.translationStatistics(statistics::put);
            long sum = p.gpr(10) ^ m.ram.getLong(CROSSING);
            return new Result(sum, p.retired(), stops, statistics);
        }
    }

    /** And stops wherever the interpreter does. */
    @ParameterizedTest
    @ValueSource(longs = {1_000_003, 997, 101, 13})
    void doesWhatTheInterpreterDoes(long piece) {
        for (boolean store : new boolean[] {false, true}) {
            Result interpreted = BothWays.interpreted(() -> run(store, CROSSING, piece));
            Result translated = BothWays.translated(() -> run(store, CROSSING, piece));
            assertThat(translated.sum).isEqualTo(interpreted.sum);
            assertThat(translated.retired).isEqualTo(interpreted.retired);
            assertThat(translated.stops).isEqualTo(interpreted.stops);
            if (piece > 500) {
                assertThat(detours(translated)).isGreaterThan(ROUNDS / 4);
            }
        }
    }

    private static long detours(Result r) {
        return r.statistics.get("region exits to the slow path of one instruction");
    }

    /** What the instruction itself asks for comes when its whole block is done. */
    @Test
    void comesToTheEndOfTheBlock() {
        Result interpreted = BothWays.interpreted(() -> run(true, DEVICE, 1_000_003));
        Result translated = BothWays.translated(() -> run(true, DEVICE, 1_000_003));
        assertThat(translated.sum).isEqualTo(interpreted.sum);
        assertThat(translated.retired).isEqualTo(interpreted.retired);
        assertThat(translated.stops).isEqualTo(interpreted.stops);
        assertThat(detours(translated)).isGreaterThan(ROUNDS / 4);
    }
}
