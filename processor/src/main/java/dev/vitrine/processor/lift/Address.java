// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.lift;

import dev.vitrine.processor.core.Cpu;

/** An address in the form that memory micro-operations take. */
final class Address {
    int base = Cpu.R_ZERO;
    int index = Cpu.R_ZERO;
    int scale;
    int segment = Cpu.R_ZERO;
    long disp;

    void set(int base, int index, int scale, int segment, long disp) {
        this.base = base;
        this.index = index;
        this.scale = scale;
        this.segment = segment;
        this.disp = disp;
    }
}
