// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.LittleEndian;
import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.trace.call.Abi;
import dev.vitrine.introspection.trace.call.Call;
import dev.vitrine.introspection.trace.call.CallTable;
import dev.vitrine.introspection.trace.call.CapturedArguments;
import dev.vitrine.introspection.trace.call.KernelCalls;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Sees the system calls of all three ABIs where the kernel's C code takes them over, and where it
 * is about to look for signals when they are done: what they return is still theirs there.
 */
final class CallHooks {
    /** Where calls begin, and how: the first of the symbols that there is. */
    private enum Entry {
        LONG("do_syscall_64"),
        /** Takes the number from AX, with which INT 0x80 came. */
        INTERRUPT("do_int80_emulation"),
        OLD_INTERRUPT("do_int80_syscall_32"),
        /** SYSENTER, and SYSCALL of 32-bit programs. */
        FAST("__do_fast_syscall_32", "do_fast_syscall_32");

        private final List<String> symbols;

        Entry(String... symbols) {
            this.symbols = List.of(symbols);
        }
    }

    private static final String EXIT = "syscall_exit_to_user_mode";

    /**
     * Reached when a new program's arguments have been read, and the old one's memory is still
     * there.
     */
    private static final String EXEC = "begin_new_exec";

    /**
     * What lets tracers (ptrace) and filters (seccomp) have a call before it is done, and returns
     * the number of the one that is to be done, by the names that compilers give it.
     */
    private static final List<String> TRACED =
            List.of(
                    "syscall_trace_enter",
                    "syscall_trace_enter.constprop.0",
                    "syscall_trace_enter.isra.0");

    private static final int X32 = 0x4000_0000;

    /** Of thread_info.status: the call is one of the i386 ABI (asm/thread_info.h). */
    private static final int TS_COMPAT = 2;

    private static final String[] REGISTERS_64 = {"di", "si", "dx", "r10", "r8", "r9"};
    private static final String[] REGISTERS_32 = {"bx", "cx", "dx", "si", "di", "bp"};

    private final Tracer tracer;
    private final LinuxKernel kernel;
    private final TaskReader tasks;
    private final int dataLimit;
    private final CallTable table;
    private final int registersSize;
    private final int[] registers64;
    private final int[] registers32;
    private final int originalAx;
    private final int ax;
    private final int sp;
    private final long status;
    private final boolean exits;
    private final ReturnPoints returns;
    private final List<CallListener> all = new CopyOnWriteArrayList<>();
    private final Map<String, List<CallListener>> some = new ConcurrentHashMap<>();
    private final Map<Call, CallListener[]> listeners = new ConcurrentHashMap<>();

    CallHooks(Tracer tracer, LinuxKernel kernel, TaskReader tasks, int dataLimit) {
        this.tracer = tracer;
        this.kernel = kernel;
        this.tasks = tasks;
        this.dataLimit = dataLimit;
        this.table = new CallTable(new KernelCalls(kernel));
        registersSize = (int) kernel.types().size("pt_regs");
        registers64 = offsets(REGISTERS_64);
        registers32 = offsets(REGISTERS_32);
        originalAx = offset("orig_ax");
        ax = offset("ax");
        sp = offset("sp");
        status = kernel.optionalOffset("task_struct", "thread_info.status");
        exits = kernel.hasSymbol(EXIT);
        returns = new ReturnPoints(tracer, m -> returned(m, 0));
    }

    private int offset(String register) {
        return (int) kernel.member("pt_regs", register).offset();
    }

    private int[] offsets(String[] names) {
        int[] at = new int[names.length];
        for (int i = 0; i < names.length; i++) {
            at[i] = offset(names[i]);
        }
        return at;
    }

    void listen(Set<String> names, CallListener listener) {
        if (names.isEmpty()) {
            all.add(listener);
        }
        for (String n : names) {
            some.computeIfAbsent(n, x -> new CopyOnWriteArrayList<>()).add(listener);
        }
        listeners.clear();
    }

    boolean hasListeners() {
        return !all.isEmpty() || !some.isEmpty();
    }

    /** Sets the breakpoints. */
    void start() {
        for (Entry e : Entry.values()) {
            for (String symbol : e.symbols) {
                if (kernel.hasSymbol(symbol)) {
                    tracer.hook(symbol, m -> entered(m, e));
                    break;
                }
            }
        }
        for (String symbol : TRACED) {
            if (kernel.hasSymbol(symbol) && status >= 0) {
                tracer.hook(symbol, new FunctionReturns(tracer, new Changes())::entered);
            }
        }
        if (kernel.hasSymbol(EXEC)) {
            tracer.hook(EXEC, this::executes);
        }
        if (exits) {
            tracer.hook(EXIT, m -> returned(m, m.argument(0)));
        }
    }

