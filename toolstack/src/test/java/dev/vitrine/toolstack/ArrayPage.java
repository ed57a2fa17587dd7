// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A ring page in an array, and the guest's side of it for tests. */
public final class ArrayPage implements RingPage {
    public final ByteBuffer bytes = ByteBuffer.allocate(SIZE).order(ByteOrder.LITTLE_ENDIAN);

    @Override
    public int getInt(int offset) {
        return bytes.getInt(offset);
    }

    @Override
    public void putInt(int offset, int value) {
        bytes.putInt(offset, value);
    }

    @Override
    public void read(int offset, byte[] into, int at, int length) {
        bytes.get(offset, into, at, length);
    }

    @Override
    public void write(int offset, byte[] from, int at, int length) {
        bytes.put(offset, from, at, length);
    }

    /** Takes all that is in a ring, as its consumer. */
    public byte[] take(int ring, int size, int consumerAt, int producerAt) {
        int consumer = getInt(consumerAt);
        byte[] taken = new byte[getInt(producerAt) - consumer];
        for (int i = 0; i < taken.length; i++) {
            taken[i] = bytes.get(ring + (consumer + i & size - 1));
        }
        putInt(consumerAt, consumer + taken.length);
        return taken;
    }

    /** Puts as much into a ring as there is room for, as its producer. */
    public int put(int ring, int size, int consumerAt, int producerAt, byte[] from, int offset) {
        int producer = getInt(producerAt);
        int n = Math.min(size - (producer - getInt(consumerAt)), from.length - offset);
        for (int i = 0; i < n; i++) {
            bytes.put(ring + (producer + i & size - 1), from[offset + i]);
        }
        putInt(producerAt, producer + n);
        return n;
    }
}
