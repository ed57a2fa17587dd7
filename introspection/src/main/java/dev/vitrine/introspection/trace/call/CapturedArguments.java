// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import dev.vitrine.introspection.trace.Arguments;
import dev.vitrine.introspection.trace.ValueWriter;
import dev.vitrine.introspection.trace.call.Parameter.Told;
import dev.vitrine.introspection.trace.call.Parameter.When;
import dev.vitrine.introspection.trace.output.TextWriter;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * The arguments of one call: numbers, and what has been read of memory when the call began and when
 * it returned. Filled by the thread of the vCPU, and not changed once the call is told.
 */
public final class CapturedArguments implements Arguments, CallView {
    private final Call call;
    private final long[] values;
    private final @Nullable Object[] before;
    private @Nullable Object @Nullable [] after;

    /**
     * A call that begins.
     *
     * @param registers what is in the registers of its parameters
     */
    public CapturedArguments(Call call, long[] registers) {
        this.call = call.form(registers);
        int n = this.call.parameters().length;
        this.values = new long[n];
        this.before = new Object[n];
        for (int i = 0; i < n; i++) {
            Scalar scalar = this.call.parameters()[i].scalar();
            values[i] = scalar.inRegister(call.abi(), registers[i]);
        }
    }

    /** The call that they are of. */
    public Call call() {
        return call;
    }

    @Override
    public Abi abi() {
        return call.abi();
    }

    @Override
    public long value(int parameter) {
        return parameter < values.length ? values[parameter] : 0;
    }

    /**
     * Reads what the program has prepared, as far as it has not been read. May be called again when
     * the kernel has brought to memory what was not there.
     */
    public void entered(CallReader reader) {
        Parameter[] all = call.parameters();
        for (int i = 0; i < all.length; i++) {
            Pointed p = all[i].pointed();
            if (p != null && values[i] != 0 && before[i] == null) {
                When when = all[i].when();
                if (when == When.ENTRY || when == When.BOTH) {
                    before[i] = p.read(reader, values[i]);
                }
            }
        }
    }

    /**
     * Reads what the kernel has written, and what was not in memory when the call began: the kernel
     * had to bring it there.
     *
     * @param gone whether the process's memory is another one now, as it is behind execve
     */
    public void returned(CallReader reader, boolean gone) {
        Parameter[] all = call.parameters();
        long result = reader.result();
        boolean failed = result < 0 && result >= -4095;
        for (int i = 0; i < all.length; i++) {
            Pointed p = all[i].pointed();
            if (p == null || values[i] == 0 || gone) {
                continue;
            }
            When when = all[i].when();
            if (when == When.ERROR ? failed : when != When.ENTRY && !failed) {
                if (after == null) {
                    after = new Object[all.length];
                }
                after[i] = p.read(reader, values[i]);
            } else if (before[i] == null && when == When.ENTRY) {
                before[i] = p.read(reader, values[i]);
            }
        }
    }

    private @Nullable Object content(int i) {
        Object a = after == null ? null : after[i];
        return a != null && before[i] == null ? a : before[i];
    }

    @Override
    public int size() {
        return values.length;
    }

    @Override
    public boolean present(int index) {
        return call.parameters()[index].isIn(this);
    }

    @Override
    public String name(int index) {
        return call.parameters()[index].name();
    }

    @Override
    public int index(String name) {
        Parameter[] all = call.parameters();
        for (int i = 0; i < all.length; i++) {
            if (all[i].name().equals(name)) {
                return i;
            }
        }
        return -1;
    }

    @Override
    public String text(int index) {
        TextWriter w = new TextWriter();
        one(w, index);
        String s = w.toString();
        return s.length() >= 2 && s.startsWith("\"") && s.endsWith("\"")
                ? s.substring(1, s.length() - 1)
                : s;
    }

    @Override
    public byte @Nullable [] bytes(int index) {
        Object c = content(index);
        Pointed p = call.parameters()[index].pointed();
        return c == null || p == null ? null : p.bytes(c);
    }

    @Override
    public List<Message> messages(int index) {
        Object c = content(index);
        Pointed p = call.parameters()[index].pointed();
        if (c == null || p == null) {
            return List.of();
        }
        List<Message> asked = p.messages(c);
        Object now = after == null ? null : after[index];
        if (now == null || now == c) {
            return asked;
        }
        // The kernel has noted how much of each it has sent.
        List<Message> done = p.messages(now);
        List<Message> both = new ArrayList<>();
        for (int i = 0; i < Math.min(asked.size(), done.size()); i++) {
            both.add(new Message(asked.get(i).name(), done.get(i).length()));
        }
        return both;
    }

    /** Whether the kernel writes something to where an argument points. */
    public boolean isFilledIn() {
        for (Parameter p : call.parameters()) {
            if (p.pointed() != null && p.when() != When.ENTRY) {
                return true;
            }
        }
        return false;
    }

    @Override
    public @Nullable String string(String name) {
        int i = index(name);
        byte[] b = i < 0 ? null : bytes(i);
        return b == null ? null : new String(b, StandardCharsets.UTF_8);
    }

    private void one(ValueWriter w, int i) {
        Parameter p = call.parameters()[i];
        Object c = content(i);
        if (c == null || p.pointed() == null) {
            p.scalar().write(w, values[i], this);
        } else {
            p.pointed().write(w, c, this);
        }
    }

    /** Whether what was there before and after look the same in a line of text. */
    private boolean same(Pointed p, Object now, int i) {
        return text(p, Objects.requireNonNull(before[i])).equals(text(p, now));
    }

    /** Arguments by name; what is there before and after has two. */
    @Override
    public void write(ValueWriter w) {
        Parameter[] all = call.parameters();
        w.beginObject();
        for (int i = 0; i < all.length; i++) {
            if (!present(i)) {
                continue;
            }
            w.name(all[i].name());
            Object now = after == null ? null : after[i];
            Pointed p = all[i].pointed();
            if (now == null || p == null || before[i] == null) {
                one(w, i);
            } else if (w.brief() && all[i].told() != Told.BOTH) {
                brief(w, all[i], p, now, i);
            } else {
                one(w, i);
                if (!(w.brief() && same(p, now, i))) {
                    w.name(all[i].name() + "_after");
                    p.write(w, now, this);
                }
            }
        }
        w.endObject();
    }

    private void brief(ValueWriter w, Parameter parameter, Pointed p, Object now, int i) {
        Object then = Objects.requireNonNull(before[i]);
        switch (parameter.told()) {
            case AFTER -> p.write(w, now, this);
            case LENGTH -> {
                String first = text(p, then);
                String second = text(p, now);
                w.symbol(
                        first.equals(second)
                                ? first
                                : first.replace("]", " => ") + second.replace("[", ""));
            }
            default -> p.write(w, then, this);
        }
    }

    private String text(Pointed p, Object content) {
        TextWriter w = new TextWriter();
        p.write(w, content, this);
        return w.toString();
    }

    /** Writes what the call returned, as its type asks. */
    public void writeResult(ValueWriter w, long result) {
        call.result().write(w, result, this);
    }
}
