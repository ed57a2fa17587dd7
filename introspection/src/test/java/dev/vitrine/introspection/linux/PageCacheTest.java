// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vitrine.introspection.FakeMemory;
import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.LittleEndian;
import dev.vitrine.introspection.linux.PageCache.State;

import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

class PageCacheTest {
    private static final long VMEMMAP = 0x7000_0000_0000L;
    private static final long PAGE_SIZE = 64;
    private static final long MAPPING = 0x1000;
    private static final long HEAD = MAPPING + 24;
    private static final long UP_TO_DATE = 4;
    private static final int BITS = 4;
    private static final int SLOTS = 0x20;

    /** Nodes are put here, one after the other. */
    private long free = 0x10_0000;

    private final FakeMemory memory = new FakeMemory().putLong(HEAD, 0);
    private final PageCache cache = new PageCache(kernel());

    private static LinuxKernel kernel() {
        SyntheticKernel k = new SyntheticKernel(0xFFFF_FFFF_8100_0000L, 0x100_0000, 4, true);
        k.putLong(k.pages(), VMEMMAP);
        return LinuxKernel.attach(k.target(), List.of());
    }

    /** The kernel's memory, in which linear addresses are those of the fake one. */
    private final KernelMemory linear =
            new KernelMemory() {
                @Override
                public long number(long address, int size) {
                    byte[] b = new byte[8];
                    if (!memory.read(address, b, 0, size)) {
                        throw new IntrospectionException("nothing is at " + address);
                    }
                    return LittleEndian.number(b, 0, size);
                }

                @Override
                public String text(long address, int limit) {
                    byte[] b = new byte[limit];
                    memory.read(address, b, 0, limit);
                    return new String(b, StandardCharsets.UTF_8);
                }
            };

    private static long page(long frame) {
        return VMEMMAP + frame * PAGE_SIZE;
    }

    /** A struct page; of several together it is the first one's. */
    private long page(long frame, long index, long flags) {
        memory.putLong(page(frame), flags).putLong(page(frame) + 32, index);
        return page(frame);
    }

    private long node(int shift) {
        long node = free;
        free += 0x100;
        memory.put(node, new byte[0xA0]).put(node, (byte) shift);
        return node + 2;
    }

    private void slot(long node, long n, long entry) {
        memory.putLong(node - 2 + SLOTS + 8 * n, entry);
    }

    private void expect(long index, State state, long frame) {
        PageCache.Page p = cache.page(linear, MAPPING, index);
        assertThat(p.state()).as("page " + index).isEqualTo(state);
        if (state == State.PRESENT) {
            assertThat(p.physical()).isEqualTo(frame << 12);
        }
    }

    @Test
    void oneEntryNeedsNoNode() {
        expect(0, State.ABSENT, 0);
        memory.putLong(HEAD, page(77, 0, UP_TO_DATE));
        expect(0, State.PRESENT, 77);
        expect(1, State.ABSENT, 0);
        expect(-1, State.ABSENT, 0);
    }

    @Test
    void eachEntryIsWhatItIs() {
        long n = node(0);
        memory.putLong(HEAD, n);
        slot(n, 1, page(5, 1, UP_TO_DATE));
        slot(n, 2, 0x1235); // a number
        slot(n, 3, page(6, 3, 3)); // locked, not read
        slot(n, 4, 256 << 2 | 2); // to be looked at again
        slot(n, 5, 0x1000); // no struct page
        memory.putLong(0x1000, UP_TO_DATE);
        expect(0, State.ABSENT, 0);
        expect(1, State.PRESENT, 5);
        expect(2, State.EVICTED, 0);
        expect(3, State.UNREAD, 0);
        expect(4, State.ABSENT, 0);
        expect(5, State.ABSENT, 0);
        expect(16, State.ABSENT, 0);
    }

    @Test
    void pagesTogetherAreFoundByTheFirst() {
        long n = node(0);
        memory.putLong(HEAD, n);
        slot(n, 4, page(0x400, 4, UP_TO_DATE));
        for (int i = 5; i < 8; i++) {
            slot(n, i, 4 << 2 | 2);
        }
        for (int i = 4; i < 8; i++) {
            expect(i, State.PRESENT, 0x400 + i - 4);
        }
        expect(8, State.ABSENT, 0);
        // As many as a whole node would have.
        long top = node(BITS);
        memory.putLong(HEAD, top);
        slot(top, 2, page(0x800, 32, UP_TO_DATE));
        expect(31, State.ABSENT, 0);
        expect(32, State.PRESENT, 0x800);
        expect(47, State.PRESENT, 0x80F);
        expect(48, State.ABSENT, 0);
    }

    @Test
    void manyPagesAreThoseThatWerePut() {
        Random random = new Random(4);
        long top = node(3 * BITS);
        memory.putLong(HEAD, top);
        Map<Long, Long> model = new HashMap<>();
        Map<String, Long> nodes = new HashMap<>();
        for (int i = 0; i < 300; i++) {
            long index = random.nextInt(1 << 4 * BITS);
            model.put(index, 1000L + i);
            long node = top;
            for (int shift = 3 * BITS; shift > 0; shift -= BITS) {
                int below = shift - BITS;
                String key = shift + ":" + (index >>> shift);
                Long next = nodes.get(key);
                if (next == null) {
                    next = node(below);
                    nodes.put(key, next);
                    slot(node, index >>> shift & 15, next);
                }
                node = next;
            }
            slot(node, index & 15, page(1000 + i, index, UP_TO_DATE));
        }
        for (long index = 0; index < 1 << 4 * BITS; index++) {
            Long frame = model.get(index);
            expect(index, frame == null ? State.ABSENT : State.PRESENT, frame == null ? 0 : frame);
        }
        expect(1L << 4 * BITS, State.ABSENT, 0);
        expect(Long.MIN_VALUE, State.ABSENT, 0);
    }

    @Test
    void nodesWithinThemselvesEnd() {
        long n = node(BITS);
        memory.putLong(HEAD, n);
        slot(n, 0, n);
        assertThatThrownBy(() -> cache.page(linear, MAPPING, 0))
                .isInstanceOf(IntrospectionException.class)
                .hasMessageContaining("XArray");
        slot(n, 0, 0x7FFF_FFFF_F002L);
        assertThatThrownBy(() -> cache.page(linear, MAPPING, 0))
                .isInstanceOf(IntrospectionException.class);
    }
}
