// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.lift;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;
import dev.vitrine.processor.decode.Operand;

/**
 * Turns decoded instructions into micro-operations: the one place that says what the common integer
 * instructions do. Rare and large instructions become a call of their unit's helper.
 *
 * <p>Not thread-safe: one lifter per building thread.
 */
public final class Lifter {
    /** The instruction goes on to the next one. */
    public static final int CONTINUES = 0;

    /** The instruction ended the block. */
    public static final int ENDS = 1;

    private final UopBuffer out;
    private final boolean smp;
    private final Address memory = new Address();
    private int modeKey;
    private int number;

    /** Target of the last direct branch lifted. */
    public long target;

    /**
     * @param smp the domain has several vCPUs: LOCK must be atomic
     */
    public Lifter(UopBuffer out, boolean smp) {
        this.out = out;
        this.smp = smp;
    }

    /**
     * Lifts one instruction.
     *
     * @param modeKey the processor's mode, see {@link Cpu#modeKey}
     * @param number index of the instruction in its block
     */
    public int lift(Instruction i, int modeKey, int number) {
        this.modeKey = modeKey;
        this.number = number;
        out.freeTemps();
        if (i.op.group != Op.Group.INTEGER) {
            return helper(i);
        }
        switch (i.op) {
            case MOV -> mov(i);
            case MOVNTI -> mov(i);
            case MOVZX -> extend(i, false);
            case MOVSX -> extend(i, true);
            case LEA -> lea(i);
            case ADD -> alu(i, Uop.ADD64, Uop.ADD32, Uop.ADDN, true);
            case SUB -> alu(i, Uop.SUB64, Uop.SUB32, Uop.SUBN, true);
            case AND -> alu(i, Uop.AND64, Uop.AND32, Uop.ANDN, true);
            case OR -> alu(i, Uop.OR64, Uop.OR32, Uop.ORN, true);
            case XOR -> alu(i, Uop.XOR64, Uop.XOR32, Uop.XORN, true);
            case CMP -> alu(i, Uop.CMP64, Uop.CMP32, Uop.CMPN, false);
            case TEST -> alu(i, Uop.TEST64, Uop.TEST32, Uop.TESTN, false);
            case ADC -> alu(i, Uop.ADC64, Uop.ADC, Uop.ADC, true);
            case SBB -> alu(i, Uop.SBB64, Uop.SBB, Uop.SBB, true);
            case INC -> unary(i, bySize(i.size[0], Uop.INC64, Uop.INC32, Uop.INC));
            case DEC -> unary(i, bySize(i.size[0], Uop.DEC64, Uop.DEC32, Uop.DEC));
            case NEG -> unary(i, Uop.NEG);
            case NOT -> unary(i, Uop.NOT);
            case SHL -> shift(i, Uop.SHL);
            case SHR -> shift(i, Uop.SHR);
            case SAR -> shift(i, Uop.SAR);
            case ROL -> shift(i, Uop.ROL);
            case ROR -> shift(i, Uop.ROR);
            case MUL -> {
                if (i.size[0] != 8) {
                    return helper(i);
                }
                out.emit(Uop.MUL64, source(i, 0), Cpu.R_ZERO, Cpu.R_ZERO, 0, Cpu.R_ZERO, 0);
            }
            case IMUL -> {
                if (i.operands == 1) {
                    return helper(i);
                }
                imul(i);
            }
            case XCHG -> xchg(i);
            case XADD -> xadd(i);
            case BSWAP -> {
                if (i.size[0] == 2) {
                    return helper(i);
                }
                out.emit(
                        Uop.BSWAP,
                        i.reg[0],
                        i.reg[0],
                        Cpu.R_ZERO,
                        shiftOf(i.size[0]),
                        Cpu.R_ZERO,
                        0);
            }
            case SETCC -> setcc(i);
            case CMOVCC -> cmov(i);
            case PUSH -> push(i);
            case POP -> {
                return pop(i);
            }
            case LEAVE -> {
                if (!flat64(i)) {
                    return helper(i);
                }
                int t = out.temp();
                out.emit(Uop.LD64, t, Cpu.RBP, Cpu.R_ZERO, 0, Cpu.R_ZERO, 0);
                out.emit(Uop.LEA64, Cpu.RSP, Cpu.RBP, Cpu.R_ZERO, 0, Cpu.R_ZERO, 8);
                out.move(Uop.MOV64, Cpu.RBP, t);
            }
            case CBW -> {
                int t = out.temp();
                int half = i.operandSize / 2;
                out.move(half == 1 ? Uop.SX8 : half == 2 ? Uop.SX16 : Uop.SX32, t, Cpu.RAX);
                moveTo(Cpu.RAX, t, i.operandSize);
            }
            case NOP, SFENCE, LFENCE -> {}
            case JMP_REL -> {
                return jump(i);
            }
            case JCC -> {
                target = branchTarget(i);
                if (!out.fuseBranch(i.cond)) {
                    out.emit(Uop.JCC + i.cond, 0, Cpu.R_ZERO, Cpu.R_ZERO, 0, Cpu.R_ZERO, target);
                }
                return ENDS;
            }
            case CALL_REL -> {
                if (!flat64(i)) {
                    return helperEnd();
                }
                target = branchTarget(i);
                int t = returnAddress(i);
                out.emit(Uop.CALL64, t, Cpu.R_ZERO, Cpu.R_ZERO, 0, Cpu.R_ZERO, target);
                return ENDS;
            }
            case CALL_IND -> {
                if (!flat64(i)) {
                    return helperEnd();
                }
                int a = source(i, 0);
                int t = returnAddress(i);
                out.emit(Uop.CALL_REG64, t, a, Cpu.R_ZERO, 0, Cpu.R_ZERO, 0);
                return ENDS;
            }
            case JMP_IND -> {
                if (!flat64(i)) {
                    return helperEnd();
                }
                int a = source(i, 0);
                out.emit(Uop.JMP_REG, 0, a, Cpu.R_ZERO, 0, Cpu.R_ZERO, 0);
                return ENDS;
            }
            case RET_NEAR -> {
                if (!flat64(i)) {
                    return helperEnd();
                }
                long extra = i.operands > 0 ? i.imm & 0xFFFF : 0;
                out.emit(Uop.RET64, 0, Cpu.R_ZERO, Cpu.R_ZERO, 0, Cpu.R_ZERO, 8 + extra);
                return ENDS;
            }
            case LOOP, LOOPE, LOOPNE, JRCXZ -> {
                target = branchTarget(i);
                out.emit(Uop.LOOP, 0, Cpu.R_ZERO, Cpu.R_ZERO, 0, Cpu.R_ZERO, number);
                return ENDS;
            }
            case INS, OUTS -> {
                return helperEnd();
            }
            case MOVS, STOS, LODS, SCAS, CMPS -> {
                // A repeated one may stop in the middle, to be taken up again.
                return i.rep != Instruction.REP_NONE ? helperEnd() : helper(i);
            }
            default -> {
                return helper(i);
            }
        }
        return CONTINUES;
    }

