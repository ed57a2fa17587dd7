// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0
package dev.vitrine.processor.oracle;

import static dev.vitrine.processor.oracle.OracleLayout.CODE;
import static dev.vitrine.processor.oracle.OracleLayout.CODE_SIZE;
import static dev.vitrine.processor.oracle.OracleLayout.DATA;
import static dev.vitrine.processor.oracle.OracleLayout.DATA_WRITABLE_SIZE;
import static dev.vitrine.processor.oracle.OracleLayout.PAGE;
import static dev.vitrine.processor.oracle.OracleLayout.STACK;
import static dev.vitrine.processor.oracle.OracleLayout.STACK_SIZE;

import dev.vitrine.processor.decode.Decoder;
import dev.vitrine.processor.decode.Form;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;
import dev.vitrine.processor.decode.Operand;

import java.util.List;
import java.util.SplittableRandom;

/**
 * Makes random cases: one instruction of a wanted form, or a sequence of a few instructions of any
 * form, with a random state. A case depends on the seed and its number alone.
 */
final class RandomCase {
    private static final int TF = 0x100;
    private static final int NT = 0x4000;
    private static final int AC = 0x4_0000;
    private static final int ID = 0x20_0000;
    private static final int ARITHMETIC_AND_DF = 0xcd5;

    /**
     * Values to copy vector and x87 registers from: drawing each anew would cost more than running
     * the case.
     */
    private static final int POOL = 4096;

    /** Where sequences count their rounds: few instructions write there. */
    private static final long LOOP_COUNTER = STACK + STACK_SIZE - 64;

    private final InitialMemory initial;
    private final boolean mode32Allowed;
    private final long seed;
    private final long[] vectors = new long[POOL];
    private final long[] numbers80 = new long[POOL];
    private final Decoder decoder = new Decoder();
    private List<Form> comparisonsOf = List.of();
    private List<Form> comparisons = List.of();
    private final byte[] code = new byte[OracleLayout.CODE_WINDOW];
    private SplittableRandom r;
    private RandomInstruction encoder;

    /** The instruction of the case as the decoder sees it; the first one of a sequence. */
    final Instruction instruction = new Instruction();

    /** How many encodings the decoder took for another form since the start, for the report. */
    long retries;

    RandomCase(long seed, InitialMemory initial, boolean mode32Allowed) {
        this.seed = seed;
        this.initial = initial;
        this.mode32Allowed = mode32Allowed;
        r = new SplittableRandom(seed);
        for (int i = 0; i < POOL; i++) {
            vectors[i] = Interesting.word(r);
        }
        for (int i = 0; i < POOL; i += 2) {
            numbers80[i] = Interesting.mantissa80(r);
            numbers80[i + 1] = Interesting.exponent80(r);
        }
        encoder = new RandomInstruction(r);
    }

    private boolean chance(int of) {
        return r.nextInt(of) == 0;
    }

    private void start(Case c, long number) {
        // Not the generator's own increment, lest neighbouring seeds give the same numbers.
        r = new SplittableRandom(seed * 0xd134_2543_de82_ef95L + number);
        encoder = new RandomInstruction(r);
        c.lineCount = 0;
        c.exit = Case.Exit.JUMP;
    }

    /**
     * Fills {@code c} with a case for a form.
     *
     * @param number of the case; the same number gives the same case
     * @return false if no encoding for the form was found in many attempts (the form cannot be
     *     reached, or the host runs no 32-bit code)
     */
    boolean single(Form form, long number, Case c) {
        start(c, number);
        boolean mode32 = form.has(Form.I64) || !form.has(Form.O64) && mode32Allowed && chance(4);
        if (mode32 && !mode32Allowed) {
            return false;
        }
        for (int attempt = 0; attempt < 64; attempt++) {
            state(c, mode32);
            long at = place();
            int length = encoder.encode(form, c, at, false);
            if (length == RandomInstruction.UNUSABLE) {
                continue;
            }
            int got = decoder.decode(encoder.bytes(), 0, length, at, mode32 ? 32 : 64, instruction);
            boolean locked =
                    got == Decoder.INVALID && chance(8) && form.op.group != Op.Group.SYSTEM;
            if (length <= Decoder.MAX_LENGTH
                    && (locked || got == length && instruction.form == form)) {
                c.codeAddress = at;
                c.code(encoder.bytes(), length);
                memory(c);
                if (got == length && !adjust(form, c)) {
                    continue;
                }
                exit(form, c);
                return true;
            }
            retries++;
        }
        return false;
    }

