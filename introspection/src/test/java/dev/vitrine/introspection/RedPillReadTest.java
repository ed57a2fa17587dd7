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

/** Guests that read their code in every way there is. */
class RedPillReadTest {
    private static final int PAGE = TARGET;

    /** A page of code, all different, with functions at its beginning, middle and end. */
    private static void page(AssembledGuest g) {
        byte[] content = new byte[0x2000];
        for (int i = 0; i < content.length; i++) {
            content[i] = (byte) (i * 7 + (i >> 8));
        }
        g.domain.physical().write(PAGE, content);
        target(g);
        g.assemble(PAGE + 0x800, a -> a.inc(RSI).nop().nop().nop().ret());
        // INC RSI over the page's end.
        g.assemble(PAGE + 0xFFE, a -> a.inc(RSI).nop().ret());
        g.window(0, PAGE >>> 12);
        g.window(1, (PAGE >>> 12) + 1);
        g.window(2, PAGE >>> 12);
        g.window(3, PAGE >>> 12);
        g.window(4, (PAGE >>> 12) + 1);
    }

    /** At the beginning of each function, within, and over the page's end. */
    private static final long[] POINTS = {
        PAGE, PAGE + 3, PAGE + 8, PAGE + 0x800, PAGE + 0x803, PAGE + 0xFFE, PAGE + 0x1001
    };

    private static void callAll(Asm a) {
        call(a, PAGE);
        call(a, PAGE + 0x800);
        call(a, PAGE + 0xFFE);
    }

    private static RedPill pill(Consumer<Asm> look) {
        return new RedPill(
                RedPillReadTest::page,
                a -> {
                    a.mov(R15, RESULT).xor(ESI, ESI);
                    callAll(a);
                    look.accept(a);
                    callAll(a);
                    note(a.mov(RAX, RSI));
                },
                POINTS);
    }

    /** Each place of the page that has a breakpoint, through each of its addresses. */
    private static void everywhere(Asm a, Consumer<Asm> look) {
        for (long base : new long[] {PAGE, WINDOW, WINDOW + 0x2000, WINDOW + 0x3000}) {
            for (long at : new long[] {0, 3, 0x800, 0xFFE}) {
                look.accept(a.mov(R8, base + at));
            }
        }
    }

    @Test
    void byLoadsOfEveryWidth() throws InterruptedException {
        RedPill pill =
                pill(a ->
                        everywhere(
                                a,
                                b -> {
                                    // On either side of the breakpoint, and over the page's end.
                                    note(b.movzx(EAX, Mem.base(R8).b()));
                                    note(b.movzx(EAX, Mem.base(R8).disp(-1).w()));
                                    note(b.mov(EAX, Mem.base(R8).disp(-3)));
                                    note(b.mov(EAX, Mem.base(R8)));
                                    note(b.mov(RAX, Mem.base(R8).disp(-7)));
                                    note(b.mov(RAX, Mem.base(R8)));
                                    note(b.mov(RAX, Mem.base(R8).disp(-4)));
                                    note(b.movsx(RAX, Mem.base(R8).b()));
                                    note(b.popcnt(RAX, Mem.base(R8).q()));
                                    note(b.bsf(RAX, Mem.base(R8).q()));
                                    note(b.xor(EAX, EAX).add(RAX, Mem.base(R8).q()));
                                    b.push(Mem.base(R8).q());
                                    note(b.pop(RAX));
                                    note(b.mov(EAX, 3).imul(RAX, Mem.base(R8).q()));
                                    note(b.mov(EAX, 5).bt(Mem.base(R8).d(), RAX).set(Cond.C, AL));
                                }));
        assertThat(pill.findsOnly(Naive.INT3)).isEqualTo(14);
    }

