// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import org.jspecify.annotations.Nullable;

/** One event channel of a domain. Guarded by the domain's {@link EventChannels}. */
final class EventChannel {
    enum State {
        FREE,
        RESERVED,
        UNBOUND,
        INTERDOMAIN,
        VIRQ,
        IPI
    }

    final int port;
    State state = State.FREE;
    int vcpu;

    /** UNBOUND: who may bind. INTERDOMAIN: whose other end it is. */
    int remoteDomain;

    int remotePort;

    /** INTERDOMAIN with another guest domain. */
    @Nullable Domain remote;

    /** INTERDOMAIN with a back end in this process. */
    @Nullable EventListener listener;

    int virq;

    // FIFO ABI.
    int priority;
    int lastPriority;
    int lastVcpu;

    /** Raised while its event word did not exist. */
    boolean pending;

    EventChannel(int port) {
        this.port = port;
    }
}
