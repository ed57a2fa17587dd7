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

/** Guests that change their code, near and under breakpoints. */
class RedPillWriteTest {
    private static void nops(AssembledGuest g) {
        g.assemble(TARGET, a -> a.fill(64, 0x90).ret());
        g.window(0, TARGET >>> 12);
    }

    /**
     * Writes a ten-byte MOV and INC RSI 0 to 14 bytes before the breakpoint, in every width there
     * is and through an alias, and executes them: one instruction then goes over it.
     */
    @Test
    void before() throws InterruptedException {
        for (int before = 0; before <= 14; before++) {
            int at = 32 - before;
            Consumer<Asm> code =
                    a -> {
                        a.mov(R15, RESULT).xor(ESI, ESI);
                        byte[] content = {
                            0x48,
                            (byte) 0xB8,
                            1,
                            2,
                            3,
                            4,
                            5,
                            6,
                            7,
                            8,
                            0x48,
                            (byte) 0xFF,
                            (byte) 0xC6,
                            (byte) 0x90,
                            (byte) 0x90,
                            (byte) 0xC3
                        };
                        a.mov(RBX, DATA);
                        for (int i = 0; i < content.length; i++) {
                            a.mov(Mem.base(RBX).disp(i).b(), content[i]);
                        }
                        for (int width : new int[] {1, 2, 4, 8, 16}) {
                            // NOPs first, so that each width does the whole work.
                            a.mov(EDI, TARGET).mov(ECX, 64).mov(EAX, 0x90).rep().stos(8);
                            call(a, TARGET + 30);
                            a.mov(R8, (width == 4 ? WINDOW : TARGET) + at);
                            for (int i = 0; i < content.length; i += width) {
                                switch (width) {
                                    case 1 ->
                                            a.mov(AL, Mem.base(RBX).disp(i))
                                                    .mov(Mem.base(R8).disp(i), AL);
                                    case 2 ->
                                            a.mov(AX, Mem.base(RBX).disp(i))
                                                    .mov(Mem.base(R8).disp(i), AX);
                                    case 4 ->
                                            a.mov(EAX, Mem.base(RBX).disp(i))
                                                    .mov(Mem.base(R8).disp(i), EAX);
                                    case 8 ->
                                            a.mov(RAX, Mem.base(RBX).disp(i))
                                                    .mov(Mem.base(R8).disp(i), RAX);
                                    default ->
                                            a.movdqu(XMM1, Mem.base(RBX).disp(i))
                                                    .movdqu(Mem.base(R8).disp(i), XMM1);
                                }
                            }
                            a.mov(R8, TARGET + at).call(R8);
                            note(a);
                            note(a.mov(RAX, RSI));
                            note(a.mov(RAX, Mem.base(R8)));
                        }
                    };
            RedPill pill = new RedPill(RedPillWriteTest::nops, code, TARGET + 32);
            // Where an instruction begins at the breakpoint it is reached, and only there.
            boolean begins = before == 0 || before == 10 || before >= 13;
            int hits = begins ? pill.findsNothing() : pill.findsOnly(Naive.COPIES_THAT_FOLLOW);
            assertThat(hits).as("%d bytes before", before).isEqualTo(5 + (begins ? 5 : 0));
        }
    }

    /** INT3 in its own memory is overwritten, or read by what goes on from it. */
    @Test
    void findsNaiveOnes() throws InterruptedException {
        Consumer<Asm> code =
                a -> {
                    a.mov(R15, RESULT).xor(ESI, ESI).mov(R8, TARGET);
                    // Turns the NOP into the first byte of INC RSI by what it should be.
                    a.xor(Mem.base(R8).disp(3).b(), 0x90 ^ 0x48);
                    a.mov(Mem.base(R8).disp(4).w(), 0xC6FF);
                    call(a, TARGET);
                    note(a.mov(RAX, RSI));
                    note(a.mov(RAX, Mem.base(R8)));
                };
        RedPill pill = new RedPill(RedPill::target, code, TARGET + 3);
        Consumer<AssembledGuest> undefined =
                g -> {
                    RedPill.target(g);
                    noteFault(g, 6, false, a -> a.inc(Mem.base(RSP).q()));
                };
        assertThat(new RedPill(undefined, code, TARGET + 3).findsOnly(Naive.INT3)).isEqualTo(1);
        assertThat(pill.findsNothing()).isEqualTo(1);
    }

