// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static dev.vitrine.processor.asm.Mem.base;
import static dev.vitrine.processor.asm.Reg.*;

import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Label;

import java.io.IOException;

/**
 * A kernel module that writes the first instructions of a function anew, {@code count} times, by
 * another mapping, in two encodings, while other processors execute it. It prints how often the
 * function did not read as it had been written.
 */
final class RewriteModule {
    /**
     * PUSH RBP; MOV RBP,RSP with the other encoding of MOV. Both have the same boundaries, so that
     * it does not matter between which instructions another processor sees the change.
     */
    private static final long OTHER = 0xEC8B_4855L;

    private RewriteModule() {}

    static byte[] build(KernelFile kernel) throws IOException {
        ModuleBuilder b = new ModuleBuilder(kernel, "rewrite");
        b.parameter("hook").parameter("count");
        Asm a = b.text();
        Label again = a.label();
        Label right = a.label();
        Label none = a.label();
        b.define(a, "init_module");
        a.push(RBX).push(RBP).push(R12).push(R13).push(R14);
        b.address(a, RBX, "hook");
        a.mov(RBX, base(RBX)).mov(RDI, RBX).xor(R13D, R13D).xor(R14D, R14D);
        b.map(a);
        b.address(a, RBP, "count");
        a.mov(R12, RAX).mov(RBP, base(RBP));
        a.cmp(base(RBX).d(), PillModule.PUSH_MOV).jnz(none);
        a.bind(again).mov(EAX, PillModule.PUSH_MOV).mov(ECX, OTHER);
        a.test(R14, 1).cmov(Asm.Cond.Z, EAX, ECX).mov(base(R12), EAX);
        a.cmp(base(RBX), EAX).jz(right).inc(R13);
        a.bind(right).inc(R14).cmp(R14, RBP).jnz(again);
        a.mov(base(R12).d(), PillModule.PUSH_MOV);
        a.bind(none).mov(RDI, R12);
        b.unmap(a);
        a.mov(RSI, R14).mov(RDX, R13);
        b.print(a, "rewrite: %lu wrong %lu.");
        a.pop(R14).pop(R13).pop(R12).pop(RBP).pop(RBX).xor(EAX, EAX).ret();
        b.define(a, "cleanup_module");
        a.ret();
        return b.build();
    }
}
