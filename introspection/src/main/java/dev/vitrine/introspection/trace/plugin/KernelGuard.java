// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.hypervisor.InstalledHook;
import dev.vitrine.hypervisor.Subscription;
import dev.vitrine.introspection.LittleEndian;
import dev.vitrine.introspection.MappedRange;
import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.trace.Address;
import dev.vitrine.introspection.trace.FunctionListener;
import dev.vitrine.introspection.trace.Moment;
import dev.vitrine.introspection.trace.TraceContext;
import dev.vitrine.introspection.trace.plugin.KernelCode.Module;
import dev.vitrine.introspection.trace.plugin.RootkitPlugin.Finding;
import dev.vitrine.processor.Interception;
import dev.vitrine.processor.Registers;

import org.jspecify.annotations.Nullable;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Watches the kernel from the first process on, and looks at all of it when the trace ends. */
final class KernelGuard {
    private static final int PAGE = 4096;
    private static final int GATE = 16;
    private static final int MAX_FOUND = 1 << 14;
    private static final int TEXT = 128;

    /** What has been found by looking. */
    private static final String CHECK = "check";

    /** What Vitrine itself has written, for somebody who looks at the guest. */
    private static final String OUTSIDE = "outside";

    // SDM volume 4, table 2-2
    private static final int SYSENTER_EIP = 0x176;
    private static final int LSTAR = 0xC000_0082;
    private static final int CSTAR = 0xC000_0083;

    private static final long CR0_WP = 1 << 16;
    private static final long CR0_PG = 1L << 31;
    private static final long CR4_SMEP = 1 << 20;
    private static final long CR4_SMAP = 1 << 21;

    /** Where each of the MSRs leads, by the names that kernels have for it. */
    private static final Map<Integer, List<String>> ENTRIES =
            Map.of(
                    LSTAR, List.of("entry_SYSCALL_64"),
                    CSTAR,
                            List.of(
                                    "entry_SYSCALL_compat",
                                    "ignore_sysret",
                                    "entry_SYSCALL32_ignore"),
                    SYSENTER_EIP, List.of("entry_SYSENTER_compat"));

    private static final Map<Integer, String> NAMES =
            Map.of(LSTAR, "IA32_LSTAR", CSTAR, "IA32_CSTAR", SYSENTER_EIP, "IA32_SYSENTER_EIP");

    /** A module whose code is watched. */
    private record Watched(Module module, GuardedMemory memory, InstalledHook hook) {}

    /** Where a pointer led, and whose code that was. */
    private record Pointer(long to, @Nullable String owner) {}

    private final TraceContext context;
    private final LinuxKernel kernel;
    private final KernelCode code;
    private final PatchSites sites;
    private final ProcPointers proc;
    private final long dataFrom;
    private final long dataTo;
    private final long interruptTable;
    private final Map<String, long[]> callTables = new LinkedHashMap<>();
    private final long operationFunction;
    private final long probeSymbol;
    private final long probeOffset;
    private final long probeAddress;
    private final long[] probeHandlers;
    private final Set<Object> found = ConcurrentHashMap.newKeySet();
    private final Map<Long, Watched> modules = new ConcurrentHashMap<>();

    /** Where the functions of /proc led when they were first seen, by place and address. */
    private final Map<String, Pointer> pointers = new ConcurrentHashMap<>();

    /** Pages that were a module's: they may be mapped for a moment after it is gone. */
    private final Set<Long> formerPages = ConcurrentHashMap.newKeySet();

    private @Nullable GuardedMemory text;
    private @Nullable GuardedMemory data;
    private @Nullable GuardedMemory interrupts;
    private boolean begun;

