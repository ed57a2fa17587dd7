// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static dev.vitrine.cli.TracedEvents.fitTheSchema;
import static dev.vitrine.cli.TracedEvents.found;
import static dev.vitrine.cli.TracedEvents.of;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.vitrine.cli.GuestRing.Kind;
import dev.vitrine.cli.GuestRing.Submission;
import dev.vitrine.toolstack.image.ImageStore;

import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Plugins {@code files} and {@code network} tell what io_uring and socketcall do as they tell other
 * system calls: with the results that the program finds, and the effects that the guest sees.
 */
@Timeout(value = 15, unit = TimeUnit.MINUTES)
class DebianRingEventsTest {
    private static final int POLLED = 2;
    private static final int FIXED_FILE = 1;
    private static final int LINK = 4;
    private static final int ASYNC = 16;
    private static final int SELECT = 32;
    private static final int SKIP = 64;

    /** Of buffers. */
    private static final int GROUP = 1;

    private static final int FOLDER = -100;
    private static final int MULTISHOT = 1;

    @TempDir Path folder;

    /**
     * What is to be told once.
     *
     * @param step with the result; -1 if the program does not see it
     */
    private record Expected(int step, String result, String... parts) {}

    /** A program, and what is to be told of it. */
    private static final class Scenario {
        private final GuestRing ring;
        private final String home;
        private final List<Expected> expected = new ArrayList<>();

        Scenario(String home, int flags) {
            this.home = home;
            ring = new GuestRing(flags);
            boolean polled = (flags & POLLED) != 0;
            files(polled);
            registered();
            if (!polled) {
                links();
            }
            sockets(polled ? 5556 : 5555);
        }

        /**
         * Operations that few programs use.
         *
         * @param newer of kernels that have all of them
         */
        Scenario(String home, boolean newer) {
            this.home = home;
            ring = new GuestRing(0);
            ring.call(83, ring.text(home), 0755);
            does(s(18, FOLDER, 0, ring.text(home + "/a"), 0600, 0x42), "open", path("/a"));
            String fd = number("fd", 4);
            does(
                    s(41, 4, ring.text("value"), ring.text("trusted.name"), 5, 0),
                    "setxattr",
                    path("/a"),
                    fd);
            does(s(8, 4, 0, 0, 16, 0), "sync", path("/a"), fd);
            if (newer) {
                does(s(55, 4, 300, 0, 0, 0), "truncate", path("/a"), fd);
            }
            ring.call(22, ring.bytes(new byte[8]));
            if (newer) {
                readOften();
            }
            messages();
            if (newer) {
                listens();
            }
        }

        /** One request that reads each time that there is something. */
        private void readOften() {
            long space = ring.bytes(new byte[64]);
            long text = ring.text("some text");
            ring.step(Kind.SUBMIT, new Submission(31, 0, 0, 2, 0, space, 16, 0, GROUP, 0));
            ring.step(Kind.START, new Submission(49, SELECT, 0, 5, -1, 0, 0, 0, GROUP, 0));
            for (int n = 3; n <= 4; n++) {
                ring.call(1, 6, text, n);
                expect(ring.await(), "read", "pipe:", number("fd", 5), "\"result\":" + n + ",");
            }
        }

        /** Datagrams with an address each, as they are and without copies. */
        private void messages() {
            long space = ring.bytes(new byte[64]);
            long text = ring.text("some text");
            long to = ring.bytes(loopback(6002));
            does(s(45, 2, 2, 0, 0, 0), "socket", number("fd", 7), "SOCK_DGRAM");
            ring.call(49, 7, ring.bytes(loopback(6001)), 16);
            does(s(45, 2, 2, 0, 0, 0), "socket", number("fd", 8), "SOCK_DGRAM");
            ring.call(49, 8, to, 16);
            String[] sent = {
                number("fd", 7), "\"local\":\"127.0.0.1:6001\"", "\"remote\":\"127.0.0.1:6002\""
            };
            String[] received = {
                number("fd", 8), "\"local\":\"127.0.0.1:6002\"", "\"remote\":\"127.0.0.1:6001\""
            };
            long message = ring.numbers(to, 16, ring.numbers(text, 3), 1, 0, 0, 0);
            does(s(9, 7, 0, message, 1, 0), "send", sent);
            long room =
                    ring.numbers(ring.bytes(new byte[16]), 16, ring.numbers(space, 64), 1, 0, 0, 0);
            does(s(10, 8, 0, room, 1, 0), "receive", received);
            // Without copies there is a second completion, when the memory is not needed any more.
            does(s(47, 7, to, text, 4, 0).place(16), "send", sent);
            ring.await();
            long another = ring.numbers(to, 16, ring.numbers(text, 5), 1, 0, 0, 0);
            does(s(48, 7, 0, another, 1, 0), "send", sent);
            ring.await();
        }

