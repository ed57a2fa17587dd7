// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.memory;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Calls of the host's C library, where it is Linux's and the JVM lets them be made. */
public final class HostCalls {
    private HostCalls() {}

    /**
     * The shape by which all functions here are called, mmap's: a JVM makes classes for each shape
     * at run time, which takes 10 ms. What a function has no parameter for is in a register that it
     * does not read.
     */
    private static final FunctionDescriptor SHAPE =
            FunctionDescriptor.of(
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_LONG);

    private static final int PRIO_PROCESS = 0;

    static boolean possible() {
        return System.getProperty("os.name", "").equals("Linux")
                && HostCalls.class.getModule().isNativeAccessEnabled();
    }

    /** Calls a function, or gives -1 if there is none of that name. */
    static long call(String function, long first, long second, int third, int fourth, int fifth)
            throws Throwable {
        Linker linker = Linker.nativeLinker();
        MemorySegment symbol = linker.defaultLookup().find(function).orElse(null);
        return symbol == null
                ? -1
                : (long)
                        linker.downcallHandle(SHAPE)
                                .invokeExact(symbol, first, second, third, fourth, fifth, 0L);
    }

    /**
     * Has a thread of this process wait for others where there are not processors for all (see
     * setpriority(2)). Nothing happens where that cannot be asked for.
     *
     * @param thread the kernel's number of it
     * @param nice 0 to 19
     */
    public static void setNice(long thread, int nice) {
        if (!possible()) {
            return;
        }
        try {
            long ignored = call("setpriority", PRIO_PROCESS, thread, nice, 0, 0);
        } catch (Throwable e) {
            if (e instanceof VirtualMachineError v) {
                throw v;
            }
        }
    }
}
