// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vitrine.introspection.inject.CallArgument;
import dev.vitrine.introspection.inject.Injector;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * A thread that has been taken is as it was: by its own eyes ({@link KeeperGuest}), and by those of
 * /proc.
 */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class DebianInjectStateTest {
    /** How often it is looked whether a thread is back in its call. */
    private static final int LOOKS = 40;

    /** What of /proc/PID/status a thread has of its own, other than what it has used. */
    private static final Pattern STATUS =
            Pattern.compile(
                    "(State|TracerPid|Uid|Gid|FDSize|Vm(Size|Lck|Pin|Data|Stk|Exe|Lib)|Threads|"
                            + "Sig(Pnd|Blk|Ign|Cgt)|ShdPnd|Cap\\w*|NoNewPrivs|Seccomp\\w*):.*");

    private static final Duration SOON = Duration.ofSeconds(1);

    /** Those that move files, too. */
    private static final Set<String> MOVERS = Set.of("keeper r", "keeper n", "keeper32 c");

    @TempDir Path folder;

    @BeforeAll
    static void onDemand() {
        InjectedGuest.onDemand();
    }

    /** What /proc tells of a process, as one text. */
    private static String state(InjectedGuest g, int process) {
        String at = "/proc/" + process;
        StringBuilder all = new StringBuilder();
        g.text(at + "/status", 0)
                .lines()
                .filter(l -> STATUS.matcher(l).matches())
                .forEach(l -> all.append(l).append('\n'));
        for (String file : List.of("maps", "limits", "syscall")) {
            all.append(file).append(":\n").append(g.text(at + '/' + file, 0)).append('\n');
        }
        // nanosleep, poll and futex with a time go on as restart_syscall, 219, with the same
        // arguments; one that computes is anywhere in its loop.
        return all.toString()
                .replaceAll("syscall:\n(7|35|202|219|230) ", "syscall:\nrestarted ")
                .replaceAll("syscall:\nrunning\n", "");
    }

    /** The state once a thread is back where it waits, if it comes to be that. */
    private static String settled(InjectedGuest g, int process, String expected) {
        String now = "";
        for (int n = 0; n < LOOKS && !now.equals(expected); n++) {
            now = state(g, process);
        }
        return now;
    }

    /** Starts keepers, each of whose status goes to a file when it ends; their numbers by name. */
    private static Map<String, Integer> keepers(InjectedGuest g, List<String> names) {
        StringBuilder script = new StringBuilder();
        for (String name : names) {
            script.append(
                    "( /opt/test/NAME & echo $! >FILE.pid; wait $!; echo $? >FILE.end ) &\n"
                            .replace("FILE", "/tmp/" + name.replace(' ', '.'))
                            .replace("NAME", name));
        }
        g.shell(script.toString());
        Map<String, Integer> all = new LinkedHashMap<>();
        for (String name : names) {
            all.put(name, Integer.parseInt(awaitFile(g, name, ".pid")));
        }
        return all;
    }

    /** The line in a file, once there is one. */
    private static String awaitFile(InjectedGuest g, String name, String suffix) {
        String path = "/tmp/" + name.replace(' ', '.') + suffix;
        String line = "";
        while (!line.endsWith("\n")) {
            g.shell("until [ -s " + path + " ]; do sleep 0.1; done");
            line = g.text(path, 0);
        }
        return line.strip();
    }

    private static void inject(InjectedGuest g, int process) {
        assertThat(g.text("/proc/self/status", process)).contains("\nPid:\t" + process + "\n");
        // What it sleeps in is not what it comes from.
        List<CallArgument> time = List.of(new CallArgument.Value(20));
        g.injector().call("msleep", time, process, InjectedGuest.LIMIT);
    }

    private static void moveFiles(InjectedGuest g, int process) {
        Injector i = g.injector();
        String file = "/tmp/by." + process;
        byte[] data = "from outside".getBytes(StandardCharsets.UTF_8);
        i.write(file, 0, data, process, InjectedGuest.LIMIT);
        assertThat(i.read(file, 0, 100, process, InjectedGuest.LIMIT)).isEqualTo(data);
        // By memory of its own, which is unmapped again.
        assertThat(g.text("/proc/self/cmdline", process)).startsWith("/opt/test/keeper");
    }

    /** The child of one that is in vfork. */
    private static int child(InjectedGuest g, int process) {
        return Integer.parseInt(
                g.text("/proc/" + process + "/task/" + process + "/children", 0).strip());
    }

    @Test
    void threadsAreAsTheyWere() throws Exception {
        try (InjectedGuest g = InjectedGuest.start(folder, "debian", "--vcpus", "2")) {
            g.makeBusy();
            List<String> names = new ArrayList<>();
            for (String what : "r p P n N f g u e t c rs v".split(" ")) {
                names.add("keeper " + what);
            }
            names.addAll(List.of("keeper32 r", "keeper32 c"));
            Map<String, Integer> keepers = keepers(g, names);
            List<String> wrong = new ArrayList<>();
            int parent = keepers.get("keeper v");
            g.awaitSleep(parent, "_");
            keepers.put("keeper v", child(g, parent));
            assertThatThrownBy(() -> g.injector().call("msleep", List.of(), parent, SOON))
                    .hasMessageContaining("which waits uninterruptibly, could be taken");
            for (Map.Entry<String, Integer> k : keepers.entrySet()) {
                int process = k.getValue();
                if (!k.getKey().endsWith(" c")) {
                    g.awaitSleep(process, "_");
                }
                String before = state(g, process);
                assertThat(before).contains("SigPnd", "[stack]");
                inject(g, process);
                if (MOVERS.contains(k.getKey())) {
                    moveFiles(g, process);
                }
                String after = settled(g, process, before);
                if (!after.equals(before)) {
                    wrong.add(k.getKey() + "\nbefore:\n" + before + "\nafter:\n" + after);
                }
            }
            StringBuilder kill = new StringBuilder("kill -HUP");
            keepers.values().forEach(p -> kill.append(' ').append(p));
            assertThat(g.shell(kill.toString())).isZero();
            for (String name : names) {
                String status = awaitFile(g, name, ".end");
                if (!status.equals("0")) {
                    wrong.add(name + " ended with " + status);
                }
            }
            assertThat(wrong).isEmpty();
            g.isHealthy();
        }
    }
}
