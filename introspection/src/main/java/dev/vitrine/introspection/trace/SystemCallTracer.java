// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace;

import dev.vitrine.hypervisor.Domain;
import dev.vitrine.hypervisor.InstalledHook;
import dev.vitrine.introspection.AddressSpace;
import dev.vitrine.introspection.Breakpoints;
import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.PhysicalMemory;
import dev.vitrine.introspection.Target;
import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.linux.SymbolFile;
import dev.vitrine.processor.Processor;
import dev.vitrine.processor.Registers;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * Sees all system calls of 64-bit Linux, from the first one of the first process on. The kernel is
 * found when that comes; until then nothing is known and nothing is lost.
 *
 * <p>The kernel's {@code do_syscall_64} is where all calls by SYSCALL pass, and the address behind
 * its call is where those that return do. Which belong together tells the place of the kernel's
 * stack, which each thread has its own of.
 */
public final class SystemCallTracer implements AutoCloseable {
    private static final String ENTRY = "do_syscall_64";
    private static final int X32 = 0x4000_0000;
    private static final int POLL_MILLIS = 10;
    private static final int COMM = 16;

    private final Domain domain;
    private final List<SymbolFile> files;
    private final Consumer<SystemCall> sink;
    private final Consumer<String> failed;
    private final Breakpoints points;
    private final PhysicalMemory memory;
    private final Thread waiting;
    private final AtomicLong sequence = new AtomicLong();

    /** Calls that have not returned, by the stack pointer at which they will. */
    private final Map<Long, Open> open = new ConcurrentHashMap<>();

    private final Set<Long> returns = ConcurrentHashMap.newKeySet();

    /** For each processor the address space that it was in last. */
    private final Map<Processor, Space> spaces = new ConcurrentHashMap<>();

    private volatile @Nullable Layout layout;
    private volatile boolean closed;
    private volatile @Nullable InstalledHook first;

    private record Space(long cr3, AddressSpace tables) {}

    private record Open(SystemCall call, long registers) {}

    /**
     * Traces a domain, which may not have begun to run.
     *
     * @param files symbol files for what the kernel does not tell itself; may be empty
     * @param sink gets the calls, in the order in which they end, on the threads of the vCPUs
     * @param failed gets a sentence if the guest is no Linux that can be traced
     */
    public SystemCallTracer(
            Domain domain,
            List<SymbolFile> files,
            Consumer<SystemCall> sink,
            Consumer<String> failed) {
        this.domain = domain;
        this.files = files;
        this.sink = sink;
        this.failed = failed;
        this.points = Breakpoints.of(domain);
        this.memory = Target.of(domain).memory();
        this.waiting = new Thread(this::await, "tracer of " + domain.name());
        waiting.setDaemon(true);
        waiting.start();
    }

    // --------------------------------------------------------------- finding the kernel

