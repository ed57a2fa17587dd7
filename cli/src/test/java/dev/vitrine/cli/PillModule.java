// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static dev.vitrine.processor.asm.Mem.base;
import static dev.vitrine.processor.asm.Reg.*;

import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Asm.Cond;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Mem;
import dev.vitrine.processor.asm.Reg;

import java.io.IOException;

/**
 * A kernel module that looks for whoever watches the kernel. It is given {@code from} and {@code
 * to}, the kernel's text, {@code hook}, a function that may have a breakpoint, {@code beyond}, an
 * address beyond RAM, and {@code chain}, where {@code die_chain} is. What it finds it prints; a
 * debug register is on the function from then on, and the next 300 instructions of each call are
 * stepped through until the module is removed.
 */
final class PillModule {
    private static final long MULTIPLIER = 0x100_0000_01B3L;
    private static final long BASIS = 0xCBF2_9CE4_8422_2325L;
    private static final int PAGES = 256;
    private static final int STEPS = 300;

    /** PUSH RBP; MOV RBP,RSP, and what does the same in one instruction. */
    static final long PUSH_MOV = 0xE589_4855L;

    static final long ENTER = 0xC8;

    // struct pt_regs
    private static final int IP = 0x80;
    private static final int FLAGS = 0x90;

    private static final int TF = 0x100;
    private static final int RF = 0x1_0000;
    private static final int DIE_DEBUG = 3;
    private static final int NOTIFY_STOP = 0x8001;
    private static final int DR6_B0 = 1;
    private static final int DR6_BS = 0x4000;

    /** Registers that the pill prints, by what it reads them with. */
    private static final int[] MSRS = {
        0xC000_0080, 0xC000_0081, 0xC000_0082, 0xC000_0083, 0xC000_0084, 0x176, 0x1D9
    };

    private final ModuleBuilder b;
    private final Asm a;
    private final Label hash;

    private PillModule(KernelFile kernel) {
        b = new ModuleBuilder(kernel, "pill");
        a = b.text();
        hash = a.label("hash");
    }

    static byte[] build(KernelFile kernel) throws IOException {
        return new PillModule(kernel).build();
    }

    private byte[] build() throws IOException {
        for (String p : new String[] {"from", "to", "hook", "beyond", "chain"}) {
            b.parameter(p);
        }
        for (String v : new String[] {"alias", "entered", "left", "hits", "steps", "path"}) {
            b.variable(v);
        }
        b.data().align(8);
        // struct notifier_block: the function, the next, the priority
        b.define(b.data(), "notifier");
        b.pointer(b.data(), "stepped", 0).data().dq(0, 0x7FFF_FFFF);
        b.define(b.data(), "table").data().zero(16);

        hash();
        notified();
        start("init_module");
        text();
        timing();
        beyondMemory();
        registers();
        rewriting();
        traps();
        end();
        start("cleanup_module");
        a.xor(EAX, EAX).mov(DR7, RAX).mov(DR0, RAX);
        chain();
        b.address(a, RDX, "notifier");
        a.mov(RDX, base(RDX).disp(8)).mov(base(RAX), RDX);
        Label unchanged = a.label();
        load(RAX, "alias");
        load(RDX, "entered");
        a.test(RDX, RDX).jz(unchanged).mov(base(RAX).d(), PUSH_MOV).bind(unchanged);
        a.mov(RDI, RAX);
        b.unmap(a);
        load(RSI, "hits");
        load(RDX, "steps");
        load(RCX, "path");
        b.print(a, "pill: hits %lu steps %lu path %lx");
        end();
        return b.build();
    }

    private void start(String symbol) {
        a.align(16);
        b.define(a, symbol);
        a.push(RBX).push(RBP).push(R12).push(R13).push(R14).push(R15);
    }

    private void end() {
        a.pop(R15).pop(R14).pop(R13).pop(R12).pop(RBP).pop(RBX).xor(EAX, EAX).ret();
    }

    private void load(Reg to, String variable) {
        b.address(a, to, variable);
        a.mov(to, base(to));
    }

    /** RAX = a hash of RSI bytes at RDI, and RDX = how many of them are CC. */
    private void hash() {
        Label next = a.label();
        a.bind(hash).mov(RAX, BASIS).mov(R8, MULTIPLIER).xor(EDX, EDX).add(RSI, RDI);
        a.bind(next).movzx(ECX, base(RDI).b()).xor(RAX, RCX).imul(RAX, R8);
        a.xor(R9D, R9D).cmp(ECX, 0xCC).set(Cond.Z, R9B).add(RDX, R9);
        a.inc(RDI).cmp(RDI, RSI).jnz(next).ret();
    }