        private void listens() {
            String at = "\"local\":\"127.0.0.1:6003\"";
            does(s(45, 2, 1, 0, 0, 0), "socket", number("fd", 9), "SOCK_STREAM");
            does(s(56, 9, 16, ring.bytes(loopback(6003)), 0, 0), "bind", number("fd", 9), at);
            does(s(57, 9, 0, 0, 5, 0), "listen", number("fd", 9), at);
        }

        private static Submission s(int opcode, int fd, long off, long addr, int len, int opFlags) {
            return Submission.of(opcode, fd, off, addr, len, opFlags);
        }

        private void does(Submission s, String operation, String... parts) {
            expect(ring.step(Kind.SUBMIT, s), operation, parts);
        }

        private void expect(int step, String operation, String... parts) {
            List<String> all = new ArrayList<>(List.of(parts));
            all.addFirst("\"operation\":\"" + operation + "\"");
            expected.add(new Expected(step, "", all.toArray(new String[0])));
        }

        private String path(String name) {
            return "\"path\":\"" + home + name + "\"";
        }

        private static String number(String name, int n) {
            return "\"" + name + "\":" + n + ",";
        }

        private void files(boolean polled) {
            long a = ring.text(home + "/a");
            long hello = ring.text("hello world");
            long space = ring.bytes(new byte[64]);
            does(
                    s(37, FOLDER, 0, ring.text(home), 0755, 0),
                    "mkdir",
                    path(""),
                    "\"mode\":\"0755\"");
            does(
                    s(18, FOLDER, 0, a, 0600, 0x42),
                    "open",
                    path("/a"),
                    number("fd", 4),
                    "O_RDWR|O_CREAT",
                    "\"mode\":\"0600\"");
            String fd = number("fd", 4);
            does(s(23, 4, 0, hello, 5, 0), "write", path("/a"), fd);
            does(
                    s(2, 4, 5, ring.numbers(hello + 5, 4, hello + 9, 2), 2, 0),
                    "write",
                    path("/a"),
                    fd);
            does(s(23, 4, 11, hello, 3, 0).with(ASYNC), "write", path("/a"), fd);
            does(s(3, 4, 0, 0, 0, 0), "sync", path("/a"), fd);
            does(s(17, 4, 0, 100, 0, 0), "truncate", path("/a"), fd);
            does(s(22, 4, 0, space, 7, 0), "read", path("/a"), fd);
            does(s(1, 4, 0, ring.numbers(space, 9), 1, 0), "read", path("/a"), fd);
            ring.call(427, 3, 0, ring.numbers(space, 64), 1);
            does(s(5, 4, 0, space, 13, 0), "write", path("/a"), fd);
            does(s(4, 4, 0, space, 14, 0), "read", path("/a"), fd);
            does(s(21, FOLDER, ring.bytes(new byte[256]), a, 0x7FF, 0), "stat", path("/a"));
            ring.call(80, ring.text(home));
            does(
                    s(28, FOLDER, ring.numbers(0x41, 0640, 0), ring.text("b"), 24, 0),
                    "open",
                    path("/b"),
                    number("fd", 5));
            does(s(37, FOLDER, 0, ring.text("sub"), 0700, 0), "mkdir", path("/sub"));
            long c = ring.text("c");
            does(
                    s(39, FOLDER, c, a, FOLDER, 0),
                    "link",
                    path("/a"),
                    "\"new_path\":\"" + home + "/c\"");
            does(
                    s(38, FOLDER, ring.text("d"), ring.text("a/b/c"), 0, 0),
                    "symlink",
                    path("/d"),
                    "\"new_path\":\"a/b/c\"");
            does(
                    s(35, FOLDER, ring.text("e"), c, FOLDER, 0),
                    "rename",
                    path("/c"),
                    "\"new_path\":\"" + home + "/e\"");
            does(s(36, FOLDER, 0, ring.text("b"), 0, 0), "unlink", path("/b"));
            does(s(36, FOLDER, 0, ring.text("sub"), 0, 0x200), "rmdir", path("/sub"));
            does(s(19, 5, 0, 0, 0, 0), "close", number("fd", 5), home + "/b");
            does(
                    s(18, FOLDER, 0, ring.text("missing"), 0, 0),
                    "open",
                    path("/missing"),
                    "\"error\":\"ENOENT\"");
            does(s(22, 99, 0, space, 1, 0), "read", number("fd", 99), "\"error\":\"EBADF\"");
            if (polled) {
                // Nothing says when the kernel takes a submission over.
                ring.call(3, 4);
            } else {
                // The descriptor is closed by the time a worker may read.
                ring.step(Kind.START, s(22, 4, 0, space, 15, 0).with(ASYNC));
                ring.call(3, 4);
                expect(ring.await(), "read", path("/a"), fd, "\"result\":15,");
            }
            expected.add(
                    new Expected(
                            ring.step(Kind.SUBMIT, s(18, FOLDER, 0, a, 0, 2)),
                            "",
                            "\"operation\":\"open\"",
                            path("/a"),
                            fd,
                            "\"flags\":\"O_RDWR\""));
            ring.call(22, ring.bytes(new byte[8]));
            int splice = ring.step(Kind.SUBMIT, s(30, 6, -1, 0, 6, 0).place(4));
            expect(splice, "read", path("/a"), fd, "\"result\":6,");
            expect(splice, "write", "pipe:", number("fd", 6), "\"result\":6,");
        }

