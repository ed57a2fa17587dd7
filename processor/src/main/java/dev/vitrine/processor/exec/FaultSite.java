// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.GuestFault;
import dev.vitrine.processor.core.Vector;
import dev.vitrine.processor.lift.Uop;

/** Finds the guest instruction of a micro-operation that faulted. */
final class FaultSite {
    private FaultSite() {}

    /**
     * Points rip at the guest instruction, counts those before it, and notes where in the block it
     * is.
     *
     * @param uop index of the micro-operation in the block's code
     */
    static void locate(Cpu cpu, Block b, int uop, boolean fault) {
        int n = b.instructionAt(uop);
        cpu.rip = b.rip(n);
        cpu.retired += n;
        left(cpu, b, n);
        if (fault && cpu.faultCode == 0) {
            // Non-canonical addresses: the memory path does not know the segment.
            int op = (int) b.code[uop] & 0xFF;
            if (op != Uop.EXEC && (cpu.faultVector == Vector.GP || cpu.faultVector == Vector.SS)) {
                cpu.faultVector = stackAccess(cpu, op, b.place(n)) ? Vector.SS : Vector.GP;
            }
        }
    }

    /** Notes that a block of several instructions has been left at one of them. */
    static void left(Cpu cpu, Block b, int instruction) {
        // An instruction on its own is executed in place of one in a block that was left before.
        if ((b.modeKey & Interpreter.MODE_SINGLE) == 0) {
            cpu.leftBlock = b instanceof Detour d ? d.whole : b;
            cpu.leftInstruction = instruction;
        }
    }

    private static boolean stackAccess(Cpu cpu, int op, int place) {
        return switch (op) {
            case Uop.PUSH64, Uop.POP64, Uop.CALL64 -> true;
            // The stack is accessed first; after that a branch target gives #GP.
            case Uop.CALL_REG64 -> !canonical64(cpu.r[Cpu.RSP] - 8);
            case Uop.RET64 -> !canonical64(cpu.r[Cpu.RSP]);
            case Uop.JMP_REG -> false;
            case Uop.SEGMENT -> cpu.faultVector == Vector.SS;
            default ->
                    (Places.pushes(place) && op >= Uop.ST8 && op <= Uop.ST64)
                            || Places.stack(place);
        };
    }

    /** Whether all of eight bytes have canonical addresses. */
    private static boolean canonical64(long la) {
        return la == la << 16 >> 16 && la + 7 == la + 7 << 16 >> 16;
    }

    /** A call whose target is not canonical: faults of its push come first. */
    static GuestFault badCallTarget(Cpu cpu, long sp) {
        cpu.mmu.probeWrite(sp, 8);
        return cpu.gp(0);
    }
}
