// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.xenabi.Errno;
import dev.vitrine.xenabi.GrantTableOp;
import dev.vitrine.xenabi.HypercallNumber;
import dev.vitrine.xenabi.MemoryOp;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class GrantTableTest {
    private static final long TABLE = 0x90000;
    private static final long STATUS = 0x91000;

    private final Guest g = new Guest(1);

    GrantTableTest() {
        add(0, TABLE >>> 12);
    }

    @AfterEach
    void close() {
        g.close();
    }

    private void add(long index, long gfn) {
        long a = Guest.ARGUMENTS;
        g.memory().putInt(a, 0x7FF0);
        g.memory().putInt(a + 4, MemoryOp.SPACE_GRANT_TABLE);
        g.memory().putLong(a + 8, index);
        g.memory().putLong(a + 16, gfn);
        assertThat(g.call(HypercallNumber.MEMORY_OP, MemoryOp.ADD_TO_PHYSMAP, a)).isZero();
    }

    private void grant1(int reference, int flags, int domid, long gfn) {
        g.memory().putInt(TABLE + 8L * reference + 4, (int) gfn);
        g.memory().putInt(TABLE + 8L * reference, flags | domid << 16);
    }

    private int flags1(int reference) {
        return g.memory().getShort(TABLE + 8L * reference);
    }

    private long setVersion(int version) {
        g.memory().putInt(Guest.ARGUMENTS, version);
        return g.call(HypercallNumber.GRANT_TABLE_OP, GrantTableOp.SET_VERSION, Guest.ARGUMENTS, 1);
    }

    private int map(int reference, int flags, long address, int domid) {
        long a = Guest.ARGUMENTS;
        g.memory().putLong(a, address);
        g.memory().putInt(a + 8, flags);
        g.memory().putInt(a + 12, reference);
        g.memory().putShort(a + 16, domid);
        assertThat(g.call(HypercallNumber.GRANT_TABLE_OP, GrantTableOp.MAP_GRANT_REF, a, 1))
                .isZero();
        return (short) g.memory().getShort(a + 18);
    }

    private int unmap(long address, int handle) {
        long a = Guest.ARGUMENTS;
        g.memory().putLong(a, address);
        g.memory().putLong(a + 8, 0);
        g.memory().putInt(a + 16, handle);
        assertThat(g.call(HypercallNumber.GRANT_TABLE_OP, GrantTableOp.UNMAP_GRANT_REF, a, 1))
                .isZero();
        return (short) g.memory().getShort(a + 20);
    }

    @Test
    void backEndSeesWhatIsGrantedAndNothingElse() {
        grant1(9, GrantTableOp.GTF_PERMIT_ACCESS, 0, 0xA0);
        grant1(10, GrantTableOp.GTF_PERMIT_ACCESS | GrantTableOp.GTF_READONLY, 0, 0xA1);
        grant1(11, GrantTableOp.GTF_PERMIT_ACCESS, 5, 0xA2);
        grant1(12, GrantTableOp.GTF_PERMIT_ACCESS, 0, 0xFFFFFF);
        try (GrantMapping m = g.domain.mapGrant(9, false)) {
            assertThat(m).isNotNull();
            assertThat(flags1(9) & (GrantTableOp.GTF_READING | GrantTableOp.GTF_WRITING))
                    .isEqualTo(GrantTableOp.GTF_READING | GrantTableOp.GTF_WRITING);
            m.putInt(8, 0x1234);
            assertThat(g.memory().getInt(0xA0008)).isEqualTo(0x1234);
        }
        assertThat(flags1(9)).isEqualTo(GrantTableOp.GTF_PERMIT_ACCESS);
        assertThat(g.domain.mapGrant(10, false)).isNull();
        GrantMapping reader = g.domain.mapGrant(10, true);
        assertThat(reader).isNotNull();
        org.assertj.core.api.Assertions.assertThatThrownBy(() -> reader.putInt(0, 1))
                .isInstanceOf(IllegalStateException.class);
        org.assertj.core.api.Assertions.assertThatThrownBy(() -> reader.getInt(4094))
                .isInstanceOf(IndexOutOfBoundsException.class);
        reader.close();
        assertThat(flags1(10) & GrantTableOp.GTF_READING).isZero();
        assertThat(g.domain.mapGrant(11, true)).isNull();
        assertThat(g.domain.mapGrant(12, true)).isNull();
        assertThat(flags1(12)).as("marks are taken back").isEqualTo(GrantTableOp.GTF_PERMIT_ACCESS);
        assertThat(g.domain.mapGrant(13, true)).isNull();
        assertThat(g.domain.mapGrant(100_000, true)).isNull();
        assertThat(g.domain.mapGrant(-1, true)).isNull();
    }

    @Test
    void severalUsesKeepTheMarks() {
        grant1(9, GrantTableOp.GTF_PERMIT_ACCESS, 0, 0xA0);
        GrantMapping writer = g.domain.mapGrant(9, false);
        GrantMapping reader = g.domain.mapGrant(9, true);
        writer.close();
        assertThat(flags1(9) & GrantTableOp.GTF_WRITING).isZero();
        assertThat(flags1(9) & GrantTableOp.GTF_READING).isNotZero();
        reader.close();
        assertThat(flags1(9)).isEqualTo(GrantTableOp.GTF_PERMIT_ACCESS);
    }

    @Test
    void versionsChangeAndKeepTheReservedEntries() {
        grant1(1, GrantTableOp.GTF_PERMIT_ACCESS, 0, 0xA5);
        grant1(20, GrantTableOp.GTF_PERMIT_ACCESS, 0, 0xA6);
        assertThat(setVersion(3)).isEqualTo(-Errno.EINVAL);
        assertThat(g.field(0)).isEqualTo(1);
        GrantMapping busy = g.domain.mapGrant(20, true);
        assertThat(setVersion(2)).isEqualTo(-Errno.EBUSY);
        busy.close();
        assertThat(setVersion(2)).isZero();
        assertThat(g.memory().getInt(TABLE + 16)).isEqualTo(GrantTableOp.GTF_PERMIT_ACCESS);
        assertThat(g.memory().getLong(TABLE + 16 + 8)).isEqualTo(0xA5);
        assertThat(g.memory().getInt(TABLE + 16 * 20)).isZero();
        add(0x80000000L, STATUS >>> 12);
        try (GrantMapping m = g.domain.mapGrant(1, false)) {
            assertThat(m).isNotNull();
            assertThat(g.memory().getShort(STATUS + 2)).isEqualTo(0x18);
            assertThat(g.memory().getInt(TABLE + 16)).isEqualTo(GrantTableOp.GTF_PERMIT_ACCESS);
        }
        assertThat(g.memory().getShort(STATUS + 2)).isZero();
        assertThat(setVersion(1)).isZero();
        assertThat(flags1(1)).isEqualTo(GrantTableOp.GTF_PERMIT_ACCESS);
        assertThat(g.memory().getInt(TABLE + 12)).isEqualTo(0xA5);
    }

    @Test
    void versionTwoGrantsPartsOfAPage() {
        assertThat(setVersion(2)).isZero();
        long e = TABLE + 16 * 9;
        g.memory().putShort(e + 4, 0x100);
        g.memory().putShort(e + 6, 0x10);
        g.memory().putLong(e + 8, 0xA0);
        g.memory().putInt(e, GrantTableOp.GTF_PERMIT_ACCESS | GrantTableOp.GTF_SUB_PAGE);
        g.memory().putInt(0xA0100, 77);
        try (GrantMapping m = g.domain.mapGrant(9, true)) {
            assertThat(m.getInt(0)).isEqualTo(77);
            org.assertj.core.api.Assertions.assertThatThrownBy(() -> m.getInt(16))
                    .isInstanceOf(IndexOutOfBoundsException.class);
        }
        g.memory().putShort(e + 6, 0xFFFF); // part reaches beyond the frame
        assertThat(g.domain.mapGrant(9, true)).isNull();
    }

    @Test
    void guestMapsItsOwnGrant() {
        int self = g.domain.id();
        grant1(9, GrantTableOp.GTF_PERMIT_ACCESS, self, 0xA0);
        g.memory().putInt(0xA0000, 0x55);
        int host = GrantTableOp.MAP_HOST;
        assertThat(map(9, host, 0x5000L << 12, self)).isEqualTo(GrantTableOp.OKAY);
        int handle = g.memory().getInt(Guest.ARGUMENTS + 20);
        assertThat(g.memory().getInt(0x5000L << 12)).isEqualTo(0x55);
        assertThat(g.domain.totalPages()).isEqualTo(255 /* the table took one */);
        assertThat(unmap(0x6000L << 12, handle)).isEqualTo(GrantTableOp.BAD_VIRT_ADDR);
        assertThat(unmap(0x5000L << 12, handle + 1)).isEqualTo(GrantTableOp.BAD_HANDLE);
        assertThat(unmap(0x5000L << 12, handle)).isEqualTo(GrantTableOp.OKAY);
        assertThat(unmap(0x5000L << 12, handle)).isEqualTo(GrantTableOp.BAD_HANDLE);
        assertThat(g.memory().isRam(0x5000L << 12, 1)).isFalse();
        assertThat(g.memory().isRam(0xA0000, 1)).isTrue();
        assertThat(flags1(9)).isEqualTo(GrantTableOp.GTF_PERMIT_ACCESS);
        assertThat(map(9, host, 0x5000L << 12, 99)).isEqualTo(GrantTableOp.BAD_DOMAIN);
        assertThat(map(8000, host, 0x5000L << 12, self)).isEqualTo(GrantTableOp.BAD_GNTREF);
        assertThat(map(10, host, 0x5000L << 12, self)).isEqualTo(GrantTableOp.GENERAL_ERROR);
        assertThat(map(9, 0, 0x5000L << 12, self)).isEqualTo(GrantTableOp.GENERAL_ERROR);
    }

    @Test
    void copyBetweenDomains() {
        try (Guest other = new Guest(g.hypervisor, DomainConfig.of("other", 2L << 20, 1))) {
            grant1(9, GrantTableOp.GTF_PERMIT_ACCESS, other.domain.id(), 0xA0);
            grant1(
                    10,
                    GrantTableOp.GTF_PERMIT_ACCESS | GrantTableOp.GTF_READONLY,
                    other.domain.id(),
                    0xA1);
            other.memory().putLong(0x55010, 0x1122334455667788L);
            assertThat(copy(other, 0x55, 0x7FF0, 0x10, 9, g.domain.id(), 0x20, 8, 2)).isZero();
            assertThat(g.memory().getLong(0xA0020)).isEqualTo(0x1122334455667788L);
            assertThat(copy(other, 9, g.domain.id(), 0x20, 0x56, 0x7FF0, 0, 8, 1)).isZero();
            assertThat(other.memory().getLong(0x56000)).isEqualTo(0x1122334455667788L);
            assertThat(copy(other, 0x55, 0x7FF0, 0, 10, g.domain.id(), 0, 8, 2))
                    .as("read-only")
                    .isEqualTo(GrantTableOp.GENERAL_ERROR);
            assertThat(copy(other, 0x55, 0x7FF0, 4090, 9, g.domain.id(), 0, 8, 2))
                    .isEqualTo(GrantTableOp.BAD_COPY_ARG);
            assertThat(copy(other, 0x55, 0x7FF0, 0, 0xA0, g.domain.id(), 0, 8, 0))
                    .as("another domain's frame without a grant")
                    .isEqualTo(GrantTableOp.PERMISSION_DENIED);
            assertThat(copy(other, 0x999999, 0x7FF0, 0, 9, g.domain.id(), 0, 8, 2))
                    .isEqualTo(GrantTableOp.BAD_PAGE);
            assertThat(flags1(9)).isEqualTo(GrantTableOp.GTF_PERMIT_ACCESS);
        }
    }

    private static int copy(
            Guest by,
            long source,
            int sourceDomain,
            int sourceOffset,
            long target,
            int targetDomain,
            int targetOffset,
            int length,
            int flags) {
        long a = Guest.ARGUMENTS;
        by.memory().putLong(a, source);
        by.memory().putShort(a + 8, sourceDomain);
        by.memory().putShort(a + 10, sourceOffset);
        by.memory().putLong(a + 16, target);
        by.memory().putShort(a + 24, targetDomain);
        by.memory().putShort(a + 26, targetOffset);
        by.memory().putShort(a + 32, length);
        by.memory().putShort(a + 34, flags);
        assertThat(by.call(HypercallNumber.GRANT_TABLE_OP, GrantTableOp.COPY, a, 1)).isZero();
        return (short) by.memory().getShort(a + 36);
    }

    @Test
    void sizesAndSetup() {
        long a = Guest.ARGUMENTS;
        g.memory().putShort(a, 0x7FF0);
        assertThat(g.call(HypercallNumber.GRANT_TABLE_OP, GrantTableOp.QUERY_SIZE, a, 1)).isZero();
        assertThat(g.memory().getInt(a + 4)).isEqualTo(1);
        assertThat(g.memory().getInt(a + 8)).isEqualTo(64);
        g.memory().putShort(a, 0x7FF0);
        g.memory().putInt(a + 4, 2);
        g.memory().putLong(a + 16, 0x20000);
        assertThat(g.call(HypercallNumber.GRANT_TABLE_OP, GrantTableOp.SETUP_TABLE, a, 1)).isZero();
        assertThat(g.memory().getShort(a + 8)).isZero();
        assertThat(g.memory().getLong(0x20000)).isEqualTo(TABLE >>> 12);
        assertThat(g.memory().getLong(0x20008)).as("mapped nowhere yet").isEqualTo(-1);
        g.memory().putInt(a + 4, 65);
        assertThat(g.call(HypercallNumber.GRANT_TABLE_OP, GrantTableOp.SETUP_TABLE, a, 1)).isZero();
        assertThat((short) g.memory().getShort(a + 8))
                .isEqualTo((short) GrantTableOp.GENERAL_ERROR);
        assertThat(g.call(HypercallNumber.GRANT_TABLE_OP, GrantTableOp.TRANSFER, a, 1))
                .isEqualTo(-Errno.ENOSYS);
        assertThat(g.call(HypercallNumber.GRANT_TABLE_OP, GrantTableOp.QUERY_SIZE, a, 2))
                .isEqualTo(-Errno.EINVAL);
    }
}
