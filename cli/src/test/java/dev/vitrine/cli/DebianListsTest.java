// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static dev.vitrine.cli.TracedEvents.found;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/**
 * Sockets, files, mappings and processes of several namespaces, and modules, are seen from outside
 * as the guest has them in /proc.
 */
@Timeout(value = 15, unit = TimeUnit.MINUTES)
class DebianListsTest {
    private static final String INNER =
            """
            mount -t tmpfs none /mnt; ip link set lo up
            echo inner >/mnt/file; exec 3</mnt/file
            nc -l -p 99 </dev/null >/dev/null & /opt/test/opener &
            unshare -p -f sleep 1000 &
            wait
            """;

    private static final String SCRIPT =
            """
            ip link set lo up
            insmod /opt/test/victim.ko 2>/dev/null
            /opt/test/opener & O=$!
            unshare -n -m -p -f sh /opt/test/inner &
            syslogd -n &
            sleep 1000 | nc -l -p 4444 >/dev/null & until netstat -ltn | grep -q :4444; do usleep 100000; done
            sleep 999 | nc 127.0.0.1 4444 >/dev/null & until netstat -tn | grep -q ESTAB; do usleep 100000; done
            until S=$(pidof sleep) && [ $(echo $S | wc -w) = 3 ]; do usleep 100000; done
            for p in $S; do case $(grep NSpid /proc/$p/status | wc -w) in 4) I=$p ;; esac; done
            until grep -q : /proc/$O/net/udp6 && grep -q : /proc/$I/net/udp6 && grep -q : /proc/$I/net/tcp6; do usleep 100000; done
            usleep 2000000
            echo "opener $O inner $I."
            for p in 1 $I; do for n in net pid mnt; do echo "$p $(readlink /proc/$p/ns/$n)."; done; done
            for p in $O $I; do
                echo BEGIN maps $p; cat /proc/$p/maps; echo END maps $p
                echo BEGIN files $p; ls -l /proc/$p/fd; echo END files $p
            done
            for p in 1 $I; do
                echo BEGIN net $p
                for f in tcp tcp6 udp udp6 udplite udplite6 raw raw6 icmp icmp6 packet netlink unix; do
                    [ -e /proc/$p/net/$f ] && { echo "@$f"; cat /proc/$p/net/$f; }
                done
                echo END net $p
            done
            echo BEGIN modules; lsmod; echo END modules
            echo BEGIN status
            for p in /proc/[0-9]*; do
                while read -r k a b; do
                    case $k in Name:) n=$a ;; State:) s=$a ;; NSpid:) i="$a $b" ;; Threads:) t=$a ;; esac
                done <$p/status && echo "$n $s $t $i"
            done 2>/dev/null
            echo END status
            echo READY
            read x; exit 42
            """;

    @TempDir Path folder;

    private static List<String> section(String printed, String name) {
        List<String> lines = printed.lines().toList();
        int from = lines.indexOf("BEGIN " + name);
        int to = lines.indexOf("END " + name);
        assertThat(from).as(name + " in " + printed).isNotNegative();
        return lines.subList(from + 1, to);
    }

    private static List<String> inspect(Path target, String... args) {
        List<String> all = new ArrayList<>(List.of("inspect", target.toString()));
        all.addAll(List.of(args));
        Cli.Result r = Cli.run(all.toArray(String[]::new));
        assertThat(r.status()).as(args[0] + r.err()).isZero();
        return r.out().lines().toList();
    }

    private static List<Map<?, ?>> objects(Path target, String action) throws Exception {
        List<Map<?, ?>> all = new ArrayList<>();
        for (String line : inspect(target, action, "--format", "json")) {
            all.add((Map<?, ?>) JsonSchema.parse(line));
        }
        return all;
    }