    private List<Form> comparisons(List<Form> forms) {
        if (comparisonsOf != forms) {
            comparisonsOf = forms;
            comparisons = forms.stream().filter(f -> f.op == Op.CMP || f.op == Op.TEST).toList();
        }
        return comparisons;
    }

    /**
     * Fills {@code c} with a sequence of three to ten instructions of the given forms, which fall
     * through from one to the next; among them short forward branches and now and then a counted
     * loop around all.
     */
    boolean sequence(List<Form> forms, long number, Case c) {
        start(c, number);
        boolean mode32 = mode32Allowed && chance(4);
        state(c, mode32);
        long at = CODE + 256 + r.nextInt(CODE_SIZE - 1024);
        c.codeAddress = at;
        int wanted = r.nextInt(3, 11);
        int length = 0;
        int count = 0;
        int branch = -1;
        boolean compared = false;
        for (int attempt = 0; attempt < 200 && count < wanted && length < 80; attempt++) {
            boolean compares = branch < 0 && chance(6) && count < wanted - 1;
            if (compares && chance(2) || compared) {
                compared = false;
                code[length++] = (byte) (0x70 + r.nextInt(16));
                branch = length;
                code[length++] = 0;
                continue;
            }
            // Half of the branches come right behind a comparison: the two may be executed as one.
            List<Form> choice = compares ? comparisons(forms) : forms;
            if (choice.isEmpty()) {
                continue;
            }
            Form form = choice.get(r.nextInt(choice.size()));
            if (form.has(mode32 ? Form.O64 : Form.I64)) {
                continue;
            }
            int n = encoder.encode(form, c, at + length, true);
            Instruction i = instruction;
            if (n > Decoder.MAX_LENGTH
                    || decoder.decode(encoder.bytes(), 0, n, at + length, mode32 ? 32 : 64, i) != n
                    || i.form != form) {
                continue;
            }
            System.arraycopy(encoder.bytes(), 0, code, length, n);
            length += n;
            count++;
            compared = compares;
            if (branch >= 0 && chance(2)) {
                code[branch] = (byte) (length - branch - 1);
                branch = -1;
            }
        }
        if (branch >= 0) {
            code[branch] = (byte) (length - branch - 1);
        }
        boolean loop = chance(4);
        if (loop) { // DEC of a word in memory, JNZ to the start
            code[length++] = (byte) 0xff;
            code[length++] = (byte) (mode32 ? 0x0d : 0x0c);
            if (!mode32) {
                code[length++] = 0x25;
            }
            for (int i = 0; i < 4; i++) {
                code[length++] = (byte) (LOOP_COUNTER >> (8 * i));
            }
            code[length++] = 0x75;
            code[length] = (byte) -(length + 1);
            length++;
        }
        c.exit = Case.Exit.INT3;
        c.code(code, length);
        memory(c);
        if (loop) {
            setMemory(c, LOOP_COUNTER, 4, r.nextInt(1, 9));
        }
        return count > 0;
    }

    /**
     * A place for the code: inside of a page, or so that it crosses the boundary between the two
     * code pages.
     */
    private long place() {
        return chance(16) ? CODE + PAGE - r.nextInt(15) : CODE + 256 + r.nextInt(PAGE - 512);
    }