    /** The processor executes a comparison and the branch behind it as one. */
    @Test
    void byComparisonsThatBranch() throws InterruptedException {
        RedPill pill =
                pill(a ->
                        everywhere(
                                a,
                                b -> {
                                    Label other = b.label();
                                    Label zero = b.label();
                                    b.mov(EAX, 1).cmp(Mem.base(R8).d(), 0x1234_5678).jnz(other);
                                    note(b.mov(EAX, 2).bind(other));
                                    b.mov(EAX, 3).test(Mem.base(R8).b(), 0xFF).jz(zero);
                                    note(b.mov(EAX, 4).bind(zero));
                                    // What is there without a breakpoint, told by a branch.
                                    Label alike = b.label();
                                    b.movzx(ECX, Mem.base(R8).b());
                                    b.mov(EAX, 5).cmp(Mem.base(R8).b(), 0xCC).jz(alike);
                                    note(b.mov(EAX, 6).bind(alike));
                                }));
        assertThat(pill.findsOnly(Naive.INT3)).isEqualTo(14);
    }

    @Test
    void byVectorsAndFloatingPoint() throws InterruptedException {
        RedPill pill =
                new RedPill(
                        g -> {
                            page(g);
                            for (int i = 0; i < 8; i++) {
                                g.domain.physical().putInt(DATA + 0x400 + 4 * i, i * 8 - 16);
                            }
                        },
                        a -> {
                            a.mov(R15, RESULT).xor(ESI, ESI).fninit();
                            callAll(a);
                            a.xor(ECX, ECX).xgetbv().or(EAX, 7).xsetbv();
                            vectors(a);
                            callAll(a);
                            note(a.mov(RAX, RSI));
                        },
                        POINTS);
        assertThat(pill.findsOnly(Naive.INT3)).isEqualTo(14);
    }

    private static void vectors(Asm a) {
        everywhere(
                a,
                b -> {
                    b.movdqu(XMM1, Mem.base(R8)).movdqu(Mem.base(R15), XMM1).add(R15, 16);
                    b.movdqu(XMM1, Mem.base(R8).disp(-9)).movdqu(Mem.base(R15), XMM1);
                    b.add(R15, 16).hex("C4C17E6F08 C4C17E7F0F").add(R15, 32); // VMOVDQU
                    b.hex("C5E576DB C4C2658C08 C4C17E7F0F").add(R15, 32); // VPMASKMOVD
                    b.mov(R9, DATA + 0x400L).hex("C4C17E6F11");
                    b.hex("C5E576DB C4C265900C10 C4C17E7F0F").add(R15, 32); // VPGATHERDD
                    b.hex("C5F877 41DF28 41DF3F").add(R15, 8); // VZEROUPPER, FILD, FISTP
                    b.hex("41DB28 41DB3F").add(R15, 16); // FLD, FSTP of ten bytes
                });
    }

    @Test
    void byStrings() throws InterruptedException {
        RedPill pill =
                pill(a -> {
                    for (long base : new long[] {PAGE, WINDOW}) {
                        // Two pages in all sizes, from addresses that are aligned and are not.
                        for (int size : new int[] {8, 16, 32, 64}) {
                            a.mov(RSI, base - 3 + (base == PAGE ? 0 : 3));
                            a.mov(EDI, DATA + 0x1000)
                                    .mov(ECX, 0x1800 / (size / 8))
                                    .rep()
                                    .movs(size);
                            sum(a, DATA + 0x1000, 0x1800);
                            a.mov(RSI, base).mov(ECX, 0x1000 / (size / 8)).xor(EAX, EAX);
                            note(a.rep().lods(size));
                        }
                        a.std().mov(RSI, base + 0xFFF).mov(EDI, DATA + 0x2FFF).mov(ECX, 0x1000);
                        a.rep().movs(8).cld();
                        sum(a, DATA + 0x2000, 0x1000);
                        a.mov(RSI, base).mov(RDI, base).mov(ECX, 0x1000).xor(EAX, EAX);
                        note(a.bytes((byte) 0xF3).cmps(8).mov(RAX, RCX));
                        note(
                                a.mov(RDI, base)
                                        .mov(ECX, 0x1000)
                                        .mov(EAX, 0xCC)
                                        .repne()
                                        .scas(8)
                                        .mov(RAX, RCX));
                        a.mov(RSI, base).mov(EDI, DATA + 0x5000).mov(ECX, 0x20).rep().movs(64);
                        // In pieces of 4 with 32-bit addresses.
                        a.mov(RSI, base).mov(EDI, DATA + 0x5000).mov(ECX, 0x400);
                        a.bytes((byte) 0x67).rep().movs(32);
                        sum(a, DATA + 0x5000, 0x1000);
                    }
                    a.mov(ESI, 0);
                });
        assertThat(pill.findsOnly(Naive.INT3)).isEqualTo(14);
    }