        private void registered() {
            long space = ring.bytes(new byte[64]);
            long table = ring.bytes(new byte[] {4, 0, 0, 0, -1, -1, -1, -1});
            ring.call(427, 3, 2, table, 2);
            String first = "\"file_index\":0,";
            String second = "\"file_index\":1,";
            does(s(22, 0, 0, space, 8, 0).with(FIXED_FILE), "read", path("/a"), first);
            does(
                    s(18, FOLDER, 0, ring.text("/etc/passwd"), 0, 0).place(2),
                    "open",
                    "\"path\":\"/etc/passwd\"",
                    second);
            does(
                    s(22, 1, 0, space, 9, 0).with(FIXED_FILE),
                    "read",
                    "\"path\":\"/etc/passwd\"",
                    second);
            does(s(19, 0, 0, 0, 0, 0).place(2), "close", "\"path\":\"/etc/passwd\"", second);
            // One whose success makes no completion.
            ring.step(Kind.QUEUE, s(22, 0, 0, space, 10, 0).with(FIXED_FILE | SKIP));
            expected.add(new Expected(-1, "10", "\"operation\":\"read\"", path("/a"), first));
        }

        /**
         * Not with a ring that the kernel polls: it may take the first before the second is there.
         */
        private void links() {
            long space = ring.bytes(new byte[64]);
            String second = "\"file_index\":1,";
            // Opened, and written to, by one submission: the write begins when the open has ended.
            int open =
                    ring.step(
                            Kind.QUEUE,
                            s(18, FOLDER, 0, ring.text("linked"), 0600, 0x41).place(2).with(LINK));
            int write = ring.step(Kind.SUBMIT, s(23, 1, 0, space, 21, 0).with(FIXED_FILE));
            assertThat(open).isLessThan(write);
            expect(write, "open", path("/linked"), second);
            expect(ring.await(), "write", path("/linked"), second);
            // What a link that has broken takes with it.
            ring.step(Kind.QUEUE, s(18, FOLDER, 0, ring.text("no/such"), 0, 0).with(LINK));
            int broken = ring.step(Kind.SUBMIT, s(36, FOLDER, 0, ring.text("kept"), 0, 0));
            expect(broken, "open", path("/no/such"), "\"error\":\"ENOENT\"");
            expect(ring.await(), "unlink", path("/kept"), "\"error\":\"ECANCELED\"");
        }

