// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import dev.vitrine.introspection.AddressSpace;
import dev.vitrine.introspection.Hold;
import dev.vitrine.introspection.Target;
import dev.vitrine.introspection.linux.KernelObject;
import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.linux.LinuxProcess;
import dev.vitrine.introspection.linux.Mapping;
import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.image.ImageStore;

import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What is seen from outside is what Debian says of itself in /proc. */
@Timeout(value = 15, unit = TimeUnit.MINUTES)
class DebianInspectTest {
    /** Prints what /proc says, and waits. What is to be seen uses no process of its own. */
    private static final String SCRIPT =
            """
            ip link set lo up
            mkfifo /tmp/fifo
            sleep 1000 </dev/null 5</tmp 6>/tmp/gone 7<>/tmp/fifo &
            S=$!
            nc -l -p 1234 </dev/null &
            N=$!
            sleep 1
            rm /tmp/gone
            echo "S $S N $N"
            echo kallsyms $(md5sum </proc/kallsyms)
            echo BEGIN maps
            while IFS= read -r l; do echo "$l"; done </proc/$S/maps
            echo END maps
            echo BEGIN files
            ls -l /proc/$S/fd /proc/$N/fd
            echo END files
            echo BEGIN modules
            cat /proc/modules
            echo END modules
            echo BEGIN tcp
            tail -n +2 /proc/net/tcp6
            echo END tcp
            echo BEGIN ps
            for p in /proc/[0-9]*; do
                c=; { read -r c <$p/comm; } 2>/dev/null || continue
                while read -r k a b d; do
                    case $k in PPid:) q=$a ;; Uid:) u=$b ;; esac
                done <$p/status
                echo "${p##*/} $q $u $c"
            done
            echo END ps
            echo READY
            read x
            echo "panic $(cat /proc/sys/kernel/panic)"
            exit 42
            """;

    @TempDir Path folder;

    private static void image(String name) {
        try {
            if (!name.equals("debian")
                    && ImageStore.ofUser().list().stream().noneMatch(i -> i.name().equals(name))) {
                throw new BadInputException("it has not been pulled");
            }
            ImageStore.ofUser().get(name, line -> {});
        } catch (BadInputException e) {
            System.out.println(name + " is not inspected: no image: " + e.getMessage());
            abort("no image: " + e.getMessage());
        }
    }

    private static List<String> section(String printed, String name) {
        List<String> lines = printed.lines().toList();
        int from = lines.indexOf("BEGIN " + name);
        int to = lines.indexOf("END " + name);
        assertThat(from).as(printed).isNotNegative();
        return lines.subList(from + 1, to);
    }

    private static String inspect(Path target, Object... args) {
        String[] all = new String[args.length + 2];
        all[0] = "inspect";
        all[1] = target.toString();
        for (int i = 0; i < args.length; i++) {
            all[i + 2] = args[i].toString();
        }
        Cli.Result r = Cli.run(all);
        assertThat(r.status()).as(Arrays.toString(args) + r.err()).isZero();
        return r.out();
    }

    /** Process lines by number: workers of the kernel say what they did last, which changes. */
    private static Map<Integer, String> processes(List<String> lines) {
        Map<Integer, String> map = new TreeMap<>();
        for (String line : lines) {
            String[] w = line.strip().split(" +", 4);
            map.put(Integer.parseInt(w[0]), w[1] + " " + w[2] + " " + w[3]);
        }
        return map;
    }

    private static void sameProcesses(Map<Integer, String> here, Map<Integer, String> there) {
        // Workers come and go; those that both have seen have a name that begins alike.
        there.forEach((pid, line) -> {
            String mine = here.get(pid);
            if (line.contains("kworker/") && !line.contains("kworker/R-")) {
                assertThat(mine == null ? line : mine).startsWith(line.split("[-+]")[0]);
                here.remove(pid);
            }
        });
        here.values().removeIf(l -> l.contains(" kworker/u") || l.matches(".* kworker/[0-9].*"));
        there.values().removeIf(l -> l.contains(" kworker/u") || l.matches(".* kworker/[0-9].*"));
        assertThat(here).isEqualTo(there);
    }

