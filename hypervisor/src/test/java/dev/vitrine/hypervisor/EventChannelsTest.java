// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.xenabi.Errno;
import dev.vitrine.xenabi.EventChannelOp;
import dev.vitrine.xenabi.HypercallNumber;
import dev.vitrine.xenabi.SharedInfo;
import dev.vitrine.xenabi.Virq;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

class EventChannelsTest {
    private static final long CONTROL = 0x40000;
    private static final long ARRAY = 0x50000;

    private final Guest g = new Guest(3);
    private final long shared = g.mapSharedInfo();

    @AfterEach
    void close() {
        g.close();
    }

    private long info(int vcpu) {
        return shared + 64L * vcpu;
    }

    private boolean upcall(int vcpu) {
        return g.memory().getByte(info(vcpu)) != 0;
    }

    private long word(int base, int port) {
        return shared + base + (port >>> 6) * 8L;
    }

    private boolean pending(int port) {
        return (g.memory().getLong(word(SharedInfo.EVTCHN_PENDING, port)) >>> port & 1) != 0;
    }

    private void mask(int port, boolean on) {
        long a = word(SharedInfo.EVTCHN_MASK_64, port);
        long bit = 1L << (port & 63);
        g.memory().putLong(a, on ? g.memory().getLong(a) | bit : g.memory().getLong(a) & ~bit);
    }

    @Test
    void twoLevelDeliveryFollowsAModel() {
        Random random = new Random(7);
        int n = 200;
        int[] port = new int[n];
        int[] vcpu = new int[n];
        for (int i = 0; i < n; i++) {
            vcpu[i] = i % 3;
            port[i] = g.bindIpi(vcpu[i]);
            assertThat(port[i]).isPositive();
        }
        boolean[] pending = new boolean[n];
        boolean[] masked = new boolean[n];
        long[] selector = new long[3];
        boolean[] upcall = new boolean[3];
        for (int step = 0; step < 20_000; step++) {
            int i = random.nextInt(n);
            int v = vcpu[i];
            long word = 1L << (port[i] >>> 6);
            switch (random.nextInt(5)) {
                case 0, 1 -> {
                    assertThat(g.event(EventChannelOp.SEND, port[i])).isZero();
                    if (!pending[i] && !masked[i]) {
                        upcall[v] |= (selector[v] & word) == 0;
                        selector[v] |= word;
                    }
                    pending[i] = true;
                }
                case 2 -> {
                    mask(port[i], true);
                    masked[i] = true;
                }
                case 3 -> {
                    assertThat(g.event(EventChannelOp.UNMASK, port[i])).isZero();
                    if (masked[i] && pending[i]) {
                        upcall[v] |= (selector[v] & word) == 0;
                        selector[v] |= word;
                    }
                    masked[i] = false;
                }
                default -> { // the guest's handler on one vCPU
                    g.memory().putByte(info(v), 0);
                    g.memory().putLong(info(v) + SharedInfo.VCPU_PENDING_SEL_64, 0);
                    upcall[v] = false;
                    selector[v] = 0;
                    for (int j = 0; j < n; j++) {
                        if (vcpu[j] == v && pending[j] && !masked[j]) {
                            long a = word(SharedInfo.EVTCHN_PENDING, port[j]);
                            g.memory().putLong(a, g.memory().getLong(a) & ~(1L << (port[j] & 63)));
                            pending[j] = false;
                        }
                    }
                }
            }
            assertThat(pending(port[i])).isEqualTo(pending[i]);
            for (int k = 0; k < 3; k++) {
                assertThat(upcall(k)).as("upcall of %d at step %d", k, step).isEqualTo(upcall[k]);
                assertThat(g.memory().getLong(info(k) + SharedInfo.VCPU_PENDING_SEL_64))
                        .isEqualTo(selector[k]);
            }
        }
    }

