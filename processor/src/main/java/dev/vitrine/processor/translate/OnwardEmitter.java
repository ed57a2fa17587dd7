// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;

import dev.vitrine.processor.exec.RegionChain;
import dev.vitrine.processor.exec.RegionCode;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;

/**
 * The last that a region of the second stage does, which was left by a branch: calls the next one,
 * if there is one. So the host predicts where to by the region; and the caller of all regions,
 * which is needed where something is in the way, has the exit from the last of them.
 *
 * <p>Where a branch to a fixed address leads is looked at here, and not in {@link RegionChain}: it
 * is a few comparisons, and in large methods HotSpot's second compiler takes no more calls in line.
 */
final class OnwardEmitter {
    private static final ClassDesc BASE = ClassDesc.of("dev.vitrine.processor.exec.RegionCode");
    private static final ClassDesc CPU = ClassDesc.of("dev.vitrine.processor.core.Cpu");
    private static final ClassDesc REGION = ClassDesc.of("dev.vitrine.processor.exec.Region");
    private static final ClassDesc CHAIN = ClassDesc.of("dev.vitrine.processor.exec.RegionChain");

    private static final MethodTypeDesc LEFT_EARLY =
            MethodTypeDesc.of(ConstantDescs.CD_void, BASE, CD_int);
    private static final MethodTypeDesc NOT_LINKED = MethodTypeDesc.of(ConstantDescs.CD_void, BASE);
    private static final MethodTypeDesc FOUND = MethodTypeDesc.of(BASE, CPU, BASE, CD_int, CD_long);

    private final CodeBuilder code;
    private final MemoryEmitter memory;
    private final MethodTypeDesc run;

    /**
     * @param run the type of {@link RegionCode#run}
     */
    OnwardEmitter(CodeBuilder code, MemoryEmitter memory, MethodTypeDesc run) {
        this.code = code;
        this.memory = memory;
        this.run = run;
    }

    /**
     * Writes it, for an exit in {@link Locals#EXIT} with {@link Locals#TARGET} as instruction
     * pointer and {@link Locals#RETIRED} instructions retired; all else is in the processor.
     *
     * @param links whether there are branches to fixed addresses outside
     */
    void emit(boolean links) {
        code.lload(Locals.RETIRED).aload(Locals.CPU_LOCAL).getfield(CPU, "retired", CD_long);
        code.lsub().l2i().istore(Locals.SITE);
        code.aload(Locals.CPU_LOCAL).lload(Locals.RETIRED).putfield(CPU, "retired", CD_long);
        Label out = code.newLabel();
        Label call = code.newLabel();
        code.iload(Locals.EXIT).loadConstant(RegionCode.INDIRECT).if_icmplt(out);
        Label lasted = code.newLabel();
        code.iload(Locals.SITE).loadConstant(RegionChain.SHORT).if_icmpge(lasted);
        code.aload(0).iload(Locals.EXIT).invokestatic(CHAIN, "leftEarly", LEFT_EARLY);
        code.labelBinding(lasted);
        if (links) {
            Label indirect = code.newLabel();
            Label refused = code.newLabel();
            code.iload(Locals.EXIT).loadConstant(RegionCode.LINK).if_icmplt(indirect);
            linked(refused);
            code.goto_(call);
            code.labelBinding(refused);
            code.aload(0).invokestatic(CHAIN, "notLinked", NOT_LINKED).goto_(out);
            code.labelBinding(indirect);
        }
        code.aload(Locals.CPU_LOCAL).aload(0).iload(Locals.EXIT);
        memory.pushFetchKey();
        code.invokestatic(CHAIN, "found", FOUND).astore(Locals.SCRATCH);
        code.aload(Locals.SCRATCH).ifnull(out);
        code.labelBinding(call);
        code.aload(Locals.SCRATCH).aload(Locals.CPU_LOCAL);
        code.aload(Locals.SCRATCH).getfield(BASE, "region", REGION);
        code.aload(Locals.SCRATCH).getfield(BASE, "number", CD_int);
        code.invokevirtual(BASE, "run", run).ireturn();
        code.labelBinding(out);
        tellWay();
        code.iload(Locals.EXIT).ireturn();
    }

    /**
     * Stores where a branch to a fixed address leads, if that can be called as things are: it is of
     * the second stage and holds, and there is room below the limit, which requests lower, and on
     * the stack. One region's links are all of one mode.
     */
    private void linked(Label refused) {
        code.aload(0).getfield(BASE, "links", BASE.arrayType());
        code.iload(Locals.EXIT).loadConstant(RegionCode.LINK).isub().aaload();
        code.astore(Locals.SCRATCH);
        code.aload(Locals.SCRATCH).ifnull(refused);
        code.aload(Locals.SCRATCH).getfield(BASE, "open", CD_long);
        memory.pushFetchKey();
        code.lcmp().ifne(refused);
        code.aload(Locals.SCRATCH).getfield(BASE, "rip", CD_long);
        code.lload(Locals.TARGET).lcmp().ifne(refused);
        code.aload(Locals.SCRATCH).getfield(BASE, "origin", CD_long);
        code.aload(0).getfield(BASE, "origin", CD_long).lcmp().ifne(refused);
        code.lload(Locals.RETIRED);
        code.aload(Locals.SCRATCH).getfield(BASE, "longestPath", CD_int).i2l().ladd();
        code.aload(Locals.CPU_LOCAL);
        code.invokevirtual(CPU, "loopLimit", MethodTypeDesc.of(CD_long)).lcmp().ifge(refused);
        code.aload(0).getfield(BASE, "chain", CHAIN).dup().getfield(CHAIN, "left", CD_int);
        code.iconst_1().isub().dup_x1().putfield(CHAIN, "left", CD_int).iflt(refused);
    }

    /** Says which way is in execution, since regions call each other without telling. */
    void tellWay() {
        code.aload(Locals.CPU_LOCAL).aload(0);
        code.putfield(CPU, "currentBlock", ConstantDescs.CD_Object);
    }
}
