// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;
import static java.lang.constant.ConstantDescs.CD_void;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;

/** Writes what a 64-bit kernel does often: PUSHF, CLI, SWAPGS, STAC and CLAC, at CPL 0. */
final class KernelEmitter {
    private static final ClassDesc CPU = ClassDesc.of("dev.vitrine.processor.core.Cpu");

    private final LaneAccess access;
    private final CodeBuilder code;
    private final Runnable reloadContext;

    /**
     * @param reloadContext writes what must follow when memory is accessed in another way
     */
    KernelEmitter(LaneAccess access, Runnable reloadContext) {
        this.access = access;
        this.code = access.code;
        this.reloadContext = reloadContext;
    }

    static boolean supports(Instruction i, int modeKey) {
        if ((modeKey & Cpu.MODE_64) == 0 || (modeKey & Cpu.MODE_USER) != 0) {
            return i.op == Op.PUSHF && (modeKey & Cpu.MODE_64) != 0 && i.operandSize == 8;
        }
        return switch (i.op) {
            case CLI, SWAPGS, STAC, CLAC -> true;
            case PUSHF -> i.operandSize == 8;
            default -> false;
        };
    }

    /** General registers and segment bases that it reads or changes; a mask. */
    static int registers(Instruction i) {
        return switch (i.op) {
            case PUSHF -> 1 << Cpu.RSP;
            case SWAPGS -> 1 << Cpu.R_SEG_BASE + Cpu.GS;
            default -> 0;
        };
    }

    void emit(Instruction i, Label miss) {
        switch (i.op) {
            case PUSHF -> pushFlags(miss);
            case CLI -> {
                code.aload(Locals.CPU_LOCAL).dup().getfield(CPU, "eflags", CD_int);
                code.loadConstant(~Cpu.IF).iand().putfield(CPU, "eflags", CD_int);
            }
            case SWAPGS -> {
                code.aload(Locals.CPU_LOCAL);
                code.invokevirtual(CPU, "swapGs", ConstantDescs.MTD_void);
                int gs = Cpu.R_SEG_BASE + Cpu.GS;
                code.aload(Locals.REGISTERS).loadConstant(gs).laload();
                access.uops.pop(gs);
            }
            default -> {
                code.aload(Locals.CPU_LOCAL).loadConstant(i.op == Op.STAC ? Cpu.AC : 0);
                code.invokevirtual(CPU, "setAc", MethodTypeDesc.of(CD_void, CD_int));
                reloadContext.run();
            }
        }
    }

    private void pushFlags(Label miss) {
        access.flags.toCpu();
        access.uops.push(Cpu.RSP);
        code.loadConstant(8L).lsub();
        access.memory.store(
                8,
                () -> {
                    code.aload(Locals.CPU_LOCAL);
                    code.invokevirtual(CPU, "flags", MethodTypeDesc.of(CD_long));
                    code.loadConstant(~(long) (Cpu.VM | Cpu.RF)).land();
                },
                miss);
        code.lload(Locals.LINEAR);
        access.uops.pop(Cpu.RSP);
    }
}
