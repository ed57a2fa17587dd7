// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.vector;

import static dev.vitrine.processor.vector.VectorOperands.source;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Operand;

/**
 * The integer and logic instructions that programs execute most, each in a method of its own: the
 * compiler then sees the whole instruction without a second switch. What they compute is what
 * {@link IntegerLanes} says.
 */
final class CommonLanes {
    private CommonLanes() {}

    private static int firstSource(Instruction i) {
        return i.reg[i.operands - 2] << 2;
    }

    /** PAND and its floating-point twins. */
    static void and(Cpu cpu, Instruction i) {
        if (i.kind[0] == Operand.MMX) {
            IntegerLanes.execute(cpu, i);
            return;
        }
        int s = source(cpu, i, i.operands - 1);
        int a = firstSource(i);
        int d = i.reg[0] << 2;
        long[] v = cpu.v;
        v[d] = v[a] & v[s];
        v[d + 1] = v[a + 1] & v[s + 1];
        if (i.vectorLength == 32) {
            v[d + 2] = v[a + 2] & v[s + 2];
            v[d + 3] = v[a + 3] & v[s + 3];
        } else if (i.vex) {
            v[d + 2] = 0;
            v[d + 3] = 0;
        }
    }

    /** PANDN and its twins. */
    static void andNot(Cpu cpu, Instruction i) {
        if (i.kind[0] == Operand.MMX) {
            IntegerLanes.execute(cpu, i);
            return;
        }
        int s = source(cpu, i, i.operands - 1);
        int a = firstSource(i);
        int d = i.reg[0] << 2;
        long[] v = cpu.v;
        v[d] = ~v[a] & v[s];
        v[d + 1] = ~v[a + 1] & v[s + 1];
        if (i.vectorLength == 32) {
            v[d + 2] = ~v[a + 2] & v[s + 2];
            v[d + 3] = ~v[a + 3] & v[s + 3];
        } else if (i.vex) {
            v[d + 2] = 0;
            v[d + 3] = 0;
        }
    }

    /** POR and its twins. */
    static void or(Cpu cpu, Instruction i) {
        if (i.kind[0] == Operand.MMX) {
            IntegerLanes.execute(cpu, i);
            return;
        }
        int s = source(cpu, i, i.operands - 1);
        int a = firstSource(i);
        int d = i.reg[0] << 2;
        long[] v = cpu.v;
        v[d] = v[a] | v[s];
        v[d + 1] = v[a + 1] | v[s + 1];
        if (i.vectorLength == 32) {
            v[d + 2] = v[a + 2] | v[s + 2];
            v[d + 3] = v[a + 3] | v[s + 3];
        } else if (i.vex) {
            v[d + 2] = 0;
            v[d + 3] = 0;
        }
    }

    /** PXOR and its twins. */
    static void xor(Cpu cpu, Instruction i) {
        if (i.kind[0] == Operand.MMX) {
            IntegerLanes.execute(cpu, i);
            return;
        }
        int s = source(cpu, i, i.operands - 1);
        int a = firstSource(i);
        int d = i.reg[0] << 2;
        long[] v = cpu.v;
        v[d] = v[a] ^ v[s];
        v[d + 1] = v[a + 1] ^ v[s + 1];
        if (i.vectorLength == 32) {
            v[d + 2] = v[a + 2] ^ v[s + 2];
            v[d + 3] = v[a + 3] ^ v[s + 3];
        } else if (i.vex) {
            v[d + 2] = 0;
            v[d + 3] = 0;
        }
    }

    /** PADDB. */
    static void addBytes(Cpu cpu, Instruction i) {
        if (i.kind[0] == Operand.MMX) {
            IntegerLanes.execute(cpu, i);
            return;
        }
        int s = source(cpu, i, i.operands - 1);
        int a = firstSource(i);
        int d = i.reg[0] << 2;
        long[] v = cpu.v;
        v[d] = IntegerLanes.paddb(v[a], v[s]);
        v[d + 1] = IntegerLanes.paddb(v[a + 1], v[s + 1]);
        if (i.vectorLength == 32) {
            v[d + 2] = IntegerLanes.paddb(v[a + 2], v[s + 2]);
            v[d + 3] = IntegerLanes.paddb(v[a + 3], v[s + 3]);
        } else if (i.vex) {
            v[d + 2] = 0;
            v[d + 3] = 0;
        }
    }

    /** PADDD. */
    static void addDwords(Cpu cpu, Instruction i) {
        if (i.kind[0] == Operand.MMX) {
            IntegerLanes.execute(cpu, i);
            return;
        }
        int s = source(cpu, i, i.operands - 1);
        int a = firstSource(i);
        int d = i.reg[0] << 2;
        long[] v = cpu.v;
        v[d] = IntegerLanes.paddd(v[a], v[s]);
        v[d + 1] = IntegerLanes.paddd(v[a + 1], v[s + 1]);
        if (i.vectorLength == 32) {
            v[d + 2] = IntegerLanes.paddd(v[a + 2], v[s + 2]);
            v[d + 3] = IntegerLanes.paddd(v[a + 3], v[s + 3]);
        } else if (i.vex) {
            v[d + 2] = 0;
            v[d + 3] = 0;
        }
    }

