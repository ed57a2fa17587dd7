// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.decode;

import java.util.List;

/** Reads the text of the instruction table. */
final class InstructionTableReader {
    private InstructionTableReader() {}

    static List<Form> read() {
        return List.of();
    }
}