    private void state(Case c, boolean mode32) {
        CpuImage s = c.state;
        for (int i = 0; i < 16; i++) {
            s.gpr[i] =
                    switch (r.nextInt(4)) {
                        case 0 -> DATA + r.nextInt(DATA_WRITABLE_SIZE);
                        case 1 ->
                                chance(2) ? r.nextInt(64) : Interesting.edge(r, 8 << r.nextInt(4));
                        default -> Interesting.word(r);
                    };
            if (mode32) {
                s.gpr[i] = i < 8 ? s.gpr[i] & 0xffff_ffffL : 0;
            }
        }
        s.gpr[CpuImage.RSP] = stackAddress();
        if (chance(2)) {
            s.gpr[CpuImage.RBP] = stackAddress();
        }
        s.rflags = 0x202 | r.nextInt() & ARITHMETIC_AND_DF;
        if (chance(40)) {
            s.rflags |= new int[] {AC, ID, NT, AC}[r.nextInt(4)];
        }
        s.cs = mode32 ? OracleLayout.CODE32_SELECTOR : OracleLayout.CODE64_SELECTOR;
        s.ss = OracleLayout.DATA_SELECTOR;
        s.ds = OracleLayout.DATA_SELECTOR;
        s.es = OracleLayout.DATA_SELECTOR;
        s.fs = OracleLayout.DATA_SELECTOR;
        s.gs = OracleLayout.DATA_SELECTOR;
        s.fsBase = 0;
        s.gsBase = 0;
        System.arraycopy(vectors, r.nextInt(POOL - 32), s.xsave, 20, 32);
        System.arraycopy(vectors, r.nextInt(POOL - 32), s.xsave, 72, 32);
        System.arraycopy(numbers80, 2 * r.nextInt(POOL / 2 - 8), s.xsave, 4, 16);
        s.xsave[64] = 7;
        floatingPointControl(s);
    }

    private long stackAddress() {
        return switch (r.nextInt(20)) {
            case 0 -> STACK + r.nextInt(16);
            case 1 -> STACK + STACK_SIZE - r.nextInt(32);
            case 2 -> STACK + r.nextInt(STACK_SIZE);
            default -> STACK + 256 + 8 * r.nextInt(STACK_SIZE / 8 - 128);
        };
    }

    private void floatingPointControl(CpuImage s) {
        int mxcsr = CpuImage.MXCSR_INIT;
        if (chance(2)) {
            mxcsr |= r.nextInt(4) << 13;
        }
        if (chance(6)) {
            mxcsr |= r.nextInt() & 0x8040; // FTZ, DAZ
        }
        if (chance(2)) {
            mxcsr |= r.nextInt(64);
        }
        if (chance(8)) {
            mxcsr &= ~(r.nextInt(64) << 7);
        }
        s.mxcsr(mxcsr);
        int fcw = CpuImage.FCW_INIT;
        if (chance(2)) {
            fcw = fcw & ~0xf00 | r.nextInt(4) << 10 | (chance(2) ? 3 : r.nextInt(4)) << 8;
        }
        if (chance(8)) {
            fcw &= ~r.nextInt(64);
        }
        s.fcw(fcw);
        int fsw = r.nextInt(8) << 11 | r.nextInt() & 0x4700;
        if (chance(3)) {
            fsw |= r.nextInt(128);
            if (chance(8)) {
                fsw &= ~fcw | ~0x3f;
            } else {
                fsw &= fcw | ~0x3f; // no exception pending, mostly
            }
        }
        if ((fsw & ~fcw & 0x3f) != 0) {
            fsw |= 0x8080;
        }
        s.fsw(fsw);
        s.ftw(
                switch (r.nextInt(4)) {
                    case 0 -> r.nextInt(256);
                    case 1 -> 0xff & ~(1 << r.nextInt(8));
                    case 2 -> chance(4) ? 0 : 0xff;
                    default -> 0xff;
                });
        s.xsave[1] = 0;
        s.xsave[2] = 0;
    }

    /** Gives the memory operand and the top of the stack values of their own, mostly. */
    private void memory(Case c) {
        if (encoder.targetWritable && chance(2)) {
            long start = encoder.target & -8;
            for (long a = start;
                    a < start + Math.max(8, Math.min(encoder.memorySize, 64));
                    a += 8) {
                if (InitialMemory.isWritable(a)) {
                    c.word(initial, a, vectors[r.nextInt(POOL)]);
                }
            }
        }
    }

    private void setRegister(Case c, int register, long value) {
        if ((encoder.addressRegisters >> register & 1) == 0) {
            c.state.gpr[register] = c.is32() ? value & 0xffff_ffffL : value;
        }
    }

    /** Stores a value of up to 8 bytes, which may cross words, in the case's memory. */
    private void setMemory(Case c, long address, int size, long value) {
        for (int i = 0; i < size; i++) {
            long a = address + i;
            if (InitialMemory.isWritable(a)) {
                int line = c.line(initial, a);
                int word = line * 8 + ((int) a & 63) / 8;
                int shift = ((int) a & 7) * 8;
                c.lineWords[word] =
                        c.lineWords[word] & ~(0xffL << shift) | (value >>> (8 * i) & 0xff) << shift;
            }
        }
    }