    private CallListener[] listeners(Call call) {
        return listeners.computeIfAbsent(
                call,
                c -> {
                    List<CallListener> list = new ArrayList<>(all);
                    list.addAll(some.getOrDefault(c.name(), List.of()));
                    return list.toArray(new CallListener[0]);
                });
    }

    private void entered(Moment m, Entry e) {
        // Since 5.18 or so the registers come first; before, the number did.
        long registers = m.argument(0);
        if (e == Entry.LONG && registers >= 0) {
            registers = m.argument(1);
        }
        byte[] b = m.scratch(registersSize);
        if (!m.read(registers, b, 0, registersSize)) {
            return;
        }
        Abi abi = Abi.I386;
        int number = LittleEndian.i32(b, e == Entry.INTERRUPT ? ax : originalAx);
        if (e == Entry.LONG) {
            abi = (number & X32) != 0 && number > 0 ? Abi.X32 : Abi.X64;
            number = abi == Abi.X32 ? number & ~X32 : number;
        }
        Call call = table.get(abi, number);
        CallListener[] wanted = listeners(call);
        boolean socketCall = abi == Abi.I386 && number == CallTable.SOCKETCALL;
        if (wanted.length == 0 && !socketCall) {
            return;
        }
        long[] values = values(b, abi);
        if (e == Entry.FAST) {
            // The program has put its EBP where its stack pointer is now.
            values[5] = m.numberOr(LittleEndian.u32(b, sp), 4, 0);
        }
        boolean unread = false;
        if (socketCall) {
            Call sub = table.socketCall((int) values[0]);
            unread = sub != null && !socketArguments(m, sub, values);
            if (sub != null && !unread) {
                call = sub;
                wanted = listeners(call);
            }
        }
        if (wanted.length == 0 && !unread) {
            return;
        }
        ThreadTable.Entry thread = m.entry();
        TracedCall lost = thread.end();
        if (lost != null) {
            lost.tell(m);
        }
        begin(m, thread, new CapturedArguments(call, values), wanted, registers, m.time());
        if (!exits && thread.open() != null) {
            // A kernel without a function that all calls end in.
            returns.begins(m);
        }
    }

    private long[] values(byte[] ptRegs, Abi abi) {
        int[] at = abi == Abi.I386 ? registers32 : registers64;
        long[] values = new long[at.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = LittleEndian.i64(ptRegs, at[i]);
        }
        return values;
    }

    private void begin(
            Moment m,
            ThreadTable.Entry thread,
            CapturedArguments arguments,
            CallListener[] wanted,
            long registers,
            long began) {
        TracedCall open =
                new TracedCall(arguments, wanted, registers, began, m.vcpu(), m.cr3(), m.task());
        arguments.entered(ProcessReader.of(m, dataLimit, arguments, 0));
        open.entered(m);
        if (arguments.call().isExit()) {
            open.tell(m);
        } else {
            tasks.threads().begin(thread, open);
        }
    }

    /** A tracer may have made another call of it: what Linux does is told, not what was asked. */
    private final class Changes implements FunctionListener {
        @Override
        public Object entered(Moment at) {
            return at.argument(0);
        }

        @Override
        public void returned(Moment at, Object note) {
            changed(at, (Long) note);
        }
    }

    private void changed(Moment m, long registers) {
        int number = (int) m.result();
        byte[] b = m.scratch(registersSize);
        if (number < 0 || !m.read(registers, b, 0, registersSize)) {
            // Nothing is done: the call has the result that somebody else gives it.
            return;
        }
        Abi abi = (number & X32) != 0 ? Abi.X32 : Abi.X64;
        long[] values = values(b, abi);
        ThreadTable.Entry thread = m.entry();
        if ((m.number(thread.address + status, 4) & TS_COMPAT) != 0) {
            abi = Abi.I386;
            values = values(b, abi);
        }
        TracedCall open = thread.open();
        Call call = table.get(abi, abi == Abi.X32 ? number & ~X32 : number);
        CapturedArguments now = new CapturedArguments(call, values);
        if (open == null) {
            // Nobody wanted the call that was asked for; calls that end the thread have been told.
            if (listeners(call).length == 0 || call.isExit()) {
                return;
            }
        } else if (isSame(open, now)) {
            return;
        }
        thread.end();
        begin(m, thread, now, listeners(call), registers, open == null ? m.time() : open.began());
    }