    // ---------------------------------------------------------------- helpers

    private int helper(Instruction i) {
        if (endsBlock(i)) {
            return helperEnd();
        }
        int timed = i.op == Op.RDTSC || i.op == Op.RDTSCP ? 1 : 0;
        out.emit(Uop.EXEC, 0, Cpu.R_ZERO, Cpu.R_ZERO, timed, Cpu.R_ZERO, number);
        return CONTINUES;
    }

    private int helperEnd() {
        out.emit(Uop.EXEC_END, 0, Cpu.R_ZERO, Cpu.R_ZERO, 0, Cpu.R_ZERO, number);
        return ENDS;
    }

    /** Helpers after which mode, interrupts or the way on may have changed. */
    private static boolean endsBlock(Instruction i) {
        return switch (i.op.group) {
            case SYSTEM ->
                    switch (i.op) {
                        case RDFSBASE,
                                RDGSBASE,
                                LAR,
                                LSL,
                                VERR,
                                VERW,
                                SLDT,
                                STR,
                                SMSW,
                                SGDT,
                                SIDT,
                                CLFLUSH,
                                CLFLUSHOPT,
                                CLWB,
                                PUSHF,
                                WRFSBASE,
                                WRGSBASE,
                                SWAPGS,
                                CLI,
                                CLAC,
                                STAC,
                                XGETBV,
                                RDPID,
                                RDTSC,
                                RDTSCP ->
                                // Interrupts may be masked here, but none becomes possible.
                                false;
                        default -> true;
                    };
            case RARE -> i.op == Op.INTO || i.op == Op.BOUND;
            default -> mayClearAccessed(i);
        };
    }