    private void setOperand(Case c, int n, long value) {
        Instruction i = instruction;
        if (n < i.operands && i.kind[n] == Operand.GPR) {
            setRegister(c, i.reg[n], value);
        } else if (n < i.operands && (i.kind[n] == Operand.MEM || i.kind[n] == Operand.ADDR)) {
            if (encoder.targetWritable) {
                setMemory(c, encoder.target, 8, value);
            }
        }
    }

    /**
     * Adjusts the state so that the instruction mostly does something worth to compare.
     *
     * @return false if the case cannot be compared because of registers that are taken
     */
    private boolean adjust(Form form, Case c) {
        CpuImage s = c.state;
        long mask = c.is32() ? 0xffff_ffffL : -1L;
        switch (form.op) {
            case MOVS, STOS, LODS, SCAS, CMPS, INS, OUTS -> strings(c);
            case XLAT -> s.gpr[CpuImage.RBX] = DATA + r.nextInt(PAGE) - (s.gpr[0] & 0xff) & mask;
            case MASKMOVQ, MASKMOVDQU ->
                    s.gpr[CpuImage.RDI] = DATA + r.nextInt(PAGE) - (chance(16) ? PAGE : 0);
            case DIV, IDIV -> {
                if (!chance(4)) {
                    long high = form.op == Op.DIV || chance(2) ? r.nextInt(3) : -1;
                    setRegister(c, CpuImage.RDX, high);
                    if (chance(2)) {
                        setRegister(c, CpuImage.RAX, r.nextInt(0x4000));
                    }
                }
            }
            case BT, BTS, BTR, BTC -> {
                if (!chance(8)) {
                    setOperand(c, 1, r.nextInt(-512, 2048));
                }
            }
            case CMPXCHG8B, CMPXCHG16B -> {
                if (chance(2) && encoder.targetWritable) {
                    int half = form.op == Op.CMPXCHG8B ? 4 : 8;
                    setMemory(c, encoder.target, half, s.gpr[CpuImage.RAX]);
                    setMemory(c, encoder.target + half, half, s.gpr[CpuImage.RDX]);
                }
            }
            case CMPXCHG -> {
                if (chance(2)) {
                    setOperand(c, 0, s.gpr[CpuImage.RAX]);
                }
            }
            case PCMPESTRI, PCMPESTRM -> {
                if (!chance(4)) {
                    setRegister(c, CpuImage.RAX, r.nextInt(-20, 20));
                    setRegister(c, CpuImage.RDX, r.nextInt(-20, 20));
                }
            }
            case SHLD, SHRD, SHL, SHR, SAR, ROL, ROR, RCL, RCR -> {
                if (chance(2)) {
                    setRegister(c, CpuImage.RCX, r.nextInt(70));
                }
            }
            case BZHI, BEXTR, RORX -> {
                if (chance(2)) {
                    setOperand(c, 2, r.nextInt(70) | (long) r.nextInt(70) << 8);
                }
            }
            case MOV_SEG, LAR, LSL, VERR, VERW -> {
                int source =
                        form.op == Op.MOV_SEG || form.op == Op.LAR || form.op == Op.LSL ? 1 : 0;
                setOperand(c, source, RandomInstruction.selector(r, false));
            }
            case POP_SEG ->
                    setMemory(c, s.gpr[CpuImage.RSP], 8, RandomInstruction.selector(r, false));
            case JMP_IND, CALL_IND -> setOperand(c, 0, encoder.codeTarget());
            case RET_NEAR -> {
                if (!chance(8)) {
                    setMemory(c, s.gpr[CpuImage.RSP], 8, encoder.codeTarget());
                }
            }
            case JMP_FAR, CALL_FAR, LOAD_FAR -> {
                if (encoder.targetWritable) {
                    setMemory(c, encoder.target, 8, encoder.codeTarget());
                    int n = instruction.operandSize;
                    setMemory(
                            c,
                            encoder.target + n,
                            2,
                            RandomInstruction.selector(r, form.op != Op.LOAD_FAR));
                }
            }
            case RET_FAR, IRET -> farReturn(form, c);
            case POPF -> setMemory(c, s.gpr[CpuImage.RSP], 8, r.nextLong() & ~(chance(8) ? 0 : TF));
            case LEAVE, ENTER -> s.gpr[CpuImage.RBP] = stackAddress();
            case LOOP, LOOPE, LOOPNE, JRCXZ ->
                    s.gpr[CpuImage.RCX] = chance(2) ? r.nextInt(3) : s.gpr[CpuImage.RCX];
            case LDMXCSR -> {
                if (!chance(8)) {
                    setOperand(c, 0, r.nextInt(0x1_0000) | (chance(8) ? 0 : 0x1f80));
                }
            }
            case XRSTOR, XSAVE, XSAVEC, XSAVEOPT, FXRSTOR, FXSAVE -> saveArea(form, c);
            case FYL2XP1, F2XM1 -> { // results are defined in a small range only
                s.st(
                        0,
                        chance(4) ? 0x3ffd - r.nextInt(80) | r.nextInt(2) << 15 : s.stExponent(0),
                        s.stMantissa(0));
                int exponent = s.stExponent(0) & 0x7fff;
                if (exponent > 0x3ffc && exponent < 0x7fff) {
                    s.st(0, 0x3ffc - r.nextInt(64) | s.stExponent(0) & 0x8000, s.stMantissa(0));
                }
            }
            case WRFSBASE, WRGSBASE ->
                    setOperand(c, 0, chance(8) ? r.nextLong() : r.nextLong() << 17 >> 17);
            default -> {}
        }
        switch (form.op) {
            case FXSAVE,
                    FXRSTOR,
                    XSAVE,
                    XRSTOR,
                    XSAVEC,
                    XSAVEOPT,
                    FNSAVE,
                    FRSTOR,
                    FNSTENV,
                    FLDENV ->
                    s.rflags &= ~AC; // whether #AC comes before #GP or #PF is the processor's own
            // choice
            default -> {}
        }
        if (encoder.vsibIndex >= 0) {
            gather(c);
        }
        boolean masked =
                form.op == Op.XSAVE
                        || form.op == Op.XRSTOR
                        || form.op == Op.XSAVEC
                        || form.op == Op.XSAVEOPT;
        // Only x87, SSE and AVX state may be asked for: the host may have more.
        return !masked || s.gpr[CpuImage.RAX] >>> 3 == 0 && s.gpr[CpuImage.RDX] == 0;
    }

