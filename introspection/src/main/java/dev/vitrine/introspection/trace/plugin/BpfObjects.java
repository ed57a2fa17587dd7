// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.linux.Paths;
import dev.vitrine.introspection.trace.Moment;
import dev.vitrine.introspection.trace.call.BpfNames;

import org.jspecify.annotations.Nullable;

import java.util.HexFormat;

/** Reads the kernel's BPF programs and maps, and finds them behind descriptors. */
final class BpfObjects {
    private static final int TAG = 8;
    private static final int NAME = 16;
    private static final int TEXT = 128;

    /** TRACE_EVENT_FL_TRACEPOINT; what has it has a struct tracepoint in place of a name. */
    private static final long IS_TRACEPOINT = 1 << 4;

    /**
     * A program.
     *
     * @param address of its struct bpf_prog
     * @param attachType what it has been made for
     * @param function that it has been made for; null for none
     */
    record Program(
            long address,
            long id,
            String name,
            long type,
            long instructions,
            String tag,
            @Nullable String attachType,
            @Nullable String function) {
        static final Program UNKNOWN = new Program(0, 0, "", 0, 0, "", null, null);
    }

    private final Paths paths;
    private final TaskMembers tasks;
    private final long type;
    private final long length;
    private final long tag;
    private final long expected;
    private final long aux;
    private final long auxId;
    private final long auxName;
    private final long auxFunction;
    private final long operations;
    private final long data;
    private final long programFile;
    private final long mapFile;
    private final long perfFile;
    private final long linkProgram;
    private final long perfProgram;
    private final long perfAttributes;
    private final long perfTracepoint;
    private final long tracepointFlags;
    private final long callName;
    private final long mapId;
    private final long mapName;
    private final long mapType;
    private final long keySize;
    private final long valueSize;
    private final long maxEntries;
    private final long tracepointName;

    BpfObjects(LinuxKernel k, Paths paths) {
        this.paths = paths;
        tasks = new TaskMembers(k, paths);
        type = k.member("bpf_prog", "type").offset();
        length = k.member("bpf_prog", "len").offset();
        tag = k.member("bpf_prog", "tag").offset();
        expected = k.member("bpf_prog", "expected_attach_type").offset();
        aux = k.member("bpf_prog", "aux").offset();
        auxId = k.member("bpf_prog_aux", "id").offset();
        auxName = k.member("bpf_prog_aux", "name").offset();
        auxFunction = k.member("bpf_prog_aux", "attach_func_name").offset();
        operations = k.member("file", "f_op").offset();
        data = k.member("file", "private_data").offset();
        programFile = k.resolve("bpf_prog_fops");
        mapFile = k.resolve("bpf_map_fops");
        perfFile = k.hasSymbol("perf_fops") ? k.resolve("perf_fops") : 0;
        linkProgram = optional(k, "bpf_link", "prog");
        perfProgram = optional(k, "perf_event", "prog");
        perfAttributes = optional(k, "perf_event", "attr");
        perfTracepoint = optional(k, "perf_event", "tp_event");
        tracepointFlags = optional(k, "trace_event_call", "flags");
        callName = optional(k, "trace_event_call", "name");
        tracepointName = optional(k, "tracepoint", "name");
        mapId = k.member("bpf_map", "id").offset();
        mapName = k.member("bpf_map", "name").offset();
        mapType = k.member("bpf_map", "map_type").offset();
        keySize = k.member("bpf_map", "key_size").offset();
        valueSize = k.member("bpf_map", "value_size").offset();
        maxEntries = k.member("bpf_map", "max_entries").offset();
    }

    private static long optional(LinuxKernel k, String structure, String member) {
        return k.types().member(structure, member) == null
                ? -1
                : k.member(structure, member).offset();
    }

    Program program(Moment m, long address) {
        long a = m.pointer(address + aux);
        byte[] hash = new byte[TAG];
        String shown = m.read(address + tag, hash, 0, TAG) ? HexFormat.of().formatHex(hash) : "";
        long function = a == 0 ? 0 : m.pointer(a + auxFunction);
        long made = m.number(address + expected, 4);
        return new Program(
                address,
                a == 0 ? 0 : m.number(a + auxId, 4),
                a == 0 ? "" : m.text(a + auxName, NAME),
                m.number(address + type, 4),
                m.number(address + length, 4),
                shown,
                made == 0 ? null : BpfNames.attach(made),
                function == 0 ? null : m.text(function, TEXT));
    }

    private long file(Moment m, int descriptor, long kind) {
        long file = tasks.file(m, descriptor);
        return file != 0 && m.pointer(file + operations) == kind ? m.pointer(file + data) : 0;
    }

    /** The program behind a descriptor of the thread; null if there is another file. */
    @Nullable Program ofDescriptor(Moment m, int descriptor) {
        long at = file(m, descriptor, programFile);
        return at == 0 ? null : program(m, at);
    }

    @Nullable Program ofLink(Moment m, long link) {
        long at = linkProgram < 0 ? 0 : m.pointer(link + linkProgram);
        return at == 0 ? null : program(m, at);
    }

    @Nullable Program ofPerfEvent(Moment m, long event) {
        long at = perfProgram < 0 ? 0 : m.pointer(event + perfProgram);
        return at == 0 ? null : program(m, at);
    }

    /** The path behind a descriptor of the thread; empty if there is none. */
    String path(Moment m, int descriptor) {
        long file = tasks.file(m, descriptor);
        return file == 0 ? "" : paths.of(m, file);
    }

    /** What an event of perf is for: the name of a tracepoint or probe, or type and number. */
    String perfEvent(Moment m, int descriptor) {
        long event = perfFile == 0 ? 0 : file(m, descriptor, perfFile);
        if (event == 0) {
            return "";
        }
        long call = perfTracepoint < 0 ? 0 : m.pointer(event + perfTracepoint);
        if (call != 0 && callName >= 0) {
            long name = m.pointer(call + callName);
            boolean tracepoint = (m.number(call + tracepointFlags, 4) & IS_TRACEPOINT) != 0;
            return m.text(tracepoint ? m.pointer(name + tracepointName) : name, TEXT);
        }
        // struct perf_event_attr: type, size, config.
        return "perf "
                + m.number(event + perfAttributes, 4)
                + ":"
                + Long.toUnsignedString(m.number(event + perfAttributes + 8, 8));
    }

    /** The map behind a descriptor that has just been made. */
    EbpfPlugin.BpfMap map(Moment m, int descriptor) {
        long at = file(m, descriptor, mapFile);
        return new EbpfPlugin.BpfMap(
                m.number(at + mapId, 4),
                m.text(at + mapName, NAME),
                BpfNames.map(m.number(at + mapType, 4)),
                m.number(at + keySize, 4),
                m.number(at + valueSize, 4),
                m.number(at + maxEntries, 4));
    }
}
