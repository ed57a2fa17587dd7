// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

/**
 * A back end's end of an event channel. Called on the thread of the vCPU that sent the event,
 * without locks held; must not block.
 */
public interface EventListener {
    /** The guest sent an event. */
    void eventReceived(Domain domain, int port);

    /** The guest closed its end; the port means nothing from now on. */
    default void portClosed(Domain domain, int port) {}
}