    /**
     * Whether it may clear the accessed bit of a page-table entry: BTR of bit 5 in 8 bytes of
     * memory, which is how Linux does that where it does not flush the TLB.
     */
    public static boolean mayClearAccessed(Instruction i) {
        return i.op == Op.BTR
                && i.size[0] == 8
                && i.kind[0] == Operand.MEM
                && i.kind[1] == Operand.IMM
                && (i.imm & 63) == 5;
    }

    private boolean flat64(Instruction i) {
        return (modeKey & Cpu.MODE_64) != 0 && i.operandSize == 8;
    }

    private long branchTarget(Instruction i) {
        long t = i.nextRip() + i.imm;
        return switch (i.codeSize) {
            case 64 -> t;
            case 32 -> i.operandSize == 2 ? t & 0xFFFF : t & 0xFFFFFFFFL;
            default -> i.operandSize == 4 ? t & 0xFFFFFFFFL : t & 0xFFFF;
        };
    }

    private int returnAddress(Instruction i) {
        int t = out.temp();
        out.emit(Uop.LEA64, t, Cpu.R_ORIGIN, Cpu.R_ZERO, 0, Cpu.R_ZERO, i.nextRip());
        return t;
    }

    private int jump(Instruction i) {
        target = branchTarget(i);
        out.emit(Uop.JMP, 0, Cpu.R_ZERO, Cpu.R_ZERO, 0, Cpu.R_ZERO, target);
        return ENDS;
    }

    // --------------------------------------------------------------- operands

    static int shiftOf(int size) {
        return 64 - size * 8;
    }

    /** Prepares the memory operand's address; emits what the plain form cannot hold. */
    private Address address(Instruction i, int size, boolean write) {
        int base = i.base;
        long disp = i.disp;
        if (base == Instruction.RIP_BASE) {
            disp += i.nextRip();
            base = Cpu.R_ORIGIN;
        } else if (base < 0) {
            base = Cpu.R_ZERO;
        }
        int index = i.index < 0 ? Cpu.R_ZERO : i.index;
        if ((modeKey & Cpu.MODE_64) != 0) {
            int segment = i.segment >= Cpu.FS ? Cpu.R_SEG_BASE + i.segment : Cpu.R_ZERO;
            if (i.addressSize == 8) {
                memory.set(base, index, i.scale, segment, disp);
            } else {
                int t = out.temp();
                out.emit(Uop.LEA32, t, base, index, i.scale, Cpu.R_ZERO, disp);
                memory.set(t, Cpu.R_ZERO, 0, segment, 0);
            }
            return memory;
        }
        int t = out.temp();
        int op = i.addressSize == 4 ? Uop.LEA32 : Uop.LEA16;
        out.emit(op, t, base, index, i.scale, Cpu.R_ZERO, disp);
        boolean flat = (modeKey & Cpu.MODE_FLAT) != 0 && i.segment <= Cpu.DS && i.segment != Cpu.CS;
        if (!flat) {
            out.emit(Uop.SEGMENT, t, t, Cpu.R_ZERO, size | (write ? 0x80 : 0), i.segment, 0);
        }
        memory.set(t, Cpu.R_ZERO, 0, Cpu.R_ZERO, 0);
        return memory;
    }

    private static int load(int size) {
        return size == 1 ? Uop.LD8 : size == 2 ? Uop.LD16 : size == 4 ? Uop.LD32 : Uop.LD64;
    }

