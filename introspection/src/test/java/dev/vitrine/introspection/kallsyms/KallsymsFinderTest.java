// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.kallsyms;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.introspection.Effort;
import dev.vitrine.introspection.kallsyms.KallsymsBuilder.Layout;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class KallsymsFinderTest {
    /** As KASLR may put it. */
    static final long TEXT = 0xFFFF_FFFF_9D80_0000L;

    static @Nullable Kallsyms find(byte[] image) {
        return new KallsymsFinder(
                        image,
                        KallsymsBuilder.PLACE,
                        TEXT,
                        TEXT + (64 << 20),
                        new Effort("it", 1L << 28))
                .find();
    }

    private static void check(KallsymsBuilder b, byte[] image) {
        Kallsyms k = find(image);
        assertThat(k).isNotNull();
        assertThat(k.all()).containsExactlyElementsOf(b.symbols());
        for (int i = 0; i < b.symbols().size(); i += 97) {
            assertThat(k.symbol(k.find(b.symbols().get(i).name()))).isEqualTo(b.symbols().get(i));
        }
        assertThat(k.find("no_such_symbol")).isEqualTo(-1);
        assertThat(k.find("")).isEqualTo(-1);
    }

    @ParameterizedTest
    @EnumSource(Layout.class)
    void everyLayoutIsUnderstood(Layout layout) {
        for (int count : new int[] {512, 1000, 2560}) {
            for (int junk : new int[] {0, 12345, 5 * 4096 + 8}) {
                KallsymsBuilder b = KallsymsBuilder.many(count, TEXT, false);
                if (layout == Layout.DISTANCES) { // all within 2 GiB
                    b.symbols().removeIf(s -> s.address() >= 0);
                }
                check(b, b.build(layout, junk, layout != Layout.ABSOLUTE));
            }
        }
    }

    /** Without absolute per-CPU symbols, as on one processor. */
    @ParameterizedTest
    @EnumSource(
            value = Layout.class,
            names = {"RELATIVE", "TAIL"})
    void offsetsMayCountUp(Layout layout) {
        KallsymsBuilder b = new KallsymsBuilder();
        for (int i = 0; i < 1500; i++) {
            b.add(TEXT + 32L * i, 'T', "f" + i);
        }
        check(b, b.build(layout, 100, false));
    }

    /** Names of more than 127 tokens, since 6.1. */
    @Test
    void longNamesAreUnderstood() {
        KallsymsBuilder b = KallsymsBuilder.many(3000, TEXT, true);
        check(b, b.build(Layout.TAIL, 4096, true));
    }

    /**
     * Digits with zeros between are elsewhere, too; also with something like an index behind them.
     */
    @Test
    void whatLooksLikeTokensIsPassedOver() {
        KallsymsBuilder b = KallsymsBuilder.many(2000, TEXT, false);
        byte[] image = b.build(Layout.ORDERED, 3 * 4096, true);
        for (int i = 0; i < 10; i++) {
            for (int at : new int[] {0, 1000, 4097, 8191}) {
                image[at + 2 * i] = (byte) ('0' + i);
                image[at + 2 * i + 1] = 0;
            }
        }
        check(b, image);
    }

    @Test
    void memoryWithoutTableHasNone() {
        assertThat(find(new byte[0])).isNull();
        assertThat(find(new byte[7])).isNull();
        assertThat(find(new byte[1 << 20])).isNull();
    }

    /** Addresses that are not the kernel's are no addresses of this table. */
    @Test
    void tableOfAnotherKernelIsRefused() {
        KallsymsBuilder b = KallsymsBuilder.many(2000, 0xFFFF_FFFF_C000_0000L, false);
        assertThat(find(b.build(Layout.RELATIVE, 0, true))).isNull();
    }
}
