// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/** Kernels, ramdisks and configurations that cannot be used: one sentence that names the file. */
class BadInputTest {
    private static final int PROGRAM_HEADER = 64;
    private static final int SECOND_PROGRAM_HEADER = 120;

    @TempDir Path folder;
    private Path good;

    @BeforeEach
    void makeKernel() {
        good = Guests.kernel(folder, Guests.POWEROFF);
    }

    private Path file(String name, byte... content) throws IOException {
        return Files.write(folder.resolve(name), content);
    }

    private Cli.Result runKernel(Path kernel, String... more) {
        String[] args = new String[more.length + 5];
        args[0] = "run";
        args[1] = "--kernel";
        args[2] = kernel.toString();
        args[3] = "--timeout";
        args[4] = "20s";
        System.arraycopy(more, 0, args, 5, more.length);
        return Cli.run(args);
    }

    /** The good kernel with something changed in it. */
    private Path broken(Consumer<ByteBuffer> change) throws IOException {
        ByteBuffer b = ByteBuffer.wrap(Files.readAllBytes(good)).order(ByteOrder.LITTLE_ENDIAN);
        change.accept(b);
        return file("broken.elf", b.array());
    }

    @Test
    void theUnchangedKernelWorks() {
        Cli.Result r = runKernel(good, "--memory", "16M");
        assertThat(r.status()).as(r.err()).isZero();
        assertThat(r.err()).isEmpty();
    }

    @Test
    void missing() {
        runKernel(folder.resolve("none")).isBadInput(folder + "/none", "no such file");
        runKernel(folder).isBadInput(folder.toString(), "folder");
        Cli.run("run", "--kernel", "").isBadInput("--kernel", "empty");
        Cli.run("run", "--kernel", "a\0b").isBadInput("--kernel", "NUL");
        Cli.run("run", "debian", "--copy", "a\0b:/x").isBadInput("--copy", "NUL");
    }

    /** Nobody writes into it, so that whoever opens it waits for ever. */
    @Test
    @Timeout(60)
    void pipe() throws IOException, InterruptedException {
        Path pipe = folder.resolve("pipe");
        assumeTrue(
                new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor() == 0,
                "mkfifo failed");
        runKernel(pipe).isBadInput("pipe", "not a regular file");
        runKernel(good, "--ramdisk", pipe.toString()).isBadInput("pipe", "not a regular file");
        Cli.run("run", pipe.toString()).isBadInput("pipe", "not a regular file");
        Path cfg = Files.writeString(folder.resolve("p.cfg"), "name='p'\nkernel='" + pipe + "'\n");
        Cli.run("run", cfg.toString()).isBadInput("pipe", "not a regular file");
    }

    @Test
    void empty() throws IOException {
        runKernel(file("empty")).isBadInput("empty");
    }

    @Test
    void truncated() throws IOException {
        byte[] whole = Files.readAllBytes(good);
        for (int length = 1; length < whole.length; length += 7) {
            byte[] part = java.util.Arrays.copyOf(whole, length);
            runKernel(file("part", part)).isBadInput("part");
        }
    }