    @ParameterizedTest
    @ValueSource(strings = {"debian", "debian:full", "debian:rt", "debian:6.12"})
    void agreesWithTheGuest(String image) throws Exception {
        image(image);
        Files.writeString(folder.resolve("script"), SCRIPT);
        Path socket = folder.resolve("control");
        try (RunningGuest g =
                new RunningGuest(
                        "run",
                        image,
                        "--vcpus",
                        "2",
                        "--control",
                        socket.toString(),
                        "--copy",
                        folder + ":/opt/test",
                        "--exec",
                        "sh /opt/test/script",
                        "--timeout",
                        "14m")) {
            String printed = g.await("\nREADY\n");
            Matcher pids = Pattern.compile("S ([0-9]+) N ([0-9]+)\n").matcher(printed);
            assertThat(pids.find()).isTrue();
            String sleep = pids.group(1);
            String nc = pids.group(2);

            String ps = inspect(socket, "ps");
            assertThat(ps).startsWith("    PID    PPID  EUID COMMAND\n");
            sameProcesses(
                    processes(ps.lines().skip(1).toList()), processes(section(printed, "ps")));

            assertThat(inspect(socket, "maps", sleep).lines())
                    .containsExactlyElementsOf(section(printed, "maps"));
            assertThat(section(printed, "maps")).hasSizeGreaterThan(5);

            List<String> files =
                    section(printed, "files").stream()
                            .filter(l -> l.startsWith("l"))
                            .map(l -> l.replaceFirst("^(l[-rwx]+) .* ([0-9]+ -> )", "$1 $2"))
                            .toList();
            assertThat(files).anyMatch(l -> l.equals("l-wx------ 6 -> /tmp/gone (deleted)"));
            assertThat(files).anyMatch(l -> l.contains("-> socket:["));
            assertThat((inspect(socket, "files", sleep) + inspect(socket, "files", nc)).lines())
                    .containsExactlyInAnyOrderElementsOf(files);

            assertThat(inspect(socket, "modules").lines().skip(1))
                    .hasSameSizeAs(section(printed, "modules"));

            // Port 1234 in state LISTEN; the tenth word is the inode.
            String tcp = section(printed, "tcp").getFirst().strip();
            assertThat(tcp).contains(":04D2 00000000000000000000000000000000:0000 0A");
            String row =
                    String.format(
                            "%-8s %-27s %-27s %-20s %5s %8s ",
                            "tcp6", ":::1234", ":::*", "LISTEN", 0, tcp.split(" +")[9]);
            assertThat(inspect(socket, "sockets").lines()).anyMatch(l -> l.startsWith(row));

            byte[] symbols = inspect(socket, "symbols").getBytes(StandardCharsets.UTF_8);
            assertThat(printed)
                    .contains(
                            "kallsyms "
                                    + HexFormat.of()
                                            .formatHex(
                                                    MessageDigest.getInstance("MD5")
                                                            .digest(symbols)));

            assertThat(inspect(socket, "read", "linux_banner", "16"))
                    .contains("|Linux version 6.|");
            String json = inspect(socket, "ps", "--format", "json");
            assertThat(json).contains("\"arguments\":\"sleep 1000\"");
            images(socket, sleep);
            api(socket, Integer.parseInt(sleep));
            damaged(socket, Integer.parseInt(sleep));
            assertThat(g.finish("\n")).isEqualTo(42);
            assertThat(g.printed()).contains("\npanic 7\n");
        }
    }

    /** The example of docs/introspection.md, more or less; the guest tells what was written. */
    private static void api(Path socket, int pid) {
        try (Target target = Target.open(socket)) {
            LinuxKernel kernel = LinuxKernel.attach(target, List.of());
            assertThat(kernel.processes())
                    .extracting(LinuxProcess::comm)
                    .contains("kthreadd", "nc");
            long jiffies = kernel.resolve("jiffies");
            assertThat(kernel.number(jiffies, 8)).isPositive();
            byte[] virtual = kernel.read(kernel.resolve("do_exit"), 16);
            byte[] physical = new byte[16];
            long at = kernel.space().translate(kernel.resolve("do_exit"));
            assertThat(target.memory().read(at, physical, 0, 16)).isTrue();
            assertThat(physical).isEqualTo(virtual);
            AddressSpace own = kernel.space(kernel.process(pid));
            assertThat(own).isNotNull();
            Mapping stack =
                    kernel.maps(pid).stream()
                            .filter(m -> m.name().equals("[stack]"))
                            .findFirst()
                            .orElseThrow();
            assertThat(own.translate(stack.end() - 1)).isPositive();
            long files =
                    kernel.still(() ->
                            kernel.object("task_struct", kernel.process(pid).task())
                                    .follow("files", "files_struct")
                                    .follow("fdt", "fdtable")
                                    .number("max_fds"));
            assertThat(files).isGreaterThanOrEqualTo(8);
            kernel.write(kernel.resolve("panic_timeout"), new byte[] {7, 0, 0, 0});
        }
    }