    private static int loadForWrite(int size) {
        return size == 1 ? Uop.LDW8 : size == 2 ? Uop.LDW16 : size == 4 ? Uop.LDW32 : Uop.LDW64;
    }

    private static int store(int size) {
        return size == 1 ? Uop.ST8 : size == 2 ? Uop.ST16 : size == 4 ? Uop.ST32 : Uop.ST64;
    }

    private static boolean immediate(Instruction i, int n) {
        return i.kind[n] == Operand.IMM || i.kind[n] == Operand.CONST;
    }

    /** Register index that holds operand n (upper bits beyond its size are arbitrary). */
    private int source(Instruction i, int n) {
        switch (i.kind[n]) {
            case Operand.GPR:
                return i.reg[n];
            case Operand.GPR_HIGH:
                {
                    int t = out.temp();
                    out.move(Uop.EXTRACT_HIGH, t, i.reg[n]);
                    return t;
                }
            case Operand.MEM:
                {
                    Address m = address(i, i.size[n], false);
                    int t = out.temp();
                    out.address(load(i.size[n]), t, m);
                    return t;
                }
            case Operand.IMM2:
                {
                    int t = out.temp();
                    out.emit(Uop.MOVI, t, Cpu.R_ZERO, Cpu.R_ZERO, 0, Cpu.R_ZERO, i.imm2);
                    return t;
                }
            default:
                {
                    int t = out.temp();
                    out.emit(Uop.MOVI, t, Cpu.R_ZERO, Cpu.R_ZERO, 0, Cpu.R_ZERO, i.imm);
                    return t;
                }
        }
    }

    private void moveTo(int reg, int from, int size) {
        int op = size == 8 ? Uop.MOV64 : size == 4 ? Uop.MOV32 : size == 2 ? Uop.MOV16 : Uop.MOV8;
        out.move(op, reg, from);
    }

    /** Writes a register operand from a register of the file. */
    private void writeRegister(Instruction i, int n, int from) {
        if (i.kind[n] == Operand.GPR_HIGH) {
            out.move(Uop.INSERT_HIGH, i.reg[n], from);
        } else {
            moveTo(i.reg[n], from, i.size[n]);
        }
    }

    // ------------------------------------------------------------ instructions

    private void mov(Instruction i) {
        int size = i.size[0];
        if (i.kind[0] == Operand.MEM) {
            int from = source(i, 1);
            Address m = address(i, size, true);
            out.address(store(size), from, m);
        } else if (i.kind[0] == Operand.GPR && size >= 4) {
            if (i.kind[1] == Operand.MEM) {
                Address m = address(i, size, false);
                out.address(load(size), i.reg[0], m);
            } else if (immediate(i, 1)) {
                long v = size == 4 ? i.imm & 0xFFFFFFFFL : i.imm;
                out.emit(Uop.MOVI, i.reg[0], Cpu.R_ZERO, Cpu.R_ZERO, 0, Cpu.R_ZERO, v);
            } else {
                moveTo(i.reg[0], i.reg[1], size);
            }
        } else {
            writeRegister(i, 0, source(i, 1));
        }
    }

    private void extend(Instruction i, boolean signed) {
        int from = i.size[1];
        int to = i.size[0];
        boolean loaded = i.kind[1] == Operand.MEM;
        if (!signed && loaded && to >= 4) {
            Address m = address(i, from, false);
            out.address(load(from), i.reg[0], m);
            return;
        }
        int a = source(i, 1);
        int op;
        if (signed) {
            op = from == 1 ? Uop.SX8 : from == 2 ? Uop.SX16 : Uop.SX32;
        } else {
            op = from == 1 ? Uop.ZX8 : from == 2 ? Uop.ZX16 : Uop.MOV32;
        }
        if (to == 8 || (!signed && to == 4)) {
            out.move(op, i.reg[0], a);
        } else {
            int t = out.temp();
            out.move(op, t, a);
            moveTo(i.reg[0], t, to);
        }
    }

