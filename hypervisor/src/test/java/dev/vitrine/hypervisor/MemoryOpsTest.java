// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.xenabi.Errno;
import dev.vitrine.xenabi.HypercallNumber;
import dev.vitrine.xenabi.MemoryOp;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.util.List;

class MemoryOpsTest {
    private static final long LIST = 0x20000;

    private final Guest g = new Guest(1);

    @AfterEach
    void close() {
        g.close();
    }

    private long reservation(int operation, int order, long... gfns) {
        for (int i = 0; i < gfns.length; i++) {
            g.memory().putLong(LIST + 8L * i, gfns[i]);
        }
        long a = Guest.ARGUMENTS;
        g.memory().putLong(a, LIST);
        g.memory().putLong(a + 8, gfns.length);
        g.memory().putInt(a + 16, order);
        g.memory().putInt(a + 20, 0);
        g.memory().putInt(a + 24, 0x7FF0);
        return g.call(HypercallNumber.MEMORY_OP, operation, a);
    }

    private long size(int operation) {
        g.memory().putShort(Guest.ARGUMENTS, 0x7FF0);
        return g.call(HypercallNumber.MEMORY_OP, operation, Guest.ARGUMENTS);
    }

    private long add(int space, long index, long gfn) {
        long a = Guest.ARGUMENTS;
        g.memory().putInt(a, 0x7FF0);
        g.memory().putInt(a + 4, space);
        g.memory().putLong(a + 8, index);
        g.memory().putLong(a + 16, gfn);
        return g.call(HypercallNumber.MEMORY_OP, MemoryOp.ADD_TO_PHYSMAP, a);
    }

    @Test
    void balloonGoesDownAndUp() {
        assertThat(size(MemoryOp.CURRENT_RESERVATION)).isEqualTo(256);
        assertThat(size(MemoryOp.MAXIMUM_RESERVATION)).isEqualTo(512);
        assertThat(size(MemoryOp.MAXIMUM_GPFN)).isEqualTo(255);
        g.memory().putInt(200 << 12, 0x1234);
        assertThat(reservation(MemoryOp.DECREASE_RESERVATION, 0, 200, 201, 202)).isEqualTo(3);
        assertThat(size(MemoryOp.CURRENT_RESERVATION)).isEqualTo(253);
        assertThat(g.memory().isRam(200 << 12, 1)).isFalse();
        assertThat(reservation(MemoryOp.DECREASE_RESERVATION, 0, 199, 200, 198))
                .as("stops at the hole")
                .isEqualTo(1);
        assertThat(reservation(MemoryOp.POPULATE_PHYSMAP, 0, 200, 201, 202, 199)).isEqualTo(4);
        assertThat(g.memory().getInt(200 << 12)).as("fresh frames are zeroed").isZero();
        assertThat(size(MemoryOp.CURRENT_RESERVATION)).isEqualTo(256);
    }

    @Test
    void ordersAndLimits() {
        assertThat(reservation(MemoryOp.POPULATE_PHYSMAP, 4, 0x1000)).isEqualTo(1);
        assertThat(g.memory().isRam(0x1000L << 12, 16 * 4096)).isTrue();
        assertThat(g.memory().isRam(0x1010L << 12, 1)).isFalse();
        assertThat(size(MemoryOp.CURRENT_RESERVATION)).isEqualTo(272);
        assertThat(reservation(MemoryOp.POPULATE_PHYSMAP, 9, 0x2000))
                .as("beyond the maximum")
                .isZero();
        assertThat(size(MemoryOp.CURRENT_RESERVATION)).isEqualTo(272);
        assertThat(g.memory().isRam(0x2000L << 12, 1)).isFalse();
        assertThat(reservation(MemoryOp.POPULATE_PHYSMAP, 10, 0x2000)).isZero();
        assertThat(reservation(MemoryOp.POPULATE_PHYSMAP, 0, 1L << 40)).isZero();
        assertThat(reservation(MemoryOp.POPULATE_PHYSMAP, 0, -1)).isZero();
        assertThat(reservation(MemoryOp.DECREASE_RESERVATION, 4, 0x1000)).isEqualTo(1);
        assertThat(size(MemoryOp.CURRENT_RESERVATION)).isEqualTo(256);
    }

    @Test
    void populatingWhatIsThereReplacesIt() {
        g.memory().putInt(0x50000, 7);
        assertThat(reservation(MemoryOp.POPULATE_PHYSMAP, 0, 0x50)).isEqualTo(1);
        assertThat(g.memory().getInt(0x50000)).isZero();
        assertThat(size(MemoryOp.CURRENT_RESERVATION)).isEqualTo(256);
    }

    @Test
    void framesAreUsedAgainForEver() {
        for (int i = 0; i < 2000; i++) {
            assertThat(reservation(MemoryOp.DECREASE_RESERVATION, 0, 200, 201)).isEqualTo(2);
            assertThat(reservation(MemoryOp.POPULATE_PHYSMAP, 0, 201, 200)).isEqualTo(2);
        }
        assertThat(size(MemoryOp.CURRENT_RESERVATION)).isEqualTo(256);
    }