    /** PADDQ. */
    static void addQwords(Cpu cpu, Instruction i) {
        if (i.kind[0] == Operand.MMX) {
            IntegerLanes.execute(cpu, i);
            return;
        }
        int s = source(cpu, i, i.operands - 1);
        int a = firstSource(i);
        int d = i.reg[0] << 2;
        long[] v = cpu.v;
        v[d] = v[a] + v[s];
        v[d + 1] = v[a + 1] + v[s + 1];
        if (i.vectorLength == 32) {
            v[d + 2] = v[a + 2] + v[s + 2];
            v[d + 3] = v[a + 3] + v[s + 3];
        } else if (i.vex) {
            v[d + 2] = 0;
            v[d + 3] = 0;
        }
    }

    /** PSUBB. */
    static void subtractBytes(Cpu cpu, Instruction i) {
        if (i.kind[0] == Operand.MMX) {
            IntegerLanes.execute(cpu, i);
            return;
        }
        int s = source(cpu, i, i.operands - 1);
        int a = firstSource(i);
        int d = i.reg[0] << 2;
        long[] v = cpu.v;
        v[d] = IntegerLanes.psubb(v[a], v[s]);
        v[d + 1] = IntegerLanes.psubb(v[a + 1], v[s + 1]);
        if (i.vectorLength == 32) {
            v[d + 2] = IntegerLanes.psubb(v[a + 2], v[s + 2]);
            v[d + 3] = IntegerLanes.psubb(v[a + 3], v[s + 3]);
        } else if (i.vex) {
            v[d + 2] = 0;
            v[d + 3] = 0;
        }
    }

    /** PSUBD. */
    static void subtractDwords(Cpu cpu, Instruction i) {
        if (i.kind[0] == Operand.MMX) {
            IntegerLanes.execute(cpu, i);
            return;
        }
        int s = source(cpu, i, i.operands - 1);
        int a = firstSource(i);
        int d = i.reg[0] << 2;
        long[] v = cpu.v;
        v[d] = IntegerLanes.psubd(v[a], v[s]);
        v[d + 1] = IntegerLanes.psubd(v[a + 1], v[s + 1]);
        if (i.vectorLength == 32) {
            v[d + 2] = IntegerLanes.psubd(v[a + 2], v[s + 2]);
            v[d + 3] = IntegerLanes.psubd(v[a + 3], v[s + 3]);
        } else if (i.vex) {
            v[d + 2] = 0;
            v[d + 3] = 0;
        }
    }

    /** PCMPEQB. */
    static void equalBytes(Cpu cpu, Instruction i) {
        if (i.kind[0] == Operand.MMX) {
            IntegerLanes.execute(cpu, i);
            return;
        }
        int s = source(cpu, i, i.operands - 1);
        int a = firstSource(i);
        int d = i.reg[0] << 2;
        long[] v = cpu.v;
        v[d] = IntegerLanes.pcmpeqb(v[a], v[s]);
        v[d + 1] = IntegerLanes.pcmpeqb(v[a + 1], v[s + 1]);
        if (i.vectorLength == 32) {
            v[d + 2] = IntegerLanes.pcmpeqb(v[a + 2], v[s + 2]);
            v[d + 3] = IntegerLanes.pcmpeqb(v[a + 3], v[s + 3]);
        } else if (i.vex) {
            v[d + 2] = 0;
            v[d + 3] = 0;
        }
    }

    /** PCMPEQD. */
    static void equalDwords(Cpu cpu, Instruction i) {
        if (i.kind[0] == Operand.MMX) {
            IntegerLanes.execute(cpu, i);
            return;
        }
        int s = source(cpu, i, i.operands - 1);
        int a = firstSource(i);
        int d = i.reg[0] << 2;
        long[] v = cpu.v;
        v[d] = IntegerLanes.pcmpeqd(v[a], v[s]);
        v[d + 1] = IntegerLanes.pcmpeqd(v[a + 1], v[s + 1]);
        if (i.vectorLength == 32) {
            v[d + 2] = IntegerLanes.pcmpeqd(v[a + 2], v[s + 2]);
            v[d + 3] = IntegerLanes.pcmpeqd(v[a + 3], v[s + 3]);
        } else if (i.vex) {
            v[d + 2] = 0;
            v[d + 3] = 0;
        }
    }

    /** PMINUB. */
    static void leastBytes(Cpu cpu, Instruction i) {
        if (i.kind[0] == Operand.MMX) {
            IntegerLanes.execute(cpu, i);
            return;
        }
        int s = source(cpu, i, i.operands - 1);
        int a = firstSource(i);
        int d = i.reg[0] << 2;
        long[] v = cpu.v;
        v[d] = IntegerLanes.pminub(v[a], v[s]);
        v[d + 1] = IntegerLanes.pminub(v[a + 1], v[s + 1]);
        if (i.vectorLength == 32) {
            v[d + 2] = IntegerLanes.pminub(v[a + 2], v[s + 2]);
            v[d + 3] = IntegerLanes.pminub(v[a + 3], v[s + 3]);
        } else if (i.vex) {
            v[d + 2] = 0;
            v[d + 3] = 0;
        }
    }
}