    private void lea(Instruction i) {
        int base = i.base;
        long disp = i.disp;
        if (base == Instruction.RIP_BASE) {
            disp += i.nextRip();
            base = Cpu.R_ORIGIN;
        } else if (base < 0) {
            base = Cpu.R_ZERO;
        }
        int index = i.index < 0 ? Cpu.R_ZERO : i.index;
        int op = i.addressSize == 8 ? Uop.LEA64 : i.addressSize == 4 ? Uop.LEA32 : Uop.LEA16;
        int size = i.size[0];
        if (size == 8 || (size == 4 && i.addressSize <= 4)) {
            out.emit(op, i.reg[0], base, index, i.scale, Cpu.R_ZERO, disp);
        } else if (size == 4) {
            out.emit(Uop.LEA32, i.reg[0], base, index, i.scale, Cpu.R_ZERO, disp);
        } else {
            int t = out.temp();
            out.emit(op, t, base, index, i.scale, Cpu.R_ZERO, disp);
            moveTo(i.reg[0], t, size);
        }
    }

    private static int bySize(int size, int op64, int op32, int opN) {
        return size == 8 ? op64 : size == 4 ? op32 : opN;
    }

    private void alu(Instruction i, int op64, int op32, int opN, boolean writes) {
        int size = i.size[0];
        int op = bySize(size, op64, op32, opN);
        int shift = shiftOf(size);
        int b = Cpu.R_ZERO;
        long imm = 0;
        if (immediate(i, 1)) {
            imm = i.imm;
        } else {
            b = source(i, 1);
        }
        switch (i.kind[0]) {
            case Operand.GPR -> out.alu(op, i.reg[0], i.reg[0], b, shift, imm);
            case Operand.GPR_HIGH -> {
                int t = out.temp();
                out.move(Uop.EXTRACT_HIGH, t, i.reg[0]);
                out.alu(op, t, t, b, shift, imm);
                if (writes) {
                    out.move(Uop.INSERT_HIGH, i.reg[0], t);
                }
            }
            default -> {
                if (!writes) {
                    Address m = address(i, size, false);
                    int t = out.temp();
                    out.address(load(size), t, m);
                    out.alu(op, t, t, b, shift, imm);
                } else {
                    boolean carries =
                            op == Uop.ADC || op == Uop.SBB || op == Uop.ADC64 || op == Uop.SBB64;
                    readModifyWrite(i, size, op, b, imm, carries);
                }
            }
        }
    }

    /** Memory destination: load for write, operate, store; atomic when locked. */
    private void readModifyWrite(
            Instruction i, int size, int op, int b, long imm, boolean carries) {
        int shift = shiftOf(size);
        Address m = address(i, size, true);
        int t = out.temp();
        if (i.lock && smp) {
            if (carries) {
                out.move(Uop.SAVE_FLAGS, 0, Cpu.R_ZERO);
            }
            int again = out.length();
            if (carries) {
                out.move(Uop.RESTORE_FLAGS, 0, Cpu.R_ZERO);
            }
            lockLoad(t, m, size);
            int u = out.temp();
            out.move(Uop.MOV64, u, t);
            out.alu(op, u, u, b, shift, imm);
            out.emit(Uop.LOCK_STORE, u, t, Cpu.R_ZERO, size, Cpu.R_ZERO, again);
        } else {
            out.address(loadForWrite(size), t, m);
            out.alu(op, t, t, b, shift, imm);
            out.address(store(size), t, m);
        }
    }

    private void lockLoad(int t, Address m, int size) {
        out.emit(Uop.LOCK_LOAD, t, m.base, m.index, m.scale | size << 4, m.segment, m.disp);
    }

    private void unary(Instruction i, int op) {
        int size = i.size[0];
        int shift = shiftOf(size);
        switch (i.kind[0]) {
            case Operand.GPR -> out.alu(op, i.reg[0], i.reg[0], Cpu.R_ZERO, shift, 0);
            case Operand.GPR_HIGH -> {
                int t = out.temp();
                out.move(Uop.EXTRACT_HIGH, t, i.reg[0]);
                out.alu(op, t, t, Cpu.R_ZERO, shift, 0);
                out.move(Uop.INSERT_HIGH, i.reg[0], t);
            }
            default -> readModifyWrite(i, size, op, Cpu.R_ZERO, 0, false);
        }
    }