    @Test
    void narrowGuestsHaveNarrowSelectorsAndMasks() {
        FakeEngine.of(g.domain.vcpu(0)).bits = 32;
        g.domain.latchWidth(g.domain.vcpu(0));
        int p = 0;
        while (p < 40) {
            p = g.bindIpi(1);
        }
        g.event(EventChannelOp.SEND, p);
        assertThat(g.memory().getInt(info(1) + 4)).isEqualTo(2);
        assertThat(g.memory().getInt(shared + SharedInfo.EVTCHN_PENDING + 4))
                .isEqualTo(1 << (p - 32));
        int q = g.bindIpi(2);
        long a = shared + SharedInfo.EVTCHN_MASK_32 + 4;
        g.memory().putInt(a, 1 << (q - 32));
        g.event(EventChannelOp.SEND, q);
        assertThat(upcall(2)).isFalse();
        g.event(EventChannelOp.UNMASK, q);
        assertThat(upcall(2)).isTrue();
        assertThat(g.memory().getInt(a)).isZero();
    }

    @Test
    void bindingsAndTheirErrors() {
        assertThat(g.event(EventChannelOp.BIND_VIRQ, Virq.TIMER, 1, 0)).isZero();
        int timer = g.field(2);
        assertThat(g.event(EventChannelOp.BIND_VIRQ, Virq.TIMER, 1, 0)).isEqualTo(-Errno.EEXIST);
        assertThat(g.event(EventChannelOp.BIND_VIRQ, 99, 1, 0)).isEqualTo(-Errno.EINVAL);
        assertThat(g.event(EventChannelOp.BIND_VIRQ, -1, 1, 0)).isEqualTo(-Errno.EINVAL);
        assertThat(g.event(EventChannelOp.BIND_VIRQ, Virq.TIMER, 9, 0)).isEqualTo(-Errno.ENOENT);
        assertThat(g.event(EventChannelOp.BIND_VIRQ, Virq.ARGO, 1, 0)).isEqualTo(-Errno.EINVAL);
        assertThat(g.event(EventChannelOp.BIND_VCPU, timer, 0)).isEqualTo(-Errno.EINVAL);
        assertThat(g.event(EventChannelOp.SEND, timer)).isEqualTo(-Errno.EINVAL);
        g.domain.events().raiseVirq(g.domain.vcpu(1), Virq.TIMER);
        assertThat(pending(timer)).isTrue();
        assertThat(upcall(1)).isTrue();
        assertThat(g.event(EventChannelOp.CLOSE, timer)).isZero();
        assertThat(pending(timer)).isFalse();
        assertThat(g.event(EventChannelOp.CLOSE, timer)).isEqualTo(-Errno.EINVAL);
        assertThat(g.event(EventChannelOp.CLOSE, 0)).isEqualTo(-Errno.EINVAL);
        assertThat(g.event(EventChannelOp.CLOSE, -1)).isEqualTo(-Errno.EINVAL);
        assertThat(g.event(EventChannelOp.SEND, 5000)).isEqualTo(-Errno.EINVAL);
        assertThat(g.event(EventChannelOp.SET_PRIORITY, g.bindIpi(0), 1))
                .as("2-level has no priorities")
                .isEqualTo(-Errno.ENOSYS);
        assertThat(g.event(EventChannelOp.EXPAND_ARRAY, 1, 0)).isEqualTo(-Errno.EOPNOTSUPP);
    }

