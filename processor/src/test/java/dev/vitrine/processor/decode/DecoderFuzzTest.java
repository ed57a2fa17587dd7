// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.decode;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;

import org.junit.jupiter.api.Test;

import java.util.Random;

/** Whatever the bytes: an instruction of 1 to 15 of them, or a status; in every mode. */
class DecoderFuzzTest {
    private final Decoder decoder = new Decoder();
    private final Decoder forced = new Decoder(true);
    private final Instruction out = new Instruction();

    @FuzzTest
    void fuzz(byte[] data) {
        for (int codeSize = 16; codeSize <= 64; codeSize *= 2) {
            int at = 0;
            while (at < data.length) {
                int length = decoder.decode(data, at, data.length - at, at, codeSize, out);
                check(length, data.length - at);
                forced.decode(data, at, data.length - at, at, codeSize, out);
                at += Math.max(1, length);
            }
        }
    }

    private void check(int length, int available) {
        assertThat(InstructionText.format(out)).isNotEmpty();
        if (length > 0) {
            assertThat(length).isBetween(1, Math.min(available, Decoder.MAX_LENGTH));
            assertThat(out.length).isEqualTo(length);
            assertThat(out.op).isNotSameAs(Op.INVALID);
            assertThat(out.operands).isBetween(0, 4);
            for (int n = 0; n < out.operands; n++) {
                assertThat(out.kind[n]).isNotEqualTo(Operand.NONE);
                assertThat(out.reg[n]).isBetween(0, 15);
            }
        } else {
            assertThat(length).isBetween(Decoder.TOO_LONG, Decoder.NEED_MORE);
            assertThat(length != Decoder.NEED_MORE || available < Decoder.MAX_LENGTH).isTrue();
        }
    }

    @Test
    void manyRandomStreams() {
        Random random = new Random(7);
        byte[] data = new byte[64];
        for (int n = 0; n < 3_000; n++) {
            random.nextBytes(data);
            fuzz(data);
        }
    }
}