    private void strings(Case c) {
        CpuImage s = c.state;
        long from = DATA + r.nextInt(DATA_WRITABLE_SIZE);
        long to = chance(4) ? from + r.nextInt(-40, 40) : DATA + r.nextInt(DATA_WRITABLE_SIZE);
        if (chance(4)) {
            to = (chance(2) ? STACK : DATA + DATA_WRITABLE_SIZE) + r.nextInt(-64, 64);
        }
        s.gpr[CpuImage.RSI] = from;
        s.gpr[CpuImage.RDI] = to;
        s.gpr[CpuImage.RCX] =
                chance(8) ? Interesting.word(r) : chance(4) ? r.nextInt(600) : r.nextInt(20);
        if (instruction.addressSize
                == 2) { // 16-bit addresses are never mapped: let few of them run
            s.gpr[CpuImage.RCX] &= ~0xffffL;
        } else if (instruction.addressSize == 4 && !c.is32() && chance(2)) {
            s.gpr[CpuImage.RSI] |= r.nextLong() << 32;
            s.gpr[CpuImage.RDI] |= r.nextLong() << 32;
        }
        if (c.is32()) {
            s.gpr[CpuImage.RCX] &= 0xffff_ffffL;
        }
        if (chance(2)) { // equal elements, so that comparisons go on
            long value = Interesting.edge(r, 8) & 0xff;
            s.gpr[CpuImage.RAX] = value * (c.is32() ? 0x0101_0101L : 0x0101_0101_0101_0101L);
            for (int i = 0; i < 24; i++) {
                setMemory(c, (chance(2) ? from : to) + i, 1, value);
            }
        }
    }