    /** The kernel's text by its own address and by the direct map. */
    private void text() {
        load(RDI, "from");
        load(RSI, "to");
        a.sub(RSI, RDI).call(hash);
        a.mov(R12, RAX).mov(R13, RDX);
        load(RDI, "from");
        load(RSI, "to");
        a.sub(RSI, RDI);
        b.physical(a);
        load(RCX, "page_offset_base");
        a.add(RDI, RCX).call(hash);
        a.mov(R8, RDX).mov(RCX, RAX).mov(RSI, R12).mov(RDX, R13);
        b.print(a, "pill: text %lx with %lu direct %lx with %lu");
        // What stands at the function itself.
        load(RDX, "hook");
        a.mov(RSI, base(RDX)).mov(RDX, base(RDX).disp(8));
        b.print(a, "pill: hook %lx %lx");
    }

    /** How long CPUID takes, and a look at the function, and writing as much as is there. */
    private void timing() {
        load(R15, "hook");
        a.lfence().rdtsc().mov(R12D, EAX).xor(EAX, EAX).xor(ECX, ECX).cpuid().rdtsc();
        a.sub(EAX, R12D).mov(R13D, EAX);
        a.rdtsc().mov(R12D, EAX).mov(RCX, base(R15)).mov(RCX, base(R15).disp(-1)).rdtsc();
        a.sub(EAX, R12D).mov(R14D, EAX).mov(ESI, R13D).mov(EDX, R14D);
        b.print(a, "pill: cpuid %u look %u");
    }

    /** Reads, writes and reads again what is beyond RAM, twice mapped. */
    private void beyondMemory() {
        Label[] l = labels(6);
        load(RDI, "beyond");
        a.mov(RSI, (long) PAGES << 12);
        b.call(a, "ioremap");
        a.mov(R12, RAX);
        load(RDI, "beyond");
        a.mov(RSI, (long) PAGES << 12);
        b.call(a, "ioremap");
        a.mov(R13, RAX).xor(EBX, EBX);
        // Counts what is not FF, by loads of all sizes, also over the end of a page.
        a.xor(ECX, ECX);
        a.bind(l[0]).mov(RAX, RCX).shl(RAX, 12);
        for (Reg map : new Reg[] {R12, R13}) {
            a.lea(RDX, base(map).index(RAX, 1));
            differs(base(RDX).b(), -1);
            differs(base(RDX).disp(1).w(), -1);
            differs(base(RDX).disp(0xFF1).d(), -1);
            differs(base(RDX).disp(0xFFC).q(), -1);
            a.mov(base(RDX).q(), RCX).mov(base(RDX).disp(0xFFC), RCX).lock().inc(base(RDX).q());
        }
        a.inc(ECX).cmp(ECX, PAGES - 1).jnz(l[0]);
        a.xor(ECX, ECX);
        a.bind(l[1]).mov(RAX, RCX).shl(RAX, 12);
        for (Reg map : new Reg[] {R12, R13}) {
            a.lea(RDX, base(map).index(RAX, 1));
            differs(base(RDX).q(), -1);
            differs(base(RDX).disp(0xFFC).q(), -1);
        }
        a.inc(ECX).cmp(ECX, PAGES - 1).jnz(l[1]);
        a.mov(RDI, R13);
        b.call(a, "iounmap");
        a.mov(RDI, R12);
        b.call(a, "iounmap");
        a.mov(RSI, RBX);
        b.print(a, "pill: beyond %lu");
    }

    private void differs(Mem what, long from) {
        Label same = a.label();
        a.cmp(what, from).jz(same).inc(RBX).bind(same);
    }

    private Label[] labels(int n) {
        Label[] l = new Label[n];
        for (int i = 0; i < n; i++) {
            l[i] = a.label();
        }
        return l;
    }

    /** The registers that rootkits change, and the tables that they lead to. */
    private void registers() {
        for (int msr : MSRS) {
            a.mov(ECX, msr).rdmsr().shl(RDX, 32).or(RDX, RAX).mov(ESI, msr);
            b.print(a, "pill: msr %x %lx");
        }
        a.mov(RSI, CR0).mov(RDX, CR4).mov(RCX, DR7).mov(R8, DR6);
        b.print(a, "pill: cr0 %lx cr4 %lx dr7 %lx dr6 %lx");
        for (boolean interrupts : new boolean[] {true, false}) {
            b.address(a, R12, "table");
            if (interrupts) {
                a.sidt(base(R12));
            } else {
                a.sgdt(base(R12));
            }
            a.mov(RDI, base(R12).disp(2)).movzx(ESI, base(R12).w()).inc(ESI).mov(R13, RDI);
            a.call(hash).mov(RSI, R13).mov(RDX, RAX);
            b.print(a, interrupts ? "pill: idt at %lx %lx" : "pill: gdt at %lx %lx");
        }
    }

