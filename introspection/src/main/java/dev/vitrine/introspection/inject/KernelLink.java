// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import dev.vitrine.introspection.AddressSpace;
import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.Target;
import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.linux.LinuxProcess;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/**
 * What is known of the guest's kernel. It is found once: on a vCPU's thread nothing is searched
 * for. Thread-safe.
 */
final class KernelLink {
    /** Flag of task_struct: a thread of the kernel (include/linux/sched.h). */
    private static final long PF_KTHREAD = 0x0020_0000;

    /** Where threads of programs are taken. */
    private static final List<String> CALL_ENDS =
            List.of("syscall_exit_to_user_mode", "x64_sys_call");

    /** An idle guest's worker executes this every second or two. */
    private static final String WORK = "vmstat_shepherd";

    /**
     * What a thread comes to that has been woken for a signal: of a program that makes no calls,
     * too.
     */
    private static final List<String> SIGNALS =
            List.of("arch_do_signal_or_restart", "arch_do_signal", "do_signal");

    /**
     * Where injected functions return to. It is executed once in a guest's life, if ever, and no
     * plugin has a breakpoint there, which would see registers that are not the thread's own.
     */
    private static final String RETURN = "kernel_halt";

    private static final String THREAD_END = "do_exit";

    /** How threads come to a place, which tells what they may be used for. */
    enum Kind {
        CALL_BEGIN,
        CALL_END,
        WORK,
        SIGNAL,
        STOP
    }

    /**
     * A function at whose beginning a thread is in its own context, holds nothing, and has
     * interrupts enabled.
     */
    record Place(Kind kind, long address) {}

    private final LinuxKernel kernel;
    private final ThreadChoice threads;
    private final Map<String, Long> offsets;
    private final Map<String, Long> addresses = new ConcurrentHashMap<>();
    private final List<Place> places = new ArrayList<>();
    private final long returnAddress;
    private final long threadEnd;
    private @Nullable StopPlaces stops;

    /**
     * Finds the kernel.
     *
     * @throws IntrospectionException there is none, or it lacks something that is needed
     */
    KernelLink(Target target) {
        kernel = LinuxKernel.attach(target, List.of());
        threads = new ThreadChoice(kernel);
        Map<String, Long> map = new HashMap<>();
        Stream.of(FileProcedure.MEMBERS, ProgramWatch.MEMBERS, ThreadBracket.MEMBERS)
                .flatMap(List::stream)
                .forEach(m -> map.put(m, offset(kernel, m)));
        if (StopBracket.isKnown(kernel)) {
            StopBracket.MEMBERS.forEach(m -> map.put(m, offset(kernel, m)));
        }
        offsets = Map.copyOf(map);
        Stream.concat(
                        FileProcedure.OPTIONAL.stream(),
                        Stream.of(ThreadBracket.CALCULATE, ThreadBracket.WAKE))
                .filter(kernel::hasSymbol)
                .forEach(f -> addresses.put(f, kernel.resolve(f)));
        returnAddress = kernel.resolve(RETURN);
        threadEnd = kernel.resolve(THREAD_END);
        place(Kind.CALL_END, CALL_ENDS);
        place(Kind.WORK, List.of(WORK));
        place(Kind.SIGNAL, SIGNALS);
        if (places.stream().allMatch(p -> p.kind == Kind.SIGNAL)) {
            throw new IntrospectionException(
                    "The guest's kernel has none of the functions "
                            + String.join(", ", CALL_ENDS)
                            + " and "
                            + WORK
                            + ", at which its threads can be taken.");
        }
    }

    private static long offset(LinuxKernel kernel, String member) {
        int dot = member.indexOf('.');
        return kernel.member(member.substring(0, dot), member.substring(dot + 1)).offset();
    }

    private void place(Kind kind, List<String> names) {
        names.stream()
                .filter(kernel::hasSymbol)
                .findFirst()
                .ifPresent(name -> places.add(new Place(kind, kernel.resolve(name))));
    }

    List<Place> places() {
        return places;
    }

    /** Where injected functions return to. */
    long returnAddress() {
        return returnAddress;
    }

    /** Where a thread ends, whatever the cause. */
    long threadEnd() {
        return threadEnd;
    }

    /**
     * Where stopped threads come back, and the functions for them; nowhere if this kernel does not
     * let them be taken. Not on a vCPU's thread.
     */
    synchronized StopPlaces stopPlaces() {
        StopPlaces s = stops;
        if (s == null) {
            s = StopPlaces.of(kernel);
            if (!s.returns().isEmpty()) {
                need(StopBracket.needed(kernel.hasSymbol(StopBracket.SLEEPING_LOCK)));
                need(List.of(WakeProcedure.RESUME));
            }
            stops = s;
        }
        return s;
    }

    ThreadChoice threads() {
        return threads;
    }

    /**
     * Looks for functions that are going to be called.
     *
     * @throws IntrospectionException one of them does not exist
     */
    synchronized void need(Iterable<String> functions) {
        for (String f : functions) {
            addresses.computeIfAbsent(f, this::function);
        }
    }

    /** Since 6.10 functions that take memory may have another name. */
    private long function(String name) {
        String other = name + "_noprof";
        String real = !kernel.hasSymbol(name) && kernel.hasSymbol(other) ? other : name;
        long at = kernel.resolve(real);
        if (!kernel.isCode(at)) {
            throw new IntrospectionException(
                    name + " is no function of the guest's kernel: what is there is data.");
        }
        return at;
    }

    /** Address of a symbol, searched for; not on a vCPU's thread. */
    synchronized long resolve(String name) {
        return kernel.resolve(name);
    }

    /** Guest-physical address behind one of the kernel's; -1 if nothing is mapped there. */
    synchronized long physical(long address) {
        AddressSpace space = kernel.space();
        space.flush();
        return space.translate(address);
    }

    /** The kernel's address space; only to be used by one thread at a time. */
    AddressSpace space() {
        return kernel.space();
    }

    /** Address of a function that has been looked for; 0 if it is not known. */
    long address(String function) {
        return Objects.requireNonNullElse(addresses.get(function), 0L);
    }

    /** Offset of one of the members that procedures need. */
    long offset(String member) {
        return Objects.requireNonNull(offsets.get(member), member);
    }

    /**
     * A process that programs run in.
     *
     * @throws IntrospectionException there is none of that number, it has ended, or it is a thread
     *     of the kernel
     */
    synchronized LinuxProcess process(int pid) {
        LinuxProcess p = kernel.process(pid);
        if (p.state() == 'Z' || p.state() == 'X') {
            throw new IntrospectionException("Process " + pid + " has ended.");
        }
        if (p.directory() == 0 && !isOfKernel(p)) {
            // It has given its memory back already.
            throw new IntrospectionException("Process " + pid + " has ended.");
        }
        if (p.directory() == 0) {
            throw new IntrospectionException(
                    "Process "
                            + pid
                            + " is a thread of the kernel; only those of programs can be taken.");
        }
        return p;
    }

    private boolean isOfKernel(LinuxProcess p) {
        return (kernel.object("task_struct", p.task()).number("flags") & PF_KTHREAD) != 0;
    }

    /** Numbers of a process's threads, the first thread's first; empty if it has ended. */
    synchronized List<Integer> threads(int pid) {
        try {
            return kernel.threads(pid);
        } catch (IntrospectionException e) {
            return List.of();
        }
    }

    /** Of which state a process is; null if there is none. */
    synchronized @Nullable Character state(int pid) {
        try {
            return kernel.process(pid).state();
        } catch (IntrospectionException e) {
            return null;
        }
    }
}