    /**
     * Linux sets IA32_LSTAR seconds before its first process runs. The domain is not paused to look
     * at it: under the virtual clock its interrupts would come at other instructions. What is read
     * while the vCPU runs need not fit together, but LSTAR stays, and is mapped in every process.
     */
    private void await() {
        try {
            while (!closed && !domain.stopped().isDone()) {
                Registers r = domain.vcpu(0).registers();
                if (r.lstar() != 0 && AddressSpace.is64Bit(r)) {
                    AddressSpace space = AddressSpace.of(memory, r);
                    if (space.translate(r.lstar()) >= 0) {
                        InstalledHook hook = points.set(space, r.lstar(), this::entered);
                        first = hook;
                        if (layout != null) {
                            hook.close();
                        }
                        return;
                    }
                }
                Thread.sleep(POLL_MILLIS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** The first system call: now there is a kernel. */
    private synchronized void entered(Processor p) {
        if (layout != null || closed) {
            return;
        }
        try {
            Target here = Target.of(memory, List.of(p.state()));
            LinuxKernel kernel = LinuxKernel.attach(here, files);
            layout = new Layout(kernel);
            points.set(kernel.space(), kernel.resolve(ENTRY), this::called);
        } catch (IntrospectionException e) {
            closed = true;
            failed.accept(String.valueOf(e.getMessage()));
        }
        InstalledHook hook = first;
        if (hook != null) {
            hook.close();
        }
    }

    /** Where things are in this kernel. */
    private static final class Layout {
        final SystemCallTable table;
        final long[] arguments;
        final long number;
        final long result;
        final long currentTask;
        final long processor;
        final long pid;
        final long tgid;
        final long parent;
        final long comm;
        final long cred;
        final long euid;

        Layout(LinuxKernel k) {
            table = new SystemCallTable(k);
            String[] names = {"di", "si", "dx", "r10", "r8", "r9"};
            arguments = new long[names.length];
            for (int i = 0; i < names.length; i++) {
                arguments[i] = k.member("pt_regs", names[i]).offset();
            }
            number = k.member("pt_regs", "orig_ax").offset();
            result = k.member("pt_regs", "ax").offset();
            pid = k.member("task_struct", "pid").offset();
            tgid = k.member("task_struct", "tgid").offset();
            parent = k.member("task_struct", "real_parent").offset();
            comm = k.member("task_struct", "comm").offset();
            cred = k.member("task_struct", "cred").offset();
            euid = k.member("cred", "euid").offset();
            // Both are offsets in the memory of a processor, which GS points to.
            currentTask =
                    k.hasSymbol("current_task")
                            ? k.resolve("current_task")
                            : k.resolve("pcpu_hot") + k.member("pcpu_hot", "current_task").offset();
            processor =
                    k.hasSymbol("cpu_number")
                            ? k.resolve("cpu_number")
                            : k.hasSymbol("pcpu_hot")
                                    ? k.resolve("pcpu_hot")
                                            + k.member("pcpu_hot", "cpu_number").offset()
                                    : -1;
        }
    }

    // ------------------------------------------------------------------------- calls

    private AddressSpace space(Processor p, Registers r) {
        Space s = spaces.get(p);
        if (s != null && s.cr3 == r.cr3()) {
            s.tables.flush();
            return s.tables;
        }
        AddressSpace now = AddressSpace.of(memory, r);
        spaces.put(p, new Space(r.cr3(), now));
        return now;
    }

    private void called(Processor p) {
        Layout l = layout;
        if (l == null || closed) {
            return;
        }
        Registers r = p.state();
        AddressSpace space = space(p, r);
        // Since 5.18 or so the registers come first; before, the number did.
        long a = r.general(Registers.RDI);
        long registers = a < 0 ? a : r.general(Registers.RSI);
        long stack = r.general(Registers.RSP);
        Long back = GuestTexts.number(space, stack);
        Long number = GuestTexts.number(space, registers + l.number);
        if (back == null || number == null) {
            return;
        }
        if (returns.add(back)) {
            points.set(space, back, this::returned);
        }
        SystemCall call = call(l, space, r, registers, number.intValue());
        if (call.name().equals("exit") || call.name().equals("exit_group")) {
            sink.accept(call);
        } else {
            Open lost = open.put(stack + 8, new Open(call, registers));
            if (lost != null) {
                // Its thread ended in the kernel, and another one has its stack.
                sink.accept(lost.call);
            }
        }
    }

    private SystemCall call(Layout l, AddressSpace space, Registers r, long registers, int number) {
        long gs = r.segment(Registers.GS).base();
        Long task = GuestTexts.number(space, gs + l.currentTask);
        long t = task == null ? 0 : task;
        Long parent = GuestTexts.number(space, t + l.parent);
        Long cred = GuestTexts.number(space, t + l.cred);
        String comm = GuestTexts.text(space, t + l.comm, COMM);
        boolean x32 = (number & X32) != 0;
        SystemCallTable.Entry entry = l.table.get(number & ~X32);
        return new SystemCall(
                sequence.getAndIncrement(),
                domain.clock().now(),
                l.processor < 0 ? -1 : GuestTexts.number32(space, gs + l.processor),
                r.cr3(),
                GuestTexts.number32(space, t + l.tgid),
                GuestTexts.number32(space, t + l.pid),
                parent == null ? 0 : GuestTexts.number32(space, parent + l.tgid),
                cred == null ? 0 : GuestTexts.number32(space, cred + l.euid) & 0xFFFF_FFFFL,
                comm == null ? "" : comm,
                x32 ? "x32" : "x64",
                number & ~X32,
                entry.name(),
                arguments(l, space, registers, entry),
                null,
                0);
    }

    private static List<SystemCall.Argument> arguments(
            Layout l, AddressSpace space, long registers, SystemCallTable.Entry entry) {
        List<SystemCallTable.Parameter> parameters = entry.parameters();
        int count = parameters == null ? l.arguments.length : parameters.size();
        List<SystemCall.Argument> list = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            Long n = GuestTexts.number(space, registers + l.arguments[i]);
            long value = n == null ? 0 : n;
            if (parameters == null) {
                list.add(new SystemCall.Argument("a" + i, "unsigned long", value, null));
            } else {
                SystemCallTable.Parameter p = parameters.get(i);
                list.add(
                        new SystemCall.Argument(
                                p.name(),
                                p.type(),
                                sized(p.type(), value),
                                texts(p, space, value)));
            }
        }
        return list;
    }

    /** The kernel looks at as much of the register as the type has. */
    private static long sized(String type, long value) {
        return switch (type) {
            case "int",
                    "pid_t",
                    "key_serial_t",
                    "clockid_t",
                    "timer_t",
                    "mqd_t",
                    "rwf_t",
                    "__s32" ->
                    (int) value;
            case "unsigned int", "unsigned", "uid_t", "gid_t", "u32", "__u32", "qid_t" ->
                    value & 0xFFFF_FFFFL;
            case "umode_t" -> value & 0xFFFF;
            default -> value;
        };
    }

    private static @Nullable List<String> texts(
            SystemCallTable.Parameter p, AddressSpace space, long value) {
        String type = p.type().replace(" ", "");
        if (value == 0) {
            return null;
        }
        if (type.equals("constchar*const*")) {
            return GuestTexts.vector(space, value);
        }
        // What write() and its like have in their buffers is no text with an end.
        if (type.equals("constchar*") && !p.name().contains("buf")) {
            String s = GuestTexts.text(space, value);
            return s == null ? null : List.of(s);
        }
        return null;
    }

    private void returned(Processor p) {
        Layout l = layout;
        Open o = open.remove(p.gpr(Registers.RSP));
        if (o == null || l == null || closed) {
            return;
        }
        Registers r = p.state();
        Long result = GuestTexts.number(space(p, r), o.registers + l.result);
        sink.accept(result == null ? o.call : o.call.returned(result, domain.clock().now()));
    }

    /** Ends the trace; calls that have not returned are told without a result. */
    @Override
    public void close() {
        closed = true;
        waiting.interrupt();
        points.close();
        open.values().stream()
                .map(Open::call)
                .sorted(Comparator.comparingLong(SystemCall::sequence))
                .forEach(sink);
        open.clear();
    }
}
