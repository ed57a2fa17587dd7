// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

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
    @Test
    void secondCompilerLetsOthersGoFirst() throws IOException {
        CompilerThreads.letOthersGoFirst();
        List<Integer> second = niceness("C2 CompilerThre");
        assumeThat(second).as("threads of a second compiler in this JVM").isNotEmpty();
        assertThat(second).allSatisfy(n -> assertThat(n).isPositive());
        assertThat(niceness("C1 CompilerThre")).allSatisfy(n -> assertThat(n).isZero());
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
