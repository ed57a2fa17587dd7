// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.memory;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongConsumer;

/**
 * What is known of each machine frame: whether decoded code was made from it, and whether it was
 * written since the dirty log was last read. Thread-safe; chunks are made on first use.
 *
 * <p>The soft TLBs of processors hold write permission only for frames that are not {@link #CODE}
 * or {@link #MIRRORED} and, while the log is on, already {@link #DIRTY}; so the fast path of a
 * store checks nothing here.
 */
public final class FrameTable {
    /** Decoded code was made from this frame: writes must be seen. */
    public static final int CODE = 1;

    /** Written since the log was last cleared. */
    public static final int DIRTY = 2;

    /** The host writes to it at any time, from any thread. */
    public static final int SHARED = 4;

    /** A copy of it is kept somewhere: who keeps it is told of writes. */
    public static final int MIRRORED = 8;

    private static final int CHUNK_SHIFT = 15;

    /** {@link #DIRTY} or {@link #SHARED}, in each of eight bytes. */
    private static final long ANY_WRITTEN = (DIRTY | SHARED) * 0x0101010101010101L;

    private static final VarHandle WORDS =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());
    private static final VarHandle BYTES = MethodHandles.arrayElementVarHandle(byte[].class);
    private static final VarHandle CHUNKS = MethodHandles.arrayElementVarHandle(byte[][].class);

    private final byte @Nullable [][] chunks;
    private final long frameCount;
    private volatile boolean dirtyLog;
    private final AtomicInteger sharings = new AtomicInteger();

    FrameTable(long frameCount) {
        this.frameCount = frameCount;
        this.chunks = new byte[(int) ((frameCount + (1 << CHUNK_SHIFT) - 1) >>> CHUNK_SHIFT)][];
    }

    /** Flags of a frame; 0 for one that has none. */
    public int flags(long mfn) {
        byte @Nullable [] chunk = (byte @Nullable []) CHUNKS.getAcquire(chunks, index(mfn));
        return chunk == null ? 0 : (byte) BYTES.getVolatile(chunk, (int) mfn & mask());
    }

    /** Whether one of some frames in a row has, or had, flags. */
    public boolean anyFlags(long mfn, long count) {
        for (int i = index(mfn); i <= index(mfn + count - 1); i++) {
            if (CHUNKS.getAcquire(chunks, i) != null) {
                return true;
            }
        }
        return false;
    }

    public boolean isCode(long mfn) {
        return (flags(mfn) & CODE) != 0;
    }

    /** Sets flags; returns those that were set before. */
    public int set(long mfn, int flags) {
        return (byte) BYTES.getAndBitwiseOr(chunk(mfn), (int) mfn & mask(), (byte) flags);
    }

    /** Clears flags; returns those that were set before. */
    public int clear(long mfn, int flags) {
        return (byte) BYTES.getAndBitwiseAnd(chunk(mfn), (int) mfn & mask(), (byte) ~flags);
    }

    /** Notes that the host writes to a frame at any time from now on. */
    public void share(long mfn) {
        if ((set(mfn, SHARED) & SHARED) == 0) {
            sharings.incrementAndGet();
        }
    }

    /** How often a frame became {@link #SHARED}. */
    public int sharings() {
        return sharings.get();
    }

    /** Whether writes are logged at the moment. */
    public boolean dirtyLog() {
        return dirtyLog;
    }

    /**
     * Turns the log on or off. Soft TLBs must be flushed afterwards by the caller, or writes
     * through entries made before are not seen.
     */
    public void setDirtyLog(boolean on) {
        dirtyLog = on;
    }

    /**
     * Tells the frames that were written since they were told last, and those that the host may
     * write to at any time; in order. Soft TLBs must be flushed afterwards, as after {@link
     * #setDirtyLog}. To be called while no processor runs.
     */
    public void takeDirty(LongConsumer frame) {
        for (int i = 0; i <= index(frameCount - 1); i++) {
            byte @Nullable [] chunk = (byte @Nullable []) CHUNKS.getAcquire(chunks, i);
            for (int j = 0; chunk != null && j < chunk.length; j += 8) {
                if (((long) WORDS.get(chunk, j) & ANY_WRITTEN) != 0) {
                    takeDirty(chunk, j, ((long) i << CHUNK_SHIFT) + j, frame);
                }
            }
        }
    }

    private static void takeDirty(byte[] chunk, int from, long first, LongConsumer frame) {
        for (int k = 0; k < 8; k++) {
            if ((chunk[from + k] & (DIRTY | SHARED)) != 0) {
                BYTES.getAndBitwiseAnd(chunk, from + k, (byte) ~DIRTY);
                frame.accept(first + k);
            }
        }
    }

    private byte[] chunk(long mfn) {
        int i = index(mfn);
        byte @Nullable [] chunk = (byte @Nullable []) CHUNKS.getAcquire(chunks, i);
        if (chunk == null) {
            byte[] fresh = new byte[1 << CHUNK_SHIFT];
            byte @Nullable [] found =
                    (byte @Nullable []) CHUNKS.compareAndExchange(chunks, i, null, fresh);
            chunk = found == null ? fresh : found;
        }
        return chunk;
    }

    private int index(long mfn) {
        if (mfn < 0 || mfn >= frameCount) {
            throw new IndexOutOfBoundsException("machine frame " + mfn + " of " + frameCount);
        }
        return (int) (mfn >>> CHUNK_SHIFT);
    }

    private static int mask() {
        return (1 << CHUNK_SHIFT) - 1;
    }
}
