// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.x87;

import static dev.vitrine.processor.x87.Float80.BUSY;
import static dev.vitrine.processor.x87.Float80.ES;
import static dev.vitrine.processor.x87.Float80.EXCEPTIONS;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Vector;
import dev.vitrine.processor.core.X87State;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Operand;

/**
 * Control and status words, and the x87 environment and state in memory (SDM volume 1, 8.1.10 and
 * 8.1.11) in its four layouts: 16 and 32 bits, protected and real mode.
 */
public final class X87Environment {
    /** Writable bits of the control word; bit 6 always reads as one. */
    private static final int CONTROL_BITS = 0x1F3F;

    private static final int CONTROL_ALWAYS = 0x40;

    private X87Environment() {}

    static void execute(Cpu cpu, Instruction i) {
        if ((cpu.cr0 & (Cpu.CR0_EM | Cpu.CR0_TS)) != 0) {
            throw cpu.fault(Vector.NM);
        }
        X87State s = cpu.x87;
        switch (i.op) {
            case FNINIT -> s.init();
            case FNCLEX -> s.status &= ~(EXCEPTIONS | Float80.SF | ES | BUSY);
            case FNSTCW -> cpu.write(i, 0, s.control);
            case FNSTSW -> {
                if (i.kind[0] == Operand.MEM) {
                    cpu.write(i, 0, statusWord(s));
                } else {
                    cpu.writeRegister(Cpu.RAX, 2, statusWord(s));
                }
            }
            case FLDCW -> {
                X87Unit.pending(cpu);
                loadControl(s, (int) cpu.read(i, 0));
            }
            case FNSTENV -> {
                int size = wide(i) ? 28 : 14;
                long la = cpu.linear(i, size, true);
                cpu.mmu.probeWrite(la, size);
                storeEnvironment(cpu, la, wide(i));
                s.control |= EXCEPTIONS;
                updateSummary(s);
            }
            case FLDENV -> {
                X87Unit.pending(cpu);
                int size = wide(i) ? 28 : 14;
                long la = cpu.linear(i, size, false);
                // A page fault on the first word comes before an end that is not canonical.
                cpu.load(la, 2);
                cpu.mmu.probeRead(la, size);
                loadEnvironment(cpu, la, wide(i));
            }
            case FNSAVE -> save(cpu, i);
            default -> restore(cpu, i);
        }
    }

    private static boolean wide(Instruction i) {
        return i.operandSize != 2;
    }

    /** The status word with TOP. */
    public static int statusWord(X87State s) {
        return s.status | s.top << 11;
    }

    /** Sets the status word with TOP; ES and B follow from exceptions and masks. */
    public static void loadStatus(X87State s, int word) {
        s.top = (word >>> 11) & 7;
        s.status = word & 0x477F;
        updateSummary(s);
    }

    public static void loadControl(X87State s, int word) {
        s.control = word & CONTROL_BITS | CONTROL_ALWAYS;
        updateSummary(s);
    }

    /** ES and B say whether an unmasked exception is pending. */
    static void updateSummary(X87State s) {
        if ((s.status & ~s.control & EXCEPTIONS) != 0) {
            s.status |= ES | BUSY;
        } else {
            s.status &= ~(ES | BUSY);
        }
    }

    /** The full tag word: two bits per physical register, 0 valid, 1 zero, 2 special, 3 empty. */
    static int tagWord(X87State s) {
        int word = 0;
        for (int n = 7; n >= 0; n--) {
            int tag;
            if (X87Unit.empty(s, n)) {
                tag = 3;
            } else {
                tag =
                        switch (Float80.classify(s.mantissa[n], s.exponent[n])) {
                            case Float80.CLASS_NORMAL -> 0;
                            case Float80.CLASS_ZERO -> 1;
                            default -> 2;
                        };
            }
            word = word << 2 | tag;
        }
        return word;
    }

    private static void loadTags(X87State s, int word) {
        int valid = 0;
        for (int n = 0; n < 8; n++) {
            if ((word >>> (2 * n) & 3) != 3) {
                valid |= 1 << n;
            }
        }
        s.valid = valid;
    }

    /** Real-address and virtual-8086 mode keep linear addresses and the opcode in the pointers. */
    private static boolean realLayout(Cpu cpu) {
        return cpu.realMode() || cpu.v86();
    }

