// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.linux.Paths;
import dev.vitrine.introspection.trace.Event;
import dev.vitrine.introspection.trace.FunctionListener;
import dev.vitrine.introspection.trace.GuestText;
import dev.vitrine.introspection.trace.Moment;
import dev.vitrine.introspection.trace.TraceContext;
import dev.vitrine.introspection.trace.TracePlugin;

import org.jspecify.annotations.Nullable;

import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What goes through terminals: consoles, serial lines and pseudo-terminals, whose both ends are
 * told. It is seen where the line discipline N_TTY, which terminals have unless a program gives
 * them another, reads and writes on behalf of a program, by whichever call; what it echoes is in
 * what the other end of a pseudo-terminal reads.
 */
public final class KeysPlugin implements TracePlugin {
    /**
     * Bytes that a program has read from a terminal, or written to one.
     *
     * @param operation read or write
     * @param tty the kernel's name: pts0 is /dev/pts/0, ptm0 its other end
     * @param path by which the program has opened it, such as /dev/ptmx
     * @param size how many bytes
     * @param data all of them
     */
    public record Tty(String operation, String tty, String path, long size, GuestText data)
            implements Event {
        @Override
        public String kind() {
            return "tty";
        }
    }

    /** Bytes of an event; the kernel itself does not take more at a time. */
    private static final int MAX = 1 << 16;

    @Override
    public String name() {
        return "keys";
    }

    @Override
    public String summary() {
        return "what is read from and written to terminals, by name";
    }

    @Override
    public List<Class<? extends Event>> events() {
        return List.of(Tty.class);
    }

    @Override
    public void start(TraceContext context, Moment at) {
        Terminals t = new Terminals(context);
        context.onReturn("tty_read", t.new WholeRead());
        context.onReturn("n_tty_read", t.new Discipline(true));
        context.onReturn("n_tty_write", t.new Discipline(false));
    }

    /** Arguments of the discipline's function. */
    private record Transfer(long tty, long file, long buffer) {}

    private static final class Terminals {
        private final TraceContext context;
        private final Paths paths;
        private final long name;
        private final int nameSize;

        /** What threads are reading, by address of their task_struct. */
        private final Map<Long, Reading> readings = new ConcurrentHashMap<>();

        Terminals(TraceContext context) {
            LinuxKernel k = context.kernel();
            this.context = context;
            paths = context.paths();
            name = k.offset("tty_struct", "name");
            nameSize = (int) k.member("tty_struct", "name").count();
        }

        private void tell(Moment m, String operation, Transfer t, byte[] data) {
            context.emit(
                    m,
                    new Tty(
                            operation,
                            m.text(t.tty + name, nameSize),
                            paths.of(m, t.file),
                            data.length,
                            new GuestText(data)));
        }

        /**
         * A system call that reads. Since 5.11 the discipline gives what it has in pieces of 64
         * bytes.
         */
        private final class WholeRead implements FunctionListener {
            @Override
            public Object entered(Moment at) {
                Reading r = new Reading(at.task().address());
                readings.put(r.task, r);
                return r;
            }

            @Override
            public void returned(Moment at, Object note) {
                Reading r = (Reading) note;
                readings.remove(r.task, r);
                tell(at, r);
            }
        }

        private void tell(Moment m, Reading r) {
            Transfer t = r.transfer;
            if (t != null && r.bytes.size() > 0) {
                tell(m, "read", t, r.bytes.toByteArray());
                r.bytes.reset();
            }
        }

        private final class Discipline implements FunctionListener {
            private final boolean reads;

            Discipline(boolean reads) {
                this.reads = reads;
            }

            @Override
            public Object entered(Moment at) {
                return new Transfer(at.argument(0), at.argument(1), at.argument(2));
            }

            @Override
            public void returned(Moment at, Object note) {
                Transfer t = (Transfer) note;
                long n = at.result();
                if (n <= 0) {
                    return;
                }
                byte[] b = new byte[(int) Math.min(n, MAX)];
                if (!at.read(t.buffer, b, 0, b.length)) {
                    throw new IntrospectionException(
                            "What has gone through a terminal is not in memory.");
                }
                Reading r = reads ? readings.get(at.task().address()) : null;
                if (r == null) {
                    tell(at, reads ? "read" : "write", t, b);
                    return;
                }
                r.transfer = t;
                r.bytes.writeBytes(b);
                if (r.bytes.size() >= MAX) {
                    tell(at, r);
                }
            }
        }
    }

    /** A read that is under way; of one thread. */
    private static final class Reading {
        private final long task;
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        private @Nullable Transfer transfer;

        Reading(long task) {
            this.task = task;
        }
    }
}
