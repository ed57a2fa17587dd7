// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack;

import dev.vitrine.toolstack.xenstore.XenStoreRing;

import org.jspecify.annotations.Nullable;

/**
 * Serves a guest's xenstore ring, on the thread of the vCPU that asks: the store is in memory, so
 * that an answer takes microseconds, and under the virtual clock it comes at the same instruction
 * in each run. What the guest does not ask for, such as watches that others fire, is sent by a
 * thread that starts when it is needed, or under the virtual clock by the vCPUs' thread.
 */
final class XenStoreBackend {
    private final XenStoreRing ring;
    private final Runnable notifyGuest;
    private final @Nullable Runnable post;

    // Guarded by ring.
    private boolean closed;

    private final Object signal = new Object();
    // Guarded by signal.
    private @Nullable Thread sender;
    private boolean wanted;
    private boolean ended;

    /**
     * @param notifyGuest sends the guest an event on the store's port
     * @param post under the virtual clock, asks for {@link #serve} at a point at which that can be
     *     repeated; null if a thread of its own may do it at any time
     */
    XenStoreBackend(XenStoreRing ring, Runnable notifyGuest, @Nullable Runnable post) {
        this.ring = ring;
        this.notifyGuest = notifyGuest;
        this.post = post;
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
            boolean moved = ring.process();
            tell = moved;
            more = ring.hasWork();
            while (post != null && moved && more) {
                moved = ring.process();
                more = ring.hasWork();
            }
        }
        if (tell) {
            notifyGuest.run();
        }
        if (more && post == null) {
            wake();
        }
    }

    /** Under the store's lock: only signals. */
    private void wake() {
        if (post != null) {
            // What the guest's own request has caused is served with it.
            if (!Thread.holdsLock(ring)) {
                post.run();
            }
            return;
        }
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