    @Test
    void atomicallyAndByStrings() throws InterruptedException {
        Consumer<Asm> code =
                a -> {
                    a.mov(R15, RESULT).xor(ESI, ESI).mov(R8, TARGET);
                    for (int i = 0; i < 3; i++) {
                        note(call(a, TARGET).mov(RAX, Mem.base(R8)));
                        // NOP and the two-byte NOP take turns behind the INC.
                        a.mov(EAX, i % 2 == 0 ? 0x9066 : 0x9090);
                        a.lock().xchg(Mem.base(R8).disp(4).w(), AX);
                        note(a.movzx(EAX, Mem.base(R8).disp(4).w()));
                        call(a, TARGET);
                        a.mov(EAX, 0x90).lea(RDI, Mem.base(R8).disp(3)).mov(ECX, 5).rep().stos(8);
                        a.lock().inc(Mem.base(R8).disp(0x100).q());
                        note(a.mov(RAX, Mem.base(R8).disp(0x100)));
                        a.mov(RAX, Mem.base(R8)).mov(RDX, Mem.base(R8).disp(8));
                        a.mov(RBX, RAX).mov(RCX, RDX).lock().cmpxchg16b(Mem.base(R8));
                        note(a.set(Cond.Z, AL).movzx(EAX, AL));
                        // Eight bytes of MASKMOVDQU: INC RSI again, and NOPs.
                        a.mov(RAX, 0x9090909090C6FF48L).push(RAX).push(RAX);
                        a.movdqu(XMM1, Mem.base(RSP)).add(RSP, 16);
                        a.mov(RAX, -1L).push(0).push(RAX).movdqu(XMM2, Mem.base(RSP)).add(RSP, 16);
                        a.mov(RDI, R8).hex("660FF7CA");
                        call(a, TARGET);
                        // FXSAVE and XSAVE beside the code.
                        a.xor(ECX, ECX).xgetbv().or(EAX, 7).xsetbv();
                        a.fxsave(Mem.base(R8).disp(0x200)).fxrstor(Mem.base(R8).disp(0x200));
                        a.mov(EAX, 7).xor(EDX, EDX).xsave(64, Mem.base(R8).disp(0x400));
                        a.xrstor(64, Mem.base(R8).disp(0x400));
                        note(a.mov(RAX, Mem.base(R8).disp(0x600)));
                        a.lock().bts(Mem.base(R8).disp(0x800).d(), i);
                        // CALL with the stack on the page, and what it has left there.
                        a.mov(RBX, RSP).lea(RSP, Mem.base(R8).disp(0x900));
                        call(a, TARGET).mov(RSP, RBX);
                        note(a.mov(RAX, Mem.base(R8).disp(0x8F8)));
                    }
                    call(a, TARGET);
                    note(a.mov(RAX, RSI));
                };
        RedPill pill = new RedPill(RedPill::target, code, TARGET, TARGET + 4, TARGET + 5);
        // 13 calls, of which three find one long NOP and do not come to its second byte.
        assertThat(pill.findsOnly(Naive.INT3)).isEqualTo(3 * 13 - 2);
    }

