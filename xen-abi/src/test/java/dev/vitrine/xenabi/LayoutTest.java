// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.xenabi;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.HashSet;
import java.util.Set;

/** The layouts are worked out again from the C rules for alignment and compared. */
class LayoutTest {
    /** Lays fields out one after the other as a C compiler does for x86. */
    private static final class Struct {
        private final boolean wide;
        private int offset;
        private int alignment = 1;

        Struct(boolean wide) {
            this.wide = wide;
        }

        /** Offset of the next field; 8-byte integers are aligned to 4 on 32-bit x86. */
        int field(int size) {
            int align = size == 8 && !wide ? 4 : size;
            offset = (offset + align - 1) / align * align;
            alignment = Math.max(alignment, align);
            int at = offset;
            offset += size;
            return at;
        }

        int word() {
            return field(wide ? 8 : 4);
        }

        int size() {
            return (offset + alignment - 1) / alignment * alignment;
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void sharedInfo(boolean wide) {
        Struct info = new Struct(wide);
        assertThat(info.field(1)).isEqualTo(SharedInfo.VCPU_UPCALL_PENDING);
        assertThat(info.field(1)).isEqualTo(SharedInfo.VCPU_UPCALL_MASK);
        assertThat(info.word()).isEqualTo(SharedInfo.pendingSel(wide));
        for (int i = 0; i < (wide ? 2 : 6); i++) {
            info.word(); // arch: cr2 and padding
        }
        assertThat(info.size()).isEqualTo(SharedInfo.VCPU_TIME);
        Struct time = new Struct(wide);
        assertThat(time.field(4)).isEqualTo(SharedInfo.TIME_VERSION);
        time.field(4);
        assertThat(time.field(8)).isEqualTo(SharedInfo.TIME_TSC_TIMESTAMP);
        assertThat(time.field(8)).isEqualTo(SharedInfo.TIME_SYSTEM_TIME);
        assertThat(time.field(4)).isEqualTo(SharedInfo.TIME_MUL);
        assertThat(time.field(1)).isEqualTo(SharedInfo.TIME_SHIFT);
        assertThat(time.field(1)).isEqualTo(SharedInfo.TIME_FLAGS);
        time.field(1);
        time.field(1);
        assertThat(time.size()).isEqualTo(SharedInfo.TIME_SIZE);
        assertThat(SharedInfo.VCPU_TIME + SharedInfo.TIME_SIZE)
                .isEqualTo(SharedInfo.VCPU_INFO_SIZE);
        int words = wide ? 64 : 32;
        int bytes = wide ? 8 : 4;
        assertThat(SharedInfo.evtchnMask(wide)).isEqualTo(32 * 64 + words * bytes);
        assertThat(SharedInfo.wallClock(wide)).isEqualTo(32 * 64 + 2 * words * bytes);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void argumentsWithPointers(boolean wide) {
        Struct reservation = new Struct(wide);
        reservation.word();
        reservation.word();
        reservation.field(4);
        reservation.field(4);
        reservation.field(2);
        assertThat(reservation.size())
                .isEqualTo(wide ? MemoryOp.SIZE_RESERVATION_64 : MemoryOp.SIZE_RESERVATION_32);

        Struct add = new Struct(wide);
        add.field(2);
        add.field(2);
        add.field(4);
        add.word();
        add.word();
        assertThat(add.size())
                .isEqualTo(
                        wide ? MemoryOp.SIZE_ADD_TO_PHYSMAP_64 : MemoryOp.SIZE_ADD_TO_PHYSMAP_32);

        Struct batch = new Struct(wide);
        for (int i = 0; i < 4; i++) {
            batch.field(2);
        }
        for (int i = 0; i < 3; i++) {
            batch.word();
        }
        assertThat(batch.size())
                .isEqualTo(
                        wide
                                ? MemoryOp.SIZE_ADD_TO_PHYSMAP_BATCH_64
                                : MemoryOp.SIZE_ADD_TO_PHYSMAP_BATCH_32);

        Struct runstate = new Struct(wide);
        runstate.field(4);
        for (int i = 0; i < 5; i++) {
            runstate.field(8);
        }
        assertThat(runstate.size())
                .isEqualTo(wide ? VcpuOp.SIZE_RUNSTATE_64 : VcpuOp.SIZE_RUNSTATE_32);

        Struct poll = new Struct(wide);
        poll.word();
        poll.field(4);
        poll.field(8);
        assertThat(poll.size()).isEqualTo(wide ? SchedOp.SIZE_POLL_64 : SchedOp.SIZE_POLL_32);

        Struct shot = new Struct(wide);
        shot.field(8);
        shot.field(4);
        assertThat(shot.size())
                .isEqualTo(wide ? VcpuOp.SIZE_SET_SINGLESHOT_64 : VcpuOp.SIZE_SET_SINGLESHOT_32);

        Struct copy = new Struct(wide);
        for (int i = 0; i < 2; i++) {
            copy.word();
            copy.field(2);
            copy.field(2);
            if (wide) {
                copy.field(4); // gnttab_copy_ptr ends on its alignment
            }
        }
        copy.field(2);
        copy.field(2);
        copy.field(2);
        assertThat(copy.size())
                .isEqualTo(wide ? GrantTableOp.SIZE_COPY_64 : GrantTableOp.SIZE_COPY_32);

        Struct setup = new Struct(wide);
        setup.field(2);
        setup.field(4);
        setup.field(2);
        setup.word();
        assertThat(setup.size())
                .isEqualTo(wide ? GrantTableOp.SIZE_SETUP_64 : GrantTableOp.SIZE_SETUP_32);
    }

    @Test
    void operationNumbersDoNotCollide() throws IllegalAccessException {
        Set<Integer> seen = new HashSet<>();
        for (Field f : HypercallNumber.class.getFields()) {
            if (Modifier.isStatic(f.getModifiers()) && f.getType() == int.class) {
                if (!f.getName().equals("LIMIT")) {
                    assertThat(seen.add(f.getInt(null))).as(f.getName()).isTrue();
                }
            }
        }
        assertThat(HypercallNumber.name(HypercallNumber.EVENT_CHANNEL_OP))
                .isEqualTo("event_channel_op");
        assertThat(HypercallNumber.name(HypercallNumber.HYPFS_OP)).isEqualTo("hypfs_op");
        assertThat(HypercallNumber.name(48)).isEqualTo("mca");
        assertThat(HypercallNumber.name(-1)).isEqualTo("hypercall_4294967295");
    }

    @Test
    void errorsAreTold() {
        assertThat(Errno.isError(-Errno.ENOSYS)).isTrue();
        assertThat(Errno.isError(0)).isFalse();
        assertThat(Errno.isError(0xFFFFFFDAL)).isFalse();
        assertThat(Errno.name(Errno.EFAULT)).isEqualTo("EFAULT");
    }

    @Test
    void vmEvent() {
        Struct e = new Struct(true);
        assertThat(e.field(4)).isEqualTo(VmEvent.VERSION);
        assertThat(e.field(4)).isEqualTo(VmEvent.FLAGS);
        assertThat(e.field(4)).isEqualTo(VmEvent.REASON);
        assertThat(e.field(4)).isEqualTo(VmEvent.VCPU_ID);
        assertThat(e.field(2)).isEqualTo(VmEvent.ALTP2M_IDX);
        e.field(2);
        e.field(2);
        e.field(2);
        assertThat(e.field(8)).isEqualTo(VmEvent.U);
        // mem_access is the largest of the union.
        assertThat(e.field(8)).isEqualTo(VmEvent.MEM_OFFSET);
        assertThat(e.field(8)).isEqualTo(VmEvent.MEM_GLA);
        assertThat(e.field(4)).isEqualTo(VmEvent.MEM_FLAGS);
        e.field(4);
        for (int i = 0; i < 16; i++) {
            assertThat(e.field(8)).isEqualTo(VmEvent.GENERAL + 8 * i);
        }
        for (int at :
                new int[] {
                    VmEvent.RFLAGS,
                    VmEvent.DR6,
                    VmEvent.DR7,
                    VmEvent.RIP,
                    VmEvent.CR0,
                    VmEvent.CR2,
                    VmEvent.CR3,
                    VmEvent.CR4,
                    VmEvent.SYSENTER_CS,
                    VmEvent.SYSENTER_ESP,
                    VmEvent.SYSENTER_EIP,
                    VmEvent.MSR_EFER,
                    VmEvent.MSR_STAR,
                    VmEvent.MSR_LSTAR,
                    VmEvent.GDTR_BASE,
                    VmEvent.NPT_BASE,
                    VmEvent.VMTRACE_POS
                }) {
            assertThat(e.field(8)).isEqualTo(at);
        }
        for (int at :
                new int[] {VmEvent.CS_BASE, VmEvent.SS_BASE, VmEvent.DS_BASE, VmEvent.ES_BASE}) {
            assertThat(e.field(4)).isEqualTo(at);
        }
        assertThat(e.field(8)).isEqualTo(VmEvent.FS_BASE);
        assertThat(e.field(8)).isEqualTo(VmEvent.GS_BASE);
        for (int i = 0; i < 6; i++) {
            assertThat(e.field(4)).isEqualTo(VmEvent.SEGMENTS + 4 * i);
        }
        assertThat(e.field(8)).isEqualTo(VmEvent.SHADOW_GS);
        assertThat(e.field(2)).isEqualTo(VmEvent.GDTR_LIMIT);
        for (int i = 0; i < 6; i++) {
            assertThat(e.field(2)).isEqualTo(VmEvent.SELECTORS + 2 * i);
        }
        e.field(2);
        assertThat(e.size()).isEqualTo(VmEvent.SIZE);
        assertThat(VmEvent.EMUL_READ_LIMIT).isEqualTo(VmEvent.SIZE - VmEvent.DATA - 4);
        assertThat(VmEvent.RING_SIZE).isEqualTo(8);
    }
}
