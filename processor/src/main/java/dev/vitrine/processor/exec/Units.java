// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.system.RareInteger;
import dev.vitrine.processor.system.SystemUnit;
import dev.vitrine.processor.vector.VectorUnit;
import dev.vitrine.processor.x87.X87Unit;

/** Leads an instruction that is not made of micro-operations to the unit that knows it. */
public final class Units {
    private Units() {}

    public static void execute(Cpu cpu, Instruction i) {
        switch (i.op.group) {
            case INTEGER -> IntegerUnit.execute(cpu, i);
            case RARE -> RareInteger.execute(cpu, i);
            case SYSTEM -> SystemUnit.execute(cpu, i);
            case X87 -> X87Unit.execute(cpu, i);
            case VECTOR -> VectorUnit.execute(cpu, i);
        }
    }
}