    /** Code that writes to itself: ahead in its own block, behind, and to the page it runs on. */
    @Test
    void itself() throws InterruptedException {
        long[] points = new long[3];
        Consumer<AssembledGuest> prepare =
                g ->
                        g.assemble(
                                TARGET,
                                a -> {
                                    Label over = a.label();
                                    Label again = a.label();
                                    a.mov(ECX, 20).bind(again);
                                    points[0] = a.here();
                                    // The NOP becomes INC ECX's first byte and back.
                                    a.xor(Mem.rip(over).b(), 0x90 ^ 0x48);
                                    a.nop();
                                    points[1] = a.here();
                                    a.bind(over).nop().hex("FFC6"); // INC ESI or INC RSI
                                    points[2] = a.here();
                                    a.add(Mem.rip(over).d(), 0).dec(ECX).jcc(Cond.NZ, again).ret();
                                });
        try (AssembledGuest places = new AssembledGuest(a -> {})) {
            prepare.accept(places);
        }
        Consumer<Asm> code =
                a -> {
                    a.mov(R15, RESULT).mov(RSI, 0xFFFFFFFFL - 5);
                    note(call(a, TARGET).mov(RAX, RSI));
                    noteTime(a);
                    sum(a);
                };
        assertThat(new RedPill(prepare, code, points).findsOnly(Naive.INT3)).isEqualTo(60);
    }

    private static void sum(Asm a) {
        Label next = a.label();
        a.mov(R8, TARGET).mov(ECX, 512).xor(EAX, EAX).bind(next).rol(RAX, 7);
        note(a.xor(RAX, Mem.base(R8)).add(R8, 8).dec(ECX).jcc(Cond.NZ, next));
    }

    /** The guest takes its page away, puts another there, and gives the first another address. */
    @Test
    void throughTheHypervisor() throws InterruptedException {
        long list = DATA + 0x800;
        Consumer<AssembledGuest> prepare =
                g -> {
                    RedPill.target(g);
                    g.window(0, TARGET >>> 12);
                    var m = g.domain.physical();
                    // struct xen_memory_reservation for one extent, DOMID_SELF.
                    m.putLong(list, list + 0x40);
                    m.putLong(list + 8, 1);
                    m.putLong(list + 16, 0);
                    m.putShort(list + 24, 0x7FF0);
                    m.putLong(list + 0x40, TARGET >>> 12);
                };
        Consumer<Asm> code =
                a -> {
                    a.mov(R15, RESULT).xor(ESI, ESI);
                    call(a, TARGET);
                    // XENMEM_decrease_reservation (1), then populate_physmap (6), ten times.
                    for (int i = 0; i < 10; i++) {
                        for (int operation : new int[] {1, 6}) {
                            a.push(RSI).mov(EAX, 12).mov(EDI, operation).mov(RSI, list).vmcall();
                            note(a.pop(RSI));
                            note(a.mov(R8, TARGET).mov(RAX, Mem.base(R8)));
                            a.mov(Mem.base(R8), R8);
                            note(a.mov(R8, WINDOW).mov(RAX, Mem.base(R8)));
                        }
                        // Writes the function anew.
                        a.mov(R8, TARGET).mov(RAX, 0x9090909090C6FF48L).mov(Mem.base(R8), RAX);
                        a.mov(Mem.base(R8).disp(8).b(), 0xC3);
                        call(a, TARGET);
                    }
                    // Until there is no more: the copies are not the guest's.
                    Label more = a.label();
                    Label last = a.label();
                    a.mov(RBP, 0x2000).xor(EBX, EBX).bind(more);
                    a.mov(R8, list).mov(Mem.base(R8).disp(0x40), RBP);
                    a.mov(EAX, 12).mov(EDI, 6).mov(RSI, list).vmcall().test(RAX, RAX);
                    a.jcc(Cond.Z, last).inc(RBP).inc(EBX).cmp(EBX, 1000).jcc(Cond.NZ, more);
                    note(a.bind(last).mov(EAX, EBX));
                };
        // The breakpoint stays with the frame, which is gone.
        RedPill pill = new RedPill(prepare, code, TARGET, TARGET + 4);
        assertThat(pill.findsOnly(Naive.COPIES)).isEqualTo(2);
        assertThat(pill.alone().result()).contains(1);
    }

