// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static dev.vitrine.cli.TracedEvents.fitTheSchema;
import static dev.vitrine.cli.TracedEvents.found;
import static dev.vitrine.cli.TracedEvents.of;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.vitrine.toolstack.image.ImageStore;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Contents of files, of terminals and of packets are what the guest says that they are. */
@Timeout(value = 20, unit = TimeUnit.MINUTES)
class DebianCaptureTest {
    /** What needs no module of the kernel. */
    private static final String FILES =
            """
            ip link set lo up
            mkdir -p /tmp/x; cd /tmp/x
            echo hello >a; seq 20000 >b; mv b c
            dd if=/dev/zero of=sparse bs=1 count=1 seek=100000 2>/dev/null
            seq 400000 >long
            echo evil >"$(printf '..evil\\n\\377')"
            /opt/test/contents
            sha256sum a c sparse long mapped
            rm a c
            exec 5>unnamed; echo one >&5; rm unnamed; echo two >&5; exec 5>&-
            echo first >victim; echo second >other; mv other victim
            echo linked >l1; ln l1 l2; rm l1
            echo 60 >/proc/sys/vm/swappiness
            """;

    private static final String DISK =
            """
            modprobe loop; dd if=/dev/zero of=disk bs=1M count=4 2>/dev/null; mke2fs -F disk >/dev/null
            mkdir m; mount -o loop disk m && echo mounted; seq 3000 >m/kept; seq 3000 >m/gone
            umount m; mount -o loop disk m; cat m/kept >/dev/null; sha256sum m/kept; rm m/kept m/gone
            umount m
            """;

    /** The listener reads late, so that TCP has enough to send for packets that are large. */
    private static final String TERMINAL_AND_LOOPBACK =
            """
            /opt/test/pty; echo "pty $?"
            mkfifo held; nc -l -p 4444 >got <held & listener=$!; exec 6>held
            until netstat -ltn | grep -q :4444; do sleep 0.1; done
            kill -STOP $listener; seq 50000 | nc 127.0.0.1 4444 & sender=$!
            until netstat -tn | awk '$3 + 0 > 100000 { q = 1 } END { exit !q }'; do sleep 0.1; done
            kill -CONT $listener; wait $sender; exec 6>&-; wait; sha256sum got
            """;

    private static final String CABLE =
            """
            modprobe veth && ip link add v0 type veth && ip link set veth0 up && ip link set v0 up &&
                until ip addr show v0 | grep fe80 | grep -qv tentative; do sleep 0.2; done && echo linked
            """;

    private static final String END = "grep lo: /proc/net/dev; exit 42\n";

    private static final String LINE =
            "the secret of a line that is longer than what the kernel hands on at a time: 0123456789";

    private static final int ETHERNET_HEADER = 14;

    @TempDir Path folder;

    /** What a guest has printed, and what a trace of it has told. */
    private record Captured(
            List<String> events, String printed, Path contents, PcapngFile packets) {}

    private Captured capture(String script, String image, String... options) throws IOException {
        Path programs = Files.createDirectory(folder.resolve("programs"));
        GuestPrograms.write(programs);
        Path events = folder.resolve("events");
        Path contents = folder.resolve("contents");
        Path packets = folder.resolve("packets.pcapng");
        List<String> args =
                new ArrayList<>(
                        List.of(
                                "trace",
                                image,
                                "--copy",
                                programs + ":/opt/test",
                                "--plugins",
                                "extract,keys,pcap",
                                "--extract-to",
                                contents.toString(),
                                "--extract-size",
                                "1M",
                                "--pcap",
                                packets.toString(),
                                "--output",
                                events.toString(),
                                "--timeout",
                                "18m",
                                "--exec",
                                "sh"));
        args.addAll(List.of(options));
        Cli.Result r = Cli.runWithInput(script, args.toArray(String[]::new));
        assertThat(r.status()).as(r.err() + r.out()).isEqualTo(42);
        assertThat(r.err()).isEmpty();
        List<String> all = Files.readAllLines(events);
        fitTheSchema(all);
        return new Captured(all, r.out().replace("\r", ""), contents, PcapngFile.read(packets));
    }