    @Test
    void loopbackBetweenOwnPorts() {
        g.memory().putInt(Guest.ARGUMENTS, 0x7FF0_7FF0);
        assertThat(
                        g.call(
                                HypercallNumber.EVENT_CHANNEL_OP,
                                EventChannelOp.ALLOC_UNBOUND,
                                Guest.ARGUMENTS))
                .isZero();
        int a = g.field(1);
        assertThat(g.event(EventChannelOp.SEND, a)).as("dropped while unbound").isZero();
        assertThat(g.event(EventChannelOp.BIND_INTERDOMAIN, 0x7FF0, a, 0)).isZero();
        int b = g.field(2);
        assertThat(pending(b)).as("the binding raises it").isTrue();
        assertThat(g.event(EventChannelOp.SEND, b)).isZero();
        assertThat(pending(a)).isTrue();
        assertThat(g.event(EventChannelOp.STATUS, 0x7FF0, b, 0, 0, 0, 0)).isZero();
        assertThat(g.field(2)).isEqualTo(EventChannelOp.STATUS_INTERDOMAIN);
        assertThat(g.field(4)).isEqualTo(g.domain.id());
        assertThat(g.field(5)).isEqualTo(a);
        assertThat(g.event(EventChannelOp.CLOSE, b)).isZero();
        assertThat(g.event(EventChannelOp.STATUS, 0x7FF0, a, 0, 0, 0, 0)).isZero();
        assertThat(g.field(2)).isEqualTo(EventChannelOp.STATUS_UNBOUND);
        assertThat(g.event(EventChannelOp.BIND_INTERDOMAIN, 0x7FF0, b, 0)).isEqualTo(-Errno.EINVAL);
        assertThat(g.event(EventChannelOp.BIND_INTERDOMAIN, 77, 1, 0)).isEqualTo(-Errno.ESRCH);
    }

    @Test
    void twoDomainsTalk() {
        Guest other = new Guest(g.hypervisor, DomainConfig.of("other", 2L << 20, 1));
        long otherShared = other.mapSharedInfo();
        other.memory().putInt(Guest.ARGUMENTS, 0x7FF0 | g.domain.id() << 16);
        assertThat(
                        other.call(
                                HypercallNumber.EVENT_CHANNEL_OP,
                                EventChannelOp.ALLOC_UNBOUND,
                                Guest.ARGUMENTS))
                .isZero();
        int there = other.field(1);
        assertThat(g.event(EventChannelOp.BIND_INTERDOMAIN, other.domain.id(), there, 0)).isZero();
        int here = g.field(2);
        assertThat(g.event(EventChannelOp.SEND, here)).isZero();
        assertThat(other.memory().getLong(otherShared + SharedInfo.EVTCHN_PENDING))
                .isEqualTo(1L << there);
        other.domain.destroy();
        assertThat(g.event(EventChannelOp.STATUS, 0x7FF0, here, 0, 0, 0, 0)).isZero();
        assertThat(g.field(2)).isEqualTo(EventChannelOp.STATUS_UNBOUND);
        assertThat(g.event(EventChannelOp.SEND, here)).isZero();
    }

    @Test
    void backEndsAreDomainZero() {
        List<String> heard = new ArrayList<>();
        EventListener listener =
                new EventListener() {
                    @Override
                    public void eventReceived(Domain domain, int port) {
                        heard.add("event " + port);
                    }

                    @Override
                    public void portClosed(Domain domain, int port) {
                        heard.add("closed " + port);
                    }
                };
        int p = g.domain.allocateBackendPort(listener);
        assertThat(g.event(EventChannelOp.STATUS, 0x7FF0, p, 0, 0, 0, 0)).isZero();
        assertThat(g.field(2)).isEqualTo(EventChannelOp.STATUS_INTERDOMAIN);
        assertThat(g.memory().getShort(Guest.ARGUMENTS + 16)).isZero();
        assertThat(g.event(EventChannelOp.BIND_VCPU, p, 2)).isZero();
        g.domain.notifyGuest(p);
        assertThat(upcall(2)).isTrue();
        g.event(EventChannelOp.SEND, p);
        g.event(EventChannelOp.CLOSE, p);
        assertThat(heard).containsExactly("event " + p, "closed " + p);
        g.domain.notifyGuest(p);
        g.memory().putInt(Guest.ARGUMENTS, 0x7FF0);
        g.call(HypercallNumber.EVENT_CHANNEL_OP, EventChannelOp.ALLOC_UNBOUND, Guest.ARGUMENTS);
        int unbound = g.field(1);
        assertThat(g.domain.bindBackendPort(unbound, listener)).isTrue();
        assertThat(g.domain.bindBackendPort(unbound, listener)).isFalse();
        assertThat(pending(unbound)).isTrue();
    }