    private void farReturn(Form form, Case c) {
        Instruction i = instruction;
        int n = i.operandSize;
        long sp = c.state.gpr[CpuImage.RSP];
        setMemory(c, sp, n, encoder.codeTarget());
        setMemory(c, sp + n, n, RandomInstruction.selector(r, true));
        if (form.op == Op.IRET) {
            // No AC: IRET raises #AC by the popped AC but with the old flags, which Linux takes for
            // a split lock and
            // repeats for ever. No VM mostly.
            setMemory(
                    c,
                    sp + 2 * n,
                    n,
                    r.nextLong() & ~(chance(16) ? 0 : TF) & ~(chance(16) ? 0 : 0x2_0000) & ~AC);
            setMemory(c, sp + 3 * n, n, stackAddress());
            setMemory(
                    c,
                    sp + 4 * n,
                    n,
                    chance(8) ? RandomInstruction.selector(r, false) : OracleLayout.DATA_SELECTOR);
        }
    }

    /** The areas of XSAVE and FXSAVE: mostly aligned, with a header that mostly is valid. */
    private void saveArea(Form form, Case c) {
        CpuImage s = c.state;
        setRegister(c, CpuImage.RAX, chance(4) ? 7 : r.nextInt(8));
        setRegister(c, CpuImage.RDX, 0);
        boolean load = form.op == Op.XRSTOR || form.op == Op.FXRSTOR;
        if (!load || !encoder.targetWritable) {
            return;
        }
        long at = encoder.target;
        setMemory(
                c,
                at + 24,
                8,
                r.nextInt(0x1_0000) | 0xffff_0000_0000L | (chance(16) ? 0x1_0000L : 0));
        if (form.op == Op.XRSTOR) {
            setMemory(c, at + 512, 8, chance(8) ? r.nextInt(32) : r.nextInt(8));
            boolean compact = chance(4);
            // Now and then a component that no processor has; one that only the host has is another
            // matter, see HostDifference.
            long none = chance(16) ? 1L << r.nextInt(20, 63) : 0;
            setMemory(
                    c,
                    at + 520,
                    8,
                    compact ? Long.MIN_VALUE | none | r.nextInt(8) : chance(32) ? 1 : none);
            for (int i = 16; i < 64; i += 8) {
                setMemory(c, at + 512 + i, 8, chance(200) ? 1 : 0);
            }
        }
    }

    /** Indexes that mostly stay in the data region, and masks of which some lanes are clear. */
    private void gather(Case c) {
        Instruction i = instruction;
        int index = encoder.vsibIndex;
        long base = encoder.target;
        boolean inside = encoder.targetWritable;
        int scale = i.scale;
        for (int lane = 0; lane < 4; lane++) {
            long low = lane(base, inside, scale);
            long high = lane(base, inside, scale);
            boolean dwords = i.form.operands.stream().anyMatch(o -> o.token.startsWith("vm32"));
            c.state.lane(index, lane, dwords ? low & 0xffff_ffffL | high << 32 : low);
        }
    }

    private long lane(long base, boolean inside, int scale) {
        if (!inside || chance(24)) {
            return r.nextInt(-512, 512);
        }
        return (DATA + r.nextInt(DATA_WRITABLE_SIZE) - base) >> scale;
    }

    /** Chooses how the case ends. */
    private void exit(Form form, Case c) {
        boolean transfer =
                switch (form.op) {
                    case JCC,
                            JMP_REL,
                            JMP_IND,
                            CALL_REL,
                            CALL_IND,
                            RET_NEAR,
                            LOOP,
                            LOOPE,
                            LOOPNE,
                            JRCXZ,
                            JMP_FAR,
                            CALL_FAR,
                            RET_FAR,
                            IRET,
                            POPF ->
                            true;
                    default -> false;
                };
        int kind = r.nextInt(64);
        if (transfer) {
            c.exit = Case.Exit.INT3;
        } else if (kind < 2
                && encoder.vsibIndex < 0) { // a gather may trap between two of its elements
            c.exit = Case.Exit.INT3;
            c.state.rflags |= TF;
        } else if (kind < 6) {
            c.exit = Case.Exit.INT3;
        } else if (kind == 6 && encoder.target == -1 && instruction.base != Instruction.RIP_BASE) {
            c.exit =
                    Case.Exit
                            .NONE; // ends right before the page that is not mapped, or is cut by it
            if (chance(2)) {
                c.code(c.codeBytes(), r.nextInt(1, c.codeLength() + 1));
            }
            c.endAt(CODE + CODE_SIZE);
        }
    }
}
