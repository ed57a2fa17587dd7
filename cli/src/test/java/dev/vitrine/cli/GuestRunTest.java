// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.hypervisor.StopReason;
import dev.vitrine.toolstack.ConsoleInput;
import dev.vitrine.toolstack.Machine;
import dev.vitrine.toolstack.Outcome;
import dev.vitrine.toolstack.config.ShutdownAction;
import dev.vitrine.toolstack.loader.KernelImage;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/** Guests of a few instructions, from the command line to the exit status. */
@Timeout(120)
class GuestRunTest {
    @TempDir Path folder;

    private Cli.Result run(String input, String listing, String... more) {
        String[] args = {
            "run", "--kernel", Guests.kernel(folder, listing).toString(), "--memory", "16M"
        };
        String[] all = Arrays.copyOf(args, args.length + more.length);
        System.arraycopy(more, 0, all, args.length, more.length);
        return Cli.runWithInput(input, all);
    }

    private static void showsCrash(Cli.Result r, String reason) {
        assertThat(r.status()).as(r.err()).isEqualTo(ExitStatus.CRASHED);
        assertThat(r.errLines().getFirst())
                .startsWith("vitrine: the guest crashed: ")
                .contains(reason);
        assertThat(r.err()).contains("RAX ", "RIP ", "CR3 ", "last instructions:");
        r.hasNoTrace();
    }

    @ParameterizedTest
    @ValueSource(strings = {"real", "virtual"})
    void powersOff(String clock) {
        Cli.Result r = run("", Guests.POWEROFF, "--clock", clock);
        assertThat(r.status()).as(r.err()).isZero();
        assertThat(r.err()).isEmpty();
        assertThat(r.out()).isEmpty();
    }

    @Test
    void crashes() {
        showsCrash(run("", Guests.CRASH), "crash");
    }

    @Test
    void tripleFaults() {
        Cli.Result r = run("", Guests.TRIPLE_FAULT);
        showsCrash(r, "triple fault");
        assertThat(r.err()).contains("RBP 0000000012345678", "RIP 000000000010000c", "lidt", "ud2");
    }

    @ParameterizedTest
    @ValueSource(strings = {"real", "virtual"})
    void spinningGuestTimesOut(String clock) {
        Cli.Result r = run("", Guests.SPIN, "--clock", clock, "--timeout", "1s");
        assertThat(r.status()).isEqualTo(ExitStatus.TIMEOUT);
        r.saysOneSentence("1 s", "--timeout");
    }

    /** The warning about the configuration is read slowly, before the guest starts. */
    @Test
    void timeoutCountsFromTheStartOfTheGuest() throws IOException {
        Path kernel = Guests.kernel(folder, Guests.POWEROFF);
        Path cfg = folder.resolve("guest.cfg");
        Files.writeString(cfg, "name='a'\nmemory=16\nvif=['']\nkernel='" + kernel + "'\n");
        AtomicBoolean warned = new AtomicBoolean();
        OutputStream slow =
                new OutputStream() {
                    @Override
                    public void write(int b) {
                        if (b == '\n') {
                            LockSupport.parkNanos(Duration.ofSeconds(10).toNanos());
                            warned.set(true);
                        }
                    }
                };
        int status =
                Main.execute(
                        new String[] {"run", cfg.toString(), "--timeout", "10s"},
                        new Streams(
                                InputStream.nullInputStream(),
                                OutputStream.nullOutputStream(),
                                new PrintStream(slow, true, StandardCharsets.UTF_8),
                                false));
        assertThat(warned).isTrue();
        assertThat(status).isZero();
    }

    /** As on Xen, where Linux powers a PVH guest off in this way. */
    @Test
    void guestThatHaltsForGoodHasPoweredOff() {
        Cli.Result r = run("", Guests.HALT, "--timeout", "60s");
        assertThat(r.status()).as(r.err()).isZero();
        assertThat(r.err()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"real", "virtual"})
    void consoleCarriesBytesBothWays(String clock) {
        String script = "line one\nline two\n" + "0123456789abcde\n".repeat(500);
        Cli.Result r = run(script, Guests.ECHO, "--clock", clock, "--timeout", "60s");
        assertThat(r.status()).as(r.err()).isZero();
        assertThat(r.out()).isEqualTo("hello\n" + script);
    }