        private void sockets(int port) {
            long ping = ring.text("ping pong");
            long space = ring.bytes(new byte[64]);
            long address =
                    ring.bytes(
                            new byte[] {
                                2,
                                0,
                                (byte) (port >> 8),
                                (byte) port,
                                127,
                                0,
                                0,
                                1,
                                0,
                                0,
                                0,
                                0,
                                0,
                                0,
                                0,
                                0
                            });
            String to = "\"remote\":\"127.0.0.1:" + port + "\"";
            String at = "\"local\":\"127.0.0.1:" + port + "\"";
            does(s(45, 2, 1, 0, 0, 0), "socket", number("fd", 7), "AF_INET", "SOCK_STREAM");
            ring.call(49, 7, address, 16);
            ring.call(50, 7, 5);
            does(s(45, 2, 1, 0, 0, 0), "socket", number("fd", 8), "AF_INET");
            does(s(16, 8, 16, address, 0, 0), "connect", number("fd", 8), to);
            does(s(13, 7, 0, 0, 0, 0), "accept", number("fd", 9), at);
            does(s(26, 8, 0, ping, 4, 0), "send", number("fd", 8), to);
            does(s(27, 9, 0, space, 64, 0), "receive", number("fd", 9), at);
            long message = ring.numbers(0, 0, ring.numbers(ping, 3), 1, 0, 0, 0);
            does(s(9, 9, 0, message, 1, 0), "send", number("fd", 9), at);
            long room = ring.numbers(0, 0, ring.numbers(space, 64), 1, 0, 0, 0);
            does(s(10, 8, 0, room, 1, 0), "receive", number("fd", 8), to);
            does(s(23, 8, 0, ping, 5, 0), "send", number("fd", 8), to);
            does(s(22, 9, 0, space, 64, 0), "receive", number("fd", 9), at);
            // One that has to wait for what another sends.
            ring.step(Kind.START, s(27, 9, 0, space, 64, 0));
            does(s(26, 8, 0, ping, 6, 0), "send", number("fd", 8), to);
            expect(ring.await(), "receive", number("fd", 9), at);
            // Two connections by one submission, the second into a place of its own.
            ring.step(Kind.START, s(13, 7, 0, 0, 0, 0).priority(MULTISHOT));
            for (int fd = 10; fd <= 12; fd += 2) {
                does(s(45, 2, 1, 0, 0, 0), "socket", number("fd", fd), "AF_INET");
                ring.step(Kind.START, s(16, fd, 16, address, 0, 0).with(SKIP));
                expected.add(
                        new Expected(-1, "0", "\"operation\":\"connect\"", number("fd", fd), to));
                expect(ring.await(), "accept", number("fd", fd + 1), at);
            }
            does(s(34, 8, 0, 0, 1, 0), "shutdown", number("fd", 8), to);
            does(s(19, 8, 0, 0, 0, 0), "close", number("fd", 8), to);
        }

        /**
         * Compares.
         *
         * @param results of the steps, as the guest has them
         */
        void check(List<String> events, String name, long[] results) {
            String own = "\"executable\":\"/opt/test/" + name + "\"";
            String pid = found("\"pid\":([0-9]+)", of(events, own, "\"ring\":\"0x").getFirst());
            List<String> rings = of(events, own, "\"ring\":\"0x", "\"pid\":" + pid + ",");
            assertThat(of(events, own, "\"ring\":\"0x")).hasSameSizeAs(rings);
            for (Expected e : expected) {
                List<String> parts = new ArrayList<>(List.of(e.parts));
                parts.add(
                        "\"result\":"
                                + (e.step < 0 ? e.result : Long.toString(results[e.step]))
                                + ",");
                assertThat(of(rings, parts.toArray(new String[0])))
                        .as(parts + " in\n" + String.join("\n", rings))
                        .hasSize(1);
            }
        }
    }

    /** A struct sockaddr_in. */
    private static byte[] loopback(int port) {
        byte[] b = new byte[16];
        b[0] = 2;
        b[2] = (byte) (port >> 8);
        b[3] = (byte) port;
        b[4] = 127;
        b[7] = 1;
        return b;
    }

    /**
     * What a program has written: the results of its steps.
     *
     * @param words of a step
     * @param word with the result
     */
    private static long[] results(String printed, String name, int words, int word) {
        String all = found(name + " begin\n([0-9 \n-]*)" + name + " end", printed);
        String[] numbers = all.trim().split("\\s+");
        long[] results = new long[numbers.length / words];
        for (int i = 0; i < results.length; i++) {
            results[i] = Long.parseLong(numbers[i * words + word]);
        }
        return results;
    }

    /** A 32-bit program, and what is to be told of it. */
    private static final class SocketCalls {
        private final GuestSocketCalls calls = new GuestSocketCalls();
        private final List<Expected> expected = new ArrayList<>();

        SocketCalls() {
            int address = calls.bytes(loopback(5557));
            int text = calls.bytes("ping pong".getBytes(StandardCharsets.UTF_8));
            int space = calls.bytes(new byte[64]);
            String to = "\"remote\":\"127.0.0.1:5557\"";
            String at = "\"local\":\"127.0.0.1:5557\"";
            expect(calls.call(1, 2, 1, 0), "socket", "\"fd\":3,", "AF_INET", "SOCK_STREAM");
            expect(calls.call(2, 3, address, 16), "bind", "\"fd\":3,", at);
            expect(calls.call(4, 3, 5), "listen", "\"fd\":3,", at);
            expect(calls.call(1, 2, 1, 0), "socket", "\"fd\":4,", "AF_INET");
            expect(calls.call(3, 4, address, 16), "connect", "\"fd\":4,", to);
            expect(calls.call(5, 3, 0, 0), "accept", "\"fd\":5,", at);
            expect(calls.call(9, 4, text, 4, 0), "send", "\"fd\":4,", to);
            expect(calls.call(10, 5, space, 64, 0), "receive", "\"fd\":5,", at);
            expect(calls.call(11, 5, text, 5, 0, 0, 0), "send", "\"fd\":5,", at);
            expect(calls.call(12, 4, space, 64, 0, 0, 0), "receive", "\"fd\":4,", to);
            expect(calls.callFromFar(9, 4, text, 6, 0), "send", "\"fd\":4,", to);
            calls.call(99, 1, 2, 3);
            expect(calls.call(13, 4, 7), "shutdown", "\"fd\":4,", "\"error\":\"EINVAL\"");
        }

