// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static dev.vitrine.processor.asm.Mem.base;
import static dev.vitrine.processor.asm.Reg.*;

import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Label;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.BiConsumer;

/** Kernel modules of which each does one thing wrong when it is loaded. */
final class TroubleModules {
    private static final long NOT_CANONICAL = 0x1234_5678_9ABC_DEF0L;

    /** Behind the direct map and before vmalloc's space: a hole of the kernel's half. */
    private static final long UNMAPPED = 0xFFFF_C880_0000_0000L;

    /** REFCOUNT_ADD_UAF */
    private static final int ADDED_TO_ZERO = 2;

    private static final int HZ = 250;

    /** GFP_KERNEL of 6.x. */
    private static final int GFP_KERNEL = 0xCC0;

    private TroubleModules() {}

    /** Writes all of them into a folder, as NAME.ko. */
    static void write(KernelFile kernel, Path folder) throws IOException {
        save(kernel, folder, "nullread", (b, a) -> a.mov(EAX, base(RDI)));
        save(kernel, folder, "badread", (b, a) -> a.mov(RAX, UNMAPPED).mov(EAX, base(RAX)));
        save(kernel, folder, "wildread", (b, a) -> a.mov(RAX, NOT_CANONICAL).mov(EAX, base(RAX)));
        save(kernel, folder, "nullcall", (b, a) -> a.xor(EAX, EAX).call(RAX));
        save(kernel, folder, "badcode", (b, a) -> a.ud2());
        save(kernel, folder, "warner", TroubleModules::warn);
        save(kernel, folder, "lister", TroubleModules::list);
        save(kernel, folder, "deep", TroubleModules::recurse);
        save(kernel, folder, "spinner", TroubleModules::spin);
        save(kernel, folder, "sleeper", TroubleModules::sleep);
        save(kernel, folder, "freed", TroubleModules::useFreed);
    }

    /** The trouble is in a function that another one calls, both with frame pointers. */
    private static void save(
            KernelFile kernel, Path folder, String name, BiConsumer<ModuleBuilder, Asm> act)
            throws IOException {
        ModuleBuilder b = new ModuleBuilder(kernel, name);
        b.parameter("count").variable("place");
        Asm a = b.text();
        a.align(16);
        b.define(a, "trouble_" + name);
        a.push(RBP).mov(RBP, RSP).push(RBX).push(R12).mov(EDI, 0x10);
        act.accept(b, a);
        a.pop(R12).pop(RBX).pop(RBP).ret();
        a.align(16);
        b.define(a, "init_module");
        a.push(RBP).mov(RBP, RSP);
        b.call(a, "trouble_" + name);
        a.xor(EAX, EAX).pop(RBP).ret();
        b.define(a, "cleanup_module");
        a.ret();
        Files.write(folder.resolve(name + ".ko"), b.build());
    }

    private static void warn(ModuleBuilder b, Asm a) {
        b.address(a, RDI, "place");
        a.mov(ESI, ADDED_TO_ZERO);
        b.call(a, "refcount_warn_saturate");
    }

    /** Has a list's entry removed that is in no list. */
    private static void list(ModuleBuilder b, Asm a) {
        String check = "__list_del_entry_valid";
        b.variable("entry").variable("entry.previous");
        b.address(a, RDI, "entry");
        b.call(a, b.kernel().exports(check) ? check : check + "_or_report");
    }

    private static void recurse(ModuleBuilder b, Asm a) {
        Label again = a.label();
        a.bind(again).push(RAX).call(again);
    }

    /** Computes for {@code count} milliseconds. */
    private static void spin(ModuleBuilder b, Asm a) {
        Label again = a.label();
        b.address(a, RBX, "count");
        a.mov(RBX, base(RBX)).bind(again).mov(EDI, 1000);
        b.call(a, "__udelay");
        a.dec(RBX).jnz(again);
    }

    /** Sleeps for {@code count} seconds so that no signal wakes it. */
    private static void sleep(ModuleBuilder b, Asm a) {
        b.address(a, RBX, "count");
        a.mov(RDI, base(RBX)).imul(RDI, RDI, HZ);
        b.call(a, "schedule_timeout_uninterruptible");
    }

    /** Reads what it has freed, {@code count} times. */
    private static void useFreed(ModuleBuilder b, Asm a) {
        Label again = a.label();
        b.address(a, RBX, "count");
        a.mov(RBX, base(RBX)).bind(again);
        b.string(a, RDI, "some text that is copied");
        a.mov(ESI, GFP_KERNEL);
        b.call(a, "kstrdup");
        a.mov(R12, RAX).mov(RDI, RAX);
        b.call(a, "kfree");
        a.mov(EAX, base(R12));
        b.call(a, "schedule");
        a.dec(RBX).jnz(again);
    }
}
