// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.vitrine.memory.HostCalls;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;

@EnabledOnOs(value = OS.LINUX, disabledReason = "only Linux's threads have a niceness each")
class CompilerThreadsTest {
    /** Those of HotSpot are the same for all tests of a process. */
    private static final String BEHIND = "test behind";

    private static final String OTHER = "test other";

    /** Long enough to be seen in between. */
    private static final long MILLIS = 2000;

    @Test
    void threadsGoBehindOthersAndComeBack() throws Exception {
        assumeThat(canBeUndone())
                .as("the host lets this process take a niceness back (CAP_SYS_NICE, RLIMIT_NICE)")
                .isTrue();
        int usual = HostCalls.nice(HostCalls.THIS_THREAD);
        CountDownLatch end = new CountDownLatch(1);
        for (String name : List.of(BEHIND, BEHIND, OTHER)) {
            Thread t = new Thread(() -> await(end), name);
            t.setDaemon(true);
            t.start();
        }
        try {
            // The JVM names a thread on that thread itself.
            while (niceness(BEHIND).size() < 2 || niceness(OTHER).isEmpty()) {
                Thread.sleep(1);
            }
            Thread t = new Thread(CompilerThreadsTest::letOthersGoFirst);
            t.start();
            boolean behind = false;
            while (t.isAlive()) {
                behind |= niceness(BEHIND).equals(List.of(usual + 5, usual + 5));
                assertThat(niceness(OTHER)).containsExactly(usual);
                t.join(10);
            }
            assertThat(behind).isTrue();
            assertThat(niceness(BEHIND)).containsExactly(usual, usual);
            assertThat(niceness(OTHER)).containsExactly(usual);
        } finally {
            end.countDown();
        }
    }

    @Test
    void threadThatTriesItIsAsBefore() throws Exception {
        assumeThat(canBeUndone())
                .as("the host lets this process take a niceness back (CAP_SYS_NICE, RLIMIT_NICE)")
                .isTrue();
        int before = HostCalls.nice(HostCalls.THIS_THREAD);
        CompilerThreads.letOthersGoFirst(1, BEHIND, OTHER);
        assertThat(HostCalls.nice(HostCalls.THIS_THREAD)).isEqualTo(before);
    }

    private static void letOthersGoFirst() {
        try {
            CompilerThreads.letOthersGoFirst(MILLIS, BEHIND, OTHER);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void await(CountDownLatch end) {
        try {
            end.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Tried on a thread that ends, without what is tested. */
    private static boolean canBeUndone() throws Exception {
        boolean[] undone = new boolean[1];
        Thread t =
                new Thread(() -> {
                    int before = HostCalls.nice(HostCalls.THIS_THREAD);
                    HostCalls.setNice(HostCalls.THIS_THREAD, before + 1);
                    boolean raised = HostCalls.nice(HostCalls.THIS_THREAD) > before;
                    HostCalls.setNice(HostCalls.THIS_THREAD, before);
                    undone[0] = raised && HostCalls.nice(HostCalls.THIS_THREAD) == before;
                });
        t.start();
        t.join();
        return undone[0];
    }

    /** Field 19 of /proc/[pid]/stat, see proc(5); the name before may hold spaces. */
    private static List<Integer> niceness(String name) throws IOException {
        List<Integer> found = new ArrayList<>();
        try (Stream<Path> threads = Files.list(Path.of("/proc/self/task"))) {
            for (Path t : threads.toList()) {
                String stat = stat(t);
                if (stat.contains("(" + name)) {
                    String[] behind = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
                    found.add(Integer.parseInt(behind[19 - 3]));
                }
            }
        }
        return found;
    }

    /** Empty if the thread has ended in between. */
    private static String stat(Path thread) {
        try {
            return Files.readString(thread.resolve("stat"));
        } catch (IOException e) {
            return "";
        }
    }
}
