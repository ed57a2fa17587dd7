// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.LittleEndian;
import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.linux.Symbol;
import dev.vitrine.introspection.trace.Moment;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Where the kernel changes its own code while it runs, and to what: static keys, static calls,
 * ftrace, kprobes and the LOCK prefixes of a kernel that gets a second processor. Each keeps a
 * table of its places. What is there must be what it writes: a no-operation, or a jump or call that
 * leads where its table says, or to code that has an owner. A first byte of INT3 is what they write
 * before the rest.
 */
final class PatchSites {
    private static final int LIMIT = 1 << 20;
    private static final int BYTES = 1 << 26;
    private static final int JUMP = 5;
    private static final byte[] NOP2 = {0x66, (byte) 0x90};
    private static final byte[] NOP5 = {0x0F, 0x1F, 0x44, 0, 0};

    /** What a static call is without a function: RAX becomes 0, in five bytes. */
    private static final List<byte[]> ZERO =
            List.of(
                    new byte[] {0x2E, 0x2E, 0x2E, 0x31, (byte) 0xC0},
                    new byte[] {0x66, 0x66, 0x48, 0x31, (byte) 0xC0});

    /** The calls within ftrace's own entries. */
    private static final Set<String> TRACER_CALLS =
            Set.of("ftrace_call", "ftrace_regs_call", "ftrace_graph_call");

    /** Where functions that are traced call. */
    private static final Set<String> TRACERS = Set.of("ftrace_caller", "ftrace_regs_caller");

    private static final int INT3 = 0xCC;
    private static final int CALL = 0xE8;
    private static final int JMP = 0xE9;
    private static final int JMP8 = 0xEB;
    private static final int RET = 0xC3;
    private static final int LOCK = 0xF0;
    private static final int DS = 0x3E;

    private final KernelCode code;

    /** Static keys: the place, and where the jump leads. */
    private final Map<Long, Long> keys = new HashMap<>();

    private final Map<Long, Integer> calls = new HashMap<>();
    private final Map<Long, Integer> locks = new HashMap<>();
    private long[] traced = {};

    private final long jumpStart;
    private final long jumpStop;
    private final int jumpSize;
    private final long callStart;
    private final long callStop;
    private final long lockStart;
    private final long lockStop;
    private final long pages;
    private final long pageNext;
    private final long pageRecords;
    private final long pageIndex;
    private final int recordSize;
    private final int recordAddress;
    private final long probes;
    private final int probeBuckets;
    private final long probeAddress;
    private final long probeNode;
    private final long moduleJumps;
    private final long moduleJumpCount;
    private final long moduleCalls;
    private final long moduleCallCount;

    PatchSites(LinuxKernel k, KernelCode code) {
        this.code = code;
        jumpStart = symbol(k, "__start___jump_table");
        jumpStop = symbol(k, "__stop___jump_table");
        jumpSize = (int) k.types().size("jump_entry");
        callStart = symbol(k, "__start_static_call_sites");
        callStop = symbol(k, "__stop_static_call_sites");
        lockStart = symbol(k, "__smp_locks");
        lockStop = symbol(k, "__smp_locks_end");
        pages = symbol(k, "ftrace_pages_start");
        pageNext = offset(k, "ftrace_page", "next");
        pageRecords = offset(k, "ftrace_page", "records");
        pageIndex = offset(k, "ftrace_page", "index");
        recordSize = (int) k.types().size("dyn_ftrace");
        recordAddress = (int) offset(k, "dyn_ftrace", "ip");
        probes = symbol(k, "kprobe_table");
        probeBuckets = 64; // KPROBE_TABLE_SIZE
        probeAddress = offset(k, "kprobe", "addr");
        probeNode = offset(k, "kprobe", "hlist");
        moduleJumps = offset(k, "module", "jump_entries");
        moduleJumpCount = offset(k, "module", "num_jump_entries");
        moduleCalls = offset(k, "module", "static_call_sites");
        moduleCallCount = offset(k, "module", "num_static_call_sites");
        for (Symbol s : k.kernelSymbols().all()) {
            if (s.name().startsWith("__SCT__") || TRACER_CALLS.contains(s.name())) {
                calls.put(s.address(), JUMP);
            }
        }
    }

    private static long symbol(LinuxKernel k, String name) {
        return k.hasSymbol(name) ? k.resolve(name) : 0;
    }

    private static long offset(LinuxKernel k, String structure, String member) {
        return k.types().member(structure, member) == null
                ? -1
                : k.member(structure, member).offset();
    }

    /** Reads the kernel's own tables. */
    synchronized void read(Moment m) {
        jumps(m, jumpStart, jumpStop - jumpStart);
        calls(m, callStart, callStop - callStart);
        byte[] b = table(m, lockStart, lockStop - lockStart);
        for (int i = 0; i + 4 <= b.length; i += 4) {
            locks.put(lockStart + i + LittleEndian.i32(b, i), 1);
        }
        functions(m);
    }

    /** Adds those of a module that is about to begin. */
    synchronized void module(Moment m, long module) {
        if (moduleJumps >= 0 && jumpSize > 0) {
            jumps(
                    m,
                    m.pointer(module + moduleJumps),
                    m.number(module + moduleJumpCount, 4) * jumpSize);
        }
        if (moduleCalls >= 0) {
            calls(m, m.pointer(module + moduleCalls), m.number(module + moduleCallCount, 4) * 8);
        }
        functions(m);
    }

