// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import static dev.vitrine.processor.asm.Reg.*;

import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Asm.Cond;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Mem;
import dev.vitrine.processor.asm.Operand;
import dev.vitrine.processor.asm.Reg;
import dev.vitrine.processor.decode.Decoder;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.InstructionText;
import dev.vitrine.processor.decode.Op;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * A program made of loops, calls, branches of all kinds and instructions between them that depend
 * on each other's flags, access memory across pages, and take pages away from under themselves.
 *
 * <p>RBX is where the data is, RBP the count of an inner loop, R14 that of the outer one, R15 and
 * R12 are for addresses; the rest is random.
 */
final class RandomProgram {
    private static final int[] FREE = {0, 1, 2, 6, 7, 8, 9, 10, 11, 13};
    private static final Cond[] CONDITIONS = Cond.values();
    private static final int FUNCTIONS = 3;

    /** Present 1, writable 2, of the user 4. */
    private static final int[] RIGHTS = {7, 7, 5, 6, 3};

    final byte[] code;
    final byte[] data = new byte[ProgramMachine.DATA_PAGES * ProgramMachine.PAGE];
    final long[] registers = new long[16];
    final long[] vectors = new long[64];
    final long flags;

    /** Of each data page, the low bits of its page-table entry. */
    final int[] rights = new int[ProgramMachine.DATA_PAGES];

    private final Random random;
    private final boolean smp;
    private final Asm a;
    private final List<Label> functions = new ArrayList<>();

    /** Immediates in the code that may be overwritten. */
    private final List<Label> patches = new ArrayList<>();

    private final boolean patching;
    private final boolean losing;
    private final boolean vector;

    /** Functions have one on the stack. */
    private final boolean arguments;

    /**
     * @param smp use atomic instructions more often
     */
    private final boolean independent;

    /** Of its code: 64, or 16 or 32, where segments have bases and limits. */
    final int bits;

    private final Label begin;

    /** It runs at CPL 3, and has the kernel take pages away. */
    final boolean user;

    RandomProgram(long seed, boolean smp) {
        this(seed, smp, false);
    }

    /**
     * @param independent it does the same wherever it is, and reaches code and data relative to RIP
     */
    RandomProgram(long seed, boolean smp, boolean independent) {
        this(seed, smp, independent, false, 64);
    }

    /** A program for CPL 3. */
    static RandomProgram user(long seed, boolean smp) {
        return new RandomProgram(seed, smp, false, true, 64);
    }

    /** A program of 16- or 32-bit code. */
    static RandomProgram segmented(long seed, int bits) {
        return new RandomProgram(seed, false, false, false, bits);
    }

    private RandomProgram(long seed, boolean smp, boolean independent, boolean user, int bits) {
        this.bits = bits;
        a = new Asm(bits, bits == 64 ? ProgramMachine.CODE : 0);
        begin = a.label("begin");
        this.user = user;
        this.smp = smp;
        this.independent = independent;
        // Neighbouring seeds are to give different programs.
        random = new Random(seed * 0x9E3779B97F4A7C15L ^ seed >>> 7);
        patching = random.nextInt(5) == 0;
        losing = random.nextInt(3) == 0;
        vector = random.nextBoolean();
        arguments = random.nextInt(4) == 0;
        random.nextBytes(data);
        for (int i = 0; i < 16; i++) {
            registers[i] = interesting();
        }
        for (int i = 0; i < 64; i++) {
            vectors[i] = i % 4 < 2 ? random.nextLong() : 0;
        }
        flags = random.nextInt() & 0x8D5 | 2;
        for (int i = 0; i < rights.length; i++) {
            rights[i] = losing ? RIGHTS[random.nextInt(user ? 5 : 4)] : 7;
        }
        if (bits == 64) {
            write();
        } else {
            SegmentedProgram.write(a, bits, random);
        }
        code = a.toBytes();
    }

    /** The code, an instruction a line. */
    String text() {
        StringBuilder b = new StringBuilder();
        Decoder decoder = new Decoder();
        int at = 0;
        while (at < code.length) {
            Instruction i = new Instruction();
            long address = a.origin() + at;
            int n = decoder.decode(code, at, Math.min(15, code.length - at), address, bits, i);
            if (n <= 0) {
                break;
            }
            if (i.op != Op.HLT) {
                b.append(String.format("  %x: %s%n", address, InstructionText.format(i)));
            }
            at += n;
        }
        return b.toString();
    }

