// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0
package dev.vitrine.processor.oracle;

import static dev.vitrine.processor.oracle.OracleLayout.*;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;

/**
 * Runs cases on the host's processor, in a child process. Not thread-safe: each thread starts its
 * own.
 *
 * <pre>{@code
 * try (NativeOracle oracle = NativeOracle.start(seed)) {
 *     Result r = oracle.run(new Case().reset().code(bytes));
 * }
 * }</pre>
 */
public final class NativeOracle implements AutoCloseable {
    private static final ValueLayout.OfLong LONG = JAVA_LONG.withByteAlignment(1);

    /** What user code may change: CF PF AF ZF SF TF DF OF NT RF AC ID. */
    private static final long USER_FLAGS = 0x25_4dd5L;

    private final InitialMemory initial;
    private final NativeRunner runner;
    private final Path executable;
    private final Path sharedFile;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment shared;
    private final HostFeatures features;
    private @Nullable Process child;
    private long restarts;

    private NativeOracle(long seed) throws IOException {
        initial = new InitialMemory(seed);
        runner = new NativeRunner(kernelAllowsFsGsBase());
        executable = Files.createTempFile("vitrine-oracle", ".elf");
        Path memory = Path.of("/dev/shm");
        sharedFile =
                Files.isWritable(memory)
                        ? Files.createTempFile(memory, "vitrine-oracle", ".mem")
                        : Files.createTempFile("vitrine-oracle", ".mem");
        try {
            Files.write(executable, runner.image());
            Files.setPosixFilePermissions(executable, PosixFilePermissions.fromString("rwx------"));
            try (FileChannel channel =
                    FileChannel.open(
                            sharedFile, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                shared = channel.map(FileChannel.MapMode.READ_WRITE, 0, SHARED_SIZE, arena);
            }
            MemorySegment.copy(initial.words(), 0, shared, LONG, PRISTINE, initial.words().length);
            launch();
            int[] words = new int[HostFeatures.LEAVES.length * 4];
            MemorySegment.copy(shared, JAVA_INT, HEADER_CPUID, words, 0, words.length);
            features =
                    new HostFeatures(words, shared.get(JAVA_INT, HEADER_CPUID + 4L * words.length));
            features.compatibilityMode = probeCompatibilityMode();
        } catch (IOException | RuntimeException e) {
            close();
            throw e;
        }
    }

    /** Whether this host can run cases. */
    public static boolean available() {
        return whyNot() == null;
    }

    /** One sentence on why this host cannot run cases, or null if it can. */
    public static @Nullable String whyNot() {
        String os = System.getProperty("os.name", "");
        String arch = System.getProperty("os.arch", "");
        if (!os.equals("Linux") || !arch.equals("amd64")) {
            return "the native oracle needs Linux on x86-64, this is " + os + " on " + arch;
        }
        return Probe.FAILURE;
    }

    /** One start of the child, when first asked. */
    private static final class Probe {
        static final @Nullable String FAILURE = probe();

        private static @Nullable String probe() {
            try (NativeOracle oracle = new NativeOracle(0)) {
                Case c = new Case().reset().code((byte) 0x90);
                Result r = oracle.run(c);
                return r.vector == Result.END ? null : "a NOP ended with " + r;
            } catch (IOException | UncheckedIOException e) {
                return "the native oracle does not start: " + e.getMessage();
            }
        }
    }

    /**
     * Starts a child process.
     *
     * @param seed of the initial memory
     */
    public static NativeOracle start(long seed) {
        for (int attempt = 1; ; attempt++) {
            try {
                return new NativeOracle(seed);
            } catch (IOException e) {
                if (attempt == ATTEMPTS || !String.valueOf(e.getMessage()).contains(BUSY)) {
                    throw new UncheckedIOException(e);
                }
            }
        }
    }

    /**
     * ETXTBSY: a child that another worker starts at the same time has inherited the descriptor
     * that the program was written through, until its own exec.
     */
    private static final String BUSY = "error: 26";

    private static final int ATTEMPTS = 100;

    /** The memory that cases start from. */
    public InitialMemory initialMemory() {
        return initial;
    }

    /** What the host has. */
    public HostFeatures features() {
        return features;
    }

    /** How often the child had to be started again because a case killed it. */
    public long restarts() {
        return restarts;
    }

    /** AT_HWCAP2 of the auxiliary vector, bit 1. */
    private static boolean kernelAllowsFsGsBase() throws IOException {
        byte[] auxv = Files.readAllBytes(Path.of("/proc/self/auxv"));
        MemorySegment words = MemorySegment.ofArray(auxv);
        for (long i = 0; i + 16 <= auxv.length; i += 16) {
            if (words.get(LONG, i) == 26) {
                return (words.get(LONG, i + 8) & 2) != 0;
            }
        }
        return false;
    }

    private void launch() throws IOException {
        child =
                new ProcessBuilder(executable.toString(), sharedFile.toString())
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        if (child.getInputStream().read() < 0) {
            throw new IOException("the child ended at once with status " + waitForChild());
        }
    }

    private int waitForChild() throws IOException {
        try {
            return child == null ? -1 : child.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    private boolean probeCompatibilityMode() {
        Case c =
                new Case()
                        .reset()
                        .mode32()
                        .code((byte) 0x40); // INC EAX in 32-bit code, a lone REX in 64-bit code
        Result r = run(c);
        return r.vector == Result.END && (int) r.state.gpr[CpuImage.RAX] == 1;
    }

    /** Runs one case. */
    public Result run(Case c) {
        Result r = new Result();
        run(new Case[] {c}, 1, new Result[] {r});
        return r;
    }

    /** Runs cases and returns their results in order. */
    public List<Result> run(List<Case> cases) {
        List<Result> results = new ArrayList<>();
        cases.forEach(c -> results.add(new Result()));
        run(cases.toArray(new Case[0]), cases.size(), results.toArray(new Result[0]));
        return results;
    }

    /**
     * Runs the first {@code count} cases and fills as many results, without allocation.
     *
     * @throws UncheckedIOException if the child cannot be started again after a case killed it
     */
    public void run(Case[] cases, int count, Result[] results) {
        int done = 0;
        while (done < count) {
            int sent = 0;
            long at = INPUT;
            while (done + sent < count) {
                Case c = cases[done + sent];
                long size = (CASE_LINES + (long) c.lineCount * LINE_RECORD + 63) & -64;
                if (at + size > INPUT + INPUT_SIZE) {
                    break;
                }
                write(c, at, size);
                at += size;
                sent++;
            }
            done += exchange(cases, done, sent, results);
        }
    }

    /** Has the child run cases that are in place; returns for how many there is a result. */
    private int exchange(Case[] cases, int from, int sent, Result[] results) {
        shared.set(JAVA_LONG, HEADER_COUNT, sent);
        shared.set(JAVA_LONG, HEADER_DONE, 0L);
        shared.set(JAVA_LONG, HEADER_INDEX, 0L);
        boolean alive = false;
        try {
            if (child != null) {
                child.getOutputStream().write(1);
                child.getOutputStream().flush();
                alive = child.getInputStream().read() >= 0;
            }
        } catch (IOException e) {
            alive = false; // a broken pipe: the child is dead
        }
        int complete = (int) shared.get(JAVA_LONG, alive ? HEADER_DONE : HEADER_INDEX);
        long at = OUTPUT;
        for (int i = 0; i < complete; i++) {
            read(results[from + i], at);
            at += shared.get(JAVA_INT, at);
        }
        if (alive) {
            return complete;
        }
        try {
            Result killed = results[from + complete];
            killed.vector = Result.KILLED;
            killed.error = waitForChild();
            killed.signal = 0;
            killed.cr2 = 0;
            killed.lineCount = 0;
            killed.state.copyFrom(cases[from + complete].state);
            restarts++;
            launch();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return complete + 1;
    }

    private void write(Case c, long at, long size) {
        CpuImage s = c.state;
        shared.set(JAVA_INT, at + CASE_SIZE, (int) size);
        shared.set(JAVA_INT, at + CASE_LINE_COUNT, c.lineCount);
        long offset = c.codeAddress - (c.codeAddress >= CODE_WRITABLE ? CODE_WRITABLE : CODE);
        if (offset < 0 || offset + c.codeLength + c.exitLength() > CODE_SIZE) {
            throw new IllegalArgumentException(
                    "code outside of its region: " + Long.toHexString(c.codeAddress));
        }
        shared.set(LONG, at + CASE_CODE_ALIAS, CODE_ALIAS + offset);
        shared.set(LONG, at + CASE_END, c.codeEnd());
        shared.set(LONG, at + CASE_FRAME, s.rip);
        shared.set(LONG, at + CASE_FRAME + 8, s.cs);
        shared.set(LONG, at + CASE_FRAME + 16, s.rflags & USER_FLAGS | 0x202);
        shared.set(LONG, at + CASE_FRAME + 24, s.gpr[CpuImage.RSP]);
        shared.set(LONG, at + CASE_FRAME + 32, s.ss);
        shared.set(LONG, at + CASE_FS_BASE, s.fsBase);
        shared.set(LONG, at + CASE_GS_BASE, s.gsBase);
        shared.set(LONG, at + CASE_DS, s.ds | s.es << 16 | (long) s.fs << 32 | (long) s.gs << 48);
        MemorySegment.copy(s.gpr, 0, shared, LONG, at + CASE_GPR, 16);
        MemorySegment.copy(c.code, 0, shared, JAVA_BYTE, at + CASE_CODE, c.codeLength);
        writeExit(c, at + CASE_CODE + c.codeLength);
        MemorySegment.copy(s.xsave, 0, shared, LONG, at + CASE_XSAVE, CpuImage.XSAVE_LONGS);
        for (int i = 0; i < c.lineCount; i++) {
            long line = at + CASE_LINES + (long) i * LINE_RECORD;
            shared.set(LONG, line, c.lineAddresses[i]);
            MemorySegment.copy(c.lineWords, i * 8, shared, LONG, line + 8, 8);
        }
    }

    private void writeExit(Case c, long at) {
        int used = c.codeLength;
        if (c.exit == Case.Exit.JUMP && c.is32()) {
            shared.set(JAVA_BYTE, at, (byte) 0xea);
            shared.set(JAVA_INT.withByteAlignment(1), at + 1, (int) runner.exitAddress());
            shared.set(JAVA_SHORT.withByteAlignment(1), at + 5, (short) CODE64_SELECTOR);
        } else if (c.exit == Case.Exit.JUMP) {
            shared.set(JAVA_BYTE, at, (byte) 0xe9);
            shared.set(
                    JAVA_INT.withByteAlignment(1),
                    at + 1,
                    (int) (runner.exitAddress() - c.codeEnd() - 5));
        }
        int length = c.exit == Case.Exit.JUMP ? c.exitLength() : 0;
        shared.asSlice(at + length, CODE_WINDOW - used - length).fill((byte) CODE_FILLER);
    }

    private void read(Result r, long at) {
        CpuImage s = r.state;
        r.vector = shared.get(JAVA_INT, at + RESULT_VECTOR);
        r.error = shared.get(JAVA_LONG, at + RESULT_ERROR);
        r.cr2 = r.vector == 14 ? shared.get(JAVA_LONG, at + RESULT_CR2) : 0;
        r.signal = shared.get(JAVA_INT, at + RESULT_SIGNAL);
        if (r.vector != 14
                && r.vector != 13
                && r.vector != 12
                && r.vector != 11
                && r.vector != 17) {
            r.error = 0; // the kernel's field is stale for exceptions without an error code
        }
        s.rip = shared.get(JAVA_LONG, at + RESULT_RIP);
        s.rflags = shared.get(JAVA_LONG, at + RESULT_FLAGS);
        s.fsBase = shared.get(JAVA_LONG, at + RESULT_FS_BASE);
        s.gsBase = shared.get(JAVA_LONG, at + RESULT_GS_BASE);
        s.cs = shared.get(JAVA_SHORT, at + RESULT_CS) & 0xffff;
        s.ss = shared.get(JAVA_SHORT, at + RESULT_SS) & 0xffff;
        s.ds = shared.get(JAVA_SHORT, at + RESULT_DS) & 0xffff;
        s.es = shared.get(JAVA_SHORT, at + RESULT_ES) & 0xffff;
        s.fs = shared.get(JAVA_SHORT, at + RESULT_FS) & 0xffff;
        s.gs = shared.get(JAVA_SHORT, at + RESULT_GS) & 0xffff;
        MemorySegment.copy(shared, LONG, at + RESULT_GPR, s.gpr, 0, 16);
        MemorySegment.copy(shared, LONG, at + RESULT_XSAVE, s.xsave, 0, CpuImage.XSAVE_LONGS);
        s.normalize();
        r.lineCount = shared.get(JAVA_INT, at + RESULT_LINE_COUNT);
        r.ensureLines(r.lineCount);
        for (int i = 0; i < r.lineCount; i++) {
            long line = at + RESULT_LINES + (long) i * LINE_RECORD;
            r.lineAddresses[i] = shared.get(LONG, line);
            MemorySegment.copy(shared, LONG, line + 8, r.lineWords, i * 8, 8);
        }
    }

    @Override
    public void close() {
        if (child != null) {
            child.destroyForcibly();
            child = null;
        }
        if (arena.scope().isAlive()) {
            arena.close();
        }
        try {
            Files.deleteIfExists(executable);
            Files.deleteIfExists(sharedFile);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
