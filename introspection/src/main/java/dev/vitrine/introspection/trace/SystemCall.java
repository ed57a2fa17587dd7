// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace;

import org.jspecify.annotations.Nullable;

import java.util.List;

/**
 * A system call of a guest's process.
 *
 * @param sequence number of the event, from 0 in the order in which calls begin
 * @param time when it began: the domain's clock, ns since its start
 * @param vcpu number of the processor in Linux; -1 if it is not known
 * @param cr3 CR3 in the kernel
 * @param pid thread group
 * @param tid thread
 * @param ppid thread group of the parent
 * @param uid effective user
 * @param comm name of the thread
 * @param abi "x64" or "x32"
 * @param number number of the call
 * @param name its name, such as "openat"
 * @param arguments as the kernel declares them
 * @param result what it returned; null if it did not: the process ended in it, or the trace did
 * @param duration ns from its beginning to its return, by the domain's clock; 0 if it did not
 */
public record SystemCall(
        long sequence,
        long time,
        int vcpu,
        long cr3,
        int pid,
        int tid,
        int ppid,
        long uid,
        String comm,
        String abi,
        int number,
        String name,
        List<Argument> arguments,
        @Nullable Long result,
        long duration) {
    /**
     * An argument.
     *
     * @param name as the kernel has it, such as "filename"
     * @param type in C, such as "const char *"
     * @param value what was in the register, cut to the size of the type
     * @param texts what it points to: one text, or those of a vector; null if it is a number, what
     *     it points to is no text, or the memory is not there
     */
    public record Argument(String name, String type, long value, @Nullable List<String> texts) {
        /** Whether it is an address. */
        public boolean isPointer() {
            return type.endsWith("*");
        }

        /** Whether it is a vector of texts. */
        public boolean isVector() {
            return type.replace(" ", "").endsWith("*const*")
                    || type.replace(" ", "").endsWith("**");
        }
    }

    SystemCall returned(long value, long now) {
        return new SystemCall(
                sequence,
                time,
                vcpu,
                cr3,
                pid,
                tid,
                ppid,
                uid,
                comm,
                abi,
                number,
                name,
                arguments,
                value,
                now - time);
    }
}
