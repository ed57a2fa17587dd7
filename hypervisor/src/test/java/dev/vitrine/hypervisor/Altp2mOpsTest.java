// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.xenabi.Altp2mOp;
import dev.vitrine.xenabi.Errno;
import dev.vitrine.xenabi.HvmOp;
import dev.vitrine.xenabi.HvmParam;
import dev.vitrine.xenabi.HypercallNumber;

import org.junit.jupiter.api.Test;

/** HVMOP_altp2m, called by the guest for itself. */
class Altp2mOpsTest {
    private static final long A = Guest.ARGUMENTS;

    private static long call(Guest g, int command) {
        g.memory().putInt(A + Altp2mOp.VERSION, 1);
        g.memory().putInt(A + Altp2mOp.COMMAND, command);
        g.memory().putShort(A + Altp2mOp.DOMAIN, 0x7FF0);
        g.memory().putShort(A + Altp2mOp.PAD1, 0);
        g.memory().putInt(A + Altp2mOp.PAD2, 0);
        return g.call(HypercallNumber.HVM_OP, HvmOp.ALTP2M, A);
    }

    private static void clear(Guest g) {
        g.memory().write(A, new byte[Altp2mOp.SIZE]);
    }

    private static Guest active(int mode) {
        Guest g = new Guest(2);
        g.domain.setParam(HvmParam.ALTP2M, mode);
        g.domain.views().setActive(true);
        return g;
    }

    private static int create(Guest g, int access) {
        clear(g);
        g.memory().putShort(A + Altp2mOp.ACCESS, access);
        long rc = call(g, Altp2mOp.CREATE_P2M);
        return rc == 0 ? g.memory().getShort(A + Altp2mOp.VIEW) : (int) rc;
    }

    private static long setAccess(Guest g, int view, long gfn, int access) {
        clear(g);
        g.memory().putShort(A + Altp2mOp.VIEW, view);
        g.memory().putShort(A + Altp2mOp.ACCESS, access);
        g.memory().putLong(A + Altp2mOp.GFN, gfn);
        return call(g, Altp2mOp.SET_MEM_ACCESS);
    }

    private static long getAccess(Guest g, int view, long gfn) {
        clear(g);
        g.memory().putShort(A + Altp2mOp.VIEW, view);
        g.memory().putLong(A + Altp2mOp.GFN, gfn);
        long rc = call(g, Altp2mOp.GET_MEM_ACCESS);
        return rc == 0 ? g.memory().getShort(A + Altp2mOp.ACCESS) : rc;
    }

    @Test
    void modesDecideWhoMay() {
        try (Guest g = new Guest(1)) {
            clear(g);
            assertThat(call(g, Altp2mOp.CREATE_P2M)).isEqualTo(-Errno.EOPNOTSUPP);
            assertThat(call(g, Altp2mOp.GET_DOMAIN_STATE)).isEqualTo(-Errno.EINVAL);
            assertThat(call(g, 17)).isEqualTo(-Errno.EOPNOTSUPP);
        }
        try (Guest g = active(Altp2mOp.MODE_EXTERNAL)) {
            for (int c = Altp2mOp.GET_DOMAIN_STATE; c <= Altp2mOp.SET_VISIBILITY; c++) {
                clear(g);
                assertThat(call(g, c)).isEqualTo(-Errno.EPERM);
            }
        }
        try (Guest g = active(Altp2mOp.MODE_LIMITED)) {
            assertThat(create(g, 7)).isEqualTo(-Errno.EPERM);
            clear(g);
            assertThat(call(g, Altp2mOp.VCPU_DISABLE_NOTIFY)).isZero();
        }
    }

    @Test
    void stateIsSwitched() {
        try (Guest g = new Guest(1)) {
            g.domain.setParam(HvmParam.ALTP2M, Altp2mOp.MODE_MIXED);
            clear(g);
            assertThat(call(g, Altp2mOp.GET_DOMAIN_STATE)).isZero();
            assertThat(g.memory().getByte(A + Altp2mOp.STATE)).isZero();
            g.memory().putByte(A + Altp2mOp.STATE, 1);
            assertThat(call(g, Altp2mOp.SET_DOMAIN_STATE)).isZero();
            int view = create(g, 7);
            assertThat(view).isEqualTo(1);
            clear(g);
            assertThat(call(g, Altp2mOp.SET_DOMAIN_STATE)).isZero();
            assertThat(g.domain.views().exists(view)).isFalse();
        }
    }