    private static byte[] table(Moment m, long at, long length) {
        byte[] b = new byte[at == 0 ? 0 : (int) Math.clamp(length, 0, BYTES)];
        return m.read(at, b, 0, b.length) ? b : new byte[0];
    }

    /** struct jump_entry: distances to the place and to where it jumps. */
    private void jumps(Moment m, long at, long length) {
        byte[] b = table(m, at, length);
        for (int i = 0; jumpSize >= 8 && i + jumpSize <= b.length; i += jumpSize) {
            keys.put(at + i + LittleEndian.i32(b, i), at + i + 4 + LittleEndian.i32(b, i + 4));
        }
    }

    /** struct static_call_site: distances to the place and to the key. */
    private void calls(Moment m, long at, long length) {
        byte[] b = table(m, at, length);
        for (int i = 0; i + 8 <= b.length; i += 8) {
            calls.put(at + i + LittleEndian.i32(b, i), JUMP);
        }
    }

    /** The beginnings of functions that ftrace knows. */
    private void functions(Moment m) {
        List<long[]> parts = new ArrayList<>();
        int sum = 0;
        long page = pages == 0 || pageNext < 0 ? 0 : m.pointer(pages);
        for (int n = 0; page != 0 && n < LIMIT && sum < LIMIT; n++) {
            int count = (int) Math.min(LIMIT, m.number(page + pageIndex, 4));
            byte[] b = table(m, m.pointer(page + pageRecords), (long) count * recordSize);
            long[] part = new long[b.length / recordSize];
            for (int i = 0; i < part.length; i++) {
                part[i] = LittleEndian.i64(b, i * recordSize + recordAddress);
            }
            parts.add(part);
            sum += part.length;
            page = m.pointer(page + pageNext);
        }
        traced = parts.stream().flatMapToLong(Arrays::stream).sorted().toArray();
    }

    /**
     * How many bytes from a place on are as one of the mechanisms writes them.
     *
     * @param at linear address of the first byte that is not as it was
     * @return 0 if none has written that
     */
    synchronized int explained(Moment m, long at) {
        // A place may go over the end of a page.
        byte[] b = new byte[2 * JUMP];
        int before = JUMP - 1;
        if (!m.read(at - before, b, 0, b.length)) {
            before = 0;
            if (!m.read(at, b, 0, 1)) {
                return 0;
            }
            m.read(at, b, 0, JUMP);
        }
        for (int back = 0; back <= before; back++) {
            int length = length(m, at - back, b, before - back);
            if (length > back) {
                return length - back;
            }
        }
        return 0;
    }

    private int length(Moment m, long site, byte[] b, int i) {
        int first = b[i] & 0xFF;
        Long target = keys.get(site);
        if (target != null) {
            if (first == JMP8 && i + 1 < b.length && site + 2 + b[i + 1] == target
                    || is(b, i, NOP2)) {
                return 2;
            }
            if (first == INT3 || is(b, i, NOP5) || first == JMP && leads(site, b, i) == target) {
                return JUMP;
            }
        }
        if (calls.containsKey(site)
                && (first == INT3
                        || first == RET
                        || is(b, i, NOP5)
                        || ZERO.stream().anyMatch(z -> is(b, i, z))
                        || jumps(m, site, b, i))) {
            return JUMP;
        }
        if (Arrays.binarySearch(traced, site) >= 0
                && (first == INT3 || is(b, i, NOP5) || first == CALL && isTracer(m, site, b, i))) {
            return JUMP;
        }
        if (locks.containsKey(site) && (first == LOCK || first == DS)) {
            return 1;
        }
        if ((first == INT3 || first == JMP) && isProbe(m, site)) {
            // INT3 stands in front of the rest of a jump while that is being written.
            return owner(m, site, b, i).equals("kprobes") ? JUMP : first == INT3 ? 1 : 0;
        }
        return 0;
    }

    private static boolean is(byte[] b, int i, byte[] what) {
        return Arrays.equals(b, i, i + what.length, what, 0, what.length);
    }

    /** Where a jump or call of five bytes leads. */
    private static long leads(long site, byte[] b, int i) {
        return site + JUMP + LittleEndian.i32(b, i + 1);
    }

    private String owner(Moment m, long site, byte[] b, int i) {
        String owner = code.owner(m, leads(site, b, i));
        return owner == null ? "" : owner;
    }

    private boolean jumps(Moment m, long site, byte[] b, int i) {
        int first = b[i] & 0xFF;
        return (first == CALL || first == JMP) && !owner(m, site, b, i).isEmpty();
    }

    private boolean isTracer(Moment m, long site, byte[] b, int i) {
        String owner = owner(m, site, b, i);
        return owner.equals("ftrace")
                || owner.equals("bpf")
                || TRACERS.contains(code.place(m, leads(site, b, i)));
    }

    private boolean isProbe(Moment m, long site) {
        if (probes == 0 || probeAddress < 0) {
            return false;
        }
        int n = 0;
        for (int i = 0; i < probeBuckets; i++) {
            long node = m.pointer(probes + 8L * i);
            while (node != 0 && n++ < LIMIT) {
                if (m.pointer(node - probeNode + probeAddress) == site) {
                    return true;
                }
                node = m.pointer(node);
            }
        }
        return false;
    }
}