    @ParameterizedTest
    @ValueSource(strings = {"debian", "debian:full", "debian:6.12"})
    void agreeWithTheGuest(String image) throws Exception {
        KernelFile kernel = new KernelFile(KernelFile.image(image).kernel());
        RootkitModules.write(kernel, folder);
        GuestPrograms.program(folder.resolve("opener"), GuestPrograms.elf64(OpenerProgram.build()));
        Files.writeString(folder.resolve("inner"), INNER);
        Files.writeString(folder.resolve("script"), SCRIPT);
        Path socket = folder.resolve("control");
        try (RunningGuest g =
                new RunningGuest(
                        "run",
                        image,
                        "--control",
                        socket.toString(),
                        "--copy",
                        folder + ":/opt/test",
                        "--exec",
                        "sh /opt/test/script",
                        "--timeout",
                        "14m")) {
            String printed = g.await("\nREADY\n");
            String opener = found("opener ([0-9]+) ", printed);
            String inner = found("inner ([0-9]+)[.]", printed);
            sockets(socket, printed, inner);
            for (String p : new String[] {opener, inner}) {
                assertThat(inspect(socket, "maps", p))
                        .containsExactlyElementsOf(section(printed, "maps " + p));
                assertThat(inspect(socket, "files", p))
                        .containsExactlyInAnyOrderElementsOf(
                                section(printed, "files " + p).stream()
                                        .filter(l -> l.startsWith("l"))
                                        .map(l ->
                                                l.replaceFirst(
                                                        "^(l[-rwx]+) .* ([0-9]+ -> )", "$1 $2"))
                                        .toList());
            }
            assertThat(section(printed, "maps " + opener).toString())
                    .contains("/memfd:mapped (deleted)", "/dev/zero (deleted)", "/SYSV");
            assertThat(section(printed, "files " + opener)).hasSizeGreaterThan(25);
            processes(socket, printed, inner);
            assertThat(
                            inspect(socket, "modules").stream()
                                    .skip(1)
                                    .map(l -> l.strip().replaceAll(" +", " ")))
                    .containsExactlyElementsOf(
                            section(printed, "modules").stream()
                                    .skip(1)
                                    .map(l -> l.strip().replaceAll(" +", " "))
                                    .toList());
            assertThat(section(printed, "modules").size()).isGreaterThan(1);
            assertThat(g.finish("\n")).isEqualTo(42);
        }
    }

    private static void sockets(Path socket, String printed, String inner) throws Exception {
        List<Map<?, ?>> all = objects(socket, "sockets");
        int seen = 0;
        for (String p : new String[] {"1", inner}) {
            String namespace = found("\n" + p + " net:\\[([0-9]+)\\][.]", printed);
            List<String> here =
                    all.stream()
                            .filter(s -> String.valueOf(s.get("net_ns")).equals(namespace))
                            .map(ProcNet::line)
                            .toList();
            List<String> there = ProcNet.of(section(printed, "net " + p), Map.of("1", "lo"));
            assertThat(here).as("namespace of " + p).containsExactlyInAnyOrderElementsOf(there);
            seen += here.size();
        }
        assertThat(seen).isEqualTo(all.size());
        assertThat(all.stream().map(s -> String.valueOf(s.get("protocol"))))
                .contains("tcp", "tcp6", "udp", "udp6", "raw", "raw6", "packet", "netlink", "unix");
        assertThat(all.stream().map(s -> String.valueOf(s.get("state"))))
                .contains("ESTABLISHED", "LISTEN");
    }

    private static void processes(Path socket, String printed, String inner) throws Exception {
        Map<String, String> there = new TreeMap<>();
        for (String line : section(printed, "status")) {
            String[] w = line.split(" +", 4);
            there.put(w[3].strip().replaceAll("\\s+", " "), w[0] + " " + w[2]);
        }
        Map<String, String> here = new TreeMap<>();
        Map<?, ?> found = Map.of();
        for (Map<?, ?> p : objects(socket, "ps")) {
            StringBuilder numbers = new StringBuilder();
            ((List<?>) p.get("ns_pids")).forEach(n -> numbers.append(n).append(' '));
            here.put(numbers.toString().strip(), p.get("name") + " " + p.get("threads"));
            if (String.valueOf(p.get("pid")).equals(inner)) {
                found = p;
            }
            if (p.get("comm").equals("opener")) {
                // The process that it has started has ended, and nobody has asked how.
                assertThat(p.get("state")).isIn("S", "Z");
            }
        }
        here.values().removeIf(l -> l.startsWith("kworker"));
        there.values().removeIf(l -> l.startsWith("kworker"));
        assertThat(here).isEqualTo(there);
        assertThat(((List<?>) found.get("ns_pids"))).hasSize(3);
        for (String n : new String[] {"net", "pid", "mnt"}) {
            assertThat(String.valueOf(found.get(n + "_ns")))
                    .isEqualTo(found("\n" + inner + " " + n + ":\\[([0-9]+)\\][.]", printed));
        }
        assertThat(here.values()).contains("opener 2", "opener 1", "sleep 1");
    }
}