        private void expect(int call, String operation, String... parts) {
            List<String> all = new ArrayList<>(List.of(parts));
            all.addFirst("\"operation\":\"" + operation + "\"");
            expected.add(new Expected(call, "", all.toArray(new String[0])));
        }

        void check(List<String> events, long[] results) {
            List<String> own = of(events, "\"event\":\"network\"", "/opt/test/socketcalls\"");
            for (Expected e : expected) {
                List<String> parts = new ArrayList<>(List.of(e.parts));
                parts.add("\"result\":" + results[e.step]);
                assertThat(of(own, parts.toArray(new String[0])))
                        .as(parts + " in\n" + String.join("\n", own))
                        .hasSize(1);
            }
            assertThat(own).hasSameSizeAs(expected).noneMatch(e -> e.contains("\"ring\""));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"debian", "debian:6.12", "debian:rt"})
    void tellWhatRingsDo(String image) throws IOException {
        if (ImageStore.ofUser().list().stream().noneMatch(i -> i.name().equals(image))) {
            System.out.println(image + " is not traced: it has not been pulled");
            abort("no image " + image);
        }
        Scenario plain = new Scenario("/tmp/plain", 0);
        Scenario polled = new Scenario("/tmp/polled", POLLED);
        Scenario other = new Scenario("/tmp/other", image.equals("debian:6.12"));
        Path programs = Files.createDirectory(folder.resolve("programs"));
        GuestPrograms.program(programs.resolve("other"), other.ring.program());
        GuestPrograms.program(programs.resolve("plain"), plain.ring.program());
        GuestPrograms.program(programs.resolve("polled"), polled.ring.program());
        SocketCalls calls = new SocketCalls();
        GuestPrograms.program(programs.resolve("socketcalls"), calls.calls.program());
        Path events = folder.resolve("events");
        String script =
                """
                ip link set lo up
                for p in plain polled; do
                    /opt/test/$p >/tmp/results; echo "status $p $?"
                    echo "$p begin"; od -v -A n -t d8 /tmp/results; echo "$p end"
                    cd /tmp/$p; for f in *; do echo "$p has $f $(readlink $f) $(stat -c %s-%h $f)"; done
                done
                /opt/test/other >/tmp/results; echo "status other $?"
                echo "other begin"; od -v -A n -t d8 /tmp/results; echo "other end"
                /opt/test/socketcalls >/tmp/results; echo "status socketcalls $?"
                echo "socketcalls begin"; od -v -A n -t d4 /tmp/results; echo "socketcalls end"
                exit 42
                """;
        Cli.Result r =
                Cli.runWithInput(
                        script,
                        "trace",
                        image,
                        "--vcpus",
                        "2",
                        "--copy",
                        programs + ":/opt/test",
                        "--plugins",
                        "files,network",
                        "--output",
                        events.toString(),
                        "--timeout",
                        "10m",
                        "--exec",
                        "sh");
        assertThat(r.status()).as(r.err() + r.out()).isEqualTo(42);
        assertThat(r.err()).isEmpty();
        String printed = r.out().replace("\r", "");
        List<String> all = Files.readAllLines(events, StandardCharsets.UTF_8);
        fitTheSchema(all);
        for (String p : List.of("plain", "polled")) {
            assertThat(printed)
                    .contains(
                            "status " + p + " 0",
                            p + " has a  100-2",
                            p + " has d a/b/c ",
                            p + " has e  100-2")
                    .doesNotContain(p + " has b", p + " has c", p + " has sub");
        }
        int words = GuestRing.STEP_SIZE / 8;
        int word = GuestRing.RESULT / 8;
        plain.check(all, "plain", results(printed, "plain", words, word));
        polled.check(all, "polled", results(printed, "polled", words, word));
        other.check(all, "other", results(printed, "other", words, word));
        assertThat(printed).contains("plain has linked  21-1", "status socketcalls 0");
        calls.check(all, results(printed, "socketcalls", GuestSocketCalls.WORDS, 2));
    }
}
