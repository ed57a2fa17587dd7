// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

/** Names of what BPF has numbers for. */
public final class BpfNames {
    private BpfNames() {}

    private static String of(String set, long n) {
        String name = Constants.of(set).name(n);
        return name == null ? Long.toString(n) : name;
    }

    /** A command of bpf(2), such as BPF_PROG_LOAD. */
    public static String command(long n) {
        return of("bpf", n);
    }

    /** A type of programs, such as BPF_PROG_TYPE_KPROBE. */
    public static String program(long n) {
        return of("bpf_prog_type", n);
    }

    /** A type of maps, such as BPF_MAP_TYPE_HASH. */
    public static String map(long n) {
        return of("bpf_map_type", n);
    }

    /** What a program is attached to, such as BPF_CGROUP_DEVICE. */
    public static String attach(long n) {
        return of("bpf_attach_type", n);
    }
}
