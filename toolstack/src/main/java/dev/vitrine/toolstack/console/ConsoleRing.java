// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.console;

import dev.vitrine.toolstack.RingPage;

import org.jspecify.annotations.Nullable;

/**
 * The host's end of a PV console (Xen's public/io/console.h, struct xencons_interface).
 *
 * <pre>
 * 0     input to the guest, 1024 bytes       3072  input consumer     3080  output consumer
 * 1024  output of the guest, 2048 bytes      3076  input producer     3084  output producer
 * </pre>
 *
 * <p>One thread may read and another write. After a call that moved bytes, the guest has to be
 * notified by its event channel.
 */
public final class ConsoleRing {
    private static final int INPUT = 0;
    private static final int INPUT_SIZE = 1024;
    private static final int OUTPUT = 1024;
    private static final int OUTPUT_SIZE = 2048;
    private static final int INPUT_CONSUMER = 3072;
    private static final int INPUT_PRODUCER = 3076;
    private static final int OUTPUT_CONSUMER = 3080;
    private static final int OUTPUT_PRODUCER = 3084;

    private final RingPage page;
    private final int domain;
    private volatile @Nullable String broken;

    /**
     * @param domain whose console it is, for messages
     */
    public ConsoleRing(RingPage page, int domain) {
        this.page = page;
        this.domain = domain;
    }

    /** Why the ring is no longer served, as a sentence, or null if it is. */
    public @Nullable String brokenReason() {
        return broken;
    }

    /**
     * Takes what the guest has printed.
     *
     * @return the number of bytes put at {@code into[offset..]}, up to {@code max}; 0 if there are
     *     none
     */
    public int readOutput(byte[] into, int offset, int max) {
        int total = 0;
        // Twice: to the end of the ring, and from its start.
        for (int i = 0; i < 2 && broken == null; i++) {
            int consumer = page.getInt(OUTPUT_CONSUMER);
            int waiting = page.getInt(OUTPUT_PRODUCER) - consumer;
            if (invalid(waiting, OUTPUT_SIZE, "output")) {
                break;
            }
            int at = consumer & OUTPUT_SIZE - 1;
            int n = Math.min(Math.min(waiting, OUTPUT_SIZE - at), max - total);
            if (n == 0) {
                break;
            }
            page.read(OUTPUT + at, into, offset + total, n);
            page.putInt(OUTPUT_CONSUMER, consumer + n);
            total += n;
        }
        return total;
    }

    /**
     * Gives the guest input, for as far as the ring has room.
     *
     * @return the number of bytes taken from {@code from[offset..]}, up to {@code length}
     */
    public int writeInput(byte[] from, int offset, int length) {
        int total = 0;
        for (int i = 0; i < 2 && broken == null; i++) {
            int producer = page.getInt(INPUT_PRODUCER);
            int used = producer - page.getInt(INPUT_CONSUMER);
            if (invalid(used, INPUT_SIZE, "input")) {
                break;
            }
            int at = producer & INPUT_SIZE - 1;
            int n = Math.min(Math.min(INPUT_SIZE - used, INPUT_SIZE - at), length - total);
            if (n == 0) {
                break;
            }
            page.write(INPUT + at, from, offset + total, n);
            page.putInt(INPUT_PRODUCER, producer + n);
            total += n;
        }
        return total;
    }

    /** The bytes of input that {@link #writeInput} would take now. */
    public int inputRoom() {
        int used = page.getInt(INPUT_PRODUCER) - page.getInt(INPUT_CONSUMER);
        return broken != null || Integer.compareUnsigned(used, INPUT_SIZE) > 0
                ? 0
                : INPUT_SIZE - used;
    }

    private boolean invalid(int used, int size, String ring) {
        if (Integer.compareUnsigned(used, size) <= 0) {
            return false;
        }
        broken =
                "Domain "
                        + domain
                        + " has broken its console: the indices of the "
                        + ring
                        + " ring are impossible.";
        return true;
    }
}
