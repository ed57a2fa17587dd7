// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;

import org.jspecify.annotations.Nullable;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Consumer;

/**
 * Writes system calls, one on a line: JSON as docs/trace.md says, or text. What cannot be written
 * is counted, and the first reason is kept. Thread-safe.
 */
public final class SystemCallWriter implements Consumer<SystemCall>, AutoCloseable {
    /** How lines look. */
    public enum Format {
        JSON,
        TEXT
    }

    private static final JsonFactory JSON = new JsonFactory();
    private static final int BUFFER = 1 << 16;

    private final String domain;
    private final Format format;
    private final OutputStream out;
    private long written;
    private long lost;
    private @Nullable IOException failure;

    public SystemCallWriter(String domain, Format format, OutputStream out) {
        this.domain = domain;
        this.format = format;
        this.out = new BufferedOutputStream(out, BUFFER);
    }

    @Override
    public synchronized void accept(SystemCall call) {
        try {
            if (failure == null) {
                String line = format == Format.JSON ? json(call) : text(call);
                out.write((line + "\n").getBytes(StandardCharsets.UTF_8));
                written++;
                return;
            }
        } catch (IOException e) {
            failure = e;
        }
        lost++;
    }

    /** Calls written. */
    public synchronized long written() {
        return written;
    }

    /** Calls that could not be written. */
    public synchronized long lost() {
        return lost;
    }

    /** Why they could not; null if all were. */
    public synchronized @Nullable IOException failure() {
        return failure;
    }

    private String json(SystemCall c) throws IOException {
        StringWriter text = new StringWriter();
        try (JsonGenerator g = JSON.createGenerator(text)) {
            g.writeStartObject();
            g.writeStringField("event", "syscall");
            g.writeNumberField("seq", c.sequence());
            g.writeNumberField("time", c.time());
            g.writeStringField("domain", domain);
            g.writeNumberField("vcpu", c.vcpu());
            g.writeStringField("cr3", hex(c.cr3()));
            g.writeNumberField("pid", c.pid());
            g.writeNumberField("ppid", c.ppid());
            g.writeNumberField("tid", c.tid());
            g.writeNumberField("uid", c.uid());
            g.writeStringField("comm", c.comm());
            g.writeStringField("abi", c.abi());
            g.writeNumberField("nr", c.number());
            g.writeStringField("name", c.name());
            g.writeObjectFieldStart("args");
            for (SystemCall.Argument a : c.arguments()) {
                g.writeFieldName(a.name());
                write(g, a);
            }
            g.writeEndObject();
            Long result = c.result();
            if (result != null) {
                g.writeNumberField("result", result);
                String error = ErrorNames.of(result);
                if (error != null) {
                    g.writeStringField("error", error);
                }
                g.writeNumberField("duration", c.duration());
            }
            g.writeEndObject();
        }
        return text.toString();
    }

    private static void write(JsonGenerator g, SystemCall.Argument a) throws IOException {
        List<String> texts = a.texts();
        if (texts == null && a.isPointer()) {
            g.writeString(hex(a.value()));
        } else if (texts == null) {
            g.writeNumber(a.value());
        } else if (a.isVector()) {
            g.writeStartArray();
            for (String s : texts) {
                g.writeString(s);
            }
            g.writeEndArray();
        } else {
            g.writeString(texts.getFirst());
        }
    }

    private static String text(SystemCall c) {
        StringBuilder s = new StringBuilder();
        s.append(String.format("%.6f %s(%d) %s(", c.time() / 1e9, c.comm(), c.tid(), c.name()));
        String between = "";
        for (SystemCall.Argument a : c.arguments()) {
            s.append(between).append(a.name()).append('=');
            between = ", ";
            List<String> texts = a.texts();
            if (texts == null) {
                s.append(a.isPointer() ? hex(a.value()) : Long.toString(a.value()));
            } else if (a.isVector()) {
                s.append('[');
                for (int i = 0; i < texts.size(); i++) {
                    s.append(i == 0 ? "" : ", ").append(quoted(texts.get(i)));
                }
                s.append(']');
            } else {
                s.append(quoted(texts.getFirst()));
            }
        }
        s.append(')');
        Long result = c.result();
        if (result == null) {
            return s.append(" = ?").toString();
        }
        String error = ErrorNames.of(result);
        s.append(" = ").append(error != null ? "-1 " + error : result.toString());
        return s.toString();
    }

    private static String quoted(String text) {
        StringBuilder s = new StringBuilder("\"");
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"', '\\' -> s.append('\\').append(c);
                case '\n' -> s.append("\\n");
                default -> {
                    if (Character.isISOControl(c)) {
                        s.append(String.format("\\%03o", (int) c));
                    } else {
                        s.append(c);
                    }
                }
            }
        }
        return s.append('"').toString();
    }

    private static String hex(long n) {
        return "0x" + Long.toHexString(n);
    }

    /** Writes what is left. */
    @Override
    public synchronized void close() {
        try {
            out.close();
        } catch (IOException e) {
            failure = failure == null ? e : failure;
        }
    }
}
