// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import org.jspecify.annotations.Nullable;

/** Told of a domain's events, see {@link Monitor#subscribe}. */
@FunctionalInterface
public interface MonitorListener {
    /**
     * An event has happened. Called on the thread of the vCPU, between two instructions. It must
     * neither pause the domain nor wait for another of its vCPUs; who needs time returns {@link
     * MonitorResponse#LATER}.
     *
     * @return how the vCPU goes on; null if that is none of the listener's business: then the next
     *     listener is asked
     */
    @Nullable MonitorResponse event(MonitorEvent event);
}