    private long interesting() {
        return switch (random.nextInt(6)) {
            case 0 -> random.nextInt(4) - 2;
            case 1 -> 1L << random.nextInt(64);
            case 2 -> (1L << random.nextInt(64)) - 1;
            case 3 -> random.nextInt();
            default -> random.nextLong();
        };
    }

    // ----------------------------------------------------------------- structure

    private void write() {
        for (int i = 0; i < FUNCTIONS; i++) {
            functions.add(a.label("f" + i));
        }
        Label table = a.label("table");
        a.bind(begin);
        Label outer = a.label("outer");
        a.mov(R14, 4 + random.nextInt(120));
        a.bind(outer);
        int parts = 2 + random.nextInt(4);
        for (int i = 0; i < parts; i++) {
            part(0, table);
        }
        a.dec(R14).jcc(Cond.NZ, outer).hlt();
        for (int i = 0; i < FUNCTIONS; i++) {
            if (random.nextInt(3) == 0) {
                // Somewhere near the end of a page: some go over it.
                long end = a.here() + 0xFFF & -0x1000L;
                if (end + 0x100 < ProgramMachine.CODE + 3 * ProgramMachine.PAGE) {
                    a.fill((int) (end - a.here()) + 0xFC0 + random.nextInt(64) & 0xFFF, 0xF4);
                }
            }
            a.bind(functions.get(i));
            int n = 1 + random.nextInt(2);
            for (int k = 0; k < n; k++) {
                part(i + 1, table);
            }
            if (arguments) {
                a.ret(8);
            } else {
                a.ret();
            }
        }
        a.align(8).bind(table);
        for (int i = 0; i < 4; i++) {
            a.dq(functions.get(random.nextInt(FUNCTIONS)));
        }
        if (a.size() > ProgramMachine.CODE_PAGES * ProgramMachine.PAGE) {
            throw new IllegalStateException("program too long");
        }
    }

    /**
     * @param level functions call those of higher numbers only
     */
    private void part(int level, Label table) {
        some();
        switch (random.nextInt(9)) {
            case 0, 1 -> {
                Label over = a.label();
                a.jcc(condition(), over);
                some();
                a.bind(over);
            }
            case 2 -> {
                Label other = a.label();
                Label end = a.label();
                a.jcc(condition(), other);
                some();
                a.jmp(end).bind(other);
                some();
                a.bind(end);
            }
            case 3 -> {
                if (level == 0) {
                    Label loop = a.label();
                    a.mov(EBP, 1 + random.nextInt(8)).bind(loop);
                    some();
                    if (random.nextBoolean()) {
                        Label over = a.label();
                        a.jcc(condition(), over);
                        some();
                        a.bind(over);
                    }
                    a.dec(EBP).jcc(random.nextBoolean() ? Cond.NZ : Cond.G, loop);
                }
            }
            case 4, 5 -> {
                if (level < FUNCTIONS) {
                    argument();
                    a.call(functions.get(level + random.nextInt(FUNCTIONS - level)));
                }
            }
            case 6 -> {
                if (level == 0) {
                    a.mov(R15, free()).and(R15D, 3);
                    argument();
                    if (independent) {
                        load(R12, functions.get(random.nextInt(FUNCTIONS)));
                        load(R15, functions.get(random.nextInt(FUNCTIONS)));
                        a.cmov(condition(), R12, R15).call(R12);
                        return;
                    }
                    a.mov(R12, table);
                    if (random.nextBoolean()) {
                        a.call(Mem.base(R12).index(R15, 8).q());
                    } else {
                        a.mov(R12, Mem.base(R12).index(R15, 8)).call(R12);
                    }
                }
            }
            case 7 -> {
                // An indirect jump to one of two places.
                Label one = a.label();
                Label two = a.label();
                load(R12, one);
                load(R15, two);
                a.cmov(condition(), R12, R15).jmp(R12);
                a.bind(one);
                some();
                a.bind(two);
            }
            default -> {
                Label loop = a.label();
                a.mov(ECX, 1 + random.nextInt(6)).bind(loop);
                arithmetic();
                a.mov(R15, RCX);
                arithmetic();
                a.mov(RCX, R15).and(ECX, 7).jcc(Cond.Z, functionsEnd()).loop(loop);
                a.bind(end);
            }
        }
    }