    private void shift(Instruction i, int op) {
        int b = Cpu.R_ZERO;
        long imm = 0;
        if (immediate(i, 1)) {
            imm = i.imm & 0xFF;
        } else {
            // CL: the count is masked by the operation, so the rest of RCX does not matter.
            b = i.reg[1];
        }
        int size = i.size[0];
        int shift = shiftOf(size);
        imm &= size == 8 ? 63 : 31;
        if (b == Cpu.R_ZERO && imm != 0 && size >= 4 && i.kind[0] == Operand.GPR) {
            boolean wide = size == 8;
            switch (op) {
                case Uop.SHL -> op = wide ? Uop.SHL64 : Uop.SHL32;
                case Uop.SHR -> op = wide ? Uop.SHR64 : Uop.SHR32;
                case Uop.SAR -> op = wide ? Uop.SAR64 : Uop.SAR32;
                default -> {}
            }
        }
        switch (i.kind[0]) {
            case Operand.GPR -> out.alu(op, i.reg[0], i.reg[0], b, shift, imm);
            case Operand.GPR_HIGH -> {
                int t = out.temp();
                out.move(Uop.EXTRACT_HIGH, t, i.reg[0]);
                out.alu(op, t, t, b, shift, imm);
                out.move(Uop.INSERT_HIGH, i.reg[0], t);
            }
            default -> readModifyWrite(i, size, op, b, imm, false);
        }
    }

    private void imul(Instruction i) {
        int size = i.size[0];
        int shift = shiftOf(size);
        if (i.operands == 3) {
            int a = source(i, 1);
            out.alu(Uop.IMUL, i.reg[0], a, Cpu.R_ZERO, shift, i.imm);
        } else {
            int b = source(i, 1);
            out.alu(Uop.IMUL, i.reg[0], i.reg[0], b, shift, 0);
        }
    }

    private void xchg(Instruction i) {
        int size = i.size[0];
        int mem = i.kind[0] == Operand.MEM ? 0 : i.kind[1] == Operand.MEM ? 1 : -1;
        if (mem < 0) {
            if (i.kind[0] == Operand.GPR && i.kind[1] == Operand.GPR) {
                out.alu(Uop.XCHG, i.reg[0], i.reg[1], Cpu.R_ZERO, shiftOf(size), 0);
            } else {
                int a = out.temp();
                out.move(Uop.MOV64, a, source(i, 0));
                int b = out.temp();
                out.move(Uop.MOV64, b, source(i, 1));
                writeRegister(i, 0, b);
                writeRegister(i, 1, a);
            }
            return;
        }
        int other = 1 - mem;
        int value = source(i, other);
        Address m = address(i, size, true);
        int t = out.temp();
        if (smp) {
            int again = out.length();
            lockLoad(t, m, size);
            out.emit(Uop.LOCK_STORE, value, t, Cpu.R_ZERO, size, Cpu.R_ZERO, again);
        } else {
            out.address(loadForWrite(size), t, m);
            out.address(store(size), value, m);
        }
        writeRegister(i, other, t);
    }

    private void xadd(Instruction i) {
        int size = i.size[0];
        int shift = shiftOf(size);
        int add = bySize(size, Uop.ADD64, Uop.ADD32, Uop.ADDN);
        int value = source(i, 1);
        if (i.kind[0] != Operand.MEM) {
            int old = out.temp();
            out.move(Uop.MOV64, old, source(i, 0));
            int sum = out.temp();
            out.move(Uop.MOV64, sum, old);
            out.alu(add, sum, sum, value, shift, 0);
            writeRegister(i, 1, old);
            writeRegister(i, 0, sum);
            return;
        }
        Address m = address(i, size, true);
        int old = out.temp();
        int sum = out.temp();
        if (i.lock && smp) {
            int again = out.length();
            lockLoad(old, m, size);
            out.move(Uop.MOV64, sum, old);
            out.alu(add, sum, sum, value, shift, 0);
            out.emit(Uop.LOCK_STORE, sum, old, Cpu.R_ZERO, size, Cpu.R_ZERO, again);
        } else {
            out.address(loadForWrite(size), old, m);
            out.move(Uop.MOV64, sum, old);
            out.alu(add, sum, sum, value, shift, 0);
            out.address(store(size), sum, m);
        }
        writeRegister(i, 1, old);
    }

