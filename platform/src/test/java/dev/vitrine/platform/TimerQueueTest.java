// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.platform;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;

class TimerQueueTest {
    @Test
    void firesInOrderOfDeadlineThenOfSetting() {
        TimerQueue q = new TimerQueue();
        List<String> fired = new ArrayList<>();
        q.newTimer(d -> fired.add("b" + d)).set(20);
        q.newTimer(d -> fired.add("a" + d)).set(10);
        q.newTimer(d -> fired.add("c" + d)).set(20);
        assertThat(q.nextDeadline()).isEqualTo(10);
        assertThat(q.runExpired(9)).isZero();
        assertThat(q.runExpired(20)).isEqualTo(3);
        assertThat(fired).containsExactly("a10", "b20", "c20");
        assertThat(q.nextDeadline()).isEqualTo(TimerQueue.NEVER);
    }

    @Test
    void behavesLikeASortedListUnderRandomUse() {
        Random random = new Random(42);
        TimerQueue q = new TimerQueue();
        long[] model = new long[40];
        java.util.Arrays.fill(model, TimerQueue.NEVER);
        List<Integer> fired = new ArrayList<>();
        TimerQueue.Timer[] timers = new TimerQueue.Timer[model.length];
        for (int i = 0; i < timers.length; i++) {
            int n = i;
            timers[i] = q.newTimer(d -> fired.add(n));
        }
        long now = 0;
        for (int step = 0; step < 20_000; step++) {
            int i = random.nextInt(timers.length);
            switch (random.nextInt(4)) {
                case 0, 1 -> {
                    model[i] = now + random.nextInt(1000);
                    timers[i].set(model[i]);
                }
                case 2 -> {
                    model[i] = TimerQueue.NEVER;
                    timers[i].cancel();
                }
                default -> {
                    now += random.nextInt(200);
                    fired.clear();
                    q.runExpired(now);
                    List<Integer> expected = new ArrayList<>();
                    for (int n = 0; n < model.length; n++) {
                        if (model[n] <= now) {
                            expected.add(n);
                        }
                    }
                    assertThat(fired).containsExactlyInAnyOrderElementsOf(expected);
                    assertThat(fired).isSortedAccordingTo(Comparator.comparing(n -> model[n]));
                    expected.forEach(n -> model[n] = TimerQueue.NEVER);
                }
            }
            long next = java.util.Arrays.stream(model).min().orElseThrow();
            assertThat(q.nextDeadline()).isEqualTo(next);
            assertThat(timers[i].deadline()).isEqualTo(model[i]);
        }
    }

    @Test
    void handlerMaySetItsTimerAgain() {
        TimerQueue q = new TimerQueue();
        int[] count = new int[1];
        TimerQueue.Timer[] t = new TimerQueue.Timer[1];
        t[0] =
                q.newTimer(d -> {
                    if (++count[0] < 5) {
                        t[0].set(d + 10);
                    }
                });
        t[0].set(10);
        assertThat(q.runExpired(100)).isEqualTo(5);
    }

    @Test
    void tellsWhenTheEarliestDeadlineMovesForward() {
        int[] told = new int[1];
        TimerQueue q = new TimerQueue(() -> told[0]++);
        TimerQueue.Timer a = q.newTimer(d -> {});
        a.set(100);
        a.set(200);
        q.newTimer(d -> {}).set(150);
        q.newTimer(d -> {}).set(300);
        assertThat(told[0]).isEqualTo(2);
    }
}
