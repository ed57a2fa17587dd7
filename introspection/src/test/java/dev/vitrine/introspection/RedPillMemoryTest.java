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
        assertThat(new RedPill(prepare, code, TARGET, TARGET + 5).findsOnly(Naive.COPIES))
                .isEqualTo(4);
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
        assertThat(pill.findsOnly(Naive.COPIES)).isEqualTo(4 * pages);
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

    /**
     * The guest grants the page with breakpoints to itself, maps the grant to two other places, at
     * one of them read-only, and executes, reads and writes its function there. Then it gives the
     * grants back.
     */
    @Test
    void mapsItsOwnGrant() throws InterruptedException {
        int ops = DATA + 0x800;
        int table = DATA + 0x8000;
        long[] places = {BEYOND, BEYOND + 0x1000};
        Consumer<AssembledGuest> prepare =
                g -> {
                    target(g);
                    noteFault(g, 13, true, a -> a.add(Mem.base(RSP).q(), 6));
                    var m = g.domain.physical();
                    // XENMEM_add_to_physmap of the grant table's frame (XENMAPSPACE_grant_table).
                    m.putShort(ops, 0x7FF0);
                    m.putInt(ops + 4, 1);
                    m.putLong(ops + 8, 0);
                    m.putLong(ops + 16, table >>> 12);
                    for (int i = 0; i < 2; i++) {
                        // struct gnttab_map_grant_ref: host_addr, flags, ref, dom; the flags are
                        // GNTMAP_host_map and GNTMAP_readonly.
                        m.putLong(ops + 0x40 + 32 * i, places[i]);
                        m.putInt(ops + 0x48 + 32 * i, i == 0 ? 2 : 6);
                        m.putInt(ops + 0x4C + 32 * i, 8);
                        m.putShort(ops + 0x50 + 32 * i, 0x7FF0);
                        // struct gnttab_unmap_grant_ref; the handle comes later.
                        m.putLong(ops + 0xA0 + 24 * i, places[i]);
                        g.window(5 + i, places[i] >>> 12);
                    }
                    // grant_entry_v1: GTF_permit_access to the domain itself.
                    m.putLong(ops + 0x80, (long) (TARGET >>> 12) << 32 | g.domain.id() << 16 | 1);
                };
        Consumer<Asm> code =
                a -> {
                    a.mov(R15, RESULT).xor(ESI, ESI);
                    call(a, TARGET).mov(RBP, RSI);
                    note(a.mov(EAX, 12).mov(EDI, 7).mov(ESI, ops).vmcall());
                    a.mov(RBX, ops + 0x80L).mov(RAX, Mem.base(RBX));
                    a.mov(RBX, table).mov(Mem.base(RBX).disp(64), RAX);
                    grantOperation(a, 0, ops + 0x40, 2);
                    for (int i = 0; i < 2; i++) {
                        a.mov(RBX, ops + 0x40L + 32 * i);
                        note(a.movzx(EAX, Mem.base(RBX).disp(18).w()));
                        a.mov(EAX, Mem.base(RBX).disp(20)).mov(RBX, ops + 0xA0L + 24 * i);
                        a.mov(Mem.base(RBX).disp(16), EAX);
                    }
                    a.mov(RSI, RBP);
                    for (long at : new long[] {WINDOW + 0x5000, WINDOW + 0x6000}) {
                        call(a, at);
                        a.mov(R8, at);
                        for (int i = 0; i < 4; i++) {
                            note(a.mov(RAX, Mem.base(R8).disp(8 * i)));
                        }
                        // One NOP of two bytes: its second has the last breakpoint.
                        a.mov(Mem.base(R8).disp(4).w(), 0x9066);
                        note(a.mov(RAX, Mem.base(R8)));
                        note(a.mov(R8, TARGET).mov(RAX, Mem.base(R8)));
                        call(a, at);
                        call(a, TARGET);
                        note(a.mov(RAX, RSI));
                        a.mov(R8, WINDOW + 0x5000L).mov(Mem.base(R8).disp(4).w(), 0x9090);
                    }
                    grantOperation(a, 1, ops + 0xA0, 2);
                    for (int i = 0; i < 2; i++) {
                        a.mov(RBX, ops + 0xA0L + 24 * i);
                        note(a.movzx(EAX, Mem.base(RBX).disp(20).w()));
                    }
                    a.mov(RSI, RBP);
                    note(a.mov(R8, WINDOW + 0x5000L).mov(RAX, Mem.base(R8)));
                    call(a, TARGET);
                    note(a.mov(RAX, RSI));
                };
        RedPill pill = new RedPill(prepare, code, TARGET, TARGET + 3, TARGET + 5);
        // Three at first. Through the grants three each; and two calls each, which through the
        // first do not come to the last breakpoint, while through the second nothing is written.
        assertThat(pill.findsOnly(Naive.INT3)).isEqualTo(3 + (3 + 2 + 2) + (3 + 3 + 3) + 3);
        byte[] found = pill.alone().result();
        // All hypercalls succeeded, and the write to what is read-only is a #GP.
        assertThat(Arrays.copyOf(found, 24)).containsOnly(0);
        assertThat(found).contains(13);
    }

    private static void grantOperation(Asm a, int operation, int list, int count) {
        a.push(RSI).mov(EAX, 20).mov(EDI, operation).mov(ESI, list).mov(EDX, count).vmcall();
        a.pop(RSI);
    }
}