    /** Leaves a hash of memory. */
    private static void sum(Asm a, long from, int bytes) {
        Label next = a.label();
        a.mov(R8, from).mov(ECX, bytes / 8).xor(EAX, EAX).bind(next);
        a.rol(RAX, 7).xor(RAX, Mem.base(R8)).add(R8, 8).dec(ECX).jcc(Cond.NZ, next);
        note(a);
    }

    /** What an integrity check does: a hash through every address, and a scan for INT3. */
    @Test
    void byHashesAndScans() throws InterruptedException {
        RedPill pill =
                pill(a -> {
                    for (long base : new long[] {PAGE, WINDOW, WINDOW + 0x2000}) {
                        sum(a, base, 0x1000);
                        Label next = a.label();
                        Label other = a.label();
                        a.mov(R8, base).mov(ECX, 0x1000).xor(EAX, EAX).bind(next);
                        a.cmp(Mem.base(R8).b(), (byte) 0xCC).jcc(Cond.NZ, other).inc(RAX);
                        a.bind(other).inc(R8).dec(ECX).jcc(Cond.NZ, next);
                        note(a);
                    }
                });
        assertThat(pill.findsOnly(Naive.INT3)).isEqualTo(14);
    }

    @Test
    void byAtomics() throws InterruptedException {
        RedPill pill =
                pill(a ->
                        everywhere(
                                a,
                                b -> {
                                    note(b.xor(EAX, EAX).lock().xadd(Mem.base(R8), RAX));
                                    note(b.xor(EAX, EAX).lock().xadd(Mem.base(R8).disp(-3), RAX));
                                    b.xor(EAX, EAX).xor(EDX, EDX).lock().cmpxchg8b(Mem.base(R8));
                                    note(b.shl(RDX, 32).or(RAX, RDX));
                                    b.and(R8, -16).xor(EAX, EAX).xor(EDX, EDX);
                                    b.lock().cmpxchg16b(Mem.base(R8));
                                    note(note(b).mov(RAX, RDX));
                                    note(b.xor(EAX, EAX).lock().cmpxchg(Mem.base(R8), RCX));
                                    b.lock().or(Mem.base(R8).d(), 0).set(Cond.S, AL);
                                    note(b.movzx(EAX, AL));
                                    note(
                                            b.mov(EAX, -1L)
                                                    .lock()
                                                    .and(Mem.base(R8).q(), -1)
                                                    .mov(RAX, Mem.base(R8)));
                                    note(b.mov(RAX, Mem.base(R8)).xchg(Mem.base(R8), RAX));
                                }));
        assertThat(pill.findsOnly(Naive.INT3)).isEqualTo(14);
    }

    /** 16 bytes that must be aligned: what faults does so on the page of a breakpoint, too. */
    @Test
    void byWhatMustBeAligned() throws InterruptedException {
        RedPill pill =
                new RedPill(
                        g -> {
                            page(g);
                            for (int v : new int[] {13, 17}) {
                                // RBX leads on.
                                noteFault(g, v, true, a -> a.mov(Mem.base(RSP), RBX));
                            }
                        },
                        a -> {
                            a.mov(R15, RESULT).xor(ESI, ESI);
                            callAll(a);
                            for (long at : new long[] {PAGE, PAGE + 8, PAGE + 1, PAGE + 0x7F8}) {
                                Label behind = a.label();
                                a.lea(RBX, Mem.rip(behind)).mov(R8, at);
                                a.movdqa(XMM1, Mem.base(R8)).bind(behind);
                                a.movdqu(Mem.base(R15), XMM1).add(R15, 16);
                                Label wide = a.label();
                                a.lea(RBX, Mem.rip(wide)).xor(EAX, EAX).xor(EDX, EDX);
                                a.lock().cmpxchg16b(Mem.base(R8)).bind(wide);
                                note(note(a).mov(RAX, RDX));
                            }
                            callAll(a);
                            note(a.mov(RAX, RSI));
                        },
                        POINTS);
        assertThat(pill.findsOnly(Naive.INT3)).isEqualTo(14);
    }