    @Test
    void viewsComeAndGo() {
        try (Guest g = active(Altp2mOp.MODE_MIXED)) {
            for (int i = 1; i <= 20; i++) {
                assertThat(create(g, i % 12)).isEqualTo(i);
            }
            assertThat(create(g, 12)).isEqualTo(-Errno.EINVAL);
            assertThat(getAccess(g, 4, 5)).isEqualTo(4);
            assertThat(getAccess(g, 11, 5)).as("default").isEqualTo(7);
            clear(g);
            g.memory().putShort(A + Altp2mOp.VIEW, 3);
            assertThat(call(g, Altp2mOp.SWITCH_P2M)).isZero();
            assertThat(call(g, Altp2mOp.DESTROY_P2M)).isEqualTo(-Errno.EBUSY);
            clear(g);
            g.memory().putInt(A + Altp2mOp.VCPU, 1);
            assertThat(call(g, Altp2mOp.GET_P2M_IDX)).isZero();
            assertThat(g.memory().getShort(A + Altp2mOp.VCPU_VIEW)).isEqualTo(3);
            g.memory().putInt(A + Altp2mOp.VCPU, 2);
            assertThat(call(g, Altp2mOp.GET_P2M_IDX)).isEqualTo(-Errno.EINVAL);
            clear(g);
            assertThat(call(g, Altp2mOp.SWITCH_P2M)).isZero();
            g.memory().putShort(A + Altp2mOp.VIEW, 3);
            assertThat(call(g, Altp2mOp.DESTROY_P2M)).isZero();
            assertThat(call(g, Altp2mOp.SWITCH_P2M)).isEqualTo(-Errno.EINVAL);
        }
    }

    @Test
    void rightsAreSetAndRead() {
        try (Guest g = active(Altp2mOp.MODE_MIXED)) {
            int view = create(g, 7);
            for (int access = 0; access <= 10; access++) {
                assertThat(setAccess(g, view, 9, access)).isZero();
                assertThat(getAccess(g, view, 9)).isEqualTo(access);
            }
            assertThat(setAccess(g, view, 9, 12)).isEqualTo(-Errno.EINVAL);
            assertThat(setAccess(g, 99, 9, 7)).isEqualTo(-Errno.EINVAL);
            assertThat(getAccess(g, view, 1L << 40)).isEqualTo(-Errno.ESRCH);
            assertThat(setAccess(g, view, -2, 7)).isEqualTo(-Errno.EINVAL);
            // The domain's default, for pages to come.
            assertThat(setAccess(g, view, -1, 1)).isZero();
            assertThat(g.domain.memory().populate(300)).isTrue();
            assertThat(getAccess(g, 0, 300)).isEqualTo(1);
        }
    }

    @Test
    void manyRightsAreSetAtOnce() {
        try (Guest g = active(Altp2mOp.MODE_MIXED)) {
            int view = create(g, 7);
            long gfns = 0x20000;
            long accesses = 0x28000;
            int n = 200;
            for (int i = 0; i < n; i++) {
                g.memory().putLong(gfns + 8L * i, i);
                g.memory().putByte(accesses + i, i % 8);
            }
            clear(g);
            g.memory().putShort(A + Altp2mOp.VIEW, view);
            g.memory().putInt(A + Altp2mOp.SECOND_WORD, n);
            g.memory().putLong(A + Altp2mOp.PFN_LIST, gfns);
            g.memory().putLong(A + Altp2mOp.ACCESS_LIST_64, accesses);
            assertThat(call(g, Altp2mOp.SET_MEM_ACCESS_MULTI)).isZero();
            for (int i = 0; i < n; i++) {
                assertThat(g.domain.views().access(view, i).ordinal()).isEqualTo(i % 8);
            }
            g.memory().putLong(A + Altp2mOp.PFN_LIST, 1L << 50);
            assertThat(call(g, Altp2mOp.SET_MEM_ACCESS_MULTI)).isEqualTo(-Errno.EFAULT);
        }
    }

    @Test
    void framesAreExchanged() {
        try (Guest g = active(Altp2mOp.MODE_MIXED)) {
            int view = create(g, 7);
            clear(g);
            g.memory().putShort(A + Altp2mOp.VIEW, view);
            g.memory().putLong(A + Altp2mOp.GFN, 5);
            g.memory().putLong(A + Altp2mOp.NEW_GFN, 6);
            assertThat(call(g, Altp2mOp.CHANGE_GFN)).isZero();
            long shown = g.domain.views().view(view).lookup(5) >>> 12;
            assertThat(shown).isEqualTo(g.domain.physicalMap().lookup(6) >>> 12);
            g.memory().putLong(A + Altp2mOp.NEW_GFN, 1L << 30);
            assertThat(call(g, Altp2mOp.CHANGE_GFN)).isEqualTo(-Errno.ESRCH);
            g.memory().putLong(A + Altp2mOp.NEW_GFN, -1);
            assertThat(call(g, Altp2mOp.CHANGE_GFN)).isZero();
            assertThat(g.domain.views().view(view).lookup(5) >>> 12)
                    .isEqualTo(g.domain.physicalMap().lookup(5) >>> 12);
            g.memory().putShort(A + Altp2mOp.VIEW, 0);
            assertThat(call(g, Altp2mOp.CHANGE_GFN)).isEqualTo(-Errno.EINVAL);
        }
    }

    /** What a guest can make of views is limited. */
    @Test
    void guestsHaveLimits() {
        try (Guest g = active(Altp2mOp.MODE_MIXED)) {
            int last = 0;
            for (int i = 0; i < 300 && last >= 0; i++) {
                last = create(g, 7);
            }
            assertThat(last).isEqualTo(-Errno.EINVAL);
            assertThat(g.domain.views().count()).isEqualTo(256);
        }
    }
}
