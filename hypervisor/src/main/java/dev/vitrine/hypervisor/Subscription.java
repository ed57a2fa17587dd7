// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.processor.Interception;
import dev.vitrine.processor.Intercepts;

import java.util.HashSet;
import java.util.Set;

/**
 * Which events somebody wants to be told of: what XEN_DOMCTL_monitor_op enables. Immutable; methods
 * give a subscription with one more kind.
 */
public final class Subscription {
    private static final int MEMORY = 1;
    private static final int STEPS = 1 << 1;
    private static final int INTERRUPTS = 1 << 2;
    private static final int REQUESTS = 1 << 3;
    private static final int REQUESTS_ASYNCHRONOUS = 1 << 4;
    private static final int REQUESTS_BY_USERS = 1 << 5;
    private static final int DEBUG_ASYNCHRONOUS = 1 << 6;
    private static final int NO_WALKS = 1 << 7;

    /** To nothing. */
    public static final Subscription NONE = new Subscription(0, Intercepts.NONE, Set.of());

    private final int kinds;
    private final Intercepts intercepts;

    /** Control registers whose writes nobody waits for. */
    private final Set<Integer> asynchronous;

    private Subscription(int kinds, Intercepts intercepts, Set<Integer> asynchronous) {
        this.kinds = kinds;
        this.intercepts = intercepts;
        this.asynchronous = asynchronous;
    }

    private Subscription with(int more) {
        return new Subscription(kinds | more, intercepts, asynchronous);
    }

    private Subscription with(Intercepts more) {
        return new Subscription(kinds, more, asynchronous);
    }

    /** Accesses that a view forbids. */
    public Subscription memoryAccess() {
        return with(MEMORY);
    }

    /** But not those that page walks make, which pass unless another listener wants to know. */
    public Subscription withoutWalks() {
        return with(NO_WALKS);
    }

    /** INT3. */
    public Subscription softwareBreakpoints() {
        return with(intercepts.with(Intercepts.BREAKPOINT));
    }

    /** Steps, when a response has toggled them on. */
    public Subscription singleSteps() {
        return with(STEPS);
    }

    /** The interrupts that a response has asked for. */
    public Subscription interrupts() {
        return with(INTERRUPTS);
    }

    /** Debug exceptions and INT1. */
    public Subscription debugExceptions(boolean synchronous) {
        return with(synchronous ? 0 : DEBUG_ASYNCHRONOUS)
                .with(intercepts.with(Intercepts.DEBUG_EXCEPTION));
    }

    /** CPUID. */
    public Subscription cpuid() {
        return with(intercepts.with(Intercepts.CPUID));
    }

    /** IN, OUT, INS and OUTS. */
    public Subscription ports() {
        return with(intercepts.with(Intercepts.PORT));
    }

    /** Instructions that load or store GDTR, IDTR, LDTR and TR. */
    public Subscription descriptors() {
        return with(intercepts.with(Intercepts.DESCRIPTOR));
    }

    /** Instructions that the processor does not have. */
    public Subscription unimplemented() {
        return with(intercepts.with(Intercepts.UNKNOWN));
    }

    /**
     * HVMOP_guest_request_vm_event.
     *
     * @param byUsers also from CPL 3
     */
    public Subscription guestRequests(boolean synchronous, boolean byUsers) {
        return with(
                REQUESTS
                        | (synchronous ? 0 : REQUESTS_ASYNCHRONOUS)
                        | (byUsers ? REQUESTS_BY_USERS : 0));
    }

    /**
     * Writes to a control register.
     *
     * @param register 0, 3, 4 or {@link Interception#XCR0}
     * @param onlyChanges not of the value that is there
     * @param ignored bits whose changes alone do not matter
     */
    public Subscription controlRegister(
            int register, boolean synchronous, boolean onlyChanges, long ignored) {
        Set<Integer> a = new HashSet<>(asynchronous);
        if (!synchronous) {
            a.add(register);
        }
        return new Subscription(
                kinds, intercepts.controlRegister(register, onlyChanges, ignored), Set.copyOf(a));
    }

    /** Writes to an MSR. */
    public Subscription msr(int msr, boolean onlyChanges) {
        return with(intercepts.msr(msr, onlyChanges));
    }

    Intercepts intercepts() {
        return intercepts;
    }

    boolean wantsRequests() {
        return (kinds & REQUESTS) != 0;
    }

    boolean wantsRequestsByUsers() {
        return (kinds & REQUESTS_BY_USERS) != 0;
    }

    boolean requestsAreSynchronous() {
        return (kinds & REQUESTS_ASYNCHRONOUS) == 0;
    }

    /** Whether it is to something that a processor shows. */
    boolean wants(Interception what) {
        return switch (what) {
            case Interception.MemoryAccess m ->
                    (kinds & MEMORY) != 0
                            && ((kinds & NO_WALKS) == 0 || m.where() != Interception.IN_WALK);
            case Interception.Step s -> (kinds & STEPS) != 0;
            case Interception.Event e -> (kinds & INTERRUPTS) != 0;
            case Interception.Breakpoint b -> intercepts.has(Intercepts.BREAKPOINT);
            case Interception.DebugException d -> intercepts.has(Intercepts.DEBUG_EXCEPTION);
            case Interception.Cpuid c -> intercepts.has(Intercepts.CPUID);
            case Interception.PortAccess p -> intercepts.has(Intercepts.PORT);
            case Interception.DescriptorAccess d -> intercepts.has(Intercepts.DESCRIPTOR);
            case Interception.UnknownInstruction u -> intercepts.has(Intercepts.UNKNOWN);
            case Interception.ControlRegisterWrite c ->
                    intercepts.wants(c.register(), c.value(), c.old());
            case Interception.MsrWrite m -> intercepts.wantsMsr(m.msr(), m.value(), m.old());
        };
    }

    /** Whether accesses of page walks that nobody wants pass. */
    boolean passesWalks() {
        return (kinds & NO_WALKS) != 0;
    }

    /** Whether the vCPU waits for the answer. */
    boolean synchronous(Interception what) {
        return switch (what) {
            case Interception.ControlRegisterWrite c -> !asynchronous.contains(c.register());
            case Interception.DebugException d -> (kinds & DEBUG_ASYNCHRONOUS) == 0;
            default -> true;
        };
    }
}
