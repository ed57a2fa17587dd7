// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.hypervisor.InstalledHook;
import dev.vitrine.introspection.LittleEndian;
import dev.vitrine.introspection.MappedRange;
import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.trace.FunctionListener;
import dev.vitrine.introspection.trace.Moment;
import dev.vitrine.introspection.trace.TraceContext;
import dev.vitrine.introspection.trace.plugin.LoadedModules.Module;

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

    /** A module whose code is watched. */
    private record Watched(Module module, GuardedMemory memory, InstalledHook hook) {}

    /** Where a pointer led, and whose code that was. */
    private record Pointer(long to, @Nullable String owner) {}

    private final TraceContext context;
    private final LinuxKernel kernel;
    private final KernelCode code;
    private final Findings findings;
    private final RegisterGuard registers;
    private final HookGuard hooks;
    private final PatchSites sites;
    private final ProcPointers proc;
    private final long dataFrom;
    private final long dataTo;
    private final long interruptTable;
    private final Map<String, long[]> callTables = new LinkedHashMap<>();
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
        findings = new Findings(context, code);
        sites = new PatchSites(k, code);
        proc = new ProcPointers(k);
        dataFrom = k.resolve("__start_rodata");
        dataTo = k.resolve("__end_rodata");
        interruptTable = k.resolve("idt_table");
        registers = new RegisterGuard(findings, code, interruptTable);
        hooks = new HookGuard(findings, k, code);
        for (String t :
                new String[] {"sys_call_table", "ia32_sys_call_table", "x32_sys_call_table"}) {
            if (k.hasSymbol(t)) {
                long from = k.resolve(t);
                callTables.put(t, new long[] {from, tableEnd(k, from)});
            }
        }
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
                (n, page, outside) -> compare(n, "kernel_text", t, page, findings.by(n, outside)));
        context.onWrites(
                d.start(),
                d.length(),
                (n, page, outside) -> data(n, d, page, findings.by(n, outside)));
        context.onWrites(
                i.start(),
                i.length(),
                (n, page, outside) -> interrupts(n, i, page, findings.by(n, outside)));
        for (Module x : code.modules().all(m)) {
            watch(m, x);
        }
        context.onReturn(
                "do_init_module",
                new FunctionListener() {
                    @Override
                    public Object entered(Moment n) {
                        watch(n, code.modules().module(n, n.argument(0)));
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
        registers.begin(context);
        hooks.begin(context);
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
                                compare(n, "module_text", w.memory, page, findings.by(n, outside));
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

    private void compare(Moment m, String finding, GuardedMemory memory, long page, String by) {
        memory.compare(
                m,
                page,
                (at, content, index) -> sites.explained(m, at),
                (at, old, now, content, index) -> {
                    int first = content[index] & 0xFF;
                    boolean jump = (first == 0xE8 || first == 0xE9) && index + 5 <= content.length;
                    long to = jump ? at + 5 + LittleEndian.i32(content, index + 1) : 0;
                    findings.tell(m, finding, code.place(m, at), at, old, now, to, by);
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
                            findings.known(place + to);
                            findings.tell(
                                    m,
                                    "system_call_table",
                                    place,
                                    range[0] + entry,
                                    old,
                                    now,
                                    to,
                                    by);
                            return;
                        }
                    }
                    findings.tell(m, "kernel_data", code.place(m, at), at, old, now, 0, by);
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
                    findings.known(place + handler(m, gate));
                    findings.tell(
                            m, "interrupt_table", place, gate, old, now, handler(m, gate), by);
                });
    }

    /** SDM volume 3, 6.14.1. */
    private static long handler(Moment m, long gate) {
        return m.number(gate, 2) | m.number(gate + 6, 2) << 16 | m.number(gate + 8, 4) << 32;
    }

    private void executed(Moment m, long linear) {
        if (m.inUserMode() || linear >= 0 || !code.knowsAll() || code.inText(linear)) {
            return;
        }
        if (code.owner(m, linear) == null && findings.isNew(linear & -PAGE)) {
            findings.tell(
                    m, "hidden_code", Findings.hex(linear), linear, null, null, 0, findings.by(m));
        }
    }

    // --------------------------------------------------------------------------- checks

    /** Looks at what cannot be watched. */
    private void look(Moment m) {
        registers.look(m);
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
        List<Module> listed = code.modules().all(m);
        for (Watched w : modules.values()) {
            Module x = w.module;
            long[] range = x.ranges().getFirst();
            if (listed.stream().noneMatch(y -> y.address() == x.address())
                    && findings.isNew("module" + x.address() + x.name())) {
                findings.tell(
                        m, "hidden_module", x.name(), range[0], null, null, 0, Findings.CHECK);
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
            if (now.owner == null && findings.isNew(name + to)) {
                findings.tell(m, "function_pointer", name, at, null, null, to, Findings.CHECK);
            }
        } else if (before.to != to && !Objects.equals(before.owner, now.owner)) {
            findings.tell(
                    m,
                    "function_pointer",
                    name,
                    at,
                    Findings.hex(before.to),
                    Findings.hex(to),
                    to,
                    Findings.CHECK);
        }
    }

    private void leads(Moment m, String finding, String place, long at, long to) {
        if (to != 0
                && !code.inText(to)
                && code.owner(m, to) == null
                && findings.isNew(place + to)) {
            findings.tell(m, finding, place, at, null, null, to, Findings.CHECK);
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
                if (code.owner(m, p) == null && !formerPages.contains(p) && findings.isNew(p)) {
                    findings.tell(
                            m, "hidden_code", Findings.hex(p), p, null, null, 0, Findings.CHECK);
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
                        findings.tell(
                                m,
                                "kernel_text",
                                code.place(m, at),
                                at,
                                old,
                                now,
                                0,
                                Findings.CHECK));
        for (long page = d.start() & -PAGE; page < d.start() + d.length(); page += PAGE) {
            data(m, d, page, Findings.CHECK);
        }
        interrupts(m, i, interruptTable, Findings.CHECK);
        modules.forEach((module, w) -> {
            for (long p = w.memory.start() & -PAGE;
                    p < w.memory.start() + w.memory.length();
                    p += PAGE) {
                compare(m, "module_text", w.memory, p, Findings.CHECK);
            }
        });
        look(m);
    }
}
