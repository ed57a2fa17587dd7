// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack;

import dev.vitrine.toolstack.xenstore.XenStoreRing;

import org.jspecify.annotations.Nullable;

/**
 * Serves a guest's xenstore ring, on the thread of the vCPU that asks: the store is in memory, so
 * that an answer takes microseconds, and under the virtual clock it comes at the same instruction
 * in each run. What the guest does not ask for, such as watches that others fire, is sent by a
 * thread that starts when it is needed.
 */
final class XenStoreBackend {
    private final XenStoreRing ring;
    private final Runnable notifyGuest;

    // Guarded by ring.
    private boolean closed;

    private final Object signal = new Object();
    // Guarded by signal.
    private @Nullable Thread sender;
    private boolean wanted;
    private boolean ended;

    XenStoreBackend(XenStoreRing ring, Runnable notifyGuest) {
        this.ring = ring;
        this.notifyGuest = notifyGuest;
        ring.connection().onOutput(this::wake);
    }

    /** The guest sent an event. */
    void serve() {
        boolean tell;
        boolean more;
        synchronized (ring) {
            if (closed) {
                return;
            }
            tell = ring.process();
            more = ring.hasWork();
        }
        if (tell) {
            notifyGuest.run();
        }
        if (more) {
            wake();
        }
    }

    /** Under the store's lock: only signals. */
    private void wake() {
        synchronized (signal) {
            if (ended) {
                return;
            }
            wanted = true;
            if (sender == null) {
                sender = new Thread(this::send, "vitrine-xenstore");
                sender.setDaemon(true);
                sender.start();
            }
            signal.notifyAll();
        }
    }

    private void send() {
        while (true) {
            synchronized (signal) {
                while (!wanted && !ended) {
                    try {
                        signal.wait();
                    } catch (InterruptedException e) {
                        return;
                    }
                }
                if (ended) {
                    return;
                }
                wanted = false;
            }
            serve();
        }
    }

    /** The ring's page is about to go away. */
    void close() {
        synchronized (signal) {
            ended = true;
            signal.notifyAll();
        }
        synchronized (ring) {
            closed = true;
        }
        ring.connection().close();
    }
}
