// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/** Which request comes next, with a clock and counts that the tests set. */
class RequestQueueTest {
    private static final int LIMIT = 4;

    private final AtomicLong now = new AtomicLong();
    private final RequestQueue<String> queue = new RequestQueue<>(LIMIT, now::get);
    private final List<String> cold = new ArrayList<>();

    private AtomicLong offer(String work) {
        AtomicLong executed = new AtomicLong(2048);
        assertThat(queue.offer(work, executed::get, () -> cold.add(work))).isTrue();
        return executed;
    }

    private void offerUnknown(String work) {
        assertThat(queue.offer(work, null, () -> cold.add(work))).isTrue();
    }

    @Test
    void whatExecutesMostComesFirst() throws InterruptedException {
        AtomicLong slow = offer("slow");
        AtomicLong fast = offer("fast");
        AtomicLong middle = offer("middle");
        slow.addAndGet(10);
        fast.addAndGet(1000);
        middle.addAndGet(100);
        assertThat(queue.take()).isEqualTo("fast");
        assertThat(queue.take()).isEqualTo("middle");
        assertThat(queue.take()).isEqualTo("slow");
        assertThat(queue.poll(0)).isNull();
        assertThat(cold).isEmpty();
    }

    @Test
    void whatWasHotOnceGivesWayToWhatIsNow() throws InterruptedException {
        AtomicLong before = offer("before");
        AtomicLong first = offer("first");
        before.addAndGet(1000);
        first.addAndGet(2000);
        assertThat(queue.take()).isEqualTo("first");
        AtomicLong later = offer("later");
        AtomicLong second = offer("second");
        later.addAndGet(600);
        second.addAndGet(700);
        // Half of what it was the time before, and nothing since: 500.
        assertThat(queue.take()).isEqualTo("second");
        assertThat(queue.take()).isEqualTo("later");
        assertThat(queue.take()).isEqualTo("before");
    }

    @Test
    void amongEqualsTheOldestComesFirst() throws InterruptedException {
        offer("first");
        offer("second");
        assertThat(queue.take()).isEqualTo("first");
        assertThat(queue.take()).isEqualTo("second");
    }

    @Test
    void whatIsOverIsLetGo() throws InterruptedException {
        offer("over");
        AtomicLong on = offer("on");
        now.addAndGet(RequestQueue.COLD_NANOS);
        on.incrementAndGet();
        assertThat(queue.take()).isEqualTo("on");
        assertThat(cold).as("not for longer than that").isEmpty();
        now.addAndGet(1);
        assertThat(queue.poll(0)).isNull();
        assertThat(cold).containsExactly("over");
    }

    @Test
    void whatExecutesNowAndThenStays() throws InterruptedException {
        AtomicLong seldom = offer("seldom");
        AtomicLong often = offer("often");
        for (int i = 0; i < 10; i++) {
            now.addAndGet(RequestQueue.COLD_NANOS);
            seldom.incrementAndGet();
            often.addAndGet(10);
            assertThat(queue.take()).isEqualTo("often");
            often = offer("often");
        }
        assertThat(cold).isEmpty();
    }

    @Test
    void whatCannotSayHowHotItIsWaitsNotForEver() throws InterruptedException {
        AtomicLong hot = offer("hot");
        offerUnknown("unknown");
        hot.incrementAndGet();
        assertThat(queue.take()).isEqualTo("hot");
        hot = offer("hot");
        now.addAndGet(RequestQueue.PATIENCE_NANOS + 1);
        hot.addAndGet(1000);
        assertThat(queue.take()).isEqualTo("unknown");
        assertThat(queue.take()).isEqualTo("hot");
    }

    @Test
    void aRequestOfUnknownHeatIsNeverLetGo() throws InterruptedException {
        offerUnknown("unknown");
        now.addAndGet(10 * RequestQueue.COLD_NANOS);
        assertThat(queue.take()).isEqualTo("unknown");
        assertThat(cold).isEmpty();
    }

    @Test
    void thereAreNoMoreThanTheLimit() throws InterruptedException {
        for (int i = 0; i < LIMIT; i++) {
            offer("work" + i);
        }
        assertThat(queue.offer("one more", null, () -> {})).isFalse();
        assertThat(queue.take()).isEqualTo("work0");
        assertThat(queue.offer("one more", null, () -> {})).isTrue();
    }

    /** Counts may be wider than what they are counted in, and begin anew. */
    @Test
    void aCountThatBeginsAnewIsNoHeat() throws InterruptedException {
        AtomicLong anew = offer("anew");
        AtomicLong other = offer("other");
        anew.set(0);
        other.incrementAndGet();
        assertThat(queue.take()).isEqualTo("other");
        assertThat(queue.take()).isEqualTo("anew");
    }

    @Test
    void manyMayOfferAtOnce() throws InterruptedException {
        int each = 2000;
        RequestQueue<Integer> shared = new RequestQueue<>(4 * each, now::get);
        List<Thread> offering = new ArrayList<>();
        for (int t = 0; t < 4; t++) {
            int first = t * each;
            offering.add(
                    Thread.ofPlatform()
                            .start(() -> {
                                for (int n = first; n < first + each; n++) {
                                    shared.offer(n, null, () -> {});
                                }
                            }));
        }
        BitSet taken = new BitSet();
        for (int n = 0; n < 4 * each; n++) {
            taken.set(shared.take());
        }
        assertThat(taken.cardinality()).isEqualTo(4 * each);
        assertThat(shared.poll(0)).isNull();
        for (Thread t : offering) {
            t.join();
        }
        // None is counted that has been taken.
        for (int n = 0; n < 4 * each; n++) {
            assertThat(shared.offer(n, null, () -> {})).isTrue();
        }
        assertThat(shared.offer(-1, null, () -> {})).isFalse();
    }

    @Test
    void waitsForARequest() throws InterruptedException {
        LinkedBlockingQueue<String> taken = new LinkedBlockingQueue<>();
        CountDownLatch begun = new CountDownLatch(1);
        Thread taker =
                new Thread(() -> {
                    begun.countDown();
                    try {
                        taken.add(queue.take());
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                });
        taker.start();
        begun.await();
        offer("work");
        assertThat(taken.poll(120, TimeUnit.SECONDS)).isEqualTo("work");
        taker.join();
    }
}