    private void argument() {
        if (arguments) {
            a.push(free());
        }
    }

    private Label end = new Asm(64, 0).label();

    private Label functionsEnd() {
        end = a.label();
        return end;
    }

    private void some() {
        int n = random.nextInt(7);
        for (int i = 0; i < n; i++) {
            instruction();
        }
    }

    // -------------------------------------------------------------- instructions

    private Cond condition() {
        return CONDITIONS[random.nextInt(16)];
    }

    private Reg free() {
        return Reg.gp64(FREE[random.nextInt(FREE.length)]);
    }

    private Reg register(int bits) {
        int n = FREE[random.nextInt(FREE.length)];
        Reg.Kind kind =
                switch (bits) {
                    case 8 -> n < 3 && random.nextInt(3) == 0 ? Reg.Kind.GP8_HIGH : Reg.Kind.GP8;
                    case 16 -> Reg.Kind.GP16;
                    case 32 -> Reg.Kind.GP32;
                    default -> Reg.Kind.GP64;
                };
        return new Reg(kind, kind == Reg.Kind.GP8_HIGH ? n + 4 : n, "r" + n + "." + bits);
    }

    private static boolean high(Operand o) {
        return o instanceof Reg r && r.kind() == Reg.Kind.GP8_HIGH;
    }

    private static boolean extended(Operand o) {
        return o instanceof Reg r && r.kind() == Reg.Kind.GP8 && r.number() >= 4
                || o instanceof Mem m
                        && (m.base() != null && m.base().number() >= 8
                                || m.index() != null && m.index().number() >= 8);
    }

    /** A register that can stand beside an operand: AH and a REX prefix exclude each other. */
    private Reg beside(int bits, Operand o) {
        while (true) {
            Reg r = register(bits);
            if (!(high(r) && extended(o)) && !(high(o) && extended(r))) {
                return r;
            }
        }
    }

    private int bits() {
        return switch (random.nextInt(8)) {
            case 0 -> 8;
            case 1 -> 16;
            case 2, 3, 4 -> 32;
            default -> 64;
        };
    }

    /** The address of a place in the code. */
    private void load(Reg register, Label place) {
        if (independent) {
            a.lea(register, Mem.rip(place));
        } else {
            a.mov(register, place);
        }
    }

    private Mem relative(int address) {
        return Mem.rip(begin).disp(address - ProgramMachine.CODE);
    }

    private int offset() {
        int page = random.nextInt(ProgramMachine.DATA_PAGES - 1);
        return switch (random.nextInt(8)) {
            case 0, 1 -> page * ProgramMachine.PAGE + 0x1000 - random.nextInt(18);
            case 2 -> (page + 1) * ProgramMachine.PAGE + random.nextInt(64);
            // Few places, so that values are read again.
            default -> page * ProgramMachine.PAGE + 8 * random.nextInt(6);
        };
    }

    private Mem memory(int bits) {
        if (independent && random.nextInt(3) == 0) {
            return relative(ProgramMachine.DATA + offset()).bits(bits);
        }
        if (random.nextInt(4) != 0) {
            return Mem.base(RBX).disp(offset()).bits(bits);
        }
        // An address that depends on a value.
        boolean aligned = random.nextBoolean();
        a.mov(R12, free()).and(R12D, aligned ? 0x7F8 : 0x7FF);
        return Mem.base(RBX).index(R12, 1 << random.nextInt(3)).disp(random.nextInt(64)).bits(bits);
    }

    private Operand place(int bits) {
        return random.nextInt(3) == 0 ? memory(bits) : register(bits);
    }

    private long immediate(int bits) {
        long v = interesting();
        return bits == 8 ? (byte) v : bits == 16 ? (short) v : (int) v;
    }

    private void instruction() {
        int what = random.nextInt(100);
        if (what < 45) {
            arithmetic();
        } else if (what < 60) {
            move();
        } else if (what < 68) {
            stack();
        } else if (what < 76) {
            conditional();
        } else if (what < 82) {
            helper();
        } else if (what < 86 && vector) {
            sse();
        } else if (what < 88) {
            string();
        } else if (what < 90 && losing) {
            lose();
        } else if (what < 94 && patching) {
            patch();
        } else {
            shift();
        }
    }