    @Test
    void portsRunOutAtTheLimit() {
        int last = 0;
        for (int p = g.bindIpi(0); p > 0; p = g.bindIpi(0)) {
            last = p;
        }
        assertThat(last).isEqualTo(1023);
        assertThat(g.bindIpi(0)).isEqualTo(-Errno.ENOSPC);
        g.event(EventChannelOp.CLOSE, 17);
        assertThat(g.bindIpi(0)).isEqualTo(17);
        g.memory().putShort(Guest.ARGUMENTS, 0x7FF0);
        assertThat(g.call(HypercallNumber.EVENT_CHANNEL_OP, EventChannelOp.RESET, Guest.ARGUMENTS))
                .isZero();
        assertThat(g.bindIpi(0)).isEqualTo(1);
    }

    // ------------------------------------------------------------------------------ FIFO

    private long initControl(int vcpu, long gfn, int offset) {
        g.memory().putLong(Guest.ARGUMENTS, gfn);
        g.memory().putInt(Guest.ARGUMENTS + 8, offset);
        g.memory().putInt(Guest.ARGUMENTS + 12, vcpu);
        return g.call(
                HypercallNumber.EVENT_CHANNEL_OP, EventChannelOp.INIT_CONTROL, Guest.ARGUMENTS);
    }

    private long expand(long gfn) {
        return g.event(EventChannelOp.EXPAND_ARRAY, (int) gfn, 0);
    }

    private long control(int vcpu) {
        return CONTROL + vcpu * 0x1000L;
    }

    /** What a guest's handler does: takes the queues in order of priority until they are empty. */
    private List<Integer> consume(int vcpu) {
        List<Integer> order = new ArrayList<>();
        g.memory().putByte(info(vcpu), 0);
        while (true) {
            int ready = g.memory().getInt(control(vcpu));
            if (ready == 0) {
                return order;
            }
            int q = Integer.numberOfTrailingZeros(ready);
            long headAddress = control(vcpu) + 8 + 4L * q;
            int head = g.memory().getInt(headAddress);
            assertThat(head).isNotZero();
            long w = ARRAY + 4L * head;
            int word = g.memory().getInt(w);
            assertThat(word & EventChannelOp.FIFO_LINKED).isNotZero();
            int next = word & EventChannelOp.FIFO_LINK_MASK;
            boolean deliver =
                    (word & EventChannelOp.FIFO_PENDING) != 0
                            && (word & EventChannelOp.FIFO_MASKED) == 0;
            int left = word & ~(EventChannelOp.FIFO_LINKED | EventChannelOp.FIFO_LINK_MASK);
            if (deliver) {
                left &= ~EventChannelOp.FIFO_PENDING;
                order.add(head);
            }
            g.memory().putInt(w, left);
            if (next == 0) {
                g.memory().putInt(control(vcpu), ready & ~(1 << q));
            }
            g.memory().putInt(headAddress, next);
        }
    }

    @Test
    void fifoDeliversInOrderOfPriorityThenOfArrival() {
        assertThat(initControl(0, CONTROL >>> 12, 0)).isZero();
        assertThat(g.memory().getByte(Guest.ARGUMENTS + 16)).isEqualTo(17);
        assertThat(initControl(0, CONTROL >>> 12, 0)).isEqualTo(-Errno.EINVAL);
        assertThat(initControl(1, 1, 4095)).isEqualTo(-Errno.EINVAL);
        assertThat(initControl(1, 1, 4)).isEqualTo(-Errno.EINVAL);
        assertThat(initControl(9, 1, 0)).isEqualTo(-Errno.ENOENT);
        assertThat(initControl(1, 1L << 40, 0)).isEqualTo(-Errno.EINVAL);
        assertThat(initControl(1, (CONTROL >>> 12) + 1, 0)).isZero();
        assertThat(initControl(2, (CONTROL >>> 12) + 2, 0)).isZero();
        assertThat(expand(1L << 30)).isEqualTo(-Errno.EINVAL);
        assertThat(expand(ARRAY >>> 12)).isZero();

        int[] port = new int[6];
        for (int i = 0; i < 6; i++) {
            port[i] = g.bindIpi(0);
        }
        assertThat(g.event(EventChannelOp.SET_PRIORITY, port[4], 0)).isZero();
        assertThat(g.event(EventChannelOp.SET_PRIORITY, port[4], 16)).isEqualTo(-Errno.EINVAL);
        for (int i : new int[] {3, 1, 4, 0, 3, 5}) {
            g.event(EventChannelOp.SEND, port[i]);
        }
        assertThat(upcall(0)).isTrue();
        assertThat(consume(0)).containsExactly(port[4], port[3], port[1], port[0], port[5]);
        assertThat(consume(0)).isEmpty();
        g.event(EventChannelOp.SEND, port[1]);
        assertThat(consume(0)).containsExactly(port[1]);
    }

