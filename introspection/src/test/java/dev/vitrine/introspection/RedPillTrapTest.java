// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection;

import static dev.vitrine.hypervisor.guest.AssembledGuest.*;
import static dev.vitrine.introspection.RedPill.*;
import static dev.vitrine.processor.asm.Reg.*;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.hypervisor.guest.AssembledGuest;
import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Mem;

import org.junit.jupiter.api.Test;

import java.util.function.Consumer;

/** Guests with traps of their own, and those that look at what an exit does to an instruction. */
class RedPillTrapTest {
    private static void setTrapFlag(Asm a, boolean on) {
        a.pushf();
        if (on) {
            a.or(Mem.base(RSP).q(), 0x100);
        } else {
            a.and(Mem.base(RSP).q(), ~0x100L);
        }
        a.popf();
    }

    private static Asm debugRegister(Asm a, int n) {
        return a.bytes(new byte[] {0x0F, 0x23, (byte) (0xC0 | n << 3)});
    }

    /** INT3, single steps, and hardware breakpoints on instructions and data of the page. */
    @Test
    void usesItsOwnTraps() throws InterruptedException {
        Consumer<AssembledGuest> prepare =
                g -> {
                    g.assemble(TARGET, a -> a.int3().inc(RSI).nop().cpuid().nop().ret());
                    for (int v : new int[] {1, 3}) {
                        noteFault(g, v, false, a -> a.or(Mem.base(RSP).disp(16).q(), 0x10000));
                    }
                };
        Consumer<Asm> code =
                a -> {
                    a.mov(R15, RESULT).xor(ESI, ESI).xor(EAX, EAX);
                    call(a, TARGET);
                    setTrapFlag(a, true);
                    a.xor(EAX, EAX);
                    call(a, TARGET);
                    setTrapFlag(a, false);
                    // DR0 on INC, DR1 on a byte beside it for reads and writes, DR2 on CPUID.
                    debugRegister(a.mov(RAX, TARGET + 1), 0);
                    debugRegister(a.mov(RAX, TARGET + 0x40), 1);
                    debugRegister(a.mov(RAX, TARGET + 5), 2);
                    debugRegister(a.mov(EAX, 0x300015), 7);
                    a.xor(EAX, EAX);
                    call(a, TARGET);
                    a.mov(R8, TARGET).mov(Mem.base(R8).disp(0x40).b(), 1);
                    a.mov(AL, Mem.base(R8).disp(0x40)).mov(AL, Mem.base(R8).disp(0x41));
                    a.mov(RSI, R8).mov(EDI, DATA + 0x100).mov(ECX, 0x80).rep().movs(8);
                    debugRegister(a.xor(EAX, EAX), 7);
                    note(a.mov(RAX, RSI));
                    noteTime(a);
                };
        RedPill pill =
                new RedPill(prepare, code, TARGET, TARGET + 1, TARGET + 4, TARGET + 5, TARGET + 7);
        assertThat(pill.findsOnly(Naive.TRAP_FLAG, Naive.MOVES_RIP)).isEqualTo(15);
    }

    /** An INT3 that the guest itself puts over an instruction with a breakpoint, as kprobes do. */
    @Test
    void putsInt3OverTheBreakpoint() throws InterruptedException {
        Consumer<AssembledGuest> prepare =
                g -> {
                    RedPill.target(g);
                    // Restores the byte and goes back to it.
                    noteFault(
                            g,
                            3,
                            false,
                            a ->
                                    a.dec(Mem.base(RSP).q())
                                            .mov(R13, Mem.base(RSP))
                                            .mov(Mem.base(R13).b(), 0x90));
                };
        Consumer<Asm> code =
                a -> {
                    a.mov(R15, RESULT).xor(ESI, ESI).mov(R8, TARGET);
                    for (int i = 0; i < 3; i++) {
                        call(a, TARGET);
                        a.mov(Mem.base(R8).disp(4).b(), (byte) 0xCC);
                        note(a.mov(RAX, Mem.base(R8)));
                        call(a, TARGET);
                        note(a.mov(RAX, Mem.base(R8)));
                    }
                    note(a.mov(RAX, RSI));
                };
        // Six times the first; the second before its INT3, behind the handler, and without.
        assertThat(new RedPill(prepare, code, TARGET, TARGET + 4).findsOnly(Naive.INT3))
                .isEqualTo(15);
    }

