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

/** Guests that look for the copies of pages: beyond RAM, and by what aliases what. */
class RedPillMemoryTest {
    /**
     * The attack of 2018 on copies that lie beyond the guest's RAM: each page there is read, must
     * be ones, is written, and must not have changed; nor has any other.
     */
    @Test
    void mapsWhatIsBeyondRam() throws InterruptedException {
        Consumer<AssembledGuest> prepare = RedPill::target;
        Consumer<Asm> code =
                a -> {
                    a.mov(R15, RESULT).xor(ESI, ESI);
                    call(a, TARGET);
                    for (int width : new int[] {8, 16, 32, 64}) {
                        Label next = a.label();
                        Label good = a.label();
                        // Through the small pages of the window, mapped one after the other.
                        a.mov(R8, BEYOND).xor(EBX, EBX).bind(next);
                        a.mov(RAX, R8).or(RAX, 7).mov(R9, WINDOW_PT).mov(Mem.base(R9), RAX);
                        a.mov(R10, WINDOW).invlpg(Mem.base(R10));
                        a.mov(RAX, -1L);
                        load(a, width);
                        a.cmp(RAX, -1).jcc(Cond.Z, good).inc(RBX).bind(good);
                        store(a, width);
                        Label vanished = a.label();
                        a.mov(RAX, -1L);
                        load(a, width);
                        a.cmp(RAX, -1).jcc(Cond.Z, vanished).inc(RBX).bind(vanished);
                        a.add(R8, 4096).cmp(R8, BEYOND + BEYOND_SIZE).jcc(Cond.NZ, next);
                        note(a.mov(RAX, RBX));
                    }
                    call(a, TARGET);
                    note(a.mov(RAX, RSI));
                };
        assertThat(new RedPill(prepare, code, TARGET, TARGET + 5).findsOnlyCopies()).isEqualTo(4);
    }

    private static void load(Asm a, int width) {
        switch (width) {
            case 8 -> a.mov(AL, Mem.base(R10).disp(0));
            case 16 -> a.mov(AX, Mem.base(R10).disp(0));
            case 32 -> a.mov(EAX, Mem.base(R10).disp(0)).movsx(RAX, AX);
            default -> a.mov(RAX, Mem.base(R10).disp(0));
        }
    }

    private static void store(Asm a, int width) {
        a.mov(RDX, 0x2018);
        switch (width) {
            case 8 -> a.mov(Mem.base(R10).disp(0), DL);
            case 16 -> a.mov(Mem.base(R10).disp(0), DX);
            case 32 -> a.mov(Mem.base(R10).disp(0), EDX);
            default -> a.mov(Mem.base(R10).disp(0), RDX);
        }
    }

    /**
     * Writes a number of its own to each page of RAM behind the code's, and to each beyond RAM, at
     * all addresses it has: all that is found later is where it was written.
     */
    @Test
    void looksForAliases() throws InterruptedException {
        int pages = 16;
        Consumer<AssembledGuest> prepare =
                g -> {
                    for (int i = 0; i < pages; i++) {
                        g.assemble(TARGET + i * 4096, a -> a.inc(RSI).nop().ret());
                        g.window(i, (TARGET >>> 12) + i);
                        g.window(pages + i, (BEYOND >>> 12) + i);
                        g.window(2 * pages + i, (TARGET >>> 12) + pages - 1 - i);
                    }
                    // The RAM once more in pages of 2 MiB.
                    g.domain.physical().putLong(0x3008, 0x87);
                    g.domain.physical().putLong(0x3010, 0x200087);
                };
        Consumer<Asm> code =
                a -> {
                    a.mov(R15, RESULT).xor(ESI, ESI);
                    for (int i = 0; i < pages; i++) {
                        call(a, TARGET + i * 4096);
                    }
                    for (int round = 0; round < 4; round++) {
                        for (int i = 0; i < pages; i++) {
                            long page = (long) i * 4096 + 0x10;
                            long[] bases = {
                                TARGET,
                                WINDOW,
                                WINDOW + pages * 4096L,
                                WINDOW + (2L << 21) - (1 << 21) + TARGET
                            };
                            a.mov(R8, bases[round] + page).mov(EAX, round << 8 | i);
                            a.mov(Mem.base(R8), RAX);
                        }
                        for (int i = 0; i < pages; i++) {
                            long page = (long) i * 4096 + 0x10;
                            for (long base :
                                    new long[] {
                                        TARGET,
                                        WINDOW,
                                        WINDOW + pages * 4096L,
                                        WINDOW + 2 * pages * 4096L,
                                        WINDOW + (1 << 21) + TARGET,
                                        BEYOND
                                    }) {
                                note(a.mov(R8, base + page).mov(RAX, Mem.base(R8)));
                            }
                        }
                    }
                    for (int i = 0; i < pages; i++) {
                        call(a, WINDOW + (2 * pages + i) * 4096L);
                    }
                    note(a.mov(RAX, RSI));
                };
        long[] points = new long[2 * pages];
        for (int i = 0; i < pages; i++) {
            points[i] = TARGET + i * 4096L;
            points[pages + i] = TARGET + i * 4096L + 3;
        }
        RedPill pill = new RedPill(prepare, code, points);
        assertThat(pill.findsOnlyCopies()).isEqualTo(4 * pages);
        // The model: what was written last to a page is found through all its addresses.
        byte[] found = pill.alone().result();
        for (int i = 0; i < pages; i++) {
            int at = (3 * pages + i) * 48;
            assertThat(found[at + 1]).isEqualTo((byte) 3);
            assertThat(found[at]).isEqualTo((byte) i);
            assertThat(found[at + 25]).isEqualTo((byte) 3);
            assertThat(found[at + 24]).isEqualTo((byte) (pages - 1 - i));
            assertThat(found[at + 16]).isEqualTo((byte) -1);
        }
    }
}
