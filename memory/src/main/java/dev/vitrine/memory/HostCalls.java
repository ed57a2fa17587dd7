// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.memory;

import java.lang.foreign.Arena;
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
     * does not read, and of one that is an int it reads the lower half.
     */
    private static final FunctionDescriptor SHAPE =
            FunctionDescriptor.of(
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG);

    private static final int PRIO_PROCESS = 0;

    /** Names the thread that calls. */
    public static final long THIS_THREAD = 0;

    /** The highest niceness there is. */
    public static final int NICEST = 19;

    /** The policy of sched(7) by which niceness counts; mostly that of all threads. */
    public static final int OTHER = 0;

    /**
     * The policy of a thread that runs only while no other one wants its processor. One that
     * becomes ready is given that processor rather than one where it would have to wait.
     */
    public static final int IDLE = 5;

    static boolean possible() {
        return System.getProperty("os.name", "").equals("Linux")
                && HostCalls.class.getModule().isNativeAccessEnabled();
    }

    /** Calls a function, or gives -1 if there is none of that name. */
    static long call(String function, long first, long second, long third, long fourth, long fifth)
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
     * Makes what the first call needs of the JVM, some 15 ms of work; those that come meanwhile
     * wait for the rest of it only.
     */
    public static void prepare() {
        int ignored = nice(THIS_THREAD);
    }

    /**
     * How far a thread of this process steps back for others where there are not processors for all
     * (see setpriority(2)). Nothing happens where that cannot be asked for, or is not allowed: less
     * than there was mostly is not.
     *
     * @param thread the kernel's number of it, or {@link #THIS_THREAD}
     * @param nice -20 to {@link #NICEST}
     */
    public static void setNice(long thread, int nice) {
        int ignored = priority("setpriority", thread, nice);
    }

    /**
     * What {@link #setNice} has set; {@link #NICEST} where that cannot be asked for.
     *
     * @param thread the kernel's number of it, or {@link #THIS_THREAD}
     */
    public static int nice(long thread) {
        return priority("getpriority", thread, 0);
    }

    /**
     * How a thread of this process comes to a processor (see sched(7)). Nothing happens where that
     * cannot be asked for, or is not allowed: from {@link #IDLE} back mostly is not.
     *
     * @param thread the kernel's number of it, or {@link #THIS_THREAD}
     * @param policy {@link #OTHER} or {@link #IDLE}
     */
    public static void setPolicy(long thread, int policy) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment noPriority = arena.allocate(ValueLayout.JAVA_INT);
            int ignored = number("sched_setscheduler", thread, policy, noPriority.address(), 0);
        }
    }

    /**
     * What {@link #setPolicy} has set, or another policy of sched(7); less than 0 where that cannot
     * be asked for.
     *
     * @param thread the kernel's number of it, or {@link #THIS_THREAD}
     */
    public static int policy(long thread) {
        return number("sched_getscheduler", thread, 0, 0, -1);
    }

    private static int priority(String function, long thread, int nice) {
        return number(function, PRIO_PROCESS, thread, nice, NICEST);
    }

    private static int number(String function, long first, long second, long third, int otherwise) {
        if (!possible()) {
            return otherwise;
        }
        try {
            return (int) call(function, first, second, third, 0, 0);
        } catch (Throwable e) {
            if (e instanceof VirtualMachineError v) {
                throw v;
            }
            return otherwise;
        }
    }
}
