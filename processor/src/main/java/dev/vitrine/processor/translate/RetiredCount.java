// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import static java.lang.constant.ConstantDescs.CD_long;

import java.lang.classfile.CodeBuilder;
import java.lang.constant.ClassDesc;

/**
 * How many instructions have retired, as the code of a region counts them: in a local, which is
 * ahead by the region's longest path; in the first stage in the processor, so that it need not be
 * kept across the call of an access.
 */
final class RetiredCount {
    private static final ClassDesc CPU = ClassDesc.of("dev.vitrine.processor.core.Cpu");

    private final CodeBuilder code;
    private final boolean resident;
    private final long longestPath;

    RetiredCount(CodeBuilder code, boolean resident, long longestPath) {
        this.code = code;
        this.resident = resident;
        this.longestPath = longestPath;
    }

    private CodeBuilder pushProcessors() {
        return code.aload(Locals.CPU_LOCAL).getfield(CPU, "retired", CD_long);
    }

    /** At the beginning. */
    void enter() {
        if (!resident) {
            pushProcessors();
            code.loadConstant(longestPath).ladd().lstore(Locals.RETIRED);
        }
    }

    /** Pushes how many have retired when so many more than counted have. */
    void push(int more) {
        if (resident) {
            pushProcessors().loadConstant((long) more).ladd();
        } else {
            code.lload(Locals.RETIRED).loadConstant(more - longestPath).ladd();
        }
    }

    /** Counts instructions. */
    void add(int instructions) {
        if (instructions == 0) {
            return;
        }
        if (resident) {
            set(instructions);
        } else {
            code.lload(Locals.RETIRED).loadConstant((long) instructions).ladd();
            code.lstore(Locals.RETIRED);
        }
    }

    /** Gives the processor the count as it is when so many more have retired. */
    void set(int more) {
        code.aload(Locals.CPU_LOCAL);
        push(more);
        code.putfield(CPU, "retired", CD_long);
    }

    /** Pushes the count as it may become until it is looked at the next time. */
    void pushAhead() {
        if (resident) {
            pushProcessors().loadConstant(longestPath).ladd();
        } else {
            code.lload(Locals.RETIRED);
        }
    }

    /** Before something that may fault, or is to find another count in the processor. */
    void keep() {
        if (resident) {
            pushProcessors().lstore(Locals.RETIRED);
        }
    }

    /** Has the count again as it was at {@link #keep}. */
    void restore() {
        if (resident) {
            code.aload(Locals.CPU_LOCAL).lload(Locals.RETIRED).putfield(CPU, "retired", CD_long);
        }
    }

    /** Pushes what it was at {@link #keep}. */
    void pushKept() {
        if (resident) {
            code.lload(Locals.RETIRED);
        } else {
            push(0);
        }
    }

    /** On the way out. */
    void leave() {
        if (!resident) {
            push(0);
            code.lstore(Locals.RETIRED);
        }
    }
}