    KernelGuard(TraceContext context, LinuxKernel k) {
        this.context = context;
        kernel = k;
        code = new KernelCode(k);
        sites = new PatchSites(k, code);
        proc = new ProcPointers(k);
        dataFrom = k.resolve("__start_rodata");
        dataTo = k.resolve("__end_rodata");
        interruptTable = k.resolve("idt_table");
        for (String t :
                new String[] {"sys_call_table", "ia32_sys_call_table", "x32_sys_call_table"}) {
            if (k.hasSymbol(t)) {
                long from = k.resolve(t);
                callTables.put(t, new long[] {from, tableEnd(k, from)});
            }
        }
        boolean ftrace = k.types().member("ftrace_ops", "func") != null;
        operationFunction = ftrace ? k.member("ftrace_ops", "func").offset() : -1;
        probeSymbol = k.member("kprobe", "symbol_name").offset();
        probeOffset = k.member("kprobe", "offset").offset();
        probeAddress = k.member("kprobe", "addr").offset();
        probeHandlers =
                new long[] {
                    k.member("kprobe", "pre_handler").offset(),
                    k.member("kprobe", "post_handler").offset()
                };
    }

    /** A table ends where the next symbol is. */
    private static long tableEnd(LinuxKernel k, long from) {
        return k.kernelSymbols().all().stream()
                .mapToLong(s -> s.address())
                .filter(a -> a > from)
                .min()
                .orElse(from);
    }

    // ------------------------------------------------------------------------ beginning

    /** The first process begins: what is read-only from now on is looked at and watched. */
    synchronized void begin(Moment m) {
        if (begun) {
            return;
        }
        begun = true;
        sites.read(m);
        GuardedMemory t = GuardedMemory.of(m, code.from(), code.to());
        GuardedMemory d = GuardedMemory.of(m, dataFrom, dataTo);
        GuardedMemory i = GuardedMemory.of(m, interruptTable, interruptTable + PAGE);
        text = t;
        data = d;
        interrupts = i;
        context.onWrites(
                t.start(),
                t.length(),
                (n, page, outside) -> compare(n, "kernel_text", t, page, by(n, outside)));
        context.onWrites(
                d.start(), d.length(), (n, page, outside) -> data(n, d, page, by(n, outside)));
        context.onWrites(
                i.start(),
                i.length(),
                (n, page, outside) -> interrupts(n, i, page, by(n, outside)));
        for (Module x : code.modules(m)) {
            watch(m, x);
        }
        context.onReturn(
                "do_init_module",
                new FunctionListener() {
                    @Override
                    public Object entered(Moment n) {
                        watch(n, code.module(n, n.argument(0)));
                        return n;
                    }

                    @Override
                    public void returned(Moment n, Object note) {
                        changeable(n);
                    }
                });
        context.onFunction(
                "free_module",
                n -> {
                    // It takes back now what it has changed, or has just done so.
                    gone(n, n.argument(0));
                    changeable(n);
                });
        context.onFreshCode(this::executed);
        context.onRegisters(
                Subscription.NONE
                        .msr(LSTAR, true)
                        .msr(CSTAR, true)
                        .msr(SYSENTER_EIP, true)
                        .descriptors()
                        .controlRegister(0, true, true, ~CR0_WP)
                        .controlRegister(4, true, true, ~(CR4_SMEP | CR4_SMAP)),
                this::register);
        if (kernel.hasSymbol("register_kprobe")) {
            context.onFunction("register_kprobe", n -> probe(n, n.argument(0)));
        }
        if (operationFunction >= 0 && kernel.hasSymbol("ftrace_startup")) {
            context.onFunction("ftrace_startup", n -> tracer(n, n.argument(0)));
        }
        look(m);
        context.onEnd(this::end);
    }

    private void watch(Moment m, Module x) {
        sites.module(m, x.address());
        long[] r = x.ranges().isEmpty() ? new long[] {0, 0} : x.ranges().getFirst();
        // What it begins with is freed without a word, by another thread.
        x.ranges().stream().skip(1).forEach(this::former);
        for (long p = r[0] & -PAGE; p < r[0] + r[1]; p += PAGE) {
            formerPages.remove(p);
        }
        if (r[1] == 0) {
            return;
        }
        GuardedMemory memory = GuardedMemory.of(m, r[0], r[0] + r[1]);
        InstalledHook hook =
                context.onWrites(
                        r[0],
                        r[1],
                        (n, page, outside) -> {
                            Watched w = modules.get(x.address());
                            if (w != null) {
                                compare(n, "module_text", w.memory, page, by(n, outside));
                            }
                        });
        Watched before = modules.put(x.address(), new Watched(x, memory, hook));
        if (before != null) {
            before.hook.close();
        }
    }

