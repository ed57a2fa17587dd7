// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.output;

import dev.vitrine.introspection.trace.Event;
import dev.vitrine.introspection.trace.EventShape;
import dev.vitrine.introspection.trace.SystemCall;
import dev.vitrine.introspection.trace.Task;
import dev.vitrine.introspection.trace.TracedEvent;
import dev.vitrine.introspection.trace.call.CapturedArguments;

import java.util.List;
import java.util.Locale;

/** How events look as lines. Each format has state of its own; used by one thread at a time. */
abstract sealed class EventFormat {
    /** Threads whose fields are remembered as they are written. */
    private static final int REMEMBERED = 256;

    private final Task[] tasks = new Task[REMEMBERED];
    private final byte[][] written = new byte[REMEMBERED][];

    /**
     * A format.
     *
     * @param name json, csv, kv or text
     * @param domain name of the domain
     */
    static EventFormat of(EventWriter.Format name, String domain) {
        return switch (name) {
            case JSON -> new Json(domain);
            case CSV -> new Csv(domain);
            case KV -> new Flat(domain);
            case TEXT -> new Text();
        };
    }

    /** Writes what comes before all events. */
    void header(Bytes out) {}

    /** Writes an event, and the end of the line. */
    abstract void write(Bytes out, TracedEvent e);

    /** Writes the fields of a thread, which are mostly those of the event before. */
    final void task(Bytes out, Task t) {
        int slot = System.identityHashCode(t) & REMEMBERED - 1;
        if (tasks[slot] != t) {
            Bytes b = new Bytes();
            render(b, t);
            written[slot] = b.from(0);
            tasks[slot] = t;
        }
        out.add(written[slot]);
    }

    abstract void render(Bytes out, Task t);

    /** One JSON object on each line. */
    private static final class Json extends EventFormat {
        private final byte[] domain;

        Json(String domain) {
            Bytes b = new Bytes();
            new JsonWriter(b).text(domain);
            this.domain = b.from(0);
        }

        @Override
        void render(Bytes b, Task t) {
            b.ascii(",\"pid\":").number(t.pid());
            b.ascii(",\"ppid\":").number(t.ppid());
            b.ascii(",\"tid\":").number(t.tid());
            b.ascii(",\"uid\":").number(t.uid());
            string(b, "comm", t.comm());
            string(b, "executable", t.executable());
            string(b, "cgroup", t.cgroup());
            b.ascii(",\"mnt_ns\":").number(t.mountNamespace());
            b.ascii(",\"pid_ns\":").number(t.pidNamespace());
        }

        private static void string(Bytes b, String name, String value) {
            b.ascii(",\"").ascii(name).ascii("\":");
            new JsonWriter(b).text(value);
        }

        @Override
        void write(Bytes out, TracedEvent e) {
            out.ascii("{\"event\":\"").ascii(e.event().kind());
            out.ascii("\",\"seq\":").number(e.sequence());
            out.ascii(",\"time\":").number(e.time());
            out.ascii(",\"domain\":").add(domain);
            out.ascii(",\"vcpu\":").number(e.vcpu());
            out.ascii(",\"cr3\":\"").hex(e.cr3()).add('"');
            task(out, e.task());
            fields(out, e.event());
            out.add('}').add('\n');
        }

        private static void fields(Bytes out, Event e) {
            EventShape shape = EventShape.of(e.getClass());
            List<String> names = shape.names();
            JsonWriter w = new JsonWriter(out);
            for (int i = 0; i < names.size(); i++) {
                Object value = shape.get(e, i);
                if (value != null) {
                    out.ascii(",\"").ascii(names.get(i)).add('"').add(':');
                    w.fresh();
                    EventShape.write(w, value);
                }
            }
        }
    }

    /** RFC 4180: the common fields, and all others as JSON in the last one. */
    private static final class Csv extends EventFormat {
        private final String domain;

        Csv(String domain) {
            this.domain = domain;
        }

        @Override
        void header(Bytes out) {
            for (CommonFields f : CommonFields.ALL) {
                out.ascii(f.label()).add(',');
            }
            out.ascii("fields\r\n");
        }

        private static void quoted(Bytes out, String s) {
            out.add('"');
            for (int i = 0; i < s.length(); ) {
                int c = s.codePointAt(i);
                i += Character.charCount(c);
                out.codePoint(c >= 0xD800 && c < 0xE000 ? '?' : c);
                if (c == '"') {
                    out.add('"');
                }
            }
            out.add('"');
        }