    @Test
    void contentsAreThoseOfTheGuest() throws IOException {
        Captured c;
        try (TracingImage image = TracingImage.use()) {
            c = capture(FILES + DISK + TERMINAL_AND_LOOPBACK + CABLE + END, "debian");
        }
        assertAll(
                () -> extracted(c.events, c.printed, c.contents),
                () -> onDisk(c.events, c.printed, c.contents),
                () -> typed(c.events, c.printed),
                () -> loopback(c.events, c.printed, c.packets),
                () -> ethernet(c.printed, c.packets));
    }

    /** Other kernels, several vCPUs, and the other mechanism of breakpoints. */
    @ParameterizedTest
    @CsvSource({"debian, shadow", "debian:6.12, engine", "debian:rt, engine"})
    void elsewhere(String image, String breakpoints) throws IOException {
        if (ImageStore.ofUser().list().stream().noneMatch(i -> i.name().equals(image))) {
            System.out.println(image + " is not traced: it has not been pulled");
            abort("no image " + image);
        }
        Captured c =
                capture(
                        FILES + TERMINAL_AND_LOOPBACK + END,
                        image,
                        "--vcpus",
                        "2",
                        "--breakpoints",
                        breakpoints);
        assertAll(
                () -> extracted(c.events, c.printed, c.contents),
                () -> typed(c.events, c.printed),
                () -> loopback(c.events, c.printed, c.packets));
    }

    // ---------------------------------------------------------------------------- extract

    private static void extracted(List<String> all, String printed, Path contents)
            throws IOException {
        for (String name : List.of("a", "sparse", "mapped")) {
            whole(all, "close", "/tmp/x/" + name, sha(printed, name), contents);
        }
        // It had another name when it was closed.
        whole(all, "close", "/tmp/x/b", sha(printed, "c"), contents);
        whole(all, "delete", "/tmp/x/c", sha(printed, "c"), contents);
        whole(all, "delete", "/tmp/x/a", sha256("hello\n"), contents);
        whole(all, "close", "/tmp/x/..evil\\n\uFFFD", sha256("evil\n"), contents);
        whole(all, "close", "/memfd:hidden (deleted)", sha256("memfd content"), contents);
        whole(all, "delete", "/tmp/x/unnamed", sha256("one\n"), contents);
        whole(all, "close", "/tmp/x/unnamed (deleted)", sha256("one\ntwo\n"), contents);
        whole(all, "replace", "/tmp/x/victim", sha256("first\n"), contents);
        // There is another name for it.
        assertThat(of(all, "\"delete\",\"path\":\"/tmp/x/l1\"")).isEmpty();
        assertThat(of(all, "\"event\":\"extract\"", "swappiness")).isEmpty();

        List<String> large = of(all, "\"close\",\"path\":\"/tmp/x/long\"");
        assertThat(large).hasSize(1);
        assertThat(large.getFirst())
                .contains(
                        "\"complete\":false",
                        "\"missing\":[\"1048576-" + (size(large.getFirst()) - 1))
                .contains("beyond --extract-size\"]")
                .doesNotContain(sha(printed, "long"));
        assertThat(contents.resolve(found("\"file\":\"([0-9a-f]+)\"", large.getFirst())))
                .hasSize(1 << 20);

        try (Stream<Path> files = Files.list(contents)) {
            assertThat(files).allMatch(f -> f.getFileName().toString().matches("[0-9a-f]{64}"));
        }
    }

