// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.List;

class AddressSpaceTest {
    private static final long KERNEL = 0xFFFF_FFFF_8000_0000L;

    private final FakeMemory memory = new FakeMemory();

    @ParameterizedTest
    @ValueSource(ints = {4, 5})
    void pagesOfAllSizesAreFound(int levels) {
        PageTables t =
                new PageTables(memory, 0x10000, levels)
                        .map(KERNEL, 0x7000, 1, 0)
                        .map(KERNEL + 0x20_0000, 0x4000_0000, 2, 0)
                        .map(KERNEL + 0x4000_0000, 0x8000_0000L, 3, 0)
                        .map(0x1000, 0x9000, 1, 0);
        AddressSpace s = new AddressSpace(memory, t.root | 0xFFF, levels);
        assertThat(s.translate(KERNEL + 0x123)).isEqualTo(0x7123);
        assertThat(s.translate(KERNEL + 0x1000)).isEqualTo(-1);
        assertThat(s.translate(KERNEL + 0x21_2345)).isEqualTo(0x4001_2345);
        assertThat(s.translate(KERNEL + 0x7654_3210)).isEqualTo(0xB654_3210L);
        assertThat(s.translate(0x1FFF)).isEqualTo(0x9FFF);
        // Again, from what is remembered.
        assertThat(s.translate(KERNEL + 0x456)).isEqualTo(0x7456);
        assertThat(s.translate(-1)).isEqualTo(0xBFFF_FFFFL);
    }

    @Test
    void addressesThatAreNotCanonicalAreNotMapped() {
        PageTables t = new PageTables(memory, 0x10000, 4).map(KERNEL, 0x7000, 1, 0);
        AddressSpace s = new AddressSpace(memory, t.root, 4);
        assertThat(s.translate(KERNEL & 0xFFFF_FFFF_FFFFL)).isEqualTo(-1);
        assertThat(s.translate(KERNEL ^ 1L << 50)).isEqualTo(-1);
    }

    @Test
    void rememberedTranslationsAreForgotten() {
        PageTables t = new PageTables(memory, 0x10000, 4).map(0x1000, 0x7000, 1, 0);
        AddressSpace s = new AddressSpace(memory, t.root, 4);
        assertThat(s.translate(0x1000)).isEqualTo(0x7000);
        t.map(0x1000, 0x8000, 1, 0);
        s.flush();
        assertThat(s.translate(0x1000)).isEqualTo(0x8000);
    }

    @Test
    void rangesJoinWhatBelongsTogether() {
        PageTables t = new PageTables(memory, 0x10000, 4);
        t.map(KERNEL, 0x20_0000, 2, 0);
        t.map(KERNEL + 0x20_0000, 0x40_0000, 1, 0);
        t.map(KERNEL + 0x20_1000, 0x40_1000, 1, PageTables.NO_EXECUTE);
        t.map(KERNEL + 0x20_2000, 0x40_3000, 1, PageTables.NO_EXECUTE);
        t.map(KERNEL + 0x20_3000, 0x40_4000, 1, PageTables.NO_EXECUTE | PageTables.WRITABLE);
        AddressSpace s = new AddressSpace(memory, t.root, 4);
        assertThat(s.mapped(KERNEL, 1 << 30))
                .containsExactly(
                        new MappedRange(KERNEL, 0x20_1000, 0x20_0000, false, false, true),
                        new MappedRange(KERNEL + 0x20_1000, 0x1000, 0x40_1000, false, false, false),
                        new MappedRange(KERNEL + 0x20_2000, 0x1000, 0x40_3000, false, false, false),
                        new MappedRange(KERNEL + 0x20_3000, 0x1000, 0x40_4000, true, false, false));
        assertThat(s.mapped(KERNEL + 0x1F_F000, 0x1000))
                .containsExactly(
                        new MappedRange(KERNEL + 0x1F_F000, 0x1000, 0x3F_F000, false, false, true));
    }

    /** Each level of the table is the table itself: more pages than a machine has. */
    @Test
    void tablesWithoutAnEndAreGivenUp() {
        for (int i = 0; i < 512; i++) {
            memory.putLong(0x1000 + 8 * i, 0x1007);
        }
        AddressSpace s = new AddressSpace(memory, 0x1000, 4);
        assertThat(s.translate(0x12345)).isEqualTo(0x1345);
        assertThatThrownBy(() -> s.mapped(0, 1L << 47))
                .isInstanceOf(IntrospectionException.class)
                .hasMessageContaining("would not end");
    }

    @Test
    void readsAndWritesCrossPages() {
        PageTables t =
                new PageTables(memory, 0x10000, 4)
                        .map(0x1000, 0x7000, 1, 0)
                        .map(0x2000, 0x5000, 1, 0);
        memory.put(0x7000, new byte[4096]).put(0x5000, new byte[4096]);
        AddressSpace s = new AddressSpace(memory, t.root, 4);
        assertThat(s.write(0x1FFE, new byte[] {1, 2, 3, 4}, 0, 4)).isTrue();
        byte[] b = new byte[4];
        assertThat(s.read(0x1FFE, b, 0, 4)).isTrue();
        assertThat(b).containsExactly(1, 2, 3, 4);
        // The second page is not mapped: nothing of the first one is changed.
        assertThat(s.write(0x2FFF, new byte[] {9, 9}, 0, 2)).isFalse();
        assertThat(s.read(0x2FFF, b, 0, 1)).isTrue();
        assertThat(b[0]).isZero();
        assertThat(s.read(0x2FFF, b, 0, 2)).isFalse();
    }

    /** A walk leaves no accessed or dirty bit. */
    @Test
    void nothingIsWritten() {
        PageTables t = new PageTables(memory, 0x10000, 4).map(0x1000, 0x7000, 1, 0);
        memory.put(0x7000, new byte[4096]);
        byte[] before = new byte[0x4000];
        memory.read(0x10000, before, 0, before.length);
        AddressSpace s = new AddressSpace(memory, t.root, 4);
        s.read(0x1000, new byte[16], 0, 16);
        s.mapped(0, 1 << 30);
        byte[] after = new byte[0x4000];
        memory.read(0x10000, after, 0, after.length);
        assertThat(after).isEqualTo(before);
        assertThat(List.of(memory.ranges().getFirst().start())).containsExactly(0x7000L);
    }
}