    private void setcc(Instruction i) {
        if (i.kind[0] == Operand.GPR) {
            out.emit(Uop.SETCC, i.reg[0], Cpu.R_ZERO, Cpu.R_ZERO, 0, Cpu.R_ZERO, i.cond);
            return;
        }
        int t = out.temp();
        out.emit(Uop.SETCC, t, Cpu.R_ZERO, Cpu.R_ZERO, 0, Cpu.R_ZERO, i.cond);
        if (i.kind[0] == Operand.GPR_HIGH) {
            out.move(Uop.INSERT_HIGH, i.reg[0], t);
        } else {
            out.address(Uop.ST8, t, address(i, 1, true));
        }
    }

    private void cmov(Instruction i) {
        int a = source(i, 1);
        out.emit(Uop.CMOV, i.reg[0], a, Cpu.R_ZERO, shiftOf(i.size[0]), Cpu.R_ZERO, i.cond);
    }

    // ------------------------------------------------------------------- stack

    private void push(Instruction i) {
        if (flat64(i)) {
            int a = source(i, 0);
            out.emit(Uop.PUSH64, 0, a, Cpu.R_ZERO, 0, Cpu.R_ZERO, 0);
            return;
        }
        int size = i.operandSize;
        int a = source(i, 0);
        boolean wide = (modeKey & Cpu.MODE_64) != 0;
        boolean stack32 = (modeKey & Cpu.MODE_STACK32) != 0;
        int t = out.temp();
        int lea = wide ? Uop.LEA64 : stack32 ? Uop.LEA32 : Uop.LEA16;
        out.emit(lea, t, Cpu.RSP, Cpu.R_ZERO, 0, Cpu.R_ZERO, -size);
        int la = t;
        if (!wide && ((modeKey & Cpu.MODE_FLAT) == 0 || !stack32)) {
            la = out.temp();
            out.emit(Uop.SEGMENT, la, t, Cpu.R_ZERO, size | 0x80, Cpu.SS, 0);
        }
        memory.set(la, Cpu.R_ZERO, 0, Cpu.R_ZERO, 0);
        out.address(store(size), a, memory);
        moveTo(Cpu.RSP, t, wide ? 8 : stack32 ? 4 : 2);
    }

    private int pop(Instruction i) {
        if (flat64(i) && i.kind[0] == Operand.GPR) {
            out.emit(Uop.POP64, i.reg[0], Cpu.R_ZERO, Cpu.R_ZERO, 0, Cpu.R_ZERO, 0);
            return CONTINUES;
        }
        if (i.kind[0] != Operand.GPR) {
            return helper(i);
        }
        int size = i.operandSize;
        boolean wide = (modeKey & Cpu.MODE_64) != 0;
        boolean stack32 = (modeKey & Cpu.MODE_STACK32) != 0;
        int at = Cpu.RSP;
        if (!wide) {
            at = out.temp();
            int lea = stack32 ? Uop.LEA32 : Uop.LEA16;
            out.emit(lea, at, Cpu.RSP, Cpu.R_ZERO, 0, Cpu.R_ZERO, 0);
            if ((modeKey & Cpu.MODE_FLAT) == 0 || !stack32) {
                out.emit(Uop.SEGMENT, at, at, Cpu.R_ZERO, size, Cpu.SS, 0);
            }
        }
        memory.set(at, Cpu.R_ZERO, 0, Cpu.R_ZERO, 0);
        int value = out.temp();
        out.address(load(size), value, memory);
        int sp = out.temp();
        out.emit(Uop.LEA64, sp, Cpu.RSP, Cpu.R_ZERO, 0, Cpu.R_ZERO, size);
        moveTo(Cpu.RSP, sp, wide ? 8 : stack32 ? 4 : 2);
        moveTo(i.reg[0], value, size);
        return CONTINUES;
    }
}
