// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.introspection.trace.call.Abi;
import dev.vitrine.introspection.trace.call.Call;
import dev.vitrine.introspection.trace.call.CallTable;
import dev.vitrine.introspection.trace.call.CapturedArguments;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;

class ThreadTableTest {
    private static final Task TASK = new Task(1, 1, 0, 1, 0, "init", "/init", "/", 0, 0);

    private final List<TracedCall> dropped = new ArrayList<>();

    private static TracedCall call() {
        Call getpid = new CallTable(null).get(Abi.X64, 39);
        return new TracedCall(
                new CapturedArguments(getpid, new long[6]), new CallListener[0], 0, 0, 0, 0, TASK);
    }

    /**
     * Threads that come and go take up no more than so much, and none that is in a call is lost.
     */
    @Test
    void forgetsThoseThatAreInNoCall() {
        ThreadTable t = new ThreadTable(100, dropped::add);
        List<TracedCall> calls = new ArrayList<>();
        for (long address = 0; address < 10_000; address++) {
            ThreadTable.Entry e = t.get(address);
            TracedCall c = call();
            t.begin(e, c);
            if (address % 200 == 0) {
                calls.add(c);
            } else {
                assertThat(e.end()).isSameAs(c);
            }
            assertThat(t.size()).isLessThanOrEqualTo(100);
        }
        assertThat(calls).hasSize(50);
        for (int i = 0; i < calls.size(); i++) {
            assertThat(t.get(200L * i).end()).isSameAs(calls.get(i));
            assertThat(t.get(200L * i).end()).isNull();
        }
        assertThat(dropped).isEmpty();
    }

    /** A vCPU has looked a thread up, and another one forgets it before the call begins. */
    @Test
    void keepsACallOfAThreadThatWasForgottenMeanwhile() {
        ThreadTable t = new ThreadTable(10, dropped::add);
        ThreadTable.Entry e = t.get(0);
        for (long address = 1; address <= 10; address++) {
            t.get(address);
        }
        TracedCall c = call();
        t.begin(e, c);
        assertThat(t.get(0).end()).isSameAs(c);
    }

    /** A guest that says at each call that another thread executes. */
    @Test
    void dropsCallsWhenTooManyThreadsAreInOne() {
        ThreadTable t = new ThreadTable(100, dropped::add);
        List<TracedCall> calls = new ArrayList<>();
        for (long address = 0; address < 1000; address++) {
            TracedCall c = call();
            calls.add(c);
            t.begin(t.get(address), c);
            assertThat(t.size()).isLessThanOrEqualTo(100);
        }
        for (ThreadTable.Entry e : t.all()) {
            TracedCall c = e.end();
            if (c != null) {
                dropped.add(c);
            }
        }
        assertThat(dropped).containsExactlyInAnyOrderElementsOf(calls);
    }

    /** Two vCPUs see a thread for the first time at once; one of them executes it. */
    @Test
    void isOneThreadForAllProcessors() throws InterruptedException {
        ThreadTable t = new ThreadTable(1 << 20, dropped::add);
        int rounds = 20_000;
        CyclicBarrier start = new CyclicBarrier(2);
        ThreadTable.Entry[][] seen = new ThreadTable.Entry[2][rounds];
        List<Thread> vcpus = new ArrayList<>();
        for (ThreadTable.Entry[] mine : seen) {
            Thread v =
                    new Thread(() -> {
                        try {
                            start.await();
                        } catch (Exception e) {
                            throw new IllegalStateException(e);
                        }
                        for (int i = 0; i < rounds; i++) {
                            mine[i] = t.get(i);
                        }
                    });
            v.start();
            vcpus.add(v);
        }
        for (Thread v : vcpus) {
            v.join();
        }
        for (int i = 0; i < rounds; i++) {
            assertThat(seen[0][i]).isSameAs(seen[1][i]).isNotNull();
        }
    }
}
