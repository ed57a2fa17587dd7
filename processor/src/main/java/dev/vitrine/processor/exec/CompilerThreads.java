// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.memory.HostCalls;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.LongConsumer;

/**
 * HotSpot's second compiler in relation to the guest. While a kernel boots it always has something
 * to do, mostly for code of ours that is lukewarm: where it, the first compiler, the translator and
 * a guest's processor share two of the host's, the guest waits for one of them a sixth of the time.
 *
 * <p>So it goes behind the others until a guest has booted, if the host lets it come back
 * afterwards: what runs for long needs it as much as anything else. At first it has the
 * interpreter's loops to compile, and gets a share. Then it takes only what nobody else wants, if
 * the guests leave it a processor.
 */
final class CompilerThreads {
    private CompilerThreads() {}

    private static final Path THREADS = Path.of("/proc/self/task");

    /** How the kernel calls the threads, of which it keeps 15 characters. */
    private static final String SECOND = "C2 CompilerThre";

    private static final String FIRST = "C1 CompilerThre";

    /** A third of the share that others have. */
    private static final int NICE = 5;

    /** Within what time a kernel boots. */
    private static final long BOOT_MILLIS = 5000;

    /** Before that a domain is being made, which needs the same of the JVM. */
    private static final long BEFORE_MILLIS = 100;

    /** From then on the interpreter's loops are compiled. */
    private static final long LOOPS_MILLIS = 250;

    /** Has the second compiler let others go first while a guest boots. */
    static void letOthersGoFirst() {
        // Now, so that who makes the domain need not do it.
        HostCalls.prepare();
        try {
            Thread.sleep(BEFORE_MILLIS);
            letOthersGoFirst(LOOPS_MILLIS, CompilerThreads::isOneLeft, BOOT_MILLIS, SECOND, FIRST);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Whether the guests' processors, if all are busy, leave one of the host's. */
    private static boolean isOneLeft() {
        return Runtime.getRuntime().availableProcessors() > LoopCompilation.loops();
    }

    /**
     * Has threads of this process let others go first for a time, and returns when that is over.
     * Does nothing where the host is no Linux, or does not let a process raise a priority again.
     *
     * @param sharing so many milliseconds they have a share
     * @param wholly asked then: whether they get nothing more that others want
     * @param millis for how long after that
     * @param names how the names of the threads begin
     * @param started the same of others that they may start meanwhile, which begin as they are
     */
    static void letOthersGoFirst(
            long sharing, BooleanSupplier wholly, long millis, String names, String started)
            throws InterruptedException {
        int usual = HostCalls.nice(HostCalls.THIS_THREAD);
        if (!Files.isDirectory(THREADS) || usual + NICE > HostCalls.NICEST || !canComeBack(usual)) {
            return;
        }
        each(names, t -> HostCalls.setNice(t, usual + NICE));
        try {
            Thread.sleep(sharing);
            if (wholly.getAsBoolean()) {
                each(names, t -> HostCalls.setPolicy(t, HostCalls.IDLE));
            }
            Thread.sleep(millis);
        } finally {
            for (String s : List.of(names, started)) {
                each(
                        s,
                        t -> {
                            HostCalls.setNice(t, usual);
                            HostCalls.setPolicy(t, HostCalls.OTHER);
                        });
            }
        }
    }

    /** Tried with this thread, which is none of those that count. */
    private static boolean canComeBack(int usual) {
        if (HostCalls.policy(HostCalls.THIS_THREAD) != HostCalls.OTHER) {
            return false;
        }
        HostCalls.setNice(HostCalls.THIS_THREAD, usual + 1);
        HostCalls.setNice(HostCalls.THIS_THREAD, usual);
        HostCalls.setPolicy(HostCalls.THIS_THREAD, HostCalls.IDLE);
        HostCalls.setPolicy(HostCalls.THIS_THREAD, HostCalls.OTHER);
        return HostCalls.nice(HostCalls.THIS_THREAD) == usual
                && HostCalls.policy(HostCalls.THIS_THREAD) == HostCalls.OTHER;
    }

    private static void each(String prefix, LongConsumer what) {
        try (DirectoryStream<Path> threads = Files.newDirectoryStream(THREADS)) {
            for (Path t : threads) {
                if (name(t).startsWith(prefix)) {
                    what.accept(Long.parseLong(t.getFileName().toString()));
                }
            }
        } catch (IOException e) {
            // It is as it was.
        }
    }

    /** A thread may have ended in between. */
    private static String name(Path thread) {
        try {
            return Files.readString(thread.resolve("comm"));
        } catch (IOException e) {
            return "";
        }
    }
}