    /** MOV SS, POP SS and STI hold back what comes behind the next instruction. */
    @Test
    void looksForShadows() throws InterruptedException {
        Consumer<AssembledGuest> prepare =
                g -> {
                    g.assemble(
                            TARGET,
                            a ->
                                    a.bytes(new byte[] {(byte) 0x8E, (byte) 0xD0}) // MOV SS, EAX
                                            .nop()
                                            .nop()
                                            .ret());
                    g.assemble(TARGET + 0x40, a -> a.sti().nop().nop().cli().ret());
                    g.assemble(TARGET + 0x80, a -> a.sti().cpuid().nop().cli().ret());
                    noteFault(g, 1, false, a -> {});
                    interrupts(g, 0x40, a -> {});
                };
        Consumer<Asm> code =
                a -> {
                    a.mov(R15, RESULT);
                    enableApic(a);
                    a.mov(EAX, 0x10);
                    setTrapFlag(a, true);
                    call(a, TARGET);
                    setTrapFlag(a, false);
                    for (int at : new int[] {0x40, 0x80}) {
                        // An interrupt to oneself waits for STI and the instruction behind it.
                        a.mov(ECX, 0x83F).mov(EAX, 0x40).xor(EDX, EDX).wrmsr().xor(EAX, EAX);
                        call(a, TARGET + at);
                    }
                };
        long[] points = {
            TARGET,
            TARGET + 2,
            TARGET + 3,
            TARGET + 0x40,
            TARGET + 0x41,
            TARGET + 0x42,
            TARGET + 0x43,
            TARGET + 0x80,
            TARGET + 0x81,
            TARGET + 0x83
        };
        RedPill pill = new RedPill(prepare, code, points);
        assertThat(pill.findsOnly(Naive.TRAP_FLAG, Naive.MOVES_RIP)).isEqualTo(10);
        // Interrupts came, behind the instruction that STI covers.
        byte[] found = pill.alone().result();
        assertThat(found).contains(0x42).contains((byte) 0x83);
    }

    /** A page fault in the middle of the page, at the end of it, and on fetching. */
    @Test
    void faultsOnBreakpoints() throws InterruptedException {
        long[] at = new long[5];
        Consumer<AssembledGuest> prepare =
                g -> {
                    // The first fault maps the window's page, divisions get another divisor.
                    noteFault(
                            g,
                            14,
                            true,
                            a -> a.mov(R9, WINDOW_PT).mov(R10, DATA | 7L).mov(Mem.base(R9), R10));
                    noteFault(g, 0, false, a -> a.mov(ECX, 3));
                    noteFault(g, 6, false, a -> a.add(Mem.base(RSP).q(), 2));
                    g.assemble(
                            TARGET,
                            a -> {
                                Label spin = a.label();
                                a.mov(ECX, 10).bind(spin);
                                at[0] = a.here();
                                a.loop(spin);
                                a.mov(RBX, WINDOW);
                                at[1] = a.here();
                                a.add(RSI, Mem.base(RBX).q());
                                a.xor(EDX, EDX).mov(EAX, 100).xor(ECX, ECX);
                                at[2] = a.here();
                                a.div(ECX);
                                at[3] = a.here();
                                a.ud2();
                                at[4] = a.here();
                                a.ret();
                            });
                };
        try (AssembledGuest places = new AssembledGuest(a -> {})) {
            prepare.accept(places);
        }
        Consumer<Asm> code =
                a -> {
                    a.mov(R15, RESULT).xor(ESI, ESI);
                    note(call(a, TARGET).mov(RAX, RSI));
                    noteTime(a);
                };
        // Each that faults is reached a second time, but for UD2, which is gone over.
        assertThat(new RedPill(prepare, code, at).findsOnly(Naive.TRAP_FLAG))
                .isEqualTo(10 + 2 + 2 + 1 + 1);
    }