    /** Page tables, descriptor tables, a TSS and a stack on the page of the breakpoint. */
    @Test
    void byWhatTheProcessorReadsItself() throws InterruptedException {
        int gdt = PAGE + 0x400;
        int idt = PAGE + 0x500;
        int tss = PAGE + 0x700;
        Consumer<AssembledGuest> prepare =
                g -> {
                    page(g);
                    var m = g.domain.physical();
                    m.putLong(gdt, 0);
                    m.putLong(gdt + 8, 0x00AF9A000000FFFFL); // not accessed yet
                    m.putLong(gdt + 16, 0x00CF92000000FFFFL);
                    m.putLong(gdt + 24, 0x67 | (tss & 0xFFFFFFL) << 16 | 0x89L << 40);
                    m.putLong(gdt + 32, 0);
                    m.putShort(gdt - 16, 39);
                    m.putLong(gdt - 14, gdt);
                    m.putShort(idt - 16, 0x9F);
                    m.putLong(idt - 14, idt);
                    m.write(tss, new byte[104]);
                    m.putLong(tss + 36, PAGE + 0xF00); // IST1
                    g.assemble(
                            0x190000,
                            a -> {
                                note(a.mov(RAX, RSP));
                                note(a.mov(RAX, Mem.base(RSP)));
                                note(a.mov(RAX, Mem.base(RSP).disp(24)));
                                a.iret(64);
                            });
                    m.write(idt, new byte[0xA0]);
                    m.putLong(idt + 48, 0 | 8L << 16 | 0x8E01L << 32 | 0x19L << 48);
                    // The page's 448th entry maps DATA, where the window's directory leads to it.
                    m.putLong(PAGE + 0xE00, DATA | 3);
                    m.putLong(0x3008, PAGE | 3);
                    m.putLong(DATA, 0x1234567);
                };
        Consumer<Asm> code =
                a -> {
                    a.mov(R15, RESULT).xor(ESI, ESI);
                    callAll(a);
                    a.mov(R8, gdt - 16L).lgdt(Mem.base(R8)).mov(R8, idt - 16L).lidt(Mem.base(R8));
                    a.mov(EAX, 24)
                            .ltr(AX)
                            .mov(EAX, 16)
                            .bytes(new byte[] {(byte) 0x8E, (byte) 0xD8});
                    // A far return loads CS from the table.
                    Label far = a.label();
                    a.push(8).lea(RAX, Mem.rip(far)).push(RAX).retf(64).bind(far);
                    a.int3();
                    a.mov(EDX, 24).lar(EAX, EDX);
                    note(a);
                    a.mov(EDX, 8).lsl(EAX, EDX);
                    note(a);
                    a.mov(RBX, WINDOW + (1 << 21) + (448 << 12));
                    note(a.mov(RAX, Mem.base(RBX)));
                    a.mov(Mem.base(RBX).disp(8), RAX);
                    // Accessed and dirty bits are there.
                    note(a.mov(R8, PAGE + 0xE00L).mov(RAX, Mem.base(R8)));
                    note(a.mov(R8, gdt + 8L).mov(RAX, Mem.base(R8)));
                    note(a.mov(R8, gdt + 24L).mov(RAX, Mem.base(R8)));
                    sum(a, PAGE, 0x1000);
                    callAll(a);
                    note(a.mov(RAX, RSI));
                };
        assertThat(new RedPill(prepare, code, POINTS).findsOnly(Naive.INT3)).isEqualTo(14);
    }
}
