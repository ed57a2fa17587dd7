// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.xenstore;

import dev.vitrine.toolstack.RingPage;

import org.jspecify.annotations.Nullable;

/**
 * Runs a {@link XenStoreConnection} over the page that a guest shares with xenstored (Xen's
 * public/io/xs_wire.h, docs/misc/xenstore-ring.txt).
 *
 * <pre>
 * 0     requests, 1024 bytes      2048  request consumer     2064  server features
 * 1024  responses, 1024 bytes     2052  request producer     2068  connection state
 *                                 2056  response consumer    2072  error
 *                                 2060  response producer
 * </pre>
 *
 * <p>One thread at a time may call {@link #process}.
 */
public final class XenStoreRing {
    private static final int RING = 1024;
    private static final int REQUESTS = 0;
    private static final int RESPONSES = 1024;
    private static final int REQUEST_CONSUMER = 2048;
    private static final int REQUEST_PRODUCER = 2052;
    private static final int RESPONSE_CONSUMER = 2056;
    private static final int RESPONSE_PRODUCER = 2060;
    private static final int FEATURES = 2064;
    private static final int CONNECTION = 2068;
    private static final int ERROR = 2072;

    private static final int FEATURE_RECONNECTION = 1;
    private static final int FEATURE_ERROR = 2;
    private static final int STATE_CONNECTED = 0;
    private static final int ERROR_NONE = 0;
    private static final int ERROR_COMMUNICATION = 1;
    private static final int ERROR_RING_INDEX = 2;
    private static final int ERROR_PROTOCOL = 3;

    /** How often one call goes round: a guest that never stops asking must not hold the thread. */
    private static final int ROUNDS = 64;

    private final RingPage page;
    private final XenStoreConnection connection;
    private final byte[] buffer = new byte[RING];
    private @Nullable String broken;

    /** Takes the page, which is zero or that of a running guest, into use. */
    public XenStoreRing(RingPage page, XenStoreConnection connection) {
        this.page = page;
        this.connection = connection;
        page.putInt(FEATURES, FEATURE_RECONNECTION | FEATURE_ERROR);
    }

    /** The connection behind the ring. */
    public XenStoreConnection connection() {
        return connection;
    }

    /** Why the ring is no longer served, as a sentence, or null if it is. */
    public @Nullable String brokenReason() {
        return broken;
    }

    /**
     * Takes the guest's requests and gives it answers and events, for as far as the ring has room.
     *
     * @return whether the guest has to be notified by its event channel
     */
    public boolean process() {
        if (page.getInt(CONNECTION) != STATE_CONNECTED) {
            reconnect();
            return true;
        }
        boolean notify = false;
        for (int i = 0; i < ROUNDS && broken == null; i++) {
            boolean moved = takeRequests() | giveResponses();
            if (!moved) {
                break;
            }
            notify = true;
        }
        return notify;
    }

    /** Whether {@link #process} would do something now. */
    public boolean hasWork() {
        if (broken != null) {
            return false;
        }
        boolean requests = page.getInt(REQUEST_PRODUCER) != page.getInt(REQUEST_CONSUMER);
        int used = page.getInt(RESPONSE_PRODUCER) - page.getInt(RESPONSE_CONSUMER);
        return page.getInt(CONNECTION) != STATE_CONNECTED
                || requests && connection.wantsInput()
                || used != RING && connection.hasOutput();
    }

    private boolean takeRequests() {
        int consumer = page.getInt(REQUEST_CONSUMER);
        int producer = page.getInt(REQUEST_PRODUCER);
        int waiting = producer - consumer;
        if (Integer.compareUnsigned(waiting, RING) > 0) {
            fail(ERROR_RING_INDEX, "its request ring's indices are impossible");
            return true;
        }
        if (waiting == 0 || !connection.wantsInput()) {
            return false;
        }
        int at = consumer & RING - 1;
        int n = Math.min(waiting, RING - at);
        page.read(REQUESTS + at, buffer, 0, n);
        page.putInt(REQUEST_CONSUMER, consumer + n);
        connection.receive(buffer, 0, n);
        String reason = connection.brokenReason();
        if (reason != null) {
            fail(ERROR_PROTOCOL, reason);
        }
        return true;
    }

    private boolean giveResponses() {
        if (broken != null) {
            return false;
        }
        String reason = connection.brokenReason();
        if (reason != null) {
            fail(ERROR_COMMUNICATION, reason);
            return true;
        }
        int consumer = page.getInt(RESPONSE_CONSUMER);
        int producer = page.getInt(RESPONSE_PRODUCER);
        int used = producer - consumer;
        if (Integer.compareUnsigned(used, RING) > 0) {
            fail(ERROR_RING_INDEX, "its response ring's indices are impossible");
            return true;
        }
        int at = producer & RING - 1;
        int n = connection.send(buffer, 0, Math.min(RING - used, RING - at));
        if (n == 0) {
            return false;
        }
        page.write(RESPONSES + at, buffer, 0, n);
        page.putInt(RESPONSE_PRODUCER, producer + n);
        return true;
    }

    private void reconnect() {
        connection.reset();
        broken = null;
        page.putInt(REQUEST_CONSUMER, 0);
        page.putInt(REQUEST_PRODUCER, 0);
        page.putInt(RESPONSE_CONSUMER, 0);
        page.putInt(RESPONSE_PRODUCER, 0);
        page.putInt(ERROR, ERROR_NONE);
        page.putInt(CONNECTION, STATE_CONNECTED);
    }

    private void fail(int error, String reason) {
        String sentence =
                reason.startsWith("its")
                        ? "Domain "
                                + connection.domain()
                                + " has broken its xenstore ring: "
                                + reason
                                + "."
                        : reason;
        broken = sentence;
        page.putInt(ERROR, error);
        connection.breakConnection(sentence);
    }
}