    /** The guest's disk is not its memory: what has been read since it was mounted is there. */
    private static void onDisk(List<String> all, String printed, Path contents) throws IOException {
        assertThat(printed).contains("mounted");
        whole(all, "delete", "/tmp/x/m/kept", sha(printed, "m/kept"), contents);
        List<String> gone = of(all, "\"delete\",\"path\":\"/tmp/x/m/gone\"");
        assertThat(gone).hasSize(1);
        assertThat(gone.getFirst())
                .contains(
                        "\"filesystem\":\"ext",
                        "\"complete\":false",
                        "\"missing\":[\"0-" + (size(gone.getFirst()) - 1) + " not in memory\"]")
                .doesNotContain("sha256", "\"file\"");
    }

    private static long size(String event) {
        return Long.parseLong(found("\"size\":([0-9]+)", event));
    }

    private static String sha(String printed, String name) {
        return found("([0-9a-f]{64})  " + name + "\n", printed);
    }

    private static void whole(
            List<String> all, String operation, String path, String sha256, Path contents)
            throws IOException {
        List<String> some = of(all, "\"" + operation + "\",\"path\":\"" + path + "\"");
        assertThat(some).as(operation + " " + path).hasSize(1);
        assertThat(some.getFirst())
                .contains(
                        "\"complete\":true",
                        "\"sha256\":\"" + sha256 + "\"",
                        "\"file\":\"" + sha256 + "\"");
        assertThat(sha256(Files.readAllBytes(contents.resolve(sha256)))).isEqualTo(sha256);
    }

