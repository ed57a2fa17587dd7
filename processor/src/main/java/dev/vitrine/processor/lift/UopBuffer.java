// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.lift;

import dev.vitrine.processor.core.Cpu;

import java.util.Arrays;

/** A growing list of micro-operations and a supply of temporaries. */
public final class UopBuffer {
    private long[] code = new long[128];
    private int length;
    private int temp = Cpu.R_TEMP;

    public void clear() {
        length = 0;
        temp = Cpu.R_TEMP;
    }

    public int length() {
        return length;
    }

    /** The operation of the micro-operation at an index. */
    public int operation(int index) {
        return (int) code[index] & 0xFF;
    }

    public long[] toArray() {
        return Arrays.copyOf(code, length);
    }

    /** Temporaries are free again: a new guest instruction begins. */
    public void freeTemps() {
        temp = Cpu.R_TEMP;
    }

    public int temp() {
        if (temp == Cpu.R_COUNT) {
            throw new IllegalStateException("out of temporaries");
        }
        return temp++;
    }

    public void emit(int op, int d, int a, int b, int c, int s, long imm) {
        if (length + 2 > code.length) {
            code = Arrays.copyOf(code, code.length * 2);
        }
        code[length++] = Uop.word(op, d, a, b, c, s);
        code[length++] = imm;
    }

    /**
     * Makes one micro-operation of the comparison emitted last and a conditional branch.
     *
     * @return false if they do not go together
     */
    boolean fuseBranch(int condition) {
        if (length == 0) {
            return false;
        }
        int fused = Uop.fuse((int) code[length - 2] & 0xFF, condition);
        if (fused < 0) {
            return false;
        }
        code[length - 2] = (code[length - 2] & ~0xFFL) | fused;
        return true;
    }

    /** Three-operand form: d, a and second operand r[b] + imm with a size shift. */
    public void alu(int op, int d, int a, int b, int shift, long imm) {
        emit(op, d, a, b, shift, Cpu.R_ZERO, imm);
    }

    public void move(int op, int d, int a) {
        emit(op, d, a, Cpu.R_ZERO, 0, Cpu.R_ZERO, 0);
    }

    public void address(int op, int d, Address m) {
        emit(op, d, m.base, m.index, m.scale, m.segment, m.disp);
    }
}