    /** EIP goes from 4 GiB to 0, and IP from 64 KiB, over instructions with breakpoints. */
    @Test
    void wrapsItsInstructionPointer() throws InterruptedException {
        int gdt = DATA + 0x600;
        // IP FFFF of the 16-bit segment is the last byte of the page.
        int base = TARGET - 0xF000;
        long[] back = new long[2];
        Consumer<Asm> code =
                a -> {
                    a.mov(R15, RESULT).xor(ESI, ESI);
                    a.mov(R8, gdt - 16L).lgdt(Mem.base(R8));
                    a.mov(RAX, CR3).mov(CR3, RAX);
                    for (int i = 0; i < 2; i++) {
                        a.push(i == 0 ? 0x18 : 0x20);
                        a.mov(RAX, i == 0 ? 0xFFFF_FFFCL : 0xFFFC).push(RAX).retf(64);
                        back[i] = a.here();
                        note(a.mov(RAX, RSI));
                        noteTime(a);
                    }
                };
        try (AssembledGuest places = new AssembledGuest(code)) {
            assertThat(places.domain.vcpuCount()).isEqualTo(1);
        }
        Consumer<AssembledGuest> prepare =
                g -> {
                    var m = g.domain.physical();
                    m.putLong(gdt, 0);
                    m.putLong(gdt + 8, 0x00AF9B000000FFFFL);
                    m.putLong(gdt + 16, 0x00CF93000000FFFFL);
                    m.putLong(gdt + 24, 0x00CF9B000000FFFFL);
                    m.putLong(gdt + 32, 0x00009B000000FFFFL | (long) base << 16);
                    m.putShort(gdt - 16, 39);
                    m.putLong(gdt - 14, gdt);
                    // The last page below 4 GiB is the target.
                    m.putLong(0x2018, DATA + 0xA007);
                    m.putLong(DATA + 0xA000 + 511 * 8, DATA + 0xB007);
                    m.putLong(DATA + 0xB000 + 511 * 8, TARGET | 7);
                    // INC SI or ESI, NOP, NOP; and on at 0.
                    m.write(TARGET + 0xFFC, new byte[] {(byte) 0xFF, (byte) 0xC6, (byte) 0x90});
                    m.putByte(TARGET + 0xFFF, 0x90);
                    Asm flat = new Asm(32, 0);
                    flat.hex("FFC6 EA").dd((int) back[0]).dw(8);
                    m.write(0, flat.toBytes());
                    Asm small = new Asm(16, 0);
                    small.hex("FFC6 66EA").dd((int) back[1]).dw(8);
                    m.write(base, small.toBytes());
                };
        RedPill pill =
                new RedPill(
                        prepare,
                        code,
                        TARGET + 0xFFC,
                        TARGET + 0xFFE,
                        TARGET + 0xFFF,
                        0,
                        2,
                        base,
                        base + 2);
        assertThat(pill.findsOnly(Naive.MOVES_RIP)).isEqualTo(2 * 5);
        assertThat(pill.alone().result()[0]).isEqualTo((byte) 2);
    }

    /** A branch into the middle of an instruction that has a breakpoint. */
    @Test
    void jumpsIntoInstructions() throws InterruptedException {
        Consumer<AssembledGuest> prepare = g -> g.assemble(TARGET, a -> a.hex("B8FFC69090C3"));
        Consumer<Asm> code =
                a -> {
                    a.mov(R15, RESULT).xor(ESI, ESI);
                    note(call(a, TARGET));
                    call(a, TARGET + 1);
                    note(a.mov(RAX, RSI));
                };
        // INT3 in the middle becomes a part of the instruction around it.
        assertThat(new RedPill(prepare, code, TARGET + 3).findsOnly(Naive.INT3)).isEqualTo(1);
        RedPill all = new RedPill(prepare, code, TARGET, TARGET + 1, TARGET + 2);
        assertThat(all.findsNothing()).isEqualTo(2);
    }
}