    private void gone(Moment m, long module) {
        Watched w = modules.remove(module);
        if (w != null) {
            w.hook.close();
            w.module.ranges().forEach(this::former);
        }
    }

    private void former(long[] range) {
        for (long p = range[0] & -PAGE; p < range[0] + range[1]; p += PAGE) {
            if (formerPages.size() < MAX_FOUND) {
                formerPages.add(p);
            }
        }
    }

    // --------------------------------------------------------------------------- writes

    private String by(Moment m) {
        return m.inUserMode() ? "a program" : code.place(m, m.instructionPointer());
    }

    private String by(Moment m, boolean outside) {
        return outside ? OUTSIDE : by(m);
    }

    /** Who has called the function that is about to begin. */
    private String caller(Moment m) {
        return code.place(m, m.pointer(m.register(Registers.RSP)));
    }

    private void compare(Moment m, String finding, GuardedMemory memory, long page, String by) {
        memory.compare(
                m,
                page,
                (at, content, index) -> sites.explained(m, at),
                (at, old, now, content, index) -> {
                    int first = content[index] & 0xFF;
                    boolean jump = (first == 0xE8 || first == 0xE9) && index + 5 <= content.length;
                    long to = jump ? at + 5 + LittleEndian.i32(content, index + 1) : 0;
                    tell(m, finding, code.place(m, at), at, old, now, to, by);
                });
    }

    private void data(Moment m, GuardedMemory d, long page, String by) {
        d.compare(
                m,
                page,
                (at, content, index) -> 0,
                (at, old, now, content, index) -> {
                    for (Map.Entry<String, long[]> t : callTables.entrySet()) {
                        long[] range = t.getValue();
                        if (at - range[0] >= 0 && at < range[1]) {
                            long entry = at - range[0] & -8L;
                            String place = t.getKey() + "[" + entry / 8 + "]";
                            long to = m.pointer(range[0] + entry);
                            // The check at the end need not tell it again.
                            found.add(place + to);
                            tell(m, "system_call_table", place, range[0] + entry, old, now, to, by);
                            return;
                        }
                    }
                    tell(m, "kernel_data", code.place(m, at), at, old, now, 0, by);
                });
    }

    private void interrupts(Moment m, GuardedMemory i, long page, String by) {
        i.compare(
                m,
                page,
                (at, content, index) -> 0,
                (at, old, now, content, index) -> {
                    long gate = interruptTable + (at - interruptTable & -GATE);
                    String place = "idt_table[" + (gate - interruptTable) / GATE + "]";
                    found.add(place + handler(m, gate));
                    tell(m, "interrupt_table", place, gate, old, now, handler(m, gate), by);
                });
    }

    /** SDM volume 3, 6.14.1. */
    private static long handler(Moment m, long gate) {
        return m.number(gate, 2) | m.number(gate + 6, 2) << 16 | m.number(gate + 8, 4) << 32;
    }

    // ------------------------------------------------------------------------ registers

    private void register(Moment m, Interception what) {
        switch (what) {
            case Interception.MsrWrite w -> entry(m, w.msr(), w.value(), w.old(), by(m));
            case Interception.DescriptorAccess d -> {
                if (d.write() && d.table() == Interception.DescriptorTable.IDTR) {
                    // Behind the limit.
                    table(m, m.pointer(d.linear() + 2), hex(m.registers().idt().base()), by(m));
                }
            }
            case Interception.ControlRegisterWrite c -> {
                long guarded = c.register() == 0 ? CR0_WP : CR4_SMEP | CR4_SMAP;
                // Without paging there is nothing to protect: a processor begins or ends.
                boolean paging = c.register() == 0 ? (c.value() & CR0_PG) != 0 : true;
                long cleared = c.old() & ~c.value() & guarded;
                if (cleared != 0 && paging) {
                    String name =
                            c.register() == 0
                                    ? "CR0.WP"
                                    : cleared == CR4_SMEP
                                            ? "CR4.SMEP"
                                            : cleared == CR4_SMAP ? "CR4.SMAP" : "CR4.SMEP|SMAP";
                    emit(
                            m,
                            new Finding(
                                    "register",
                                    name,
                                    new Address(c.register()),
                                    hex(c.old()),
                                    hex(c.value()),
                                    null,
                                    null,
                                    by(m)));
                }
            }
            default -> {
                // Nothing else has been subscribed to.
            }
        }
    }

