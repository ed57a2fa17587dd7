// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.exec.LazyFlags;

import java.lang.classfile.CodeBuilder;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;

/** Which local variable of a region's method holds what. */
final class Locals {
    private static final ClassDesc CPU = ClassDesc.of("dev.vitrine.processor.core.Cpu");
    private static final ClassDesc DOUBLE = ClassDesc.of("java.lang.Double");
    private static final MethodTypeDesc TO_DOUBLE =
            MethodTypeDesc.of(ConstantDescs.CD_double, ConstantDescs.CD_long);
    private static final MethodTypeDesc FROM_DOUBLE =
            MethodTypeDesc.of(ConstantDescs.CD_long, ConstantDescs.CD_double);

    private static final ClassDesc LONGS = ConstantDescs.CD_long.arrayType();

    // Parameters of RegionCode.run; 0 is the code object.
    static final int CPU_LOCAL = 1;
    static final int REGION = 2;
    static final int ENTRY = 3;
    static final int REGISTERS = 6;

    /** Context of memory accesses, if there is one processor. */
    static final int CONTEXT = 9;

    /** Instructions retired, but for those pending, and the longest path beyond. */
    static final int RETIRED = 11;

    /** Number of the place where the interpreter goes on, or of what may fault. */
    static final int SITE = 13;

    static final int FLAG_KIND = 14;
    static final int FLAG_X = 15;
    static final int FLAG_Y = 17;
    static final int SAVED_KIND = 19;
    static final int SAVED_X = 20;
    static final int SAVED_Y = 22;

    /** Where to go on, on the way out. */
    static final int TARGET = 24;

    /** Number of the exit, on the way out. */
    static final int EXIT = 26;

    static final int SCRATCH = 27;
    static final int SCRATCH_2 = 29;

    /** Addresses of the access in hand. */
    static final int LINEAR = 31;

    static final int MACHINE = 33;

    /** What a called access has loaded, before it is known whether it did. */
    static final int LOADED = 35;

    /** Kind and operands of the flags that a rotation leaves as they are, see {@link LazyFlags}. */
    static final int OLD_KIND = 37;

    static final int OLD_X = 38;
    static final int OLD_Y = 40;

    /** 1: legacy vector instructions are enabled; 2: those with VEX. */
    static final int VECTOR_STATE = 42;

    /** See {@link FastFloat}. */
    static final int FLOAT_MODE = 43;

    static final int VECTORS = 44;

    /** Index of an access in the soft TLB. */
    static final int INDEX = 45;

    /** Key of the soft TLB's index, if there is one processor. */
    static final int TLB_KEY = 46;

    /** Carries of an operation, while its flags are worked out. */
    static final int CARRIES = 47;

    private static final int CACHES = 49;

    private static final int SHARED = CACHES + 4 * PageCaches.LIMIT;
    private static final int FILE = SHARED + 2 * SharedChecks.LIMIT;
    private static final int VECTOR_TEMPS = FILE + 2 * 32;

    /** Of the temporaries that vector instructions use, so many hold a memory operand. */
    static final int OPERAND_TEMPS = 4;

    /** Results of floating-point instructions before they are in their lanes. */
    private static final int FLOAT_TEMPS = VECTOR_TEMPS + 2 * (OPERAND_TEMPS + 6);

    // The locals beyond 255 need longer instructions: there are the upper lanes.
    private static final int LANES = FLOAT_TEMPS + 2 * 12;
    private static final int SINGLES = LANES + 2 * 64;

    /**
     * Registers stay in the processor and have no locals. In the code of HotSpot's first compiler
     * these would be on the stack most of the time, and all of them would be read at each entry and
     * written at each exit, of which there is one after some twenty instructions.
     */
    private final boolean resident;

    /** The processor is the domain's only one, whose parts are constants. */
    private final boolean constant;

    /** Registers of the file that have a local; a mask. */
    private final int used;

    /** Those of them that the region changes; a mask. */
    private final int changed;

    private final boolean vectors;

    /** The same of vector lanes. */
    private final long usedLanes;

    private final long changedLanes;

    /** Lanes whose local is a double. */
    private final long doubleLanes;

    Locals(
            boolean resident,
            boolean alone,
            int used,
            int changed,
            boolean vectors,
            long usedLanes,
            long changedLanes,
            long doubleLanes) {
        this.doubleLanes = doubleLanes;
        this.vectors = vectors;
        this.resident = resident;
        this.constant = resident && alone;
        this.used = resident ? 0 : used;
        this.changed = changed & this.used;
        this.usedLanes = usedLanes;
        this.changedLanes = changedLanes;
    }