    private static String sha256(String text) {
        return sha256(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    // ------------------------------------------------------------------------------- keys

    private static void typed(List<String> all, String printed) throws IOException {
        assertThat(printed).contains("pty 97");
        String[] t = {"\"event\":\"tty\"", "\"comm\":\"pty\""};
        String master = found("\"tty\":\"(ptm[0-9]+)\"", of(all, t).getFirst());
        String slave = master.replace("ptm", "pts");
        String atMaster = "\"tty\":\"" + master + "\",\"path\":\"/dev/ptmx\"";
        String atSlave =
                "\"tty\":\"" + slave + "\",\"path\":\"" + slave.replace("pts", "/dev/pts/") + "\"";
        assertThat(
                        of(
                                all,
                                t[1],
                                "\"write\"," + atMaster,
                                "\"size\":88,\"data\":\"" + LINE + "\\n\""))
                .hasSize(1);
        assertThat(of(all, t[1], "\"read\"," + atSlave, "\"size\":88,\"data\":\"" + LINE + "\\n\""))
                .hasSize(1);
        assertThat(of(all, t[1], "\"write\"," + atSlave, "\"data\":\"answer\\n\"")).hasSize(1);
        StringBuilder back = new StringBuilder();
        for (String e : of(all, t[1], "\"read\"," + atMaster)) {
            back.append(found("\"data\":\"([^\"]*)\"", e));
        }
        assertThat(back.toString()).isEqualTo(LINE + "\\r\\nanswer\\r\\n");
        // What the console shows is what programs have written to it.
        StringBuilder written = new StringBuilder();
        for (String e : of(all, t[0], "\"write\",\"tty\":\"hvc0\"")) {
            written.append(((Map<?, ?>) JsonSchema.parse(e)).get("data"));
        }
        for (String line :
                printed.lines().filter(l -> l.matches("([0-9a-f]{64}|pty) .*")).toList()) {
            assertThat(written.toString()).contains(line + "\n");
        }
    }

    // ------------------------------------------------------------------------------- pcap

    private static void loopback(List<String> all, String printed, PcapngFile file) {
        List<PcapngFile.Packet> own =
                file.packets().stream().filter(p -> p.device().name().equals("lo")).toList();
        assertThat(own).allMatch(p -> p.direction() == 2 && p.device().link() == 1);
        assertThat(own).allMatch(p -> p.content().length == p.length());
        // The device's own counters, of which that of bytes leaves its header out.
        String counters = found("lo:\\s*([0-9 ]+)", printed);
        String[] counts = counters.trim().split(" +");
        assertThat(own.size()).isEqualTo(Integer.parseInt(counts[9]));
        assertThat(own.stream().mapToLong(p -> p.length() - ETHERNET_HEADER).sum())
                .isEqualTo(Long.parseLong(counts[8]));
        assertThat(of(all, "\"event\":\"packet\"", "\"device\":\"lo\"")).hasSameSizeAs(own);

        byte[] sent = sentTo(own, 4444);
        assertThat(sent.length).isGreaterThan(200_000);
        // More than one piece of the kernel's memory (SKB_MAX_ORDER of a page) can hold.
        assertThat(own).anyMatch(p -> p.length() > 16_384);
        assertThat(sha256(sent)).isEqualTo(sha(printed, "got"));
        List<String> connect =
                of(all, "\"event\":\"packet\"", "\"tcp\"", "\"destination\":\"127.0.0.1:4444\"");
        String sender = found("\"pid\":([0-9]+)", connect.getFirst());
        assertThat(connect.getFirst()).contains("\"sender\":" + sender + "}", "\"comm\":\"nc\"");
        assertThat(own).anyMatch(p -> ("nc(" + sender + ")").equals(p.comment()));
    }

    /** What TCP has carried to a port: the bytes by their sequence numbers. */
    private static byte[] sentTo(List<PcapngFile.Packet> packets, int port) {
        TreeMap<Integer, byte[]> parts = new TreeMap<>();
        int start = 0;
        for (PcapngFile.Packet p : packets) {
            ByteBuffer b = ByteBuffer.wrap(p.content());
            if (b.getShort(12) != 0x0800 || b.get(23) != 6 || b.getShort(36) != (short) port) {
                continue;
            }
            int sequence = b.getInt(38);
            if ((b.get(47) & 2) != 0) {
                start = sequence + 1;
            }
            int from = 34 + 4 * (b.get(46) >>> 4 & 15);
            byte[] data = new byte[14 + b.getShort(16) - from & 0xFFFF];
            b.get(from, data);
            if (data.length > 0) {
                parts.put(sequence - start, data);
            }
        }
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        parts.forEach((at, data) -> {
            assertThat(at).isEqualTo(all.size());
            all.writeBytes(data);
        });
        return all.toByteArray();
    }

    /** What one end of a cable sends the other end receives. */
    private static void ethernet(String printed, PcapngFile file) {
        assertThat(printed).contains("linked");
        List<String> sent = new ArrayList<>();
        List<String> received = new ArrayList<>();
        for (PcapngFile.Packet p : file.packets()) {
            if (p.device().name().equals("v0") && p.direction() == 2) {
                sent.add(HexFormat.of().formatHex(p.content()));
            } else if (p.device().name().equals("veth0") && p.direction() == 1) {
                received.add(HexFormat.of().formatHex(p.content()));
            }
        }
        assertThat(received).isNotEmpty();
        assertThat(sent).containsAll(received);
    }

    @Test
    void badOptions() throws IOException {
        String[] trace = {"trace", "debian", "--output", folder.resolve("e").toString()};
        Path file = Files.createFile(folder.resolve("file"));
        bad(trace, "extract", "--extract-to", file.toString()).isBadInput(file.toString());
        bad(trace, "extract", "--extract-size", "many").isBadInput("--extract-size", "many");
        bad(trace, "extract", "--extract-size", "-1").isBadInput("--extract-size", "-1");
        bad(trace, "extract", "--extract-total", "1G").isBadInput("--extract-to");
        bad(trace, "pcap", "--pcap-size", "1G").isBadInput("--pcap-size", "needs --pcap");
        bad(trace, "pcap", "--pcap", folder.toString()).isBadInput(folder.toString());
        bad(trace, "pcap", "--extract-to", "x").isBadInput("--extract-to", "add extract");
        bad(trace, "extract", "--pcap", "x").isBadInput("--pcap", "add pcap");
    }

    private static Cli.Result bad(String[] trace, String plugin, String option, String value) {
        List<String> args = new ArrayList<>(List.of(trace));
        args.addAll(List.of("--plugins", plugin, option, value));
        return Cli.run(args.toArray(String[]::new));
    }
}
