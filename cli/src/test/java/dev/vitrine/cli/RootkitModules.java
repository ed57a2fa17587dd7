// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static dev.vitrine.processor.asm.Mem.base;
import static dev.vitrine.processor.asm.Reg.*;

import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Reg;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;

/** Kernel modules of which each does one thing that rootkits do, and takes it back when removed. */
final class RootkitModules {
    private static final int CR0_WP = 16;
    private static final int CR4_SMEP = 20;
    private static final int CR4_SMAP = 21;
    private static final int LSTAR = 0xC000_0082;
    private static final int VHANGUP = 153;

    /** struct seq_operations: start, stop, next, show. */
    private static final int SHOW = 24;

    /** A gate of the interrupt table that nobody uses. */
    static final int GATE = 0x90;

    private final ModuleBuilder b;
    private final Asm a;

    private RootkitModules(KernelFile kernel, String name, String... parameters) {
        b = new ModuleBuilder(kernel, name);
        a = b.text();
        for (String p : parameters) {
            b.parameter(p);
        }
        // A function for others to lead to; it is what system calls and handlers are called with.
        a.align(16);
        b.define(a, "function").text().mov(EAX, 42).ret();
    }

    /** Writes all of them into a folder, as NAME.ko. */
    static void write(KernelFile kernel, Path folder) throws IOException {
        save(folder, "victim", new RootkitModules(kernel, "victim"), m -> {}, m -> {});
        save(folder, "regs", new RootkitModules(kernel, "regs"), m -> m.registers(), m -> {});
        save(
                folder,
                "calls",
                new RootkitModules(kernel, "calls", "table"),
                m -> m.pointer("table", 8 * VHANGUP),
                m -> m.restore("table", 8 * VHANGUP));
        save(
                folder,
                "data",
                new RootkitModules(kernel, "data", "table"),
                m -> m.pointer("table", SHOW),
                m -> m.restore("table", SHOW));
        save(
                folder,
                "gate",
                new RootkitModules(kernel, "gate", "table"),
                m -> m.gate(),
                m -> m.restore("table", 16 * GATE));
        for (String n : new String[] {"patch", "neighbour"}) {
            save(
                    folder,
                    n,
                    new RootkitModules(kernel, n, "at"),
                    m -> m.jump(),
                    m -> m.restore("at", 0));
        }
        save(folder, "hide", new RootkitModules(kernel, "hide"), m -> m.hide(), m -> {});
        save(
                folder,
                "alloc",
                new RootkitModules(kernel, "alloc", "executable"),
                m -> m.allocate(),
                m -> {});
        save(
                folder,
                "proc",
                new RootkitModules(kernel, "proc"),
                m -> m.procFile(true),
                m -> m.procFile(false));
        save(
                folder,
                "tracer",
                new RootkitModules(kernel, "tracer"),
                m -> m.trace(true),
                m -> m.trace(false));
        save(
                folder,
                "probe",
                new RootkitModules(kernel, "probe"),
                m -> m.probe(true),
                m -> m.probe(false));
    }

    private static void save(
            Path folder,
            String name,
            RootkitModules m,
            Consumer<RootkitModules> act,
            Consumer<RootkitModules> undo)
            throws IOException {
        m.b.variable("old").variable("new");
        // Where a module begins and ends; the first is freed when it has begun.
        m.a.align(16);
        m.b.define(m.a, "act");
        act.accept(m);
        m.a.xor(EAX, EAX).ret();
        m.b.define(m.b.init(), "init_module");
        m.b.init().push(RBX).push(R12).push(R13);
        m.b.call(m.b.init(), "act");
        m.b.init().pop(R13).pop(R12).pop(RBX).ret();
        m.a.align(16);
        m.b.define(m.a, "cleanup_module");
        m.a.push(RBX).push(R12).push(R13);
        undo.accept(m);
        m.a.pop(R13).pop(R12).pop(RBX).ret();
        Files.write(folder.resolve(name + ".ko"), m.b.build());
    }

    private void load(Reg to, String variable) {
        b.address(a, to, variable);
        a.mov(to, base(to));
    }

    /** Does something with CR0.WP clear; RDX is what CR0 was. */
    private void unprotected(Runnable what) {
        a.pushf().cli().mov(RAX, CR0).mov(RDX, RAX).btr(RAX, CR0_WP).mov(CR0, RAX);
        what.run();
        a.mov(CR0, RDX).popf();
    }

    /** Changes protection, entry and interrupt table for a moment. */
    private void registers() {
        unprotected(() -> {});
        for (int bit : new int[] {CR4_SMEP, CR4_SMAP}) {
            a.mov(RAX, CR4).mov(RDX, RAX).btr(RAX, bit).mov(CR4, RAX).mov(CR4, RDX);
        }
        a.pushf().cli();
        a.mov(ECX, LSTAR).rdmsr().mov(R8D, EAX).mov(R9D, EDX);
        b.address(a, RAX, "function");
        a.mov(RDX, RAX).shr(RDX, 32).wrmsr();
        a.mov(EAX, R8D).mov(EDX, R9D).wrmsr();
        // A copy of the interrupt table.
        Asm d = b.data().align(16);
        b.define(d, "copy");
        d.zero(4096);
        b.define(d, "table");
        d.zero(16);
        b.define(d, "other").data().dw(4095);
        b.pointer(d, "copy", 0);
        b.address(a, R8, "table");
        a.sidt(base(R8)).mov(RSI, base(R8).disp(2));
        b.address(a, RDI, "copy");
        a.mov(ECX, 512).cld().rep().movs(64);
        b.address(a, R9, "other");
        a.lidt(base(R9)).lidt(base(R8)).popf();
    }