    @Test
    void fifoKeepsWhatWasPendingBefore() {
        int early = g.bindIpi(0);
        g.event(EventChannelOp.SEND, early);
        assertThat(initControl(0, CONTROL >>> 12, 0)).isZero();
        assertThat(expand(ARRAY >>> 12)).isZero();
        assertThat(consume(0)).containsExactly(early);
    }

    @Test
    void fifoFollowsAModelUnderRandomUse() {
        for (int v = 0; v < 3; v++) {
            assertThat(initControl(v, (CONTROL >>> 12) + v, 0)).isZero();
        }
        assertThat(expand(ARRAY >>> 12)).isZero();
        Random random = new Random(11);
        int n = 60;
        int[] port = new int[n];
        for (int i = 0; i < n; i++) {
            port[i] = g.bindIpi(random.nextInt(3));
            g.event(EventChannelOp.SET_PRIORITY, port[i], random.nextInt(16));
        }
        boolean[] pending = new boolean[n];
        boolean[] masked = new boolean[n];
        for (int step = 0; step < 20_000; step++) {
            int i = random.nextInt(n);
            long w = ARRAY + 4L * port[i];
            switch (random.nextInt(6)) {
                case 0, 1, 2 -> {
                    g.event(EventChannelOp.SEND, port[i]);
                    pending[i] = true;
                }
                case 3 -> {
                    g.memory().getAndOrInt(w, EventChannelOp.FIFO_MASKED);
                    masked[i] = true;
                }
                case 4 -> {
                    g.event(EventChannelOp.UNMASK, port[i]);
                    masked[i] = false;
                }
                default -> {
                    // All queues are drained: every pending port that is not masked comes once.
                    List<Integer> seen = new ArrayList<>();
                    for (int v = 0; v < 3; v++) {
                        seen.addAll(consume(v));
                    }
                    List<Integer> expected = new ArrayList<>();
                    for (int j = 0; j < n; j++) {
                        if (pending[j] && !masked[j]) {
                            expected.add(port[j]);
                            pending[j] = false;
                        }
                    }
                    assertThat(seen)
                            .as("step %d", step)
                            .containsExactlyInAnyOrderElementsOf(expected);
                    // Some change their queue, as after irqbalance.
                    int j = random.nextInt(n);
                    g.event(EventChannelOp.SET_PRIORITY, port[j], random.nextInt(16));
                }
            }
            boolean isPending = (g.memory().getInt(w) & EventChannelOp.FIFO_PENDING) != 0;
            assertThat(isPending).isEqualTo(pending[i]);
        }
    }

    @Test
    void fifoSurvivesGarbageInItsPages() {
        for (int v = 0; v < 3; v++) {
            initControl(v, (CONTROL >>> 12) + v, 0);
        }
        expand(ARRAY >>> 12);
        Random random = new Random(3);
        int[] ports = new int[32];
        Arrays.setAll(ports, i -> g.bindIpi(i % 3));
        byte[] garbage = new byte[4096];
        for (int round = 0; round < 500; round++) {
            random.nextBytes(garbage);
            g.memory().write(ARRAY, garbage);
            g.memory().write(CONTROL, garbage);
            for (int p : ports) {
                assertThat(g.event(EventChannelOp.SEND, p)).isZero();
                assertThat(g.event(EventChannelOp.UNMASK, p)).isZero();
            }
        }
    }
}