    @Test
    void random() throws IOException {
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < 50; i++) {
            byte[] bytes = new byte[1 + random.nextInt(5000)];
            random.nextBytes(bytes);
            runKernel(file("random", bytes)).isBadInput("random");
        }
    }

    @Test
    void otherProcessor() throws IOException {
        runKernel(broken(b -> b.putShort(18, (short) 183))).isBadInput("broken.elf");
        runKernel(broken(b -> b.putShort(18, (short) 243))).isBadInput("broken.elf");
        runKernel(broken(b -> b.put(5, (byte) 2))).isBadInput("broken.elf"); // big-endian
    }

    @Test
    void segmentsOverlap() throws IOException {
        byte[] whole = Files.readAllBytes(good);
        runKernel(
                        broken(b -> {
                            // The note's header becomes a second segment over the first.
                            b.put(SECOND_PROGRAM_HEADER, whole, PROGRAM_HEADER, 56);
                            b.putLong(SECOND_PROGRAM_HEADER + 24, 0x100008);
                        }))
                .isBadInput("broken.elf", "overlap");
    }

    @Test
    void segmentWraps() throws IOException {
        runKernel(
                        broken(b -> {
                            b.putLong(PROGRAM_HEADER + 24, -4096L);
                            b.putLong(PROGRAM_HEADER + 40, 8192);
                        }))
                .isBadInput("broken.elf");
        runKernel(broken(b -> b.putLong(PROGRAM_HEADER + 40, -1L))).isBadInput("broken.elf");
        runKernel(broken(b -> b.putLong(PROGRAM_HEADER + 8, -16L))).isBadInput("broken.elf");
    }

    @Test
    void segmentOutOfRange() throws IOException {
        runKernel(broken(b -> b.putLong(PROGRAM_HEADER + 24, 0xfee00000L)))
                .isBadInput("broken.elf");
        runKernel(broken(b -> b.putLong(PROGRAM_HEADER + 24, 1L << 44))).isBadInput("broken.elf");
        runKernel(broken(b -> b.putLong(PROGRAM_HEADER + 40, 1L << 40))).isBadInput("broken.elf");
    }

    @Test
    void fileIsShorterThanSegment() throws IOException {
        runKernel(
                        broken(b ->
                                b.putLong(PROGRAM_HEADER + 32, 5000)
                                        .putLong(PROGRAM_HEADER + 40, 5000)))
                .isBadInput("broken.elf");
    }

    @Test
    void noPvhEntry() throws IOException {
        runKernel(broken(b -> b.putInt(SECOND_PROGRAM_HEADER, 0))).isBadInput("broken.elf", "PVH");
    }

    @Test
    void entryOutsideOfKernel() throws IOException {
        runKernel(broken(b -> b.putInt(64 + 2 * 56 + 16, 0x200000)))
                .isBadInput("broken.elf", "0x200000");
    }

    @Test
    void corruptBzImage() throws IOException {
        for (int payload :
                new int[] {0x1f8b0800, 0xfd377a58, 0x28b52ffd, 0x425a6839, 0x02214c18, 0}) {
            ByteBuffer b = ByteBuffer.allocate(8192).order(ByteOrder.LITTLE_ENDIAN);
            b.put(0x1f1, (byte) 3);
            b.putShort(0x1fe, (short) 0xaa55);
            b.putInt(0x202, 0x53726448); // HdrS
            b.putShort(0x206, (short) 0x20f);
            b.put(0x211, (byte) 1);
            b.putInt(0x248, 0).putInt(0x24c, 4096); // payload_offset, payload_length
            b.order(ByteOrder.BIG_ENDIAN).putInt(2048, payload);
            runKernel(file("bzImage", b.array())).isBadInput("bzImage");
        }
    }

    @Test
    void memoryTooSmall() throws IOException {
        runKernel(broken(b -> b.putLong(PROGRAM_HEADER + 40, 64 << 20)), "--memory", "16M")
                .isBadInput("broken.elf", "16 MiB");
        runKernel(good, "--memory", "1M").isBadInput("guest.elf", "1 MiB");
    }

    @Test
    void ramdiskLargerThanMemory() throws IOException {
        Path big = file("big");
        try (java.io.RandomAccessFile f = new java.io.RandomAccessFile(big.toFile(), "rw")) {
            f.setLength(64L << 20);
        }
        runKernel(good, "--memory", "16M", "--ramdisk", big.toString()).isBadInput("64 MiB");
        try (java.io.RandomAccessFile f = new java.io.RandomAccessFile(big.toFile(), "rw")) {
            f.setLength(5L << 30);
        }
        runKernel(good, "--memory", "8G", "--ramdisk", big.toString()).isBadInput("ramdisk");
    }

    @Test
    void ramdiskUnusable() throws IOException {
        runKernel(good, "--ramdisk", folder + "/none").isBadInput("none");
        runKernel(good, "--ramdisk", folder.toString()).isBadInput(folder.toString());
        runKernel(good, "--ramdisk", file("empty").toString()).isBadInput("empty");
    }

    @Test
    void commandLineTooLong() {
        runKernel(good, "--cmdline", "x".repeat(100_000)).isBadInput("command line");
    }

    @Test
    void configurationMissing() {
        Cli.run("run", folder + "/none.cfg").isBadInput("none.cfg");
        Cli.run("run", folder + "/none").isBadInput("/none");
        Cli.run("run", folder.toString()).isBadInput(folder.toString());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "name = ",
                "name = \"x",
                "name = 'a\nb'",
                "= 5",
                "name \"x\"",
                "memory = 512M",
                "memory = -1",
                "memory = 0",
                "memory = 99999999999999999999",
                "memory = '512MB'",
                "memory = [1]",
                "vcpus = 0",
                "vcpus = 1000",
                "frobnicate = 1",
                "NAME = 'x'",
                "on_crash = 'explode'",
                "type = 'vmware'",
                "kernel = ''",
                "name = 'x' kernel = 'y'",
                "name = \"\\q\"",
                "\u0001"
            })
    void configurationErrors(String line) throws IOException {
        Path cfg = folder.resolve("bad.cfg");
        Files.writeString(cfg, "# one\nname = 'a'\n" + line + "\n");
        Cli.run("run", cfg.toString()).isBadInput("bad.cfg:3: ");
    }

    @Test
    void listThatIsNotClosed() throws IOException {
        Path cfg = folder.resolve("bad.cfg");
        Files.writeString(cfg, "name = 'a'\nvif = [ 'b',\n");
        Cli.run("run", cfg.toString()).isBadInput("bad.cfg:3: ", "end of the file");
    }

    @Test
    void configurationWithoutKernelOrName() throws IOException {
        Path cfg = folder.resolve("bad.cfg");
        Files.writeString(cfg, "name = 'a'\n");
        Cli.run("run", cfg.toString()).isBadInput("bad.cfg", "kernel");
        Files.writeString(cfg, "kernel = '" + good + "'\n");
        Cli.run("run", cfg.toString()).isBadInput("bad.cfg", "name");
        Files.writeString(cfg, "name = 'a'\nkernel = 'no-such-kernel'\n");
        Cli.run("run", cfg.toString()).isBadInput("no-such-kernel");
        Files.writeString(cfg, "name = 'a'\ntype = 'hvm'\nkernel = '" + good + "'\n");
        Cli.run("run", cfg.toString()).isBadInput("bad.cfg:2: ", "hvm");
        Files.writeString(cfg, "name = 'a'\n\nbuilder = 'generic'\nkernel = '" + good + "'\n");
        Cli.run("run", cfg.toString()).isBadInput("bad.cfg:3: ", "pv");
        Files.write(cfg, new byte[2 << 20]);
        Cli.run("run", cfg.toString()).isBadInput("bad.cfg");
    }
}