        @Override
        void render(Bytes b, Task t) {
            b.number(t.pid()).add(',').number(t.ppid()).add(',').number(t.tid()).add(',');
            b.number(t.uid()).add(',');
            quoted(b, t.comm());
            b.add(',');
            quoted(b, t.executable());
            b.add(',');
            quoted(b, t.cgroup());
            b.add(',').number(t.mountNamespace()).add(',').number(t.pidNamespace()).add(',');
        }

        @Override
        void write(Bytes out, TracedEvent e) {
            out.ascii(e.event().kind()).add(',').number(e.sequence()).add(',').number(e.time());
            out.add(',');
            quoted(out, domain);
            out.add(',').number(e.vcpu()).add(',').hex(e.cr3()).add(',');
            task(out, e.task());
            Bytes fields = new Bytes();
            JsonWriter w = new JsonWriter(fields);
            w.beginObject();
            EventShape shape = EventShape.of(e.event().getClass());
            for (int i = 0; i < shape.names().size(); i++) {
                Object value = shape.get(e.event(), i);
                if (value != null) {
                    w.name(shape.names().get(i));
                    EventShape.write(w, value);
                }
            }
            w.endObject();
            quoted(out, fields.toString());
            out.ascii("\r\n");
        }
    }

    /** name=value, with blanks between. */
    private static final class Flat extends EventFormat {
        private final String domain;

        Flat(String domain) {
            this.domain = domain;
        }

        @Override
        void render(Bytes b, Task t) {
            FlatWriter w = new FlatWriter(b);
            w.field("pid");
            w.number(t.pid());
            w.field("ppid");
            w.number(t.ppid());
            w.field("tid");
            w.number(t.tid());
            w.field("uid");
            w.number(t.uid());
            w.field("comm");
            w.text(t.comm());
            w.field("executable");
            w.text(t.executable());
            w.field("cgroup");
            w.text(t.cgroup());
            w.field("mnt_ns");
            w.number(t.mountNamespace());
            w.field("pid_ns");
            w.number(t.pidNamespace());
        }

        @Override
        void write(Bytes out, TracedEvent e) {
            FlatWriter w = new FlatWriter(out);
            out.ascii("event=").ascii(e.event().kind());
            w.field("seq");
            w.number(e.sequence());
            w.field("time");
            w.number(e.time());
            w.field("domain");
            w.text(domain);
            w.field("vcpu");
            w.number(e.vcpu());
            w.field("cr3");
            w.hexadecimal(e.cr3());
            task(out, e.task());
            EventShape shape = EventShape.of(e.event().getClass());
            for (int i = 0; i < shape.names().size(); i++) {
                Object value = shape.get(e.event(), i);
                if (value != null) {
                    w.field(shape.names().get(i));
                    EventShape.write(w, value);
                }
            }
            out.add('\n');
        }
    }

    /** For people: seconds, who, and what; system calls as strace has them. */
    private static final class Text extends EventFormat {
        @Override
        void render(Bytes out, Task t) {
            TextName.write(out, t.comm());
            out.add('(').number(t.tid()).add(')').add(' ');
        }

        @Override
        void write(Bytes out, TracedEvent e) {
            long micros = e.time() / 1000;
            out.number(micros / 1_000_000).add('.');
            out.ascii(String.valueOf(1_000_000 + micros % 1_000_000).substring(1)).add(' ');
            task(out, e.task());
            if (e.event() instanceof SystemCall c) {
                call(out, c);
            } else {
                other(out, e.event());
            }
            out.add('\n');
        }

        private static void call(Bytes out, SystemCall c) {
            if (!c.abi().equals("x64")) {
                out.ascii(c.abi()).add(' ');
            }
            out.ascii(c.name());
            c.args().write(new TextWriter(out).asCall());
            out.ascii(" = ");
            if (c.result() == null) {
                out.add('?');
            } else if (c.error() != null) {
                out.ascii(c.error().startsWith("ERESTART") ? "? " : "-1 ").ascii(c.error());
            } else if (c.args() instanceof CapturedArguments a) {
                a.writeResult(new TextWriter(out), c.result());
            } else {
                out.number(c.result());
            }
        }

        private static void other(Bytes out, Event e) {
            out.ascii(e.kind());
            EventShape shape = EventShape.of(e.getClass());
            for (int i = 0; i < shape.names().size(); i++) {
                Object value = shape.get(e, i);
                if (value != null) {
                    out.add(' ').ascii(shape.names().get(i).toLowerCase(Locale.ROOT)).add('=');
                    EventShape.write(new TextWriter(out), value);
                }
            }
        }
    }
}