    @Test
    void endOfInputIsCtrlD() {
        assertThat(run("", Guests.ECHO, "--timeout", "60s").out()).isEqualTo("hello\n");
        assertThat(run("no newline", Guests.ECHO, "--timeout", "60s").out())
                .isEqualTo("hello\nno newline");
    }

    @Test
    void wildPointersHarmNobody() {
        Cli.Result r = run("", Guests.WILD_POINTERS, "--timeout", "100s");
        assertThat(r.status()).as(r.err()).isZero();
        assertThat(r.out()).isEqualTo("done\n");
        assertThat(r.err()).isEmpty();
    }

    @Test
    void statisticsCount() {
        Cli.Result r = run("", Guests.WILD_POINTERS, "--timeout", "100s", "--stats");
        assertThat(r.status()).isZero();
        assertThat(r.err())
                .contains("statistics", "instructions", "MIPS", "hypercalls", "sched_op")
                .contains("hypercalls not implemented", "unknown instructions");
    }

    @Test
    void configurationFileRuns() throws IOException {
        Path kernel = Guests.kernel(folder, Guests.ECHO);
        Path cfg = folder.resolve("guest.cfg");
        Files.writeString(
                cfg,
                """
                # a guest
                name = "echo"; type = 'pvh'
                kernel = "%s"
                memory = 0x10
                vcpus = "1"
                extra = "console=hvc0"
                vif = [ 'bridge=xenbr0' ]
                """
                        .formatted(kernel));
        Cli.Result r = Cli.runWithInput("x\n", "run", cfg.toString(), "--timeout", "60s");
        assertThat(r.status()).as(r.err()).isZero();
        assertThat(r.out()).isEqualTo("hello\nx\n");
        assertThat(r.errLines()).hasSize(1);
        assertThat(r.err()).contains("warning", "guest.cfg:7", "'vif'");
    }

    @Test
    void onCrashRestartStartsAgain() throws IOException {
        Path kernel = Guests.kernel(folder, Guests.CRASH);
        Path cfg = folder.resolve("guest.cfg");
        Files.writeString(
                cfg,
                "name = 'again'\nmemory = 16\non_crash = 'restart'\nkernel = '" + kernel + "'\n");
        Cli.Result r = Cli.run("run", cfg.toString(), "--timeout", "4s");
        assertThat(r.err().split("the guest crashed", -1).length).isGreaterThan(2);
        assertThat(r.status()).isEqualTo(ExitStatus.TIMEOUT);
        r.hasNoTrace();
    }

    @Test
    void onCrashPreserveKeepsTheDomain() throws IOException {
        Path kernel = Guests.kernel(folder, Guests.CRASH);
        Path cfg = folder.resolve("guest.cfg");
        Files.writeString(
                cfg,
                "name = 'kept'\nmemory = 16\non_crash = 'preserve'\nkernel = '" + kernel + "'\n");
        Cli.Result r = Cli.run("run", cfg.toString(), "--timeout", "2s");
        assertThat(r.status()).isEqualTo(ExitStatus.CRASHED);
        assertThat(r.err()).contains("kept");
    }

    @Test
    void virtualClockRepeats() {
        String a = run("one\ntwo\n", Guests.ECHO, "--clock", "virtual", "--stats").err();
        String b = run("one\ntwo\n", Guests.ECHO, "--clock", "virtual", "--stats").err();
        assertThat(line(a, "instructions")).isNotEmpty().isEqualTo(line(b, "instructions"));
    }

    private static String line(String text, String name) {
        return text.lines().filter(l -> l.strip().startsWith(name + " ")).findFirst().orElse("");
    }

