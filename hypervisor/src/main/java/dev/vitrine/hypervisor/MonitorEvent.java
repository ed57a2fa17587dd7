// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.processor.Interception;
import dev.vitrine.processor.Processor;

/**
 * What a vCPU is about to do, or has asked for, and a {@link MonitorListener} has subscribed to: a
 * vm_event of Xen's.
 */
public sealed interface MonitorEvent {
    /** Whose event it is. It stands still until the listeners have answered. */
    Vcpu vcpu();

    /** Index of the view that it sees memory through. */
    int view();

    /** The vCPU waits for an answer; otherwise answers are not looked at. */
    boolean synchronous();

    /**
     * An event of the processor.
     *
     * @param processor the vCPU's, to be looked at and changed on this thread until the listener
     *     returns; for a CPUID it has the answer in its registers already
     * @param what the processor is about to do
     */
    record OfProcessor(
            Vcpu vcpu, int view, boolean synchronous, Processor processor, Interception what)
            implements MonitorEvent {}

    /** The guest has called HVMOP_guest_request_vm_event. */
    record GuestRequest(Vcpu vcpu, int view, boolean synchronous) implements MonitorEvent {}
}