    private void entry(Moment m, int msr, long value, @Nullable Long old, String by) {
        if (value == 0 || isEntry(m, msr, value)) {
            return;
        }
        String name = NAMES.getOrDefault(msr, "");
        if (found.add(name + value) && found.size() < MAX_FOUND) {
            tell(
                    m,
                    "register",
                    name,
                    msr & 0xFFFF_FFFFL,
                    old == null ? null : hex(old),
                    hex(value),
                    value,
                    by);
        }
    }

    private void table(Moment m, long base, @Nullable String old, String by) {
        // The processor uses it by another address, where programs may see it, too.
        if (m.translate(base) != m.translate(interruptTable)
                && found.size() < MAX_FOUND
                && found.add("IDTR" + base)) {
            emit(
                    m,
                    new Finding(
                            "register", "IDTR", new Address(0), old, hex(base), null, null, by));
        }
    }

    private boolean isEntry(Moment m, int msr, long value) {
        String place = code.place(m, value);
        // Under Xen some kernels enter elsewhere, by names of their own.
        return ENTRIES.getOrDefault(msr, List.of()).stream()
                .anyMatch(name -> place.equals(name) || place.startsWith("xen_" + name));
    }

    private static String hex(long n) {
        return "0x" + Long.toHexString(n);
    }

    // ---------------------------------------------------------------------------- hooks

    private void probe(Moment m, long probe) {
        long name = m.pointer(probe + probeSymbol);
        long address = m.pointer(probe + probeAddress);
        long offset = m.number(probe + probeOffset, 4);
        String symbol = name == 0 ? "" : m.text(name, TEXT);
        if (address == 0) {
            address = code.address(symbol) + offset;
        }
        long handler = m.pointer(probe + probeHandlers[0]);
        if (handler == 0) {
            handler = m.pointer(probe + probeHandlers[1]);
        }
        String place =
                name == 0
                        ? code.place(m, address)
                        : symbol + (offset == 0 ? "" : "+" + hex(offset));
        tell(m, "kprobe", place, address, null, null, handler, caller(m));
    }

    private void tracer(Moment m, long operations) {
        long function = m.pointer(operations + operationFunction);
        String owner = code.owner(m, function);
        // The kernel's own tracers are somebody's who looks, and changes nothing.
        if (!KernelCode.KERNEL.equals(owner)) {
            tell(
                    m,
                    "ftrace",
                    code.place(m, operations),
                    operations,
                    null,
                    null,
                    function,
                    caller(m));
        }
    }

    private void executed(Moment m, long linear) {
        if (m.inUserMode() || linear >= 0 || !code.knowsAll() || code.inText(linear)) {
            return;
        }
        if (code.owner(m, linear) == null
                && found.size() < MAX_FOUND
                && found.add(linear & -PAGE)) {
            tell(m, "hidden_code", hex(linear), linear, null, null, 0, by(m));
        }
    }

    // --------------------------------------------------------------------------- checks

    /** Looks at what cannot be watched. */
    private void look(Moment m) {
        Registers r = m.registers();
        entry(m, LSTAR, r.lstar(), null, CHECK);
        entry(m, CSTAR, r.cstar(), null, CHECK);
        entry(m, SYSENTER_EIP, r.sysenterEip(), null, CHECK);
        table(m, r.idt().base(), null, CHECK);
        for (int n = 0; n < PAGE / GATE; n++) {
            leads(
                    m,
                    "interrupt_table",
                    "idt_table[" + n + "]",
                    interruptTable + n * GATE,
                    handler(m, interruptTable + n * GATE));
        }
        callTables.forEach((name, range) -> {
            for (long at = range[0]; at + 8 <= range[1]; at += 8) {
                long to = m.pointer(at);
                if (to != 0) {
                    leads(m, "system_call_table", name + "[" + (at - range[0]) / 8 + "]", at, to);
                }
            }
        });
        changeable(m);
        hidden(m);
    }

