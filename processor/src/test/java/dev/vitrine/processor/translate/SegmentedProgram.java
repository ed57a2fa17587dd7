// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Asm.Cond;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Mem;
import dev.vitrine.processor.asm.Operand;
import dev.vitrine.processor.asm.Reg;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Writes random programs of 16- or 32-bit code, whose segments have bases and limits: loops, calls
 * and branches as in {@link RandomProgram}, with what these modes have besides: addresses and
 * stacks that are short, prefixes for the other size, segment overrides.
 *
 * <p>BX is 0, where DS begins; BP the count of the outer loop, CX that of an inner one; SI and DI
 * are for addresses, too.
 */
final class SegmentedProgram {
    private static final Cond[] CONDITIONS = Cond.values();
    private static final int[] FREE = {0, 2, 6, 7};
    private static final int FUNCTIONS = 3;

    private final Asm a;
    private final int bits;
    private final Random random;
    private final List<Label> functions = new ArrayList<>();

    private SegmentedProgram(Asm a, int bits, Random random) {
        this.a = a;
        this.bits = bits;
        this.random = random;
    }

    static void write(Asm a, int bits, Random random) {
        new SegmentedProgram(a, bits, random).write();
    }

    private void write() {
        for (int i = 0; i < FUNCTIONS; i++) {
            functions.add(a.label());
        }
        Label outer = a.label();
        a.mov(register(5, bits), 4 + random.nextInt(60)).bind(outer);
        int parts = 2 + random.nextInt(4);
        for (int i = 0; i < parts; i++) {
            part(0);
        }
        a.dec(register(5, bits)).jcc(Cond.NZ, outer).hlt();
        for (int i = 0; i < FUNCTIONS; i++) {
            a.bind(functions.get(i));
            part(i + 1);
            a.ret();
        }
    }

    private void part(int level) {
        some();
        switch (random.nextInt(5)) {
            case 0, 1 -> {
                Label over = a.label();
                a.jcc(condition(), over);
                some();
                a.bind(over);
            }
            case 2 -> {
                if (level == 0) {
                    Label loop = a.label();
                    a.mov(register(1, bits), 1 + random.nextInt(8)).bind(loop);
                    arithmetic();
                    arithmetic();
                    a.loop(loop);
                }
            }
            default -> {
                if (level < FUNCTIONS) {
                    a.call(functions.get(level + random.nextInt(FUNCTIONS - level)));
                }
            }
        }
        some();
    }

    private void some() {
        int n = random.nextInt(6);
        for (int i = 0; i < n; i++) {
            instruction();
        }
    }

    private Cond condition() {
        return CONDITIONS[random.nextInt(16)];
    }

    private static Reg register(int number, int bits) {
        Reg.Kind kind = bits == 8 ? Reg.Kind.GP8 : bits == 16 ? Reg.Kind.GP16 : Reg.Kind.GP32;
        return new Reg(kind, number, "r" + number + "." + bits);
    }

    /** Without SI and DI where it is a byte. */
    private Reg free(int size) {
        return register(FREE[random.nextInt(size == 8 ? 2 : 4)], size);
    }

    private int size() {
        return 8 << random.nextInt(3);
    }

    private int offset() {
        int page = random.nextInt(ProgramMachine.DATA_PAGES - 1) * ProgramMachine.PAGE;
        return switch (random.nextInt(64)) {
            // The segment ends there, and so does the program.
            case 0 -> ProgramMachine.DATA_PAGES * ProgramMachine.PAGE - random.nextInt(16);
            case 1, 2, 3, 4, 5, 6, 7, 8 -> page + 0x1000 - random.nextInt(8);
            default -> page + 4 * random.nextInt(8);
        };
    }

    private Mem memory(int size) {
        Mem m;
        switch (random.nextInt(4)) {
            case 0 -> {
                Reg index = register(6 + random.nextInt(2), bits);
                a.and(index, 0x7FF);
                m = Mem.base(register(3, bits)).index(index, 1).disp(random.nextInt(64));
            }
            case 1 -> m = Mem.abs(offset());
            default -> m = Mem.base(register(3, bits)).disp(offset());
        }
        if (random.nextInt(8) == 0) {
            m = m.seg(Reg.ES);
        }
        return m.bits(size);
    }

    private Operand place(int size) {
        return random.nextInt(3) == 0 ? memory(size) : free(size);
    }

    private long immediate(int size) {
        int v = random.nextInt() >> random.nextInt(32);
        return size == 8 ? (byte) v : size == 16 ? (short) v : v;
    }

    private void instruction() {
        switch (random.nextInt(12)) {
            case 0 -> {
                int size = size();
                Operand m = memory(size);
                a.mov(free(size), m);
            }
            case 1 -> {
                int size = size();
                Operand m = memory(size);
                a.mov(m, free(size));
            }
            case 2 -> a.push(free(bits)).pop(free(bits));
            case 3 -> {
                a.pushf();
                arithmetic();
                a.pop(free(bits));
            }
            case 4 -> a.set(condition(), place(8));
            case 5 -> {
                int size = 16 << random.nextInt(2);
                Operand from = place(size);
                a.cmov(condition(), free(size), from);
            }
            case 6 -> string();
            case 7 -> {
                Operand from = memory(8 << random.nextInt(2));
                a.movzx(free(32), from);
            }
            case 8 -> a.cwd(16 << random.nextInt(2)).cbw(16 << random.nextInt(2));
            case 9 -> {
                int size = 16 << random.nextInt(2);
                Operand from = place(size);
                a.imul(free(size), from);
            }
            default -> arithmetic();
        }
    }

    private void arithmetic() {
        int size = size();
        Operand d = place(size);
        switch (random.nextInt(12)) {
            case 0 -> a.inc(d);
            case 1 -> a.dec(d);
            case 2 -> a.neg(d);
            case 3 -> a.add(d, free(size));
            case 4 -> a.adc(d, free(size));
            case 5 -> a.sub(d, immediate(size));
            case 6 -> a.sbb(d, free(size));
            case 7 -> a.xor(d, immediate(size));
            case 8 -> a.cmp(d, free(size));
            case 9 -> a.shl(d, 1 + random.nextInt(7));
            case 10 -> a.rcr(d, 1 + random.nextInt(7));
            default -> a.sar(d, 1 + random.nextInt(7));
        }
    }

    private void string() {
        a.cld().mov(register(7, bits), offset() & 0x2FFF).mov(register(6, bits), offset() & 0x2FFF);
        int size = size();
        switch (random.nextInt(4)) {
            case 0 -> a.movs(size);
            case 1 -> a.stos(size);
            case 2 -> a.lods(size);
            default -> a.scas(size);
        }
    }
}
