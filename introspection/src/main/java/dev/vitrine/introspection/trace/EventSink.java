// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace;

/** Takes events, on the threads of the vCPUs. */
public interface EventSink {
    /**
     * An event.
     *
     * @param time the domain's clock, ns since its start
     * @param vcpu number of the processor in Linux; -1 if it is not known
     * @param cr3 CR3 in the kernel
     * @param task the thread that was executing
     * @param event what happened
     * @param size bytes of memory that the event takes up, about
     */
    void accept(long time, int vcpu, long cr3, Task task, Event event, int size);
}
