// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor;

import java.util.HashMap;
import java.util.Map;

/**
 * What the processors of a group show to their hosts before they do it, see {@link
 * ProcessorGroup#setIntercepts}. Immutable. Accesses that a view forbids, single steps and next
 * events are shown whatever this says.
 */
public final class Intercepts {
    public static final int BREAKPOINT = 1;
    public static final int DEBUG_EXCEPTION = 1 << 1;
    public static final int CPUID = 1 << 2;
    public static final int PORT = 1 << 3;
    public static final int DESCRIPTOR = 1 << 4;
    public static final int UNKNOWN = 1 << 5;

    /** Writes to some MSRs, see {@link #msr}. */
    public static final int MSR = 1 << 6;

    /** Writes to some control registers, see {@link #controlRegister}. */
    public static final int CONTROL = 1 << 7;

    /** Nothing. */
    public static final Intercepts NONE = new Intercepts(0, Map.of(), Map.of());

    private record ControlRegister(boolean onlyChanges, long ignored) {}

    private final int kinds;
    private final Map<Integer, ControlRegister> control;

    /** MSRs, and whether only changes are shown. */
    private final Map<Integer, Boolean> msrs;

    private Intercepts(
            int kinds, Map<Integer, ControlRegister> control, Map<Integer, Boolean> msrs) {
        this.kinds = kinds;
        this.control = control;
        this.msrs = msrs;
    }

    /** With more kinds of the constants above. */
    public Intercepts with(int more) {
        return new Intercepts(kinds | more, control, msrs);
    }

    /**
     * With writes to a control register. A second call for a register shows what either would.
     *
     * @param register 0, 3, 4 or {@link Interception#XCR0}
     * @param onlyChanges not writes of the value that is there
     * @param ignored bits whose changes alone do not matter; with any, a write that changes no
     *     other bit is not shown
     */
    public Intercepts controlRegister(int register, boolean onlyChanges, long ignored) {
        Map<Integer, ControlRegister> c = new HashMap<>(control);
        c.merge(
                register,
                new ControlRegister(onlyChanges, ignored),
                (a, b) ->
                        new ControlRegister(a.onlyChanges && b.onlyChanges, a.ignored & b.ignored));
        return new Intercepts(kinds | CONTROL, Map.copyOf(c), msrs);
    }

    /** With writes to an MSR; a second call for it shows what either would. */
    public Intercepts msr(int msr, boolean onlyChanges) {
        Map<Integer, Boolean> m = new HashMap<>(msrs);
        m.merge(msr, onlyChanges, (a, b) -> a && b);
        return new Intercepts(kinds | MSR, control, Map.copyOf(m));
    }

    /** What either of two shows. */
    public Intercepts or(Intercepts other) {
        Intercepts[] all = {with(other.kinds)};
        other.control.forEach((register, c) ->
                all[0] = all[0].controlRegister(register, c.onlyChanges, c.ignored));
        other.msrs.forEach((msr, onlyChanges) -> all[0] = all[0].msr(msr, onlyChanges));
        return all[0];
    }

    /** Whether one of the kinds is to be shown. */
    public boolean has(int kind) {
        return (kinds & kind) != 0;
    }

    /** Whether a write to a control register is to be shown. */
    public boolean wants(int register, long value, long old) {
        if ((kinds & CONTROL) == 0) {
            return false;
        }
        ControlRegister c = control.get(register);
        if (c == null || (c.onlyChanges && value == old)) {
            return false;
        }
        return c.ignored == 0 || ((value ^ old) & ~c.ignored) != 0;
    }

    /** Whether writes to an MSR may be to be shown. */
    public boolean watches(int msr) {
        return (kinds & MSR) != 0 && msrs.containsKey(msr);
    }

    /** Whether a write to an MSR is to be shown. */
    public boolean wantsMsr(int msr, long value, long old) {
        Boolean onlyChanges = msrs.get(msr);
        return onlyChanges != null && (!onlyChanges || value != old);
    }
}
