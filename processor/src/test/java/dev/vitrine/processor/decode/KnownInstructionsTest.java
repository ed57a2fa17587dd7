// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/** Byte sequences whose meaning is known, decoded to text. */
class KnownInstructionsTest {
    static List<String> known() throws IOException {
        try (InputStream in =
                KnownInstructionsTest.class.getResourceAsStream("known-instructions.txt")) {
            if (in == null) {
                return fail("known-instructions.txt is missing");
            }
            return new String(in.readAllBytes(), StandardCharsets.US_ASCII)
                    .lines()
                    .filter(line -> !line.startsWith("#"))
                    .toList();
        }
    }

    @ParameterizedTest
    @MethodSource("known")
    void decodesToText(String line) {
        String[] column = line.split(" \\| ");
        byte[] code = HexFormat.ofDelimiter(" ").parseHex(column[1]);
        Instruction i = new Instruction();
        int length =
                new Decoder()
                        .decode(Arrays.copyOf(code, 16), 0, 15, 0, Integer.parseInt(column[0]), i);
        assertThat(InstructionText.format(i)).isEqualTo(column[2]);
        assertThat(length).isEqualTo(code.length);
    }
}