    /**
     * Changes bytes that have breakpoints and are within the operand of the instruction that is
     * executed: each alone, and with the byte behind it, which is ADD's prefix at last.
     */
    @Test
    void underTheBreakpoint() throws InterruptedException {
        Consumer<AssembledGuest> prepare =
                g -> g.assemble(TARGET, a -> a.mov(EAX, 0x44332211).add(RSI, RAX).ret());
        Consumer<Asm> code =
                a -> {
                    a.mov(R15, RESULT).xor(ESI, ESI).mov(R8, TARGET);
                    note(call(a, TARGET));
                    for (int round = 0; round < 3; round++) {
                        for (int at = 1; at < 5; at++) {
                            a.add(Mem.base(R8).disp(at).b(), 0x11);
                            note(call(a, TARGET));
                            a.xor(Mem.base(R8).disp(at).w(), 0x101 << round);
                            note(call(a, TARGET));
                            // What is there becomes what was there before.
                            a.xor(Mem.base(R8).disp(at).w(), 0x101 << round);
                            note(call(a, TARGET));
                        }
                    }
                    note(a.mov(RAX, RSI));
                };
        RedPill pill = new RedPill(prepare, code, TARGET + 1, TARGET + 2, TARGET + 3, TARGET + 4);
        assertThat(pill.findsOnly(Naive.INT3)).isZero();
    }

    /**
     * Has the hypervisor write under breakpoints and read there: GNTTABOP_copy from and to the
     * page, and XENVER_extraversion to where code was.
     */
    @Test
    void byTheHypervisor() throws InterruptedException {
        int copies = DATA + 0x800;
        Consumer<AssembledGuest> prepare =
                g -> {
                    RedPill.target(g);
                    // ADD RSI, 16 for INC RSI and its first NOP; and back.
                    g.assemble(DATA + 0x1000, a -> a.add(RSI, 16));
                    g.assemble(DATA + 0x1100, a -> a.inc(RSI).nop());
                    int[][] fromTo = {
                        {DATA + 0x1000, TARGET}, {TARGET, DATA + 0x1200}, {DATA + 0x1100, TARGET}
                    };
                    for (int i = 0; i < fromTo.length; i++) {
                        // struct gnttab_copy: two of frame, domain and offset; length, flags.
                        long at = copies + 40L * i;
                        for (int j = 0; j < 2; j++) {
                            g.domain.physical().putLong(at + 16 * j, fromTo[i][j] >>> 12);
                            g.domain.physical().putShort(at + 16 * j + 8, 0x7FF0);
                            g.domain.physical().putShort(at + 16 * j + 10, fromTo[i][j] & 0xFFF);
                        }
                        g.domain.physical().putInt(at + 32, i == 1 ? 0x100 : 4);
                    }
                };
        Consumer<Asm> code =
                a -> {
                    a.mov(R15, RESULT).xor(ESI, ESI);
                    call(a, TARGET);
                    for (int i = 0; i < 3; i++) {
                        for (int copy = 0; copy < 3; copy++) {
                            a.push(RSI).mov(EAX, 20).mov(EDI, 5).mov(ESI, copies + 40 * copy);
                            note(a.mov(EDX, 1).vmcall().pop(RSI));
                            a.mov(R8, copies + 40L * copy);
                            note(a.movzx(EAX, Mem.base(R8).disp(36).w()));
                            note(a.mov(R8, DATA + 0x1200L).mov(RAX, Mem.base(R8)));
                            note(a.mov(R8, TARGET).mov(RAX, Mem.base(R8)));
                            note(call(a, TARGET).mov(RAX, RSI));
                        }
                    }
                    a.push(RSI).mov(EAX, 17).mov(EDI, 1).mov(ESI, TARGET + 2).vmcall();
                    note(a.pop(RSI));
                    for (int i = 0; i < 3; i++) {
                        note(a.mov(R8, TARGET).mov(RAX, Mem.base(R8).disp(8 * i)));
                    }
                };
        RedPill pill = new RedPill(prepare, code, TARGET, TARGET + 3, TARGET + 5);
        // ADD has a byte more than INC: the second breakpoint is then within it.
        assertThat(pill.findsOnly(Naive.INT3)).isEqualTo(3 + 3 * (2 + 2 + 3));
        // The first hypercall and its copy succeeded.
        byte[] found = pill.alone().result();
        assertThat(Arrays.copyOf(found, 16)).containsOnly(0);
    }
}
