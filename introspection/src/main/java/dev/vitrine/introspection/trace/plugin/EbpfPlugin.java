// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.trace.Event;
import dev.vitrine.introspection.trace.Moment;
import dev.vitrine.introspection.trace.TraceContext;
import dev.vitrine.introspection.trace.TracePlugin;
import dev.vitrine.introspection.trace.TracedCall;
import dev.vitrine.introspection.trace.call.BpfNames;
import dev.vitrine.introspection.trace.call.ErrorNames;
import dev.vitrine.introspection.trace.plugin.BpfObjects.Program;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** BPF programs and maps, and what programs are attached to. */
public final class EbpfPlugin implements TracePlugin {
    /**
     * Something happens to a BPF program.
     *
     * @param operation load; unload, when nothing holds it any more; attach; detach; pin; kept,
     *     when the process that has loaded it has been gone for a second, or the trace ends, and it
     *     is still there
     * @param program its number, as bpftool has it; 0 if it is not known
     * @param name its name
     * @param type such as BPF_PROG_TYPE_KPROBE
     * @param instructions after the verifier has rewritten it
     * @param tag its hash, as bpftool has it
     * @param loader the process that has loaded it, if it did while it was traced
     * @param attach_type such as BPF_CGROUP_DEVICE; of a program that is loaded what it is made for
     * @param attach_to a function, tracepoint, folder of a control group or device
     * @param path where it is pinned
     * @param result what the call returned
     * @param error name of the error
     */
    public record BpfProgram(
            String operation,
            long program,
            String name,
            String type,
            long instructions,
            String tag,
            @Nullable Long loader,
            @Nullable String attach_type,
            @Nullable String attach_to,
            @Nullable String path,
            @Nullable Long result,
            @Nullable String error)
            implements Event {
        @Override
        public String kind() {
            return "bpf_program";
        }
    }

    /**
     * A map has been created.
     *
     * @param map its number, as bpftool has it
     * @param name its name
     * @param type such as BPF_MAP_TYPE_HASH
     * @param key_size in bytes
     * @param value_size in bytes
     * @param max_entries how many there may be
     */
    public record BpfMap(
            long map, String name, String type, long key_size, long value_size, long max_entries)
            implements Event {
        @Override
        public String kind() {
            return "bpf_map";
        }
    }

    /** Arguments of perf_event_bpf_event: enum perf_bpf_event_type. */
    private static final int PROGRAM_LOAD = 1;

    private static final int PROGRAM_UNLOAD = 2;

    // enum bpf_cmd
    private static final int MAP_CREATE = 0;
    private static final int OBJECT_PIN = 6;
    private static final int PROGRAM_ATTACH = 8;
    private static final int PROGRAM_DETACH = 9;
    private static final int RAW_TRACEPOINT_OPEN = 17;
    private static final int LINK_CREATE = 28;

    /** ioctl's PERF_EVENT_IOC_SET_BPF. */
    private static final int SET_BPF = 0x4004_2408;

    private static final int SOCKET_LEVEL = 1;
    private static final int SO_ATTACH_BPF = 50;
    private static final int SO_ATTACH_REUSEPORT_EBPF = 52;

    private static final int TEXT = 4096;

    /** Programs are let go when other processors have seen that nobody uses them, in ns. */
    private static final long PATIENCE = 1_000_000_000;

    /** Programs whose loader is gone, and when that was. */
    private final Map<Long, Long> left = new ConcurrentHashMap<>();

    /** A program that has been loaded while it was traced. */
    private record Loaded(int loader, Program program) {}

    private final Map<Long, Loaded> loaded = new ConcurrentHashMap<>();

    @Override
    public String name() {
        return "ebpf";
    }

    @Override
    public String summary() {
        return "BPF programs and maps, and what programs are attached to";
    }

    @Override
    public List<Class<? extends Event>> events() {
        return List.of(BpfProgram.class, BpfMap.class);
    }

    @Override
    public void start(TraceContext context, Moment at) {
        LinuxKernel k = context.kernel();
        BpfObjects objects = new BpfObjects(k, context.paths());
        // Both when the kernel itself does it and when a program asks for it.
        context.onFunction(
                "perf_event_bpf_event",
                m -> {
                    Program p = objects.program(m, m.argument(0));
                    switch ((int) m.argument(1)) {
                        case PROGRAM_LOAD -> {
                            loaded.put(p.address(), new Loaded(m.task().pid(), p));
                            context.emit(
                                    m, event("load", p, p.attachType(), p.function(), null, null));
                        }
                        case PROGRAM_UNLOAD -> {
                            context.emit(m, event("unload", p, null, null, null, null));
                            loaded.remove(p.address());
                            left.remove(p.address());
                        }
                        default -> {
                            // Nothing else is defined.
                        }
                    }
                });
        long tgid = k.member("task_struct", "tgid").offset();
        long pid = k.member("task_struct", "pid").offset();
        context.onFunction(
                "release_task",
                m -> {
                    int process = (int) m.number(m.argument(0) + tgid, 4);
                    if (process == (int) m.number(m.argument(0) + pid, 4)) {
                        gone(m, process);
                    }
                    kept(context, m, PATIENCE);
                });
        for (String free : new String[] {"bpf_link_free", "perf_event_detach_bpf_prog"}) {
            if (k.hasSymbol(free)) {
                context.onFunction(
                        free,
                        m -> {
                            Program p =
                                    free.startsWith("bpf")
                                            ? objects.ofLink(m, m.argument(0))
                                            : objects.ofPerfEvent(m, m.argument(0));
                            if (p != null) {
                                context.emit(m, event("detach", p, null, null, null, null));
                            }
                        });
            }
        }
        context.onEnd(m -> kept(context, m, 0));
        Calls calls = new Calls(context, objects);
        context.onCalls(Set.of("bpf"), (m, call, note) -> calls.bpf(m, call));
        context.onCalls(Set.of("ioctl"), (m, call, note) -> calls.ioctl(m, call));
        context.onCalls(Set.of("setsockopt"), (m, call, note) -> calls.setsockopt(m, call));
    }

