// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.LittleEndian;
import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.linux.Symbol;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Where a stopped thread goes on when it is woken, and where a tracer enters ptrace(2).
 *
 * <p>A stopped thread is in {@code schedule}, which {@code do_signal_stop}, {@code ptrace_stop} or,
 * in a frozen control group, {@code do_freezer_trap} has called. Behind that call it is in its own
 * context, holds nothing, and has interrupts enabled; and the call can be done once more.
 *
 * @param returns addresses of the instructions behind those calls; none if this kernel does not
 *     tell by {@code task_struct.jobctl} which threads are stopped (before 5.19)
 * @param entries addresses of the system calls' functions
 */
record StopPlaces(List<Long> returns, List<Long> entries) {
    /** Bytes of CALL with a displacement of 32 bits. */
    static final int CALL = 5;

    private static final byte CALL_OPCODE = (byte) 0xE8;

    private static final String SLEEP = "schedule";

    /** Compilers put some of them into others, and give parts of them names with a suffix. */
    private static final Set<String> STOPS =
            Set.of(
                    "do_signal_stop",
                    "ptrace_stop",
                    "do_jobctl_trap",
                    "do_freezer_trap",
                    "get_signal");

    private static final List<String> ENTRIES =
            List.of("__x64_sys_ptrace", "__ia32_sys_ptrace", "__ia32_compat_sys_ptrace");

    /** None of the functions is nearly as long. */
    private static final int LONGEST = 1 << 14;

    /** Looks for them; all symbols of the kernel are looked at. */
    static StopPlaces of(LinuxKernel k) {
        if (!k.hasSymbol(SLEEP) || !StopBracket.isKnown(k)) {
            return new StopPlaces(List.of(), List.of());
        }
        long sleep = k.resolve(SLEEP);
        List<Symbol> code =
                k.symbols().stream()
                        .filter(s -> s.module().isEmpty() && (s.type() | 0x20) == 't')
                        .sorted(Comparator.comparing(Symbol::address, Long::compareUnsigned))
                        .toList();
        List<Long> returns = new ArrayList<>();
        for (int i = 0; i + 1 < code.size(); i++) {
            String name = code.get(i).name();
            int dot = name.indexOf('.');
            if (STOPS.contains(dot < 0 ? name : name.substring(0, dot))) {
                long from = code.get(i).address();
                long size = code.get(i + 1).address() - from;
                calls(k, from, (int) Math.min(size, LONGEST), sleep, returns);
            }
        }
        return new StopPlaces(
                List.copyOf(returns),
                Stream.of(ENTRIES.toArray(new String[0]))
                        .filter(k::hasSymbol)
                        .map(k::resolve)
                        .toList());
    }

    /**
     * What is behind the calls of a function in a piece of code. A displacement that is none of a
     * call's would give the middle of an instruction, which is never executed.
     */
    private static void calls(LinuxKernel k, long from, int size, long target, List<Long> behind) {
        byte[] code;
        try {
            code = k.read(from, size);
        } catch (IntrospectionException e) {
            return;
        }
        for (int i = 0; i + CALL <= code.length; i++) {
            long next = from + i + CALL;
            if (code[i] == CALL_OPCODE && next + LittleEndian.i32(code, i + 1) == target) {
                behind.add(next);
            }
        }
    }
}
