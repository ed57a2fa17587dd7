// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0
package dev.vitrine.processor.oracle;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.function.Consumer;

/** A difference in any part of a result is seen, and what is undefined is not. */
class ComparisonTest {
    private final Case c = new Case().reset();

    private String compare(Consumer<Result> change) {
        return compare(change, 0, Comparison.Tolerance.EXACT);
    }

    private String compare(Consumer<Result> change, int undefined, Comparison.Tolerance tolerance) {
        Result a = new Result();
        Result b = new Result();
        for (Result r : new Result[] {a, b}) {
            r.state.reset();
            r.vector = Result.END;
            r.lineCount = 1;
            r.lineAddresses[0] = OracleLayout.DATA;
        }
        change.accept(b);
        return Comparison.differences(c, a, b, undefined, tolerance);
    }

    @Test
    void equalResultsDoNotDiffer() {
        assertThat(compare(r -> {})).isEmpty();
    }

    @Test
    void everyPartIsCompared() {
        assertThat(compare(r -> r.vector = 13)).contains("#GP");
        assertThat(compare(r -> r.error = 4)).contains("error");
        assertThat(compare(r -> r.cr2 = 0x1000)).contains("cr2");
        assertThat(compare(r -> r.state.rip++)).contains("rip");
        assertThat(compare(r -> r.state.gpr[15] = 1)).contains("r15");
        assertThat(compare(r -> r.state.rflags ^= 1)).contains("rflags");
        assertThat(compare(r -> r.state.rflags ^= 0x1_0000)).contains("rflags");
        assertThat(compare(r -> r.state.ds = 0)).contains("ds");
        assertThat(compare(r -> r.state.fsBase = 1)).contains("fsbase");
        assertThat(compare(r -> r.state.lane(15, 3, 1))).contains("ymm15[3]");
        assertThat(compare(r -> r.state.mxcsr(0x1f81))).contains("mxcsr");
        assertThat(compare(r -> r.state.fsw(1))).contains("fsw");
        assertThat(compare(r -> r.state.st(7, 1, 0))).contains("st7 e");
        assertThat(compare(r -> r.lineWords[7] = 1)).contains("30000038");
        assertThat(compare(r -> r.lineCount = 0)).contains("not changed");
        assertThat(compare(r -> r.lineCount = 2)).contains("changed");
    }

    @Test
    void undefinedFlagsAreNotCompared() {
        assertThat(compare(r -> r.state.rflags ^= 0x10, 0x10, Comparison.Tolerance.EXACT))
                .isEmpty();
        assertThat(compare(r -> r.state.rflags ^= 0x11, 0x10, Comparison.Tolerance.EXACT))
                .contains("rflags");
    }

    @Test
    void tolerancesAreNarrow() {
        Consumer<Result> near = r -> r.state.st(0, 0, 2);
        Consumer<Result> far = r -> r.state.st(0, 0, 3);
        assertThat(compare(near, 0, Comparison.Tolerance.TRANSCENDENTAL)).isEmpty();
        assertThat(compare(far, 0, Comparison.Tolerance.TRANSCENDENTAL)).contains("st0 m");
        assertThat(compare(near)).contains("st0 m");
    }

    @Test
    void theLeastNormalNumberIsNextToTheLargestDenormalOne() {
        Result a = new Result();
        Result b = new Result();
        for (Result r : new Result[] {a, b}) {
            r.state.reset();
            r.vector = Result.END;
        }
        a.state.st(0, 0x8000, Long.MAX_VALUE);
        a.state.fsw(0x30);
        b.state.st(0, 0x8001, Long.MIN_VALUE);
        b.state.fsw(0x20);
        assertThat(Comparison.differences(c, a, b, 0, Comparison.Tolerance.TRANSCENDENTAL))
                .isEmpty();
        b.state.st(0, 0x8001, Long.MIN_VALUE + 2);
        assertThat(Comparison.differences(c, a, b, 0, Comparison.Tolerance.TRANSCENDENTAL))
                .contains("st0 m");
        b.state.st(0, 0x8000, Long.MAX_VALUE);
        assertThat(Comparison.differences(c, a, b, 0, Comparison.Tolerance.TRANSCENDENTAL))
                .contains("fsw");
    }
}
