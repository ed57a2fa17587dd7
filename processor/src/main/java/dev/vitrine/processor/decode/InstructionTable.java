// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.decode;

import java.util.List;

/** The instruction table, read from {@code instructions.tbl} when it is first used. */
public final class InstructionTable {
    private static final List<Form> FORMS = InstructionTableReader.read();

    private InstructionTable() {}

    /** Every form, in the order of the table; a form's index is its place here. */
    public static List<Form> forms() {
        return FORMS;
    }
}
