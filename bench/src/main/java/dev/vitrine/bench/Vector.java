// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.bench;

import static dev.vitrine.processor.asm.Reg.*;

import dev.vitrine.processor.asm.Mem;
import dev.vitrine.processor.guest.FlatMachine;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/** Loops over vector registers and memory: integers and doubles, SSE2 and AVX2. */
public class Vector extends Guest {

    /** What the loop computes with. */
    @Param({"sse2Integers", "sse2Doubles", "avx2Integers", "avxDoubles"})
    public String kind = "sse2Integers";

    /** Assembles the guest. */
    @Setup
    public void assemble() {
        for (int k = 0; k < 8; k++) {
            machine.ram.putLong(FlatMachine.DATA + k * 8L, Double.doubleToRawLongBits(1 + k / 8.0));
        }
        loop(
                a -> {
                    a.xor(ECX, ECX).xor(EDX, EDX).mov(EAX, 7).xsetbv();
                    a.mov(RSI, FlatMachine.DATA).movdqu(XMM2, Mem.base(RSI));
                },
                a -> {
                    Mem m = Mem.base(RSI).disp(32);
                    switch (kind) {
                        case "sse2Integers" ->
                                a.movdqu(XMM0, m)
                                        .sse(0x66, 0x0ffe, XMM0, XMM1)
                                        .pxor(XMM1, XMM0)
                                        .sse(0x66, 0x0fdb, XMM1, XMM2)
                                        .movdqu(m, XMM0);
                        case "sse2Doubles" ->
                                a.movdqu(XMM0, m)
                                        .sse(0x66, 0x0f58, XMM0, XMM2)
                                        .sse(0x66, 0x0f59, XMM0, XMM2)
                                        .sse(0x66, 0x0f5c, XMM1, XMM0);
                        case "avx2Integers" ->
                                a.vex(1, 2, 0, 0x6f, YMM0, null, m)
                                        .vex(1, 1, 0, 0xfe, YMM0, YMM0, YMM1)
                                        .vex(1, 1, 0, 0xef, YMM1, YMM1, YMM0)
                                        .vex(1, 1, 0, 0xdb, YMM1, YMM1, YMM2)
                                        .vex(1, 2, 0, 0x7f, YMM0, null, m);
                        default ->
                                a.vex(1, 2, 0, 0x6f, YMM0, null, m)
                                        .vex(1, 1, 0, 0x58, YMM0, YMM0, YMM2)
                                        .vex(1, 1, 0, 0x59, YMM0, YMM0, YMM2)
                                        .vex(1, 1, 0, 0x5c, YMM1, YMM1, YMM0);
                    }
                });
    }

    @Benchmark
    @OperationsPerInvocation(BATCH)
    public void vectors(Rounds count) {
        run(count);
    }
}