    private void gone(Moment m, int process) {
        for (Loaded l : loaded.values()) {
            if (l.loader == process) {
                left.putIfAbsent(l.program.address(), m.time());
            }
        }
    }

    private void kept(TraceContext context, Moment m, long patience) {
        left.forEach((address, since) -> {
            Loaded l = loaded.get(address);
            if (m.time() - since >= patience && left.remove(address) != null && l != null) {
                context.emit(m, event("kept", l.program, null, null, null, null));
            }
        });
    }

    private BpfProgram event(
            String operation,
            Program p,
            @Nullable String type,
            @Nullable String to,
            @Nullable String path,
            @Nullable Long result) {
        Loaded l = loaded.get(p.address());
        return new BpfProgram(
                operation,
                p.id(),
                p.name(),
                BpfNames.program(p.type()),
                p.instructions(),
                p.tag(),
                l == null ? null : (long) l.loader,
                type,
                to,
                path,
                result,
                result == null ? null : ErrorNames.of(result));
    }

    /** What programs ask for. */
    private final class Calls {
        private final TraceContext context;
        private final BpfObjects objects;

        Calls(TraceContext context, BpfObjects objects) {
            this.context = context;
            this.objects = objects;
        }

        /** union bpf_attr, of which each command has its own part. */
        void bpf(@Nullable Moment m, TracedCall call) {
            Long result = call.result();
            if (m == null || result == null) {
                return;
            }
            long attr = call.args().value("uattr");
            switch ((int) call.args().value("cmd")) {
                case MAP_CREATE -> {
                    if (call.succeeded()) {
                        context.emit(call, objects.map(m, result.intValue()));
                    }
                }
                case OBJECT_PIN -> {
                    Program p = objects.ofDescriptor(m, descriptor(m, attr + 8));
                    if (p != null) {
                        String path = m.text(m.pointer(attr), TEXT);
                        context.emit(call, event("pin", p, null, null, path, result));
                    }
                }
                case PROGRAM_ATTACH ->
                        attached(
                                m,
                                call,
                                "attach",
                                attr + 4,
                                m.number(attr + 8, 4),
                                target(m, attr));
                case PROGRAM_DETACH ->
                        attached(
                                m,
                                call,
                                "detach",
                                attr + 4,
                                m.number(attr + 8, 4),
                                target(m, attr));
                case RAW_TRACEPOINT_OPEN -> {
                    long name = m.pointer(attr);
                    attached(m, call, "attach", attr + 8, -1, name == 0 ? "" : m.text(name, TEXT));
                }
                case LINK_CREATE ->
                        attached(
                                m,
                                call,
                                "attach",
                                attr,
                                m.number(attr + 8, 4),
                                target(m, attr + 4));
                default -> {
                    // Others attach nothing and load nothing that is not told already.
                }
            }
        }

        private static int descriptor(Moment m, long at) {
            return (int) m.number(at, 4);
        }

        /** A folder of control groups, or the number of a device. */
        private String target(Moment m, long at) {
            int n = descriptor(m, at);
            String path = objects.path(m, n);
            return path.isEmpty() ? n > 0 ? "device " + n : "" : path;
        }

        private void attached(
                Moment m, TracedCall call, String operation, long at, long type, String to) {
            Program p = objects.ofDescriptor(m, descriptor(m, at));
            if (p == null) {
                // Some are detached without being named.
                p = Program.UNKNOWN;
            }
            String function = p.function();
            context.emit(
                    call,
                    event(
                            operation,
                            p,
                            type < 0 ? p.attachType() : BpfNames.attach(type),
                            to.isEmpty() && function != null ? function : to,
                            null,
                            call.result()));
        }

        void ioctl(@Nullable Moment m, TracedCall call) {
            if (m == null || (int) call.args().value("cmd") != SET_BPF) {
                return;
            }
            Program p = objects.ofDescriptor(m, (int) call.args().value("arg"));
            if (p != null) {
                String to = objects.perfEvent(m, (int) call.args().value("fd"));
                context.emit(call, event("attach", p, "BPF_PERF_EVENT", to, null, call.result()));
            }
        }

        void setsockopt(@Nullable Moment m, TracedCall call) {
            long option = call.args().value("optname");
            if (m == null
                    || call.args().value("level") != SOCKET_LEVEL
                    || option != SO_ATTACH_BPF && option != SO_ATTACH_REUSEPORT_EBPF) {
                return;
            }
            Program p = objects.ofDescriptor(m, descriptor(m, call.args().value("optval")));
            if (p != null) {
                String to = objects.path(m, (int) call.args().value("fd"));
                String type =
                        option == SO_ATTACH_BPF ? "SO_ATTACH_BPF" : "SO_ATTACH_REUSEPORT_EBPF";
                context.emit(call, event("attach", p, type, to, null, call.result()));
            }
        }
    }
}
