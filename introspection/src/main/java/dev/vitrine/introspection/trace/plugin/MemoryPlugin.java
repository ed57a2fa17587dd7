// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.trace.Address;
import dev.vitrine.introspection.trace.CallListener;
import dev.vitrine.introspection.trace.Event;
import dev.vitrine.introspection.trace.Moment;
import dev.vitrine.introspection.trace.TraceContext;
import dev.vitrine.introspection.trace.TracePlugin;
import dev.vitrine.introspection.trace.TracedCall;
import dev.vitrine.introspection.trace.plugin.Areas.Area;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Memory of programs that is made executable, or is executed, without coming from a file. */
public final class MemoryPlugin implements TracePlugin {
    /**
     * Something may be executed that could not be before, and that need not be what is in a file.
     *
     * @param call the system call that did it; execve for what a program begins with
     * @param changes one or more of: {@code anonymous_executable}, what is behind it is no file, or
     *     one that has no name; {@code writable_then_executable}, it was writable or has been
     *     written, and may now be executed; {@code executable_then_writable}; {@code
     *     writable_and_executable}, both at a time
     * @param address linear address
     * @param length in bytes
     * @param rights as in /proc/PID/maps
     * @param old_rights those before; null if nothing was there, or it was elsewhere
     * @param path of the file; empty for none
     */
    public record Mapped(
            String call,
            List<String> changes,
            Address address,
            long length,
            String rights,
            @Nullable String old_rights,
            String path)
            implements Event {
        @Override
        public String kind() {
            return "memory";
        }
    }

    /**
     * Code of a program is about to be executed from a page that the program has written, or
     * somebody else for it, for the first time since it was written.
     *
     * @param address linear address of the page
     * @param instruction linear address of the instruction
     * @param layer 1 for the first content of the page that is executed, 2 for the next one
     * @param rights of the mapping, as in /proc/PID/maps
     * @param path of the file that is mapped there; empty for none
     * @param sha256 of the page's 4096 bytes
     * @param dump name of the file that has them; null if there is none
     */
    public record Executed(
            Address address,
            Address instruction,
            long layer,
            String rights,
            String path,
            String sha256,
            @Nullable String dump)
            implements Event {
        @Override
        public String kind() {
            return "memory_executed";
        }
    }

    private static final String DUMP = "memory-dump";
    private static final long DUMP_TOTAL = 256L << 20;

    private @Nullable ContentFolder folder;

    @Override
    public String name() {
        return "memory";
    }

    @Override
    public Set<String> settings() {
        return Set.of(DUMP);
    }

    @Override
    public void set(Map<String, String> values) {
        String to = values.get(DUMP);
        if (to != null) {
            folder = new ContentFolder(Path.of(to), DUMP_TOTAL);
        }
    }

    @Override
    public @Nullable String end() {
        return folder == null ? null : folder.failure();
    }

    @Override
    public String summary() {
        return "memory made executable without a file, written code that is executed";
    }

    @Override
    public List<Class<? extends Event>> events() {
        return List.of(Mapped.class, Executed.class);
    }

    @Override
    public void start(TraceContext context, Moment at) {
        LinuxKernel k = context.kernel();
        Areas areas = new Areas(k, context.paths());
        Changes changes = new Changes(context, areas);
        context.onCalls(Set.of("mmap", "mmap2", "shmat", "mremap"), changes.made());
        context.onCalls(Set.of("mprotect", "pkey_mprotect"), changes.protectedAnew());
        context.onCalls(
                Set.of("execve", "execveat"),
                (m, call, note) -> {
                    if (m != null && call.succeeded()) {
                        changes.compare(m, call, 0, -1, List.of());
                    }
                });
        WrittenCode code = new WrittenCode(context, areas, folder);
        context.onFreshCode(code::fetched);
    }

    /** Whether a path is one that the kernel has made up for memory without a name. */
    static boolean isMemory(String path) {
        return path.endsWith(" (deleted)")
                && (path.startsWith("/memfd:")
                        || path.startsWith("/SYSV")
                        || path.startsWith("/dev/zero"));
    }

    /** Compares mappings from before a call with those from behind it. */
    private record Changes(TraceContext context, Areas areas) {
        CallListener made() {
            return new CallListener() {
                @Override
                public @Nullable Object entered(Moment m, TracedCall call) {
                    return null;
                }

                @Override
                public void returned(@Nullable Moment m, TracedCall call, @Nullable Object note) {
                    Long at = call.result();
                    if (m == null || at == null || !call.succeeded()) {
                        return;
                    }
                    long length =
                            call.args().value(call.name().equals("mremap") ? "new_len" : "len");
                    // The other calls do not say: it is the mapping that begins there.
                    compare(m, call, at, length <= 0 ? at + 1 : at + pages(length), List.of());
                }
            };
        }

        CallListener protectedAnew() {
            return new CallListener() {
                @Override
                public Object entered(Moment m, TracedCall call) {
                    long from = call.args().value("start");
                    return areas.in(m, from, from + pages(call.args().value("len")));
                }

                @Override
                public void returned(@Nullable Moment m, TracedCall call, @Nullable Object note) {
                    if (m != null && note instanceof List<?> before) {
                        // Also of a call that failed: it may have come to where it did.
                        long from = call.args().value("start");
                        List<Area> old = before.stream().map(Area.class::cast).toList();
                        compare(m, call, from, from + pages(call.args().value("len")), old);
                    }
                }
            };
        }

        private static long pages(long length) {
            return length + 4095 & -4096L;
        }

        /** Tells what is new in a range of addresses. */
        void compare(Moment m, TracedCall call, long from, long to, List<Area> before) {
            boolean wasThere = call.name().endsWith("mprotect");
            for (Area now : areas.in(m, from, to)) {
                long low = to == from + 1 || to == -1 ? now.start() : Math.max(now.start(), from);
                long high = to == from + 1 || to == -1 ? now.end() : Math.min(now.end(), to);
                if (!wasThere) {
                    tell(m, call, low, high, null, now);
                    continue;
                }
                for (Area old : before) {
                    if (old.start() < high && old.end() > low) {
                        tell(
                                m,
                                call,
                                Math.max(low, old.start()),
                                Math.min(high, old.end()),
                                old,
                                now);
                    }
                }
            }
        }

        private void tell(
                Moment m, TracedCall call, long low, long high, @Nullable Area old, Area now) {
            if (!now.executable() && (old == null || !old.executable())
                    || now.file() == Areas.SPECIAL
                    || old != null && old.flags() == now.flags()) {
                return;
            }
            String path = areas.path(m, now);
            List<String> changes = new ArrayList<>();
            boolean couldExecute = old != null && old.executable();
            if (now.executable() && !couldExecute && (now.file() == 0 || isMemory(path))) {
                changes.add("anonymous_executable");
            }
            if (old != null && now.executable() && !couldExecute && (old.writable() || old.own())) {
                changes.add("writable_then_executable");
            }
            if (old != null && couldExecute && !old.writable() && now.writable()) {
                changes.add("executable_then_writable");
            }
            if (now.executable()
                    && now.writable()
                    && (old == null || !old.executable() || !old.writable())) {
                changes.add("writable_and_executable");
            }
            if (!changes.isEmpty()) {
                Mapped event =
                        new Mapped(
                                call.name(),
                                changes,
                                new Address(low),
                                high - low,
                                now.rights(),
                                old == null ? null : old.rights(),
                                path);
                if (call.name().startsWith("execve")) {
                    // Of the program that it has become.
                    context.emit(m, event);
                } else {
                    context.emit(call, event);
                }
            }
        }
    }
}
