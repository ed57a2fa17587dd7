// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static dev.vitrine.processor.asm.Mem.rip;
import static dev.vitrine.processor.asm.Reg.*;

import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Reg;

import java.util.ArrayList;
import java.util.List;

/** Assembles 64-bit programs that make system calls one after the other. */
final class SystemCallCode {
    /** As an argument: what the last call gave. RBX is what {@link #keep} has kept. */
    enum Value {
        RESULT,
        KEPT
    }

    private static final List<Reg> NARROW = List.of(EDI, ESI, EDX, R10D, R8D, R9D);
    private static final List<Reg> WIDE = List.of(RDI, RSI, RDX, R10, R8, R9);

    private final Asm asm = new Asm(64, GuestPrograms.X64_BASE);
    private final List<Runnable> data = new ArrayList<>();

    Asm asm() {
        return asm;
    }

    /** Data behind the code; the address of what a label is bound to. */
    SystemCallCode data(Label at, Runnable content) {
        data.add(() -> {
            asm.align(8).bind(at);
            content.run();
        });
        return this;
    }

    /**
     * Makes a call.
     *
     * @param arguments numbers; texts and arrays of bytes, of which the address is given; labels;
     *     and a {@link Value}
     */
    SystemCallCode call(int number, Object... arguments) {
        asm.mov(R12, RAX);
        for (int i = 0; i < NARROW.size(); i++) {
            Object x = i < arguments.length ? arguments[i] : 0;
            switch (x) {
                case Value v -> asm.mov(WIDE.get(i), v == Value.KEPT ? RBX : R12);
                case Label l -> asm.lea(WIDE.get(i), rip(l));
                case String s -> address(i, () -> asm.ascii(s).db(0));
                case byte[] b -> address(i, () -> asm.bytes(b));
                default -> asm.mov(NARROW.get(i), (int) x);
            }
        }
        asm.mov(EAX, number).syscall();
        return this;
    }

    private void address(int argument, Runnable content) {
        Label at = asm.label();
        data(at, content);
        asm.lea(WIDE.get(argument), rip(at));
    }

    SystemCallCode keep() {
        asm.mov(RBX, RAX);
        return this;
    }

    /** Puts the data behind the code. */
    Asm end() {
        data.forEach(Runnable::run);
        return asm;
    }
}