    /** As with --exec, for a guest that has no init to tell a status. */
    private Cli.Result runCommand(String listing) throws InterruptedException {
        byte[] kernel = SyntheticGuest.kernel(SyntheticGuest.assemble(listing));
        RunPlan plan =
                new RunPlan(
                        new RunSource(null, null, null, List.of(), "true"),
                        "guest",
                        KernelImage.load("guest", kernel),
                        null,
                        "",
                        16 << 20,
                        1,
                        false,
                        false,
                        false,
                        null,
                        null,
                        ShutdownAction.DESTROY,
                        ShutdownAction.RESTART,
                        ShutdownAction.DESTROY,
                        ShutdownAction.DESTROY);
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        Streams streams =
                new Streams(
                        InputStream.nullInputStream(),
                        OutputStream.nullOutputStream(),
                        new PrintStream(err, true, StandardCharsets.UTF_8),
                        false);
        int status = new GuestRun(plan, streams, Duration.ofSeconds(60), m -> () -> {}).run();
        return new Cli.Result(status, "", err.toString(StandardCharsets.UTF_8));
    }

    @Test
    void aGuestThatEndsBeforeItsCommandHasNotCrashed() throws InterruptedException {
        Cli.Result off =
                runCommand(Guests.POWEROFF).saysOneSentence("powered off before", "--exec");
        assertThat(off.status()).isZero();
        Cli.Result again = runCommand(Guests.REBOOT).saysOneSentence("rebooted before", "--exec");
        assertThat(again.status()).isZero();
    }

    private Cli.Result runWithFailingOutput(String reason) {
        OutputStream closed =
                new OutputStream() {
                    @Override
                    public void write(int b) throws IOException {
                        throw new IOException(reason);
                    }
                };
        String[] args = {"run", "--kernel", Guests.kernel(folder, Guests.ECHO).toString()};
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int status =
                Main.execute(
                        args,
                        new Streams(new Endless(), closed, new PrintStream(err, true), false));
        return new Cli.Result(status, "", err.toString(StandardCharsets.UTF_8));
    }

    @Test
    void closedOutputEndsTheGuest() {
        Cli.Result r = runWithFailingOutput("Broken pipe");
        assertThat(r.status()).isEqualTo(ExitStatus.OUTPUT_CLOSED);
        assertThat(r.err()).isEmpty();
    }

    @Test
    void outputThatCannotBeWrittenEndsTheGuest() {
        runWithFailingOutput("No space left on device")
                .isBadInput("Standard output cannot be written: No space left on device.");
    }

    /** Input that never ends and never has anything. */
    private static final class Endless extends InputStream {
        @Override
        public synchronized int read() throws IOException {
            try {
                wait();
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
            return -1;
        }

        @Override
        public int read(byte[] b, int offset, int length) throws IOException {
            return read();
        }
    }

    @Test
    void detachKeyEndsInput() throws IOException {
        int[] detached = {0};
        DetachInput in =
                new DetachInput(
                        new ByteArrayInputStream("ab\035cd".getBytes(StandardCharsets.US_ASCII)),
                        () -> detached[0]++);
        assertThat(in.readAllBytes()).asString(StandardCharsets.US_ASCII).isEqualTo("ab");
        assertThat(detached[0]).isEqualTo(1);
    }

    @Test
    void machineIsAnApiOfTwoLines() throws InterruptedException {
        byte[] kernel = SyntheticGuest.kernel(SyntheticGuest.assemble(Guests.ECHO));
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ConsoleInput in =
                new ConsoleInput(new ByteArrayInputStream(new byte[] {'h', 'i', '\n'}), false);
        try (Machine machine =
                Machine.builder(KernelImage.load("echo", kernel))
                        .memory(16 << 20)
                        .output(out)
                        .input(in)
                        .build()) {
            Outcome outcome = machine.run(Duration.ofSeconds(60));
            assertThat(outcome.reason()).isEqualTo(StopReason.POWEROFF);
        }
        assertThat(out.toString(StandardCharsets.UTF_8)).isEqualTo("hello\nhi\n");
    }

    @Test
    void machineStopsFromOutside() throws InterruptedException {
        byte[] kernel = SyntheticGuest.kernel(SyntheticGuest.assemble(Guests.SPIN));
        try (Machine machine =
                Machine.builder(KernelImage.load("spin", kernel)).memory(16 << 20).build()) {
            Thread stopper = new Thread(machine::stop);
            stopper.start();
            assertThat(machine.run(Long.MAX_VALUE).reason()).isEqualTo(StopReason.DESTROYED);
            stopper.join();
        }
    }
}
