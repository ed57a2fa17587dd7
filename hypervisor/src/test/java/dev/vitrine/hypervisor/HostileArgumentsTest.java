// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.xenabi.Errno;
import dev.vitrine.xenabi.HypercallNumber;
import dev.vitrine.xenabi.MemoryOp;
import dev.vitrine.xenabi.SchedOp;
import dev.vitrine.xenabi.VcpuOp;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.Random;

/** No argument of a guest may do more than give it an error. */
class HostileArgumentsTest {
    private static final long[] POINTERS = {
        0,
        1,
        8,
        0xFFF,
        0x1FFF,
        0xFFFFF,
        0x100000,
        0xFFFFC,
        0xFFFFFFF8L,
        0xFFFFFFFFL,
        0xFEE00000L,
        0x7FFFFFFFFFFFL,
        0xFFFF800000000000L,
        -4096L,
        -1L,
        Long.MIN_VALUE
    };
    private static final int[] NUMBERS;

    static {
        NUMBERS = new int[70];
        for (int i = 0; i < 68; i++) {
            NUMBERS[i] = i;
        }
        NUMBERS[68] = -1;
        NUMBERS[69] = 0x40000000;
    }

    private Guest g;

    @BeforeEach
    void open() {
        g = new Guest(2);
    }

    @AfterEach
    void close() {
        g.close();
    }

    private static boolean stops(int number, long operation) {
        // The last vCPU to go down takes the domain with it.
        return (number == HypercallNumber.SCHED_OP && operation == SchedOp.SHUTDOWN)
                || (number == HypercallNumber.VCPU_OP && operation == VcpuOp.DOWN);
    }

    /** An error or a small number: sizes, versions, ports. */
    private static void check(long result, int number, long operation) {
        if (number == HypercallNumber.MEMORY_OP && operation == MemoryOp.MAXIMUM_GPFN) {
            return; // any frame number, cut to 32 bits for a 32-bit guest
        }
        assertThat(Errno.isError(result) || (result >= 0 && result < 1L << 40))
                .as("%s %d gave %d", HypercallNumber.name(number), operation, result)
                .isTrue();
    }

    @ParameterizedTest
    @ValueSource(ints = {64, 32})
    void wildPointersToEveryOperation(int bits) {
        FakeEngine.of(g.domain.vcpu(0)).bits = bits;
        for (int number : NUMBERS) {
            for (int operation = -1; operation < 64; operation++) {
                if (stops(number, operation)) {
                    continue;
                }
                for (long p : POINTERS) {
                    check(g.call(number, operation, p, 1, p, p), number, operation);
                    // vcpu_op and console_io have their pointer third.
                    check(g.call(number, operation, 1, p, p, p), number, operation);
                }
            }
        }
        assertThat(g.domain.isStopping()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(ints = {64, 32})
    void randomArgumentsInRandomMemory(int bits) {
        Random random = new Random(bits);
        FakeEngine.of(g.domain.vcpu(0)).bits = bits;
        byte[] page = new byte[4096];
        for (int round = 0; round < 10_000; round++) {
            if (round % 64 == 0) {
                random.nextBytes(page);
                if (random.nextBoolean()) { // mostly small numbers
                    for (int i = 0; i < page.length; i++) {
                        if ((i & 3) != 0) {
                            page[i] = 0;
                        }
                    }
                }
                for (int i = 0; i < page.length; i += 64) {
                    if (random.nextInt(3) == 0) { // DOMID_SELF where many structures have it
                        page[i] = (byte) 0xF0;
                        page[i + 1] = 0x7F;
                    }
                }
                g.memory().write(0x30000, page);
            }
            int number = random.nextInt(45);
            long operation = random.nextInt(30);
            if (stops(number, operation)
                    || (number == HypercallNumber.SCHED_OP && operation == SchedOp.WATCHDOG)) {
                continue;
            }
            long p = 0x30000 + random.nextInt(16) * 64L;
            if (g.memory().isRam(0x30000, 4096)) {
                long count = random.nextInt(4);
                if (number == HypercallNumber.VCPU_OP || number == HypercallNumber.CONSOLE_IO) {
                    check(g.call(number, operation, random.nextInt(3), p), number, operation);
                } else {
                    check(g.call(number, operation, p, count), number, operation);
                }
            } else {
                g.close(); // the guest gave its page away: another one
                g = new Guest(2);
                FakeEngine.of(g.domain.vcpu(0)).bits = bits;
                g.memory().write(0x30000, page);
            }
            if (g.domain.isStopping()) {
                // Only multicall can have come to a shutdown, or the last vCPU went down.
                g.close();
                g = new Guest(2);
                FakeEngine.of(g.domain.vcpu(0)).bits = bits;
            }
        }
    }

    @Test
    void onlyTheKernelMayCall() {
        FakeEngine e = FakeEngine.of(g.domain.vcpu(0));
        for (int cpl = 1; cpl <= 3; cpl++) {
            e.privilege = cpl;
            assertThat(g.call(HypercallNumber.XEN_VERSION, 0)).isEqualTo(-Errno.EPERM);
        }
        e.privilege = 0;
        assertThat(g.call(HypercallNumber.XEN_VERSION, 0)).isEqualTo(4 << 16 | 20);
    }

    @Test
    void unknownNumbersAreRefusedAndCounted() {
        assertThat(g.call(HypercallNumber.MMU_UPDATE, 7)).isEqualTo(-Errno.ENOSYS);
        assertThat(g.call(HypercallNumber.MMU_UPDATE, 7)).isEqualTo(-Errno.ENOSYS);
        assertThat(g.call(1000, 1)).isEqualTo(-Errno.ENOSYS);
        assertThat(g.call(HypercallNumber.ARGO_OP, 1)).isEqualTo(-Errno.ENOSYS);
        assertThat(g.call(HypercallNumber.PHYSDEV_OP, 13)).isEqualTo(-Errno.ENOSYS);
        for (int n :
                new int[] {
                    HypercallNumber.SYSCTL, HypercallNumber.DOMCTL, HypercallNumber.PLATFORM_OP
                }) {
            assertThat(g.call(n, Guest.ARGUMENTS)).isEqualTo(-Errno.EPERM);
        }
        assertThat(g.domain.statistics())
                .containsEntry("not implemented: mmu_update 7", 2L)
                .containsEntry("hypercall mmu_update", 2L)
                .containsEntry("hypercall other", 1L);
    }

    @Test
    void multicallsDoNotNestAndKeepTheirResults() {
        long p = 0x30000;
        long[][] calls = {
            {HypercallNumber.XEN_VERSION, 0, 0},
            {HypercallNumber.MULTICALL, p, 1},
            {HypercallNumber.XEN_VERSION, 7, 0},
        };
        for (int i = 0; i < calls.length; i++) {
            long at = p + 64L * i;
            g.memory().putLong(at, calls[i][0]);
            g.memory().putLong(at + 16, calls[i][1]);
            g.memory().putLong(at + 24, calls[i][2]);
        }
        assertThat(g.call(HypercallNumber.MULTICALL, p, 3)).isZero();
        assertThat(g.memory().getLong(p + 8)).isEqualTo(4 << 16 | 20);
        assertThat(g.memory().getLong(p + 64 + 8)).isEqualTo(-Errno.EINVAL);
        assertThat(g.memory().getLong(p + 128 + 8)).isEqualTo(4096);
        assertThat(g.call(HypercallNumber.MULTICALL, 0xFFFC0, 3)).isEqualTo(-Errno.EFAULT);
    }
}