    /**
     * Looks at what the kernel itself writes to, so that nobody can watch it: the functions of
     * /proc, and the list of modules.
     */
    private void changeable(Moment m) {
        List<Module> listed = code.modules(m);
        for (Watched w : modules.values()) {
            Module x = w.module;
            long[] range = x.ranges().getFirst();
            if (listed.stream().noneMatch(y -> y.address() == x.address())
                    && found.add("module" + x.address() + x.name())) {
                tell(m, "hidden_module", x.name(), range[0], null, null, 0, CHECK);
            }
        }
        // Last, since what a guest has made of its trees may be unreadable.
        proc.walk(m, (name, at, to) -> function(m, name, at, to));
    }

    /** A function of /proc: what was the kernel's or a module's stays with whom it was. */
    private void function(Moment m, String name, long at, long to) {
        Pointer now = new Pointer(to, code.inText(to) ? KernelCode.KERNEL : code.owner(m, to));
        Pointer before = pointers.size() < MAX_FOUND ? pointers.put(name + at, now) : null;
        if (before == null) {
            if (now.owner == null && found.add(name + to)) {
                tell(m, "function_pointer", name, at, null, null, to, CHECK);
            }
        } else if (before.to != to && !Objects.equals(before.owner, now.owner)) {
            tell(m, "function_pointer", name, at, hex(before.to), hex(to), to, CHECK);
        }
    }

    private void leads(Moment m, String finding, String place, long at, long to) {
        if (to != 0 && !code.inText(to) && code.owner(m, to) == null && found.add(place + to)) {
            tell(m, finding, place, at, null, null, to, CHECK);
        }
    }

    /** Executable pages among the modules' that nobody has listed. */
    private void hidden(Moment m) {
        if (!code.knowsAll()) {
            return;
        }
        List<MappedRange> mapped;
        synchronized (kernel.space()) {
            kernel.space().flush();
            long from = code.behindImage();
            mapped = kernel.space().mapped(from, KernelCode.MODULES_END - from);
        }
        for (MappedRange r : mapped) {
            for (long p = r.start(); r.executable() && p < r.end(); p += PAGE) {
                if (found.size() < MAX_FOUND
                        && code.owner(m, p) == null
                        && !formerPages.contains(p)
                        && found.add(p)) {
                    tell(m, "hidden_code", hex(p), p, null, null, 0, CHECK);
                }
            }
        }
    }

    private void end(Moment m) {
        GuardedMemory t = text;
        GuardedMemory d = data;
        GuardedMemory i = interrupts;
        if (t == null || d == null || i == null) {
            return;
        }
        t.compare(
                m,
                (at, content, index) -> sites.explained(m, at),
                (at, old, now, content, index) ->
                        tell(m, "kernel_text", code.place(m, at), at, old, now, 0, CHECK));
        for (long page = d.start() & -PAGE; page < d.start() + d.length(); page += PAGE) {
            data(m, d, page, CHECK);
        }
        interrupts(m, i, interruptTable, CHECK);
        modules.forEach((module, w) -> {
            for (long p = w.memory.start() & -PAGE;
                    p < w.memory.start() + w.memory.length();
                    p += PAGE) {
                compare(m, "module_text", w.memory, p, CHECK);
            }
        });
        look(m);
    }

    // --------------------------------------------------------------------------- events

    private void tell(
            Moment m,
            String finding,
            String place,
            long address,
            @Nullable String old,
            @Nullable String now,
            long target,
            String by) {
        String owner = target == 0 ? null : code.owner(m, target);
        emit(
                m,
                new Finding(
                        finding,
                        place,
                        new Address(address),
                        old,
                        now,
                        target == 0 ? null : code.place(m, target),
                        owner,
                        by));
    }

    private void emit(Moment m, Finding f) {
        context.emit(m, f);
    }
}
