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
import java.util.stream.Stream;

@EnabledOnOs(value = OS.LINUX, disabledReason = "only Linux's threads have a niceness each")
class CompilerThreadsTest {
    private static final String SECOND = "C2 CompilerThre";

    /** Long enough to be seen in between. */
    private static final long MILLIS = 2000;

    @Test
    void secondCompilerGoesBehindOthersAndComesBack() throws Exception {
        List<Integer> usual = niceness(SECOND);
        assumeThat(usual).as("threads of a second compiler in this JVM").isNotEmpty();
        assumeThat(canBeUndone())
                .as("the host lets this process take a niceness back (CAP_SYS_NICE, RLIMIT_NICE)")
                .isTrue();
        Thread t =
                new Thread(() -> {
                    try {
                        CompilerThreads.letOthersGoFirst(MILLIS);
                    } catch (InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                });
        t.start();
        boolean behind = false;
        while (t.isAlive()) {
            behind |= niceness(SECOND).stream().anyMatch(n -> n > usual.getFirst());
            t.join(10);
        }
        assertThat(behind).isTrue();
        assertThat(niceness(SECOND)).containsOnly(usual.getFirst());
        assertThat(niceness("C1 CompilerThre"))
                .allSatisfy(n -> assertThat(n).isEqualTo(usual.getFirst()));
    }

    @Test
    void threadThatTriesItIsAsBefore() throws Exception {
        int before = HostCalls.nice(HostCalls.THIS_THREAD);
        assumeThat(canBeUndone())
                .as("the host lets this process take a niceness back (CAP_SYS_NICE, RLIMIT_NICE)")
                .isTrue();
        CompilerThreads.letOthersGoFirst(1);
        assertThat(HostCalls.nice(HostCalls.THIS_THREAD)).isEqualTo(before);
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
                String stat = Files.readString(t.resolve("stat"));
                if (stat.contains("(" + name)) {
                    String[] behind = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
                    found.add(Integer.parseInt(behind[19 - 3]));
                }
            }
        }
        return found;
    }
}