    private static void storeEnvironment(Cpu cpu, long la, boolean wide) {
        X87State s = cpu.x87;
        int status = statusWord(s);
        int tags = tagWord(s);
        if (wide) {
            cpu.store(la, 4, 0xFFFF0000 | s.control);
            cpu.store(la + 4, 4, 0xFFFF0000 | status);
            cpu.store(la + 8, 4, 0xFFFF0000 | tags);
            if (realLayout(cpu)) {
                int ip = (int) s.instructionPointer + (s.instructionSelector << 4);
                int dp = (int) s.dataPointer + (s.dataSelector << 4);
                cpu.store(la + 12, 4, 0xFFFF0000 | ip & 0xFFFF);
                cpu.store(la + 16, 4, (ip >>> 16) << 12 | s.opcode);
                cpu.store(la + 20, 4, 0xFFFF0000 | dp & 0xFFFF);
                cpu.store(la + 24, 4, (dp >>> 16) << 12);
            } else {
                cpu.store(la + 12, 4, s.instructionPointer);
                cpu.store(la + 16, 4, s.opcode << 16 | s.instructionSelector);
                cpu.store(la + 20, 4, s.dataPointer);
                cpu.store(la + 24, 4, 0xFFFF0000 | s.dataSelector);
            }
            return;
        }
        cpu.store(la, 2, s.control);
        cpu.store(la + 2, 2, status);
        cpu.store(la + 4, 2, tags);
        if (realLayout(cpu)) {
            int ip = (int) s.instructionPointer + (s.instructionSelector << 4);
            int dp = (int) s.dataPointer + (s.dataSelector << 4);
            cpu.store(la + 6, 2, ip);
            cpu.store(la + 8, 2, ip >>> 16 << 12 | s.opcode);
            cpu.store(la + 10, 2, dp);
            cpu.store(la + 12, 2, dp >>> 16 << 12);
        } else {
            cpu.store(la + 6, 2, s.instructionPointer);
            cpu.store(la + 8, 2, s.instructionSelector);
            cpu.store(la + 10, 2, s.dataPointer);
            cpu.store(la + 12, 2, s.dataSelector);
        }
    }

    /** All of it has been probed. */
    private static void loadEnvironment(Cpu cpu, long la, boolean wide) {
        X87State s = cpu.x87;
        int unit = wide ? 4 : 2;
        int control = (int) cpu.load(la, 2);
        int status = (int) cpu.load(la + unit, 2);
        int tags = (int) cpu.load(la + 2 * unit, 2);
        long ip = cpu.load(la + 3 * unit, unit);
        long code = cpu.load(la + 4 * unit, unit);
        long dp = cpu.load(la + 5 * unit, unit);
        long data = cpu.load(la + 6 * unit, unit);
        s.instructionSelector = 0;
        s.dataSelector = 0;
        if (realLayout(cpu)) {
            s.opcode = (int) code & 0x7FF;
            s.instructionPointer = (ip & 0xFFFF) | (code >>> 12 & 0xFFFF) << 16;
            s.dataPointer = (dp & 0xFFFF) | (data >>> 12 & 0xFFFF) << 16;
        } else {
            s.opcode = wide ? (int) (code >>> 16) & 0x7FF : 0;
            s.instructionPointer = ip;
            s.dataPointer = dp;
        }
        s.control = control & CONTROL_BITS | CONTROL_ALWAYS;
        loadStatus(s, status);
        loadTags(s, tags);
    }

    private static void save(Cpu cpu, Instruction i) {
        X87State s = cpu.x87;
        boolean wide = wide(i);
        int size = wide ? 108 : 94;
        long la = cpu.linear(i, size, true);
        cpu.mmu.probeWrite(la, size);
        storeEnvironment(cpu, la, wide);
        la += wide ? 28 : 14;
        for (int n = 0; n < 8; n++) {
            int p = (s.top + n) & 7;
            cpu.store(la, 8, s.mantissa[p]);
            cpu.store(la + 8, 2, s.exponent[p]);
            la += 10;
        }
        s.init();
    }

    private static void restore(Cpu cpu, Instruction i) {
        X87Unit.pending(cpu);
        X87State s = cpu.x87;
        boolean wide = wide(i);
        int size = wide ? 108 : 94;
        long la = cpu.linear(i, size, false);
        cpu.mmu.probeRead(la, size);
        loadEnvironment(cpu, la, wide);
        la += wide ? 28 : 14;
        for (int n = 0; n < 8; n++) {
            int p = (s.top + n) & 7;
            s.mantissa[p] = cpu.load(la, 8);
            s.exponent[p] = (int) cpu.load(la + 8, 2);
            la += 10;
        }
    }
}
