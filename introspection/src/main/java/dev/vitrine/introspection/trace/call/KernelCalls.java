// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.linux.KernelObject;
import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.linux.Symbol;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Names and parameters of a kernel's system calls. No list of them is kept here: the kernel has one
 * for its own tracing (struct syscall_metadata, include/trace/syscall.h), and names of functions in
 * its table of calls.
 */
public final class KernelCalls {
    private static final int MAX_NUMBER = 1024;
    private static final int MAX_PARAMETERS = 6;
    private static final int MAX_TEXT = 128;
    private static final String PREFIX = "sys_";

    /** A parameter as it is declared. */
    public record Parameter(String type, String name) {}

    /** A call; parameters are null if the kernel does not tell them. */
    public record Entry(String name, @Nullable List<Parameter> parameters) {}

    private final LinuxKernel kernel;
    private final Map<Integer, Entry> known = new HashMap<>();
    private boolean all;

    public KernelCalls(LinuxKernel kernel) {
        this.kernel = kernel;
    }

    /** The call of a name, as 64-bit programs have it; null if the kernel does not describe it. */
    public synchronized @Nullable Entry named(String name) {
        for (int n = 0; n < MAX_NUMBER && !all; n++) {
            get(n);
        }
        all = true;
        for (Entry e : known.values()) {
            if (e.name().equals(name) && e.parameters() != null) {
                return e;
            }
        }
        return null;
    }

    /** The call of a number. */
    public synchronized Entry get(int number) {
        return known.computeIfAbsent(number, this::find);
    }

    private Entry find(int number) {
        if (number < 0 || number >= MAX_NUMBER) {
            return new Entry("syscall_" + Integer.toUnsignedString(number), null);
        }
        try {
            Entry e = described(number);
            return e != null ? e : new Entry(implementation(number), null);
        } catch (IntrospectionException e) {
            return new Entry("syscall_" + number, null);
        }
    }

    private @Nullable Entry described(int number) {
        if (!kernel.hasSymbol("syscalls_metadata")) {
            return null;
        }
        long table = kernel.pointer(kernel.resolve("syscalls_metadata"));
        long at = table == 0 ? 0 : kernel.pointer(table + 8L * number);
        if (at == 0) {
            return null;
        }
        KernelObject meta = kernel.object("syscall_metadata", at);
        int count = (int) meta.number("nb_args");
        if (count < 0 || count > MAX_PARAMETERS) {
            return null;
        }
        long types = meta.number("types");
        long names = meta.number("args");
        List<Parameter> list = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            list.add(
                    new Parameter(
                            kernel.text(kernel.pointer(types + 8L * i), MAX_TEXT),
                            kernel.text(kernel.pointer(names + 8L * i), MAX_TEXT)));
        }
        return new Entry(plain(meta.textAt("name", MAX_TEXT)), list);
    }

    /** The name of the function that the table of calls leads to. */
    private String implementation(int number) {
        long function = kernel.pointer(kernel.resolve("sys_call_table") + 8L * number);
        Symbol s = kernel.kernelSymbols().at(function);
        return s == null || s.address() != function ? "syscall_" + number : plain(s.name());
    }

    private static String plain(String name) {
        int at = name.indexOf(PREFIX);
        return at < 0 ? name : name.substring(at + PREFIX.length());
    }
}