    /** Whether there are vector instructions in line. */
    boolean vectors() {
        return vectors;
    }

    /** The local of 64 bits of a vector register. */
    static int lane(int register, int lane) {
        return LANES + 64 * (lane >> 1) + 4 * register + 2 * (lane & 1);
    }

    /** The local of 64 bits of a memory operand, or of something in between. */
    static int vectorTemp(int n) {
        return VECTOR_TEMPS + 2 * n;
    }

    /** The local of a floating-point number in between, of either size. */
    static int floatTemp(int n) {
        return FLOAT_TEMPS + 2 * n;
    }

    /** The local of a single-precision number in half a lane, see {@link LaneKnowledge}. */
    static int single(int register, int lane, int half) {
        return SINGLES + 8 * register + 2 * lane + half;
    }

    /** The page that a pair of {@link PageCaches} remembers. */
    static int cachedPage(int slot) {
        return CACHES + 4 * slot;
    }

    /** The machine address of its frame. */
    static int cachedFrame(int slot) {
        return CACHES + 4 * slot + 2;
    }

    /** The machine address of the lowest byte of a group of {@link SharedChecks}. */
    static int shared(int slot) {
        return SHARED + 2 * slot;
    }

    /** Reads the vector registers from the processor. */
    void loadVectors(CodeBuilder code) {
        if (!vectors) {
            return;
        }
        for (int i = 0; i < 64; i++) {
            if ((usedLanes >>> i & 1) != 0) {
                code.aload(VECTORS).loadConstant(i).laload();
                if ((doubleLanes >>> i & 1) != 0) {
                    code.invokestatic(DOUBLE, "longBitsToDouble", TO_DOUBLE);
                    code.dstore(lane(i >> 2, i & 3));
                } else {
                    code.lstore(lane(i >> 2, i & 3));
                }
            }
        }
        code.aload(CPU_LOCAL).getfield(CPU, "mxcsr", ConstantDescs.CD_int);
        code.invokestatic(
                ClassDesc.of("dev.vitrine.processor.translate.FastFloat"),
                "mode",
                MethodTypeDesc.of(ConstantDescs.CD_int, ConstantDescs.CD_int));
        code.istore(FLOAT_MODE);
    }

    private static int of(int register) {
        return FILE + 2 * register;
    }

    /** Pushes the value of a register or temporary of the file. */
    void push(CodeBuilder code, int register) {
        if (isResident(register)) {
            pushFile(code).loadConstant(register).laload();
        } else {
            code.lload(of(register));
        }
    }

    /** Pops the value of a register or temporary of the file. */
    void pop(CodeBuilder code, int register) {
        code.lstore(of(register));
        if (isResident(register)) {
            pushFile(code).loadConstant(register).lload(of(register)).lastore();
        }
    }

    /**
     * Pushes the registers of the processor. In a loop that is entered in the middle HotSpot's
     * first compiler does not see that a local is still the constant.
     */
    private CodeBuilder pushFile(CodeBuilder code) {
        return constant
                ? code.getstatic(MemoryEmitter.PROCESSOR, "REGISTERS", LONGS)
                : code.aload(REGISTERS);
    }

    private boolean isResident(int register) {
        return resident && inFile(register);
    }

    /** Whether it is no temporary: of these only the local counts. */
    static boolean inFile(int register) {
        return register < Cpu.R_TEMP;
    }

    /** Reads a temporary that was written to the processor. */
    void take(CodeBuilder code, int register) {
        pushFile(code).loadConstant(register).laload().lstore(of(register));
    }

    /** Reads all registers that have a local from the processor. */
    void load(CodeBuilder code) {
        for (int i = 0; i < Cpu.R_TEMP; i++) {
            if ((used >>> i & 1) != 0) {
                code.aload(REGISTERS).loadConstant(i).laload().lstore(of(i));
            }
        }
    }

    /** Writes the registers that may differ from the processor's. */
    void store(CodeBuilder code) {
        for (int i = 0; i < 16; i++) {
            if ((changed >>> i & 1) != 0) {
                code.aload(REGISTERS).loadConstant(i).lload(of(i)).lastore();
            }
        }
        for (int i = 0; i < 64; i++) {
            if ((changedLanes >>> i & 1) != 0) {
                code.aload(VECTORS).loadConstant(i);
                if ((doubleLanes >>> i & 1) != 0) {
                    code.dload(lane(i >> 2, i & 3));
                    code.invokestatic(DOUBLE, "doubleToRawLongBits", FROM_DOUBLE);
                } else {
                    code.lload(lane(i >> 2, i & 3));
                }
                code.lastore();
            }
        }
    }
}