    @Test
    void sharedInfoMovesAboutAndGivesTheFrameBack() {
        assertThat(add(MemoryOp.SPACE_SHARED_INFO, 0, 0x60)).isZero();
        assertThat(size(MemoryOp.CURRENT_RESERVATION)).as("the RAM below is gone").isEqualTo(255);
        int version = g.memory().getInt(0x60000 + 0xC00);
        assertThat(version).as("wall clock").isNotZero();
        assertThat(add(MemoryOp.SPACE_SHARED_INFO, 0, 0x61)).isZero();
        assertThat(g.memory().isRam(0x60000, 1)).isFalse();
        assertThat(g.memory().getInt(0x61000 + 0xC00)).isEqualTo(version);
        assertThat(size(MemoryOp.CURRENT_RESERVATION)).isEqualTo(254);
        assertThat(reservation(MemoryOp.DECREASE_RESERVATION, 0, 0x61)).isEqualTo(1);
        assertThat(size(MemoryOp.CURRENT_RESERVATION)).isEqualTo(254);
        assertThat(add(MemoryOp.SPACE_SHARED_INFO, 0, 0x62)).isZero();
        assertThat(g.memory().getInt(0x62000 + 0xC00)).isEqualTo(version);
        assertThat(add(MemoryOp.SPACE_SHARED_INFO, 1, 0x63)).isEqualTo(-Errno.EINVAL);
        assertThat(add(MemoryOp.SPACE_SHARED_INFO, 0, -1)).isEqualTo(-Errno.EINVAL);
    }

    @Test
    void ownFramesMoveAndGrantFramesGrow() {
        g.memory().putInt(0x70000, 0x77);
        assertThat(add(MemoryOp.SPACE_GMFN, 0x70, 0x3000)).isZero();
        assertThat(g.memory().getInt(0x3000L << 12)).isEqualTo(0x77);
        assertThat(g.memory().isRam(0x70000, 1)).isFalse();
        assertThat(add(MemoryOp.SPACE_GMFN, 0x70, 0x3001)).isEqualTo(-Errno.EINVAL);
        assertThat(add(MemoryOp.SPACE_GRANT_TABLE, 3, 0x4000)).isZero();
        assertThat(g.domain.grants().frames()).isEqualTo(4);
        assertThat(g.memory().isRam(0x4000L << 12, 4096)).isTrue();
        assertThat(add(MemoryOp.SPACE_GRANT_TABLE, 64, 0x4001)).isEqualTo(-Errno.EINVAL);
        assertThat(add(MemoryOp.SPACE_GRANT_TABLE, 0x80000000L, 0x4001))
                .as("no status frames in version 1")
                .isEqualTo(-Errno.EINVAL);
        g.memory().putLong(Guest.ARGUMENTS, 0x7FF0);
        g.memory().putLong(Guest.ARGUMENTS + 8, 0x3000);
        assertThat(g.call(HypercallNumber.MEMORY_OP, MemoryOp.REMOVE_FROM_PHYSMAP, Guest.ARGUMENTS))
                .isZero();
        assertThat(g.call(HypercallNumber.MEMORY_OP, MemoryOp.REMOVE_FROM_PHYSMAP, Guest.ARGUMENTS))
                .isEqualTo(-Errno.ENOENT);
    }

    @Test
    void batchReportsEachResult() {
        long a = Guest.ARGUMENTS;
        g.memory().putShort(a, 0x7FF0);
        g.memory().putShort(a + 2, MemoryOp.SPACE_GRANT_TABLE);
        g.memory().putShort(a + 4, 3);
        g.memory().putShort(a + 6, 0);
        g.memory().putLong(a + 8, LIST);
        g.memory().putLong(a + 16, LIST + 64);
        g.memory().putLong(a + 24, LIST + 128);
        for (int i = 0; i < 3; i++) {
            g.memory().putLong(LIST + 8L * i, i == 1 ? 1000 : i);
            g.memory().putLong(LIST + 64 + 8L * i, 0x5000 + i);
        }
        assertThat(g.call(HypercallNumber.MEMORY_OP, MemoryOp.ADD_TO_PHYSMAP_BATCH, a)).isZero();
        assertThat(g.memory().getInt(LIST + 128)).isZero();
        assertThat(g.memory().getInt(LIST + 132)).isEqualTo(-Errno.EINVAL);
        assertThat(g.memory().getInt(LIST + 136)).isZero();
        assertThat(g.memory().isRam(0x5002L << 12, 1)).isTrue();
    }

    @Test
    void memoryMapAsTheBuilderSetIt() {
        long a = Guest.ARGUMENTS;
        g.memory().putInt(a, 10);
        g.memory().putLong(a + 8, LIST);
        assertThat(g.call(HypercallNumber.MEMORY_OP, MemoryOp.MEMORY_MAP, a))
                .isEqualTo(-Errno.ENOSYS);
        g.domain.setMemoryMap(
                List.of(new E820Entry(0, 0x100000, 1), new E820Entry(0xFC000000L, 4096, 3)));
        assertThat(g.call(HypercallNumber.MEMORY_OP, MemoryOp.MEMORY_MAP, a)).isZero();
        assertThat(g.memory().getInt(a)).isEqualTo(2);
        assertThat(g.memory().getLong(LIST + 20)).isEqualTo(0xFC000000L);
        assertThat(g.memory().getInt(LIST + 36)).isEqualTo(3);
    }

    @Test
    void heldFramesOutliveTheirRemoval() {
        long mfn = g.domain.memory().pin(0x80);
        assertThat(reservation(MemoryOp.DECREASE_RESERVATION, 0, 0x80)).isEqualTo(1);
        for (int i = 0; i < 50; i++) {
            reservation(MemoryOp.POPULATE_PHYSMAP, 0, 0x6000 + i);
            assertThat(g.domain.physicalMap().lookup(0x6000 + i) >>> 12).isNotEqualTo(mfn);
        }
        g.domain.memory().unpin(mfn);
        reservation(MemoryOp.POPULATE_PHYSMAP, 0, 0x7000);
        assertThat(g.domain.physicalMap().lookup(0x7000) >>> 12).isEqualTo(mfn);
    }
}
