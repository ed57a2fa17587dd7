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
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

@EnabledOnOs(value = OS.LINUX, disabledReason = "only Linux's threads have a niceness each")
class CompilerThreadsTest {
    /** Those of HotSpot are the same for all tests of a process. */
    private static final String BEHIND = "test behind";

    private static final String OTHER = "test other";

    /** Long enough to be seen in between. */
    private static final long MILLIS = 1000;

    @Test
    void threadsGoBehindOthersAndComeBack() throws Exception {
        List<Scheduling> seen = whileOthersGoFirst(() -> false);
        assertThat(seen).contains(new Scheduling(usual() + 5, HostCalls.OTHER));
        assertThat(seen).noneMatch(s -> s.policy() == HostCalls.IDLE);
    }

    @Test
    void threadsTakeOnlyWhatIsLeftAndComeBack() throws Exception {
        List<Scheduling> seen = whileOthersGoFirst(() -> true);
        assertThat(seen)
                .containsSubsequence(
                        new Scheduling(usual() + 5, HostCalls.OTHER),
                        new Scheduling(usual() + 5, HostCalls.IDLE));
    }

    /** How two threads were that both let others go first, as it changed. */
    private static List<Scheduling> whileOthersGoFirst(BooleanSupplier wholly) throws Exception {
        assumeThat(canBeUndone())
                .as("the host lets this process take a niceness back (CAP_SYS_NICE, RLIMIT_NICE)")
                .isTrue();
        Scheduling usual = new Scheduling(usual(), HostCalls.OTHER);
        List<Scheduling> seen = new ArrayList<>();
        CountDownLatch end = new CountDownLatch(1);
        for (String name : List.of(BEHIND, BEHIND, OTHER)) {
            Thread t = new Thread(() -> await(end), name);
            t.setDaemon(true);
            t.start();
        }
        try {
            // The JVM names a thread on that thread itself.
            while (scheduling(BEHIND).size() < 2 || scheduling(OTHER).isEmpty()) {
                Thread.sleep(1);
            }
            Thread t = new Thread(() -> letOthersGoFirst(wholly));
            t.start();
            while (t.isAlive()) {
                List<Scheduling> now = scheduling(BEHIND);
                // One may have been looked at before it was its turn.
                if (now.getFirst().equals(now.getLast())) {
                    seen.add(now.getFirst());
                }
                assertThat(scheduling(OTHER)).containsExactly(usual);
                t.join(10);
            }
            assertThat(scheduling(BEHIND)).containsExactly(usual, usual);
            assertThat(scheduling(OTHER)).containsExactly(usual);
        } finally {
            end.countDown();
        }
        // Threads of that name are the next test's, too.
        while (!scheduling(BEHIND).isEmpty() || !scheduling(OTHER).isEmpty()) {
            Thread.sleep(1);
        }
        return seen;
    }

    @Test
    void threadThatTriesItIsAsBefore() throws Exception {
        assumeThat(canBeUndone())
                .as("the host lets this process take a niceness back (CAP_SYS_NICE, RLIMIT_NICE)")
                .isTrue();
        int before = usual();
        CompilerThreads.letOthersGoFirst(1, () -> true, 1, BEHIND, OTHER);
        assertThat(usual()).isEqualTo(before);
        assertThat(HostCalls.policy(HostCalls.THIS_THREAD)).isEqualTo(HostCalls.OTHER);
    }

    private static int usual() {
        return HostCalls.nice(HostCalls.THIS_THREAD);
    }

    private static void letOthersGoFirst(BooleanSupplier wholly) {
        try {
            CompilerThreads.letOthersGoFirst(MILLIS, wholly, MILLIS, BEHIND, OTHER);
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
                    HostCalls.setPolicy(HostCalls.THIS_THREAD, HostCalls.IDLE);
                    boolean idle = HostCalls.policy(HostCalls.THIS_THREAD) == HostCalls.IDLE;
                    HostCalls.setPolicy(HostCalls.THIS_THREAD, HostCalls.OTHER);
                    undone[0] &= idle && HostCalls.policy(HostCalls.THIS_THREAD) == HostCalls.OTHER;
                });
        t.start();
        t.join();
        return undone[0];
    }

    private record Scheduling(int nice, int policy) {}

    /** Fields 19 and 41 of /proc/[pid]/stat, see proc(5); the name before may hold spaces. */
    private static List<Scheduling> scheduling(String name) throws IOException {
        List<Scheduling> found = new ArrayList<>();
        try (Stream<Path> threads = Files.list(Path.of("/proc/self/task"))) {
            for (Path t : threads.toList()) {
                String stat = stat(t);
                if (stat.contains("(" + name)) {
                    String[] behind = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
                    found.add(
                            new Scheduling(
                                    Integer.parseInt(behind[19 - 3]),
                                    Integer.parseInt(behind[41 - 3])));
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