    /**
     * What one process has of nonsense hides no other, and is told. The guest stands still as long
     * as its structures are not what they are to be.
     */
    private static void damaged(Path socket, int pid) {
        try (Target target = Target.open(socket);
                Hold held = target.hold()) {
            LinuxKernel kernel = LinuxKernel.attach(target, List.of());
            List<String> all = inspect(socket, "ps").lines().toList();
            KernelObject task = kernel.object("task_struct", kernel.process(pid).task());
            String where = "0x" + Long.toHexString(task.address());
            long at = task.addressOf("comm");
            byte[] comm = kernel.read(at, 16);
            kernel.write(at, "\n\u001b]0;\"\\\u0001".getBytes(StandardCharsets.UTF_8));
            assertThat(inspect(socket, "ps")).contains(" \\012\\033]0;\"\\\\001");
            assertThat(inspect(socket, "ps", "--format", "json"))
                    .contains("\"comm\":\"\\n\\u001B]0;\\\"\\\\\\u0001");
            kernel.write(at, comm);

            at = task.addressOf("real_cred");
            byte[] credentials = kernel.read(at, 8);
            kernel.write(at, new byte[] {1, 2, 3, 4, 5, 6, 7, 8});
            Cli.Result r = Cli.run("inspect", socket.toString(), "ps");
            assertThat(r.status()).isEqualTo(ExitStatus.BAD_INPUT);
            r.saysOneSentence("1 part is missing", "The process at " + where, "0x8070605");
            assertThat(r.out().lines().toList()).hasSize(all.size() - 1);
            kernel.write(at, credentials);

            // The list of processes leads in a circle: those before it are there.
            at = task.addressOf("tasks");
            byte[] list = kernel.read(at, 8);
            kernel.write(at, ByteBuffer.allocate(8).order(LITTLE_ENDIAN).putLong(at).array());
            r = Cli.run("inspect", socket.toString(), "ps");
            assertThat(r.status()).isEqualTo(ExitStatus.BAD_INPUT);
            r.saysOneSentence("1 part is missing", "The list of processes", "no end");
            assertThat(r.out()).contains("kthreadd").containsOnlyOnce(" sleep\n");
            Cli.run("inspect", socket.toString(), "files", "4000000")
                    .isBadInput("no process 4000000", "The list of processes");
            kernel.write(at, list);
            assertThat(inspect(socket, "ps").lines().toList()).isEqualTo(all);
        }
    }

    /** What is seen in a memory image is what was seen in the guest. */
    private void images(Path socket, String pid) throws Exception {
        Path core = folder.resolve("core");
        assertThat(inspect(socket, "core", core)).contains("MiB of memory");
        for (String[] action :
                new String[][] {{"maps", pid}, {"files", pid}, {"symbols", "sys_*"}}) {
            assertThat(inspect(core, (Object[]) action))
                    .isEqualTo(inspect(socket, (Object[]) action));
        }
        Path dump = folder.resolve("dump");
        assertThat(inspect(core, "dump", pid, dump)).contains("[stack]");
        // The first page of the program is in memory; it is that of an ELF file.
        Path first;
        try (var list = Files.list(dump)) {
            first = list.sorted().findFirst().orElseThrow();
        }
        assertThat(Arrays.copyOf(Files.readAllBytes(first), 4))
                .isEqualTo(new byte[] {0x7F, 'E', 'L', 'F'});
        assertThat(
                        inspect(
                                core,
                                "read",
                                "0x" + first.getFileName().toString().split("-")[0],
                                "4",
                                "--pid",
                                pid))
                .contains("7f 45 4c 46");
    }
}
