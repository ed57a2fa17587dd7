// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection;

import dev.vitrine.processor.Registers;

import java.util.ArrayList;
import java.util.List;

/** Registers for tests. */
public final class Fakes {
    private static final long CR0_PG_PE = 0x8000_0001L;
    private static final long CR4_PAE = 1 << 5;
    private static final long CR4_LA57 = 1 << 12;
    private static final long EFER = 0xD01;

    private Fakes() {}

    /** A vCPU in 64-bit mode; every register has a value of its own. */
    public static Registers registers(long cr3, int levels, long lstar, long idt) {
        List<Long> general = new ArrayList<>();
        for (long i = 0; i < Registers.GENERAL; i++) {
            general.add(0x1111_1111_1111_1111L * i);
        }
        List<Registers.Segment> segments = new ArrayList<>();
        for (int i = 0; i < Registers.SEGMENTS; i++) {
            segments.add(
                    new Registers.Segment(8 * i, 0xFFFF_8880_0000_0000L + i, -1 - i, 0xA09B + i));
        }
        return new Registers(
                general,
                0xFFFF_FFFF_8123_4567L,
                0x246,
                segments,
                new Registers.Table(0xFFFF_FE00_0000_1000L, 0x7F),
                new Registers.Table(idt, 0xFFF),
                CR0_PG_PE,
                0x7FFF_0000_1234L,
                cr3,
                CR4_PAE | (levels == 5 ? CR4_LA57 : 0),
                EFER,
                0x23_0010_0000_0000L,
                lstar,
                0x77,
                0x4_7700,
                0xFFFF_8880_1234_0000L,
                0x10,
                0xFFFF_FE00_0000_2000L,
                0xFFFF_FFFF_8111_0000L,
                true);
    }
}
