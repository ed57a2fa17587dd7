// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.introspection.Target;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;

/** {@code vitrine record} and {@code vitrine replay} of guests of a few instructions. */
@Timeout(180)
class RecordTest {
    /** Length and sums before an entry of a log. */
    private static final int FRAME = 12;

    @TempDir Path folder;

    /** Input that comes byte by byte, after times that nobody has chosen. */
    private static final class SlowInput extends InputStream {
        private final byte[] bytes;
        private final SplittableRandom random = new SplittableRandom();
        private int at;

        SlowInput(String text) {
            bytes = text.getBytes(StandardCharsets.UTF_8);
        }

        @Override
        public int read() {
            return -1;
        }

        @Override
        public int read(byte[] into, int offset, int length) throws IOException {
            try {
                Thread.sleep(at == 0 ? 1200 : random.nextInt(40));
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
            if (at == bytes.length) {
                return -1;
            }
            into[offset] = bytes[at++];
            return 1;
        }
    }

    private Cli.Result recordSlowly(String run, String input, String listing, String... more) {
        String[] args = {
            "record",
            folder.resolve(run).toString(),
            "--kernel",
            Guests.kernel(folder, listing).toString(),
            "--memory",
            "16M"
        };
        String[] all = Arrays.copyOf(args, args.length + more.length);
        System.arraycopy(more, 0, all, args.length, more.length);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int status =
                Main.execute(
                        all,
                        new Streams(
                                new SlowInput(input),
                                out,
                                new PrintStream(err, true, StandardCharsets.UTF_8),
                                false));
        return new Cli.Result(
                status, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    private Cli.Result replay(String run, String... more) {
        String[] args = {"replay", folder.resolve(run).toString()};
        String[] all = Arrays.copyOf(args, args.length + more.length);
        System.arraycopy(more, 0, all, args.length, more.length);
        return Cli.run(all);
    }

    @Test
    void inputAtAnyTimeComesAtTheSameInstruction() {
        Cli.Result recorded = recordSlowly("run", "hello, world", MixerGuest.LISTING);
        assertThat(recorded.status()).as(recorded.err()).isZero();
        assertThat(recorded.err()).isEmpty();
        assertThat(recorded.out().lines()).hasSize(13).allMatch(l -> l.matches("[0-9a-f]{8}"));
        // The times are others, and the guest shows it: the test could fail.
        Cli.Result other = recordSlowly("other", "hello, world", MixerGuest.LISTING);
        assertThat(other.out()).isNotEqualTo(recorded.out());
        for (int i = 0; i < 2; i++) {
            Cli.Result again = replay("run");
            assertThat(again.status()).as(again.err()).isZero();
            assertThat(again.out()).isEqualTo(recorded.out());
            again.saysOneSentence("replayed to the end", "states were as recorded");
        }
        assertThat(replay("other").out()).isEqualTo(other.out());
    }

    /** The listing says where each instruction is. */
    @Test
    void stopsBetweenAnyTwoInstructions() {
        assertThat(recordSlowly("run", "ab", MixerGuest.LISTING).status()).isZero();
        int[] places = {0x100000, 0x100005, 0x10000c, 0x100011, 0x100018, 0x100021, 0x10002a};
        for (int n = 0; n < places.length; n++) {
            Cli.Result r = replay("run", "--until", Integer.toString(n));
            assertThat(r.status()).as(r.err()).isZero();
            assertThat(r.err())
                    .contains("stopped after " + n + " instructions")
                    .contains(String.format("RIP %016x", places[n]));
        }
        Cli.Result byTime = replay("run", "--until", "time:1000003");
        assertThat(byTime.err()).contains("stopped after 1000003 instructions, 1000003 ns");
        Cli.Result byCount = replay("run", "--until", "1000003");
        assertThat(byCount.err()).isEqualTo(byTime.err());
        Cli.Result beyond = replay("run", "--until", "99999999999999");
        assertThat(beyond.status()).isEqualTo(ExitStatus.BAD_INPUT);
        assertThat(beyond.err()).contains("ends before what --until says");
        replay("run", "--until", "noon").isBadInput("--until 'noon'");
        // Forward and back: it is the same place each time.
        Path core = folder.resolve("then.core");
        assertThat(replay("run", "--until", "2000000", "--core", core.toString()).status())
                .isZero();
        Cli.Result read = Cli.run("inspect", core.toString(), "read", "p:0x100000", "4");
        assertThat(read.out()).contains("bc 00 00 09");
    }

    @Test
    void whatIsDoneThroughTheControlSocketLeavesNoTrace() throws Exception {
        Path socket = folder.resolve("control");
        String[] args = {
            "record",
            folder.resolve("run").toString(),
            "--kernel",
            Guests.kernel(folder, MixerGuest.LISTING).toString(),
            "--memory",
            "16M",
            "--control",
            socket.toString()
        };
        String printed;
        try (RunningGuest g = new RunningGuest(args)) {
            while (!Files.exists(socket)) {
                Thread.sleep(10);
            }
            for (int i = 0; i < 20; i++) {
                assertThat(Cli.run("inspect", socket.toString(), "read", "p:0x100000", "4").out())
                        .contains("bc 00 00 09");
            }
            // What it mixes lies at 0x1001b0: this does leave a trace, and is recorded.
            try (Target target = Target.open(socket)) {
                assertThat(target.memory().write(0x1001b0, new byte[] {1, 2, 3, 4}, 0, 4)).isTrue();
            }
            g.finish("x");
            printed = g.printed();
        }
        Cli.Result again = replay("run");
        assertThat(again.status()).as(again.err()).isZero();
        assertThat(again.out()).isEqualTo(printed);
    }

    @Test
    void whatEndsARunFromOutsideEndsItsReplay() {
        Cli.Result r = recordSlowly("run", "", Guests.SPIN, "--timeout", "1s");
        assertThat(r.status()).isEqualTo(ExitStatus.TIMEOUT);
        Cli.Result again = replay("run");
        assertThat(again.status()).as(again.err()).isZero();
        again.saysOneSentence("replayed to the end", "the time limit passed");
    }

    @Test
    void crashesAreReplayed() {
        Cli.Result r = recordSlowly("run", "", Guests.TRIPLE_FAULT);
        assertThat(r.status()).isEqualTo(ExitStatus.CRASHED);
        Cli.Result again = replay("run");
        assertThat(again.status()).as(again.err()).isZero();
        assertThat(again.err()).contains("RBP 0000000012345678", "replayed to the end");
    }

    /** A guest that asks for a restart has ended, too. */
    @Test
    void aRecordingIsOfOneLife() {
        assertThat(recordSlowly("run", "", Guests.REBOOT).status()).isZero();
        replay("run").saysOneSentence("replayed to the end", "restarted");
    }

    private Path log() {
        return folder.resolve("run").resolve("log");
    }

    /** Changes an entry, with its checksum. */
    private void change(byte[] log, int entry, int offset, int by) {
        ByteBuffer b = ByteBuffer.wrap(log).order(ByteOrder.LITTLE_ENDIAN);
        int at = 16;
        for (int i = 0; i < entry; i++) {
            at += FRAME + b.getInt(at);
        }
        int length = b.getInt(at);
        int place = offset < 0 ? at + FRAME + length + offset : at + FRAME + offset;
        log[place] += (byte) by;
        b.putInt(at + 4, sum(log, at + FRAME, length));
        b.putInt(at + 8, sum(log, at, 8));
    }

    private static int sum(byte[] log, int from, int length) {
        CRC32C crc = new CRC32C();
        crc.update(log, from, length);
        return (int) crc.getValue();
    }

    @Test
    void aChangedLogShowsTheFirstDifference() throws IOException {
        assertThat(recordSlowly("run", "abc", MixerGuest.LISTING).status()).isZero();
        byte[] log = Files.readAllBytes(log());
        // Entry 0 is the initial state; the inputs come among the looks at the registers.
        int input = 0;
        for (int at = 16;
                log[at + FRAME] != 1;
                at += FRAME + ByteBuffer.wrap(log).order(ByteOrder.LITTLE_ENDIAN).getInt(at)) {
            input++;
        }
        byte[] otherByte = log.clone();
        change(otherByte, input, -1, 1);
        Files.write(log(), otherByte);
        Cli.Result r = replay("run");
        assertThat(r.status()).as(r.err()).isEqualTo(ExitStatus.REPLAY_DIFFERS);
        assertThat(r.err())
                .containsPattern("the replay differs after [0-9]+ instructions")
                .contains("vCPU 0");
        r.hasNoTrace();

        byte[] otherState = log.clone();
        change(otherState, 0, -1, 1);
        Files.write(log(), otherState);
        r = replay("run");
        assertThat(r.status()).as(r.err()).isEqualTo(ExitStatus.REPLAY_DIFFERS);
        assertThat(r.err()).contains("differs after 0 instructions", "  memory: ");

        byte[] flipped = log.clone();
        flipped[40] ^= 4;
        Files.write(log(), flipped);
        replay("run").isBadInput("log", "damaged at byte 16", "checksum");
        Files.write(log(), "nonsense, and long enough".getBytes(StandardCharsets.UTF_8));
        replay("run").isBadInput("log", "no log of a recording");
        Files.delete(log());
        replay("run").isBadInput("log", "no such file");
    }

    @Test
    void aRecordingThatWasCutOffReplaysAsFarAsItGoes() throws IOException {
        Cli.Result recorded = recordSlowly("run", "abc", MixerGuest.LISTING);
        byte[] log = Files.readAllBytes(log());
        SplittableRandom random = new SplittableRandom(3);
        for (int i = 0; i < 7; i++) {
            // The last time nothing but a part of how the guest ended is missing.
            int length = i == 6 ? log.length - 1 : random.nextInt(17, log.length);
            Files.write(log(), Arrays.copyOf(log, length));
            Cli.Result r = replay("run");
            assertThat(r.status()).as(r.err()).isZero();
            r.saysOneSentence("the recording was cut off", "replayed to its end");
            assertThat(recorded.out()).startsWith(r.out());
        }
        Files.write(log(), Arrays.copyOf(log, 9));
        replay("run").isBadInput("cut off before it began");
    }

    @Test
    void changedInputsAreRefused() throws IOException {
        assertThat(recordSlowly("run", "", MixerGuest.LISTING).status()).isZero();
        Path manifest = folder.resolve("run").resolve("manifest");
        String text = Files.readString(manifest);
        Files.writeString(manifest, text.replace("vcpus = 1", "vcpus = 2"));
        replay("run").isBadInput("manifest", "was changed");
        Files.writeString(manifest, text);
        Guests.kernel(folder, Guests.ECHO);
        replay("run").isBadInput("kernel", "guest.elf", "not the one that was recorded");
        Files.delete(folder.resolve("guest.elf"));
        replay("run").isBadInput("guest.elf", "no such file");
        Files.delete(manifest);
        replay("run").isBadInput("no recording", "no manifest");
        replay("nothing").isBadInput("nothing", "no recording");
    }

    @Test
    void badOptions() throws IOException {
        Path full = Files.createDirectory(folder.resolve("full"));
        Files.writeString(full.resolve("file"), "x");
        String kernel = Guests.kernel(folder, Guests.POWEROFF).toString();
        Cli.run("record").isBadInput("Where is the recording to go?");
        Cli.run("record", folder + "/new").isBadInput("Nothing to run");
        Cli.run("record", full.toString(), "--kernel", kernel).isBadInput("full", "not empty");
        Cli.run("record", full + "/file", "--kernel", kernel).isBadInput("full/file");
        Cli.run("record", folder + "/new", "--kernel", kernel, "--clock", "real")
                .isBadInput("virtual clock");
        Cli.run("replay").isBadInput("RUN", "missing");
        assertThat(Cli.run("record", "--help").out()).contains("usage: vitrine record RUN");
        assertThat(Cli.run("replay", "--help").out()).contains("--until", "--core", "  5 ");
    }
}
