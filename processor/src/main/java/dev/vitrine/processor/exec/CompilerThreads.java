// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.memory.HostCalls;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * HotSpot's second compiler in relation to the guest. While a kernel boots it always has something
 * to do, mostly for code of ours that is lukewarm: where it, the first compiler, the translator and
 * a guest's processor share two of the host's, the guest waits for one of them a sixth of the time.
 */
final class CompilerThreads {
    private CompilerThreads() {}

    private static final Path THREADS = Path.of("/proc/self/task");

    /** How the kernel calls the threads, of which it keeps 15 characters. */
    private static final String SECOND = "C2 CompilerThre";

    /**
     * A third of the share that others have: little enough for a boot, and not so little that code
     * which is hot stays slow where guests keep all processors busy.
     */
    private static final int NICE = 5;

    /** Lets others go first. Nothing happens where the host is no Linux. */
    static void letOthersGoFirst() {
        if (!Files.isDirectory(THREADS)) {
            return;
        }
        try (DirectoryStream<Path> threads = Files.newDirectoryStream(THREADS)) {
            for (Path t : threads) {
                if (name(t).startsWith(SECOND)) {
                    HostCalls.setNice(Long.parseLong(t.getFileName().toString()), NICE);
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