    private static boolean isSame(TracedCall open, CapturedArguments now) {
        Call was = open.call();
        Call is = now.call();
        if (was.abi() != is.abi() || was.number() != is.number()) {
            return false;
        }
        if (is.abi() == Abi.I386 && is.number() == CallTable.SOCKETCALL) {
            // It is told as what it does, with arguments that are elsewhere.
            return true;
        }
        for (int i = 0; i < is.parameterCount(); i++) {
            if (open.arguments().value(i) != now.value(i)) {
                return false;
            }
        }
        return true;
    }

    /**
     * Puts the arguments of what socketcall does, to which its second one points, in place of its
     * own.
     *
     * @return false if they are not in memory
     */
    private static boolean socketArguments(Moment m, Call sub, long[] values) {
        int count = sub.parameterCount();
        byte[] words = new byte[4 * count];
        if (!m.read(values[1] & 0xFFFF_FFFFL, words, 0, words.length)) {
            return false;
        }
        for (int i = 0; i < count; i++) {
            values[i] = LittleEndian.u32(words, 4 * i);
        }
        return true;
    }

    /**
     * The call that a socketcall was whose arguments were not in memory when it began: the kernel
     * has brought them there.
     */
    private TracedCall late(Moment m, TracedCall open) {
        Arguments own = open.args();
        Call sub = open.name().equals("socketcall") ? table.socketCall((int) own.value(0)) : null;
        long[] values = new long[registers32.length];
        values[1] = own.value(1);
        if (sub == null || !socketArguments(m, sub, values)) {
            return open;
        }
        CapturedArguments arguments = new CapturedArguments(sub, values);
        arguments.entered(ProcessReader.of(m, dataLimit, arguments, 0));
        TracedCall call =
                new TracedCall(
                        arguments,
                        listeners(sub),
                        open.registers(),
                        open.began(),
                        open.vcpu(),
                        open.cr3(),
                        open.task());
        call.entered(m);
        return call;
    }

    /** The last moment at which execve's arguments can be looked at. */
    private void executes(Moment m) {
        TracedCall open = m.entry().open();
        if (open != null && open.name().startsWith("execve")) {
            CapturedArguments arguments = open.arguments();
            arguments.entered(ProcessReader.of(m, dataLimit, arguments, 0));
        }
    }

    /**
     * A call has been done.
     *
     * @param registers its pt_regs, or 0 if they are not at hand
     */
    private void returned(Moment m, long registers) {
        ThreadTable.Entry thread = m.entry();
        TracedCall open = thread.open();
        if (open == null || registers != 0 && registers != open.registers()) {
            return;
        }
        if (thread.end() != open) {
            // It has been told without a result, since there were too many.
            return;
        }
        open = late(m, open);
        byte[] word = m.scratch(8);
        if (!m.read(open.registers() + ax, word, 0, 8)) {
            open.tell(m);
            return;
        }
        long raw = LittleEndian.i64(word, 0);
        long result = open.call().abi() == Abi.I386 ? result32(raw) : raw;
        boolean exec = open.name().startsWith("execve");
        if (exec || open.name().equals("prctl")) {
            thread.changed();
        }
        CapturedArguments arguments = open.arguments();
        arguments.returned(ProcessReader.of(m, dataLimit, arguments, result), exec && result == 0);
        open.returned(m, m.time(), result);
    }

    /** The program sees 32 bits of it; errors are negative, addresses are not. */
    private static long result32(long raw) {
        int n = (int) raw;
        return n < 0 && n >= -4095 ? n : n & 0xFFFF_FFFFL;
    }

    /** A thread ends, maybe in the middle of a call. */
    void exited(Moment m) {
        ThreadTable.Entry thread = m.entry();
        TracedCall open = thread.end();
        thread.changed();
        if (open != null) {
            open.tell(m);
        }
    }

    /** Tells all calls that have not returned, in the order in which they began. */
    void close() {
        List<TracedCall> left = new ArrayList<>();
        for (ThreadTable.Entry e : tasks.threads().all()) {
            TracedCall open = e.end();
            if (open != null) {
                left.add(open);
            }
        }
        left.sort(Comparator.comparingLong(TracedCall::began));
        left.forEach(c -> unfinished(tracer, c));
    }

    /** Tells a call whose end is not seen. */
    private static void unfinished(Tracer tracer, TracedCall call) {
        try {
            call.tell(null);
        } catch (IntrospectionException e) {
            tracer.problem(e);
        }
    }

    /** Tells a call whose end will not be seen, though it may come, and that this is so. */
    static void drop(Tracer tracer, TracedCall call) {
        unfinished(tracer, call);
        tracer.problem(
                new IntrospectionException(
                        "More threads are in system calls at a time than can be followed, so that"
                                + " results of some are not seen."));
    }
}