    /** Writes the address of the function over eight bytes that are read-only. */
    private void pointer(String where, int offset) {
        b.address(a, R8, "function");
        load(R9, where);
        b.address(a, R10, "old");
        unprotected(() ->
                a.mov(RAX, base(R9).disp(offset))
                        .mov(base(R10), RAX)
                        .mov(base(R9).disp(offset), R8));
    }

    /** Writes the eight bytes that were there. */
    private void restore(String where, int offset) {
        load(R8, "old");
        load(R9, where);
        unprotected(() -> a.mov(base(R9).disp(offset), R8));
    }

    /** Makes a gate lead to the function: SDM volume 3, 6.14.1. */
    private void gate() {
        int offset = 16 * GATE;
        b.address(a, R8, "function");
        load(R9, "table");
        b.address(a, R10, "old");
        // Modules are in the same 2 GiB as the kernel: bits 63 to 32 are the same.
        unprotected(() ->
                a.mov(RAX, base(R9).disp(offset))
                        .mov(base(R10), RAX)
                        .mov(base(R9).disp(offset), R8W)
                        .shr(R8, 16)
                        .mov(base(R9).disp(offset + 6), R8W));
    }

    /** Writes a jump to the function. */
    private void jump() {
        b.address(a, R8, "function");
        load(R9, "at");
        b.address(a, R10, "old");
        a.sub(R8, R9).sub(R8, 5);
        unprotected(() -> {
            a.mov(RAX, base(R9)).mov(base(R10), RAX);
            a.mov(base(R9).disp(1), R8D).mov(base(R9).b(), 0xE9);
        });
    }

    /** Takes the module from the kernel's list: list_del_init. */
    private void hide() {
        b.address(a, RAX, "__this_module");
        a.add(RAX, b.kernel().offset("module", "list"));
        a.mov(RCX, base(RAX)).mov(RDX, base(RAX).disp(8));
        a.mov(base(RDX), RCX).mov(base(RCX).disp(8), RDX);
        a.mov(base(RAX), RAX).mov(base(RAX).disp(8), RAX);
    }

    /** Executes memory that is no module's. */
    private void allocate() {
        a.mov(EDI, 4096);
        b.call(a, b.kernel().exports("vmalloc") ? "vmalloc" : "vmalloc_noprof");
        a.mov(RBX, RAX).mov(base(RAX).d(), 0x2AB8).mov(base(RAX).disp(4).w(), 0xC300);
        load(RCX, "executable");
        a.mov(RDI, RAX).mov(ESI, 1).call(RCX);
        a.call(RBX);
    }

    /** Replaces what /proc/uptime shows, and puts it back. */
    private void procFile(boolean act) {
        KernelFile k = b.kernel();
        b.string(a, RDI, "/proc/uptime");
        a.xor(ESI, ESI).xor(EDX, EDX);
        b.call(a, "filp_open");
        a.mov(RBX, RAX).mov(RAX, base(RAX).disp(k.offset("file", "f_inode")));
        int entry = k.offset("proc_inode", "pde") - k.offset("proc_inode", "vfs_inode");
        a.mov(R12, base(RAX).disp(entry)).mov(RDI, RBX).xor(ESI, ESI);
        b.call(a, "filp_close");
        int show = k.offset("proc_dir_entry", "single_show");
        if (act) {
            a.mov(RAX, base(R12).disp(show));
            b.address(a, RCX, "old");
            a.mov(base(RCX), RAX);
            b.address(a, RAX, "function");
        } else {
            load(RAX, "old");
        }
        a.mov(base(R12).disp(show), RAX);
    }

    /** Has ftrace call the module. */
    private void trace(boolean act) {
        if (act) {
            KernelFile k = b.kernel();
            Asm d = b.data().align(16);
            b.define(d, "operations");
            d.zero(k.offset("ftrace_ops", "func"));
            b.pointer(d, "function", 0);
            d.zero(k.size("ftrace_ops") - 8 - k.offset("ftrace_ops", "func"));
            b.address(a, RDI, "operations");
            b.string(a, RSI, "do_sys_openat2");
            a.mov(EDX, 14).mov(ECX, 1);
            b.call(a, "ftrace_set_filter");
        }
        b.address(a, RDI, "operations");
        b.call(a, act ? "register_ftrace_function" : "unregister_ftrace_function");
        state(act);
    }

    /** Has a kprobe call the module. */
    private void probe(boolean act) {
        if (act) {
            KernelFile k = b.kernel();
            Asm d = b.data().align(16);
            b.define(d, "symbol").data().ascii("do_sys_openat2").db(0).align(16);
            b.define(d, "probe");
            int from = d.size();
            d.zero(k.offset("kprobe", "symbol_name"));
            b.pointer(d, "symbol", 0);
            d.zero(k.offset("kprobe", "pre_handler") - (d.size() - from));
            b.pointer(d, "nothing", 0);
            d.zero(k.size("kprobe") - (d.size() - from));
            Label over = a.label();
            a.jmp(over);
            b.define(a, "nothing").text().xor(EAX, EAX).ret().bind(over);
        }
        b.address(a, RDI, "probe");
        b.call(a, act ? "register_kprobe" : "unregister_kprobe");
        state(act);
    }

    /** Prints what a registration gave. */
    private void state(boolean act) {
        if (act) {
            a.mov(ESI, EAX);
            b.print(a, "registered %d");
        }
    }
}