    /**
     * Writes to the function by another mapping of its page, as the kernel patches itself: what is
     * there, what is not on either side of it, and other instructions that do the same in its
     * place.
     */
    private void rewriting() {
        load(RDI, "hook");
        b.map(a).text().mov(R12, RAX);
        load(RBX, "hook");
        b.address(a, RDX, "alias");
        a.mov(base(RDX), RAX).xor(R13D, R13D);
        // R12: the function by the alias, RBX: by its own address
        // The same bytes, in all sizes and at all distances.
        for (int at = -14; at <= 1; at++) {
            a.mov(AL, base(RBX).disp(at)).mov(base(R12).disp(at), AL);
            a.mov(AX, base(RBX).disp(at)).mov(base(R12).disp(at), AX);
            a.mov(EAX, base(RBX).disp(at)).mov(base(R12).disp(at), EAX);
            a.mov(RAX, base(RBX).disp(at)).mov(base(R12).disp(at), RAX);
        }
        // Others before it and over it for a moment, in which nothing executes it.
        a.pushf().cli();
        for (int at = -14; at <= 0; at++) {
            a.mov(R14, base(RBX).disp(at)).mov(RAX, 0x9090_9090_9090_9090L + at);
            a.mov(base(R12).disp(at), RAX).mov(RDX, base(RBX).disp(at)).xor(RDX, RAX);
            a.or(R13, RDX).mov(base(R12).disp(at), R14).mov(RDX, base(RBX).disp(at));
            a.xor(RDX, R14).or(R13, RDX);
        }
        a.popf().mov(RSI, R13).mov(RDX, base(RBX)).mov(RCX, base(R12).disp(-8));
        b.print(a, "pill: rewritten %lx %lx %lx");
        // ENTER 0,0 for PUSH RBP; MOV RBP,RSP: the next calls execute it.
        Label other = a.label();
        a.mov(RSI, -1L).cmp(base(RBX).d(), PUSH_MOV).jnz(other);
        a.mov(base(R12).d(), ENTER).mov(ESI, base(RBX));
        b.address(a, RDX, "entered");
        a.mov(base(RDX).q(), 1);
        a.bind(other);
        b.print(a, "pill: enter %lx");
    }

    /** A debug register on the function: what it steps through then, its handler counts. */
    private void traps() {
        // The handler of the kernel's own hardware breakpoints has the highest priority there is,
        // and takes the event for its own.
        chain();
        b.address(a, RDX, "notifier");
        a.mov(RCX, base(RAX)).mov(base(RDX).disp(8), RCX).mov(base(RAX), RDX);
        load(RAX, "hook");
        a.mov(DR0, RAX).mov(EAX, 0x402).mov(DR7, RAX);
    }

    /** RAX = where the first of those is that are told of exceptions. */
    private void chain() {
        load(RAX, "chain");
        a.add(RAX, b.kernel().offset("atomic_notifier_head", "head"));
    }

    /** int stepped(notifier, event, arguments). */
    private void notified() {
        Label[] l = labels(4);
        a.align(16);
        b.define(a, "stepped");
        a.cmp(RSI, DIE_DEBUG).jnz(l[0]);
        // struct die_args: regs, str, err, which is where a copy of DR6 is
        a.mov(RCX, base(RDX).disp(16)).mov(RSI, base(RDX)).mov(RCX, base(RCX));
        a.test(RCX, DR6_B0 | DR6_BS).jz(l[0]);
        a.test(RCX, DR6_B0).jz(l[1]);
        b.address(a, RDX, "hits");
        a.inc(base(RDX).q()).or(base(RSI).disp(FLAGS).q(), TF | RF);
        b.address(a, RDX, "left");
        a.mov(base(RDX).q(), STEPS);
        a.bind(l[1]).test(RCX, DR6_BS).jz(l[2]);
        b.address(a, RDX, "steps");
        a.inc(base(RDX).q());
        b.address(a, RDX, "path");
        a.mov(RAX, base(RDX)).mov(RCX, MULTIPLIER).imul(RAX, RCX);
        a.xor(RAX, base(RSI).disp(IP)).mov(base(RDX), RAX);
        b.address(a, RDX, "left");
        a.dec(base(RDX).q()).jnz(l[2]);
        a.and(base(RSI).disp(FLAGS).q(), ~(long) TF);
        a.bind(l[2]).mov(EAX, NOTIFY_STOP).ret();
        a.bind(l[0]).xor(EAX, EAX).ret();
    }
}
