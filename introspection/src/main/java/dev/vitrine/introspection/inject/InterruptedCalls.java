// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import dev.vitrine.introspection.LittleEndian;

import java.util.Map;

/**
 * System calls that return EINTR when the thread is woken, signal or not (signal(7), "Interruption
 * of system calls and library functions by stop signals"). Those that wait without a time are
 * restarted, as the others are by themselves, so that the program does not see that it was woken.
 */
final class InterruptedCalls {
    private static final long EINTR = -4;

    /** The call is done once more if no handler of a signal comes first (linux/errno.h). */
    private static final long ERESTARTNOHAND = -514;

    /** Selector of 64-bit code of programs (arch/x86/include/asm/segment.h). */
    private static final long USER_CS = 0x33;

    /** The call was one of 32-bit code (arch/x86/include/asm/thread_info.h). */
    private static final long TS_COMPAT = 2;

    private static final long NONE = 0;

    /** The argument, if any, which tells how long it waits, and what it is if without end. */
    private record Forever(String argument, long value, int size) {}

    private static final Map<Long, Forever> CALLS =
            Map.of(
                    65L, new Forever("", 0, 0), // semop
                    128L, new Forever("pt_regs.dx", NONE, 8), // rt_sigtimedwait
                    208L, new Forever("pt_regs.r8", NONE, 8), // io_getevents
                    220L, new Forever("pt_regs.r10", NONE, 8), // semtimedop
                    232L, new Forever("pt_regs.r10", 0xFFFF_FFFFL, 4), // epoll_wait
                    281L, new Forever("pt_regs.r10", 0xFFFF_FFFFL, 4), // epoll_pwait
                    441L, new Forever("pt_regs.r10", NONE, 8)); // epoll_pwait2

    private InterruptedCalls() {}

    /**
     * Has the call that a thread leaves restarted, if it is one of these.
     *
     * @param task the thread, which has no signal
     * @param registers its struct pt_regs
     */
    static void restart(CallMemory memory, long task, long registers) {
        long status = memory.number(task + memory.offset("task_struct.thread_info.status"), 4);
        if (memory.number(registers + memory.offset("pt_regs.ax"), 8) != EINTR
                || memory.number(registers + memory.offset("pt_regs.cs"), 2) != USER_CS
                || (status & TS_COMPAT) != 0) {
            return;
        }
        Forever f = CALLS.get(memory.number(registers + memory.offset("pt_regs.orig_ax"), 8));
        if (f == null
                || f.size != 0
                        && memory.number(registers + memory.offset(f.argument), f.size)
                                != f.value) {
            return;
        }
        byte[] again = new byte[8];
        LittleEndian.put64(again, 0, ERESTARTNOHAND);
        memory.write(registers + memory.offset("pt_regs.ax"), again);
    }
}
