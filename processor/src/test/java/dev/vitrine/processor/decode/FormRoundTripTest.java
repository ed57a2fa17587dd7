// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.decode;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.HexFormat;
import java.util.Random;

/** Every row of the table, encoded in many ways and decoded back. */
class FormRoundTripTest {
    private final Decoder decoder = new Decoder();
    private final Instruction out = new Instruction();

    @ParameterizedTest
    @ValueSource(ints = {16, 32, 64})
    void everyFormDecodesToItself(int codeSize) {
        Random random = new Random(codeSize);
        for (Form f : InstructionTable.forms()) {
            if (!FormEncoder.valid(f, codeSize)) {
                continue;
            }
            int[] sizes = FormEncoder.operandSizes(f, codeSize);
            assertThat(sizes).as(f.toString()).isNotEmpty();
            for (int size : sizes) {
                for (int i = 0; i < 15; i++) {
                    check(f, size, codeSize, random);
                }
            }
        }
    }

    private void check(Form f, int size, int codeSize, Random random) {
        FormEncoder e = new FormEncoder(codeSize).form(f).operandSize(size);
        int registers = codeSize == 64 ? 16 : 8;
        int[] number = new int[4];
        boolean[] high = new boolean[4];
        boolean wantMemory =
                f.memory && !f.has(Form.ANY_MOD) && (!f.register || random.nextBoolean());
        boolean byteHigh = size != 8 && hasByteRegister(f) && random.nextInt(4) == 0;
        boolean vsib = false;
        for (int n = 0; n < f.operands.size(); n++) {
            OperandSpec s = f.operands.get(n);
            int limit = registers;
            switch (s.source) {
                case OperandSpec.REG, OperandSpec.RM, OperandSpec.OPCODE_REGISTER -> {
                    if (s.size == 1 && byteHigh) {
                        number[n] = random.nextInt(4);
                        high[n] = true;
                        e.highByte(n, number[n]);
                        limit = 0;
                    } else if (byteHigh) {
                        limit = 8;
                    }
                    if (s.size == 1 && codeSize != 64) {
                        limit = Math.min(limit, 4);
                    }
                }
                case OperandSpec.RM_REGISTER,
                        OperandSpec.VVVV,
                        OperandSpec.XMM_REG,
                        OperandSpec.XMM_RM,
                        OperandSpec.XMM_RM_REGISTER,
                        OperandSpec.XMM_VVVV,
                        OperandSpec.XMM_IMMEDIATE -> {}
                case OperandSpec.MMX_REG,
                        OperandSpec.MMX_RM,
                        OperandSpec.MMX_RM_REGISTER,
                        OperandSpec.ST_RM,
                        OperandSpec.DEBUG_REG ->
                        limit = 8;
                case OperandSpec.SEGMENT_REG -> {
                    number[n] = 2 + random.nextInt(4);
                    e.register(n, number[n]);
                    limit = 0;
                }
                case OperandSpec.CONTROL_REG -> {
                    number[n] = 2 + random.nextInt(3);
                    e.register(n, number[n]);
                    limit = 0;
                }
                default -> {
                    vsib |= s.source == OperandSpec.VSIB;
                    limit = 0;
                }
            }
            if (limit > 0) {
                number[n] = random.nextInt(limit);
                // XCHG with rAX and register 0 is NOP.
                if (f.op == Op.XCHG && s.source == OperandSpec.OPCODE_REGISTER) {
                    number[n] |= 1;
                }
                e.register(n, number[n]);
            }
        }
        long disp = 0;
        int base = -1;
        int index = -1;
        int scale = 0;
        boolean moffs =
                f.operands.size() == 2
                        && (f.operands.get(0).source == OperandSpec.OFFSET
                                || f.operands.get(1).source == OperandSpec.OFFSET);
        if (moffs) {
            disp = codeSize == 16 ? random.nextInt() >> 16 : random.nextInt();
            e.memory(-1, -1, 0, disp);
        } else if (wantMemory) {
            disp = random.nextInt(3) == 0 ? 0 : random.nextInt() >> 8 * random.nextInt(4);
            int bound = byteHigh ? 8 : registers;
            if (codeSize == 16) {
                disp = (short) disp;
                base = new int[] {3, 3, 5, 5, 6, 7, 5, 3}[random.nextInt(8)];
                index = base == 3 || base == 5 ? 6 + random.nextInt(2) : -1;
            } else {
                base = random.nextInt(bound + 2) - 1;
                if (base == bound) {
                    base = codeSize == 64 && !vsib ? Instruction.RIP_BASE : -1;
                }
                index = base == Instruction.RIP_BASE ? -1 : random.nextInt(bound + 1) - 1;
                index = index == 4 || index < 0 ? -1 : index;
                scale = index < 0 ? 0 : random.nextInt(4);
            }
            if (vsib) {
                if (codeSize == 16) {
                    return;
                }
                index = random.nextInt(registers);
                if (index == number[0] || index == number[2] || number[0] == number[2]) {
                    return;
                }
            }
            e.memory(base, index, scale, disp);
        }
        long imm = random.nextLong();
        long imm2 = random.nextLong();
        int cond = random.nextInt(16);
        e.immediate(imm).immediate2(imm2).condition(cond).longVex(random.nextBoolean());
        if (!byteHigh && codeSize == 64 && !f.vex && !f.has(Form.NO_REX_B)) {
            e.rex(random.nextBoolean());
        }
        int override = random.nextInt(4) == 0 ? 4 + random.nextInt(2) : -1;
        e.segment(override);
        byte[] code = e.encode();
        byte[] padded = java.util.Arrays.copyOf(code, 20);
        int length = decoder.decode(padded, 0, 15, 0x1000, codeSize, out);
        String what = f + " " + codeSize + " " + size + " " + HexFormat.of().formatHex(code);
        assertThat(length).as(what).isEqualTo(code.length);
        assertThat(out.length).as(what).isEqualTo(code.length);
        assertThat(out.form).as(what).isSameAs(f);
        assertThat(out.op).isSameAs(f.op);
        assertThat(out.vex).isEqualTo(f.vex);
        if (size != 0 && codeSize != 16) {
            assertThat(out.operandSize).as(what).isEqualTo(size);
        }
        if (f.opcodeCount == 16) {
            assertThat(out.cond).as(what).isEqualTo(cond);
        }
        boolean memorySeen = false;
        boolean first = true;
        for (int n = 0; n < out.operands; n++) {
            OperandSpec s = f.operands.get(n);
            switch (out.kind[n]) {
                case Operand.MEM, Operand.ADDR -> {
                    memorySeen = true;
                    assertThat(wantMemory || moffs).as(what).isTrue();
                    assertThat(out.disp).as(what).isEqualTo(disp);
                    assertThat(out.base).as(what).isEqualTo(base);
                    assertThat(out.index).as(what).isEqualTo(index);
                    assertThat(out.scale).as(what).isEqualTo(scale);
                    int segment = base == 4 || base == 5 ? 2 : 3;
                    assertThat(out.segment).as(what).isEqualTo(override >= 0 ? override : segment);
                }
                case Operand.GPR, Operand.XMM, Operand.MMX, Operand.ST, Operand.SEG, Operand.CR -> {
                    assertThat(high[n]).as(what).isFalse();
                    boolean fixed =
                            s.source == OperandSpec.FIXED_REGISTER
                                    || s.source == OperandSpec.ST_FIXED
                                    || s.source == OperandSpec.XMM_FIXED
                                    || s.source == OperandSpec.SEGMENT_FIXED;
                    assertThat(out.reg[n]).as(what).isEqualTo(fixed ? s.value : number[n]);
                }
                case Operand.GPR_HIGH -> {
                    assertThat(high[n]).as(what).isTrue();
                    assertThat(out.reg[n]).as(what).isEqualTo(number[n]);
                }
                case Operand.IMM, Operand.REL -> {
                    int bytes = encoded(s, size);
                    long expected = imm << (64 - 8 * bytes);
                    boolean unsigned = s.source == OperandSpec.IMMEDIATE_UNSIGNED;
                    int shift = 64 - 8 * bytes;
                    assertThat(out.imm)
                            .as(what)
                            .isEqualTo(unsigned ? expected >>> shift : expected >> shift);
                    assertThat(first).isTrue();
                    first = false;
                }
                case Operand.IMM2 -> assertThat(out.imm2).as(what).isEqualTo(imm2 & 0xFF);
                case Operand.FAR -> {
                    assertThat(out.imm)
                            .as(what)
                            .isEqualTo(imm & (size == 2 ? 0xFFFFL : 0xFFFFFFFFL));
                    assertThat(out.imm2).as(what).isEqualTo(imm2 & 0xFFFF);
                }
                case Operand.CONST -> assertThat(out.imm).as(what).isEqualTo(1);
                default -> assertThat(out.reg[n]).as(what).isEqualTo(number[n]);
            }
            int spec = out.kind[n] == Operand.MEM ? s.memorySize : s.size;
            if (spec <= 32 && s.source != OperandSpec.VSIB) {
                assertThat(out.size[n]).as(what).isEqualTo(spec);
            }
        }
        if (wantMemory && !moffs && f.modrm != Form.MODRM_NONE && !f.has(Form.ANY_MOD)) {
            assertThat(memorySeen).as(what).isTrue();
        }
        // Every shorter piece asks for more (or is wrong already), never for less.
        for (int n = 1; n < code.length; n++) {
            int status = decoder.decode(padded, 0, n, 0x1000, codeSize, out);
            assertThat(status).as(what).isEqualTo(Decoder.NEED_MORE);
        }
    }

    private static boolean hasByteRegister(Form f) {
        return f.operands.stream()
                .anyMatch(s ->
                        s.size == 1
                                && (s.source == OperandSpec.REG
                                        || s.source == OperandSpec.RM
                                        || s.source == OperandSpec.OPCODE_REGISTER));
    }

    private static int encoded(OperandSpec s, int operandSize) {
        return switch (s.encodedSize) {
            case OperandSpec.SIZE_V -> operandSize;
            case OperandSpec.SIZE_Z -> operandSize == 2 ? 2 : 4;
            default -> s.encodedSize;
        };
    }
}