    private void arithmetic() {
        int bits = bits();
        if (random.nextInt(4) == 0) {
            Operand d = place(bits);
            switch (random.nextInt(6)) {
                case 0, 1 -> a.inc(d);
                case 2, 3 -> a.dec(d);
                case 4 -> a.neg(d);
                default -> a.not(d);
            }
            return;
        }
        if (random.nextInt(5) == 0) {
            shift();
            return;
        }
        if (random.nextInt(12) == 0) {
            multiply();
            return;
        }
        int operation = random.nextInt(9);
        if (random.nextInt(3) == 0) {
            Operand d = place(bits);
            long v = immediate(bits);
            switch (operation) {
                case 0 -> a.add(d, v);
                case 1 -> a.or(d, v);
                case 2 -> a.adc(d, v);
                case 3 -> a.sbb(d, v);
                case 4 -> a.and(d, v);
                case 5 -> a.sub(d, v);
                case 6 -> a.xor(d, v);
                case 7 -> a.cmp(d, v);
                default -> a.test(d, v);
            }
            return;
        }
        Operand d;
        Operand s;
        if (operation < 8 && random.nextInt(4) == 0) {
            s = memory(bits);
            d = beside(bits, s);
        } else {
            d = place(bits);
            s = beside(bits, d);
            if (d instanceof Mem && operation < 7 && random.nextInt(smp ? 3 : 10) == 0) {
                a.lock();
            }
        }
        switch (operation) {
            case 0 -> a.add(d, s);
            case 1 -> a.or(d, s);
            case 2 -> a.adc(d, s);
            case 3 -> a.sbb(d, s);
            case 4 -> a.and(d, s);
            case 5 -> a.sub(d, s);
            case 6 -> a.xor(d, s);
            case 7 -> a.cmp(d, s);
            default -> a.test(d, (Reg) s);
        }
    }

    private void multiply() {
        switch (random.nextInt(4)) {
            case 0 -> a.mul(place(bits()));
            case 1 -> a.imul(place(bits()));
            case 2 -> {
                int bits = 16 << random.nextInt(3);
                a.imul(register(bits), place(bits));
            }
            default -> {
                int bits = 16 << random.nextInt(3);
                a.imul(register(bits), place(bits), immediate(8));
            }
        }
    }

    private void shift() {
        int bits = bits();
        Operand d = place(bits);
        int count = random.nextInt(5) == 0 ? random.nextInt(256) : random.nextInt(bits + 2);
        switch (random.nextInt(14)) {
            case 0 -> a.shl(d, count);
            case 1 -> a.shr(d, count);
            case 2 -> a.sar(d, count);
            case 3, 4 -> a.rol(d, count);
            case 5, 6 -> a.ror(d, count);
            case 7 -> a.rcl(d, count);
            case 8 -> a.rcr(d, count);
            case 9 -> a.shlCl(d);
            case 10 -> a.shrCl(d);
            case 11 -> a.sarCl(d);
            default -> {
                // ROL or ROR by CL.
                int n = FREE[random.nextInt(FREE.length)];
                a.db(0x40 | bits / 64 << 3 | n >> 3, 0xD3, 0xC0 | random.nextInt(2) << 3 | n & 7);
            }
        }
    }

    private void move() {
        int bits = bits();
        switch (random.nextInt(9)) {
            case 0, 1 -> {
                Operand s = memory(bits);
                a.mov(beside(bits, s), s);
            }
            case 2, 3 -> {
                Operand d = memory(bits);
                a.mov(d, beside(bits, d));
            }
            case 4 -> a.mov(place(bits), immediate(bits));
            case 5 -> {
                Operand s = place(8 << random.nextInt(2));
                if (high(s)) {
                    a.movzx(register(32), new Reg(Reg.Kind.GP8, 1, "cl"));
                } else {
                    a.movsx(register(64), s);
                }
            }
            case 6 -> a.movzx(register(64), random.nextBoolean() ? memory(8) : memory(16));
            case 7 ->
                    a.lea(
                            register(random.nextBoolean() ? 32 : 64),
                            Mem.base(free())
                                    .index(free(), 1 << random.nextInt(4))
                                    .disp(random.nextInt()));
            default -> {
                Operand d = place(bits);
                a.xchg(d, beside(bits, d));
            }
        }
    }

