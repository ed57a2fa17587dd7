// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0
package dev.vitrine.processor.asm;

/** What the r/m field of an instruction can name: a register or a place in memory. */
public sealed interface Operand permits Reg, Mem {

    /** The operand's width in bits, or 0 for memory without a stated width. */
    int bits();
}