    private void stack() {
        switch (random.nextInt(5)) {
            case 0 -> a.push(free()).pop(free());
            case 1 -> a.push(free()).push(free()).pop(free()).pop(free());
            case 2 -> {
                a.push(memory(64));
                arithmetic();
                a.pop(free());
            }
            case 3 -> a.pushf().pop(free());
            default -> {
                a.push(random.nextInt());
                instructionWithoutStack();
                a.pop(memory(64));
            }
        }
    }

    private void instructionWithoutStack() {
        if (random.nextBoolean()) {
            arithmetic();
        } else {
            conditional();
        }
    }

    private void conditional() {
        switch (random.nextInt(5)) {
            case 0, 1 -> a.set(condition(), place(8));
            case 2, 3 -> {
                int bits = 16 << random.nextInt(3);
                a.cmov(condition(), register(bits), place(bits));
            }
            default -> {
                switch (random.nextInt(3)) {
                    case 0 -> a.stc();
                    case 1 -> a.clc();
                    default -> a.cmc();
                }
            }
        }
    }

    private void helper() {
        int bits = 16 << random.nextInt(3);
        switch (random.nextInt(13)) {
            case 0 -> a.bt(place(bits), random.nextInt(64));
            case 1 -> a.bts(place(bits), random.nextInt(64));
            case 2 -> a.bsf(register(bits), place(bits));
            case 3 -> a.popcnt(register(bits), place(bits));
            case 4 -> a.shld(place(bits), register(bits), random.nextInt(20));
            case 5 -> a.shrd(place(bits), register(bits), random.nextInt(20));
            case 6 -> {
                Operand d = place(bits);
                if (d instanceof Mem && smp) {
                    a.lock();
                }
                a.cmpxchg(d, register(bits));
            }
            case 7 -> {
                Operand d = place(bits);
                if (d instanceof Mem && smp) {
                    a.lock();
                }
                a.xadd(d, register(bits));
            }
            case 8 -> a.lahf();
            case 9 -> a.sahf();
            case 10 -> a.cwd(bits);
            case 11 -> a.cbw(bits);
            default -> a.bswap(register(32 << random.nextInt(2)));
        }
    }

    private void sse() {
        Reg x = Reg.xmm(random.nextInt(4));
        switch (random.nextInt(7)) {
            case 0, 1 -> a.movdqu(x, memory(0));
            case 2, 3 -> a.movdqu(memory(0), x);
            case 4 -> a.pxor(x, Reg.xmm(random.nextInt(4)));
            case 5 -> a.pand(x, Reg.xmm(random.nextInt(4)));
            default -> a.por(x, Reg.xmm(random.nextInt(4)));
        }
    }

    private void string() {
        a.lea(RDI, Mem.base(RBX).disp(offset()));
        a.lea(RSI, Mem.base(RBX).disp(offset()));
        a.mov(ECX, random.nextInt(12));
        int bits = 8 << random.nextInt(4);
        switch (random.nextInt(4)) {
            case 0 -> a.rep().movs(bits);
            case 1 -> a.rep().stos(bits);
            case 2 -> a.rep().cmps(bits);
            default -> a.lods(bits);
        }
    }

    /** Takes a data page away, or its writability, or only its place in the TLB. */
    private void lose() {
        int page = ProgramMachine.DATA + random.nextInt(ProgramMachine.DATA_PAGES) * 0x1000;
        if (user) {
            a.mov(R12D, page | random.nextInt(8));
            if (random.nextBoolean()) {
                a.syscall();
            } else {
                a.interrupt(ProgramMachine.LOSE);
            }
            return;
        }
        int entry = ProgramMachine.PT + page / 0x1000 * 8;
        switch (random.nextInt(3)) {
            case 0 -> a.and(Mem.abs(entry).b(), -2);
            case 1 -> a.and(Mem.abs(entry).b(), -3);
            default -> {}
        }
        a.invlpg(Mem.abs(page));
        if (independent) {
            a.invlpg(relative(page));
        }
    }

    /** An immediate that other instructions overwrite, or such an instruction. */
    private void patch() {
        if (patches.isEmpty() || random.nextInt(3) == 0) {
            Label at = a.label();
            a.db(0x05); // ADD EAX, imm32
            a.bind(at).dd(random.nextInt());
            patches.add(at);
        } else {
            Label at = patches.get(random.nextInt(patches.size()));
            load(R12, at);
            a.mov(Mem.base(R12), random.nextBoolean() ? register(32) : register(16));
        }
    }
}
