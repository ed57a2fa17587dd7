// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.memory;

import org.jspecify.annotations.Nullable;

/**
 * A hash of machine memory that follows the memory at the price of what was written since. It is
 * the sum of the hashes of all frames, kept for parts of equal size, so that a difference can be
 * placed. A frame of zeros counts nothing: the hash is a function of the content alone. Needs the
 * dirty log of the {@link FrameTable}, on since the memory was made. Not thread-safe.
 *
 * <p>It finds differences, and is no proof against somebody who makes two contents of one hash.
 */
public final class MemoryHash {
    /** Number of parts, a power of two. */
    public static final int PARTS = 256;

    private static final int CHUNK_SHIFT = 12;

    private final MachineMemory memory;
    private final int partShift;
    private final long[] @Nullable [] frames;
    private final long[] parts = new long[PARTS];

    public MemoryHash(MachineMemory memory) {
        this.memory = memory;
        long count = memory.frameCount();
        int bits = Long.SIZE - Long.numberOfLeadingZeros(count - 1);
        partShift = Math.max(0, bits - Integer.numberOfTrailingZeros(PARTS));
        frames = new long[(int) ((count >>> CHUNK_SHIFT) + 1)][];
    }

    /**
     * Brings the hash up to date. To be called while no processor runs; their soft TLBs must be
     * flushed afterwards, as after {@link FrameTable#setDirtyLog}.
     */
    public void update() {
        memory.frames().takeDirty(this::update);
    }

    private void update(long mfn) {
        long[] chunk = frames[(int) (mfn >>> CHUNK_SHIFT)];
        if (chunk == null) {
            chunk = new long[1 << CHUNK_SHIFT];
            frames[(int) (mfn >>> CHUNK_SHIFT)] = chunk;
        }
        int i = (int) mfn & (1 << CHUNK_SHIFT) - 1;
        long now = frameHash(memory.ram(), mfn);
        parts[(int) (mfn >>> partShift)] += now - chunk[i];
        chunk[i] = now;
    }

    /** Hash of a part as of the last update. */
    public long part(int n) {
        return parts[n];
    }

    /** Machine frames in a part. */
    public long framesInPart() {
        return 1L << partShift;
    }

    /** Hash of one frame, whose number is part of it; 0 if it holds zeros only. */
    static long frameHash(GuestRam ram, long mfn) {
        long address = mfn << MachineMemory.FRAME_SHIFT;
        long end = address + MachineMemory.FRAME_SIZE;
        long a = 0x243F6A8885A308D3L;
        long b = 0x13198A2E03707344L;
        long c = 0xA4093822299F31D0L;
        long d = 0x082EFA98EC4E6C89L;
        long any = 0;
        // Four chains, so that the multiplications overlap. The rotation lets high bits come down.
        for (long at = address; at < end; at += 32) {
            long w = ram.getLong(at);
            long x = ram.getLong(at + 8);
            long y = ram.getLong(at + 16);
            long z = ram.getLong(at + 24);
            any |= w | x | y | z;
            a = Long.rotateLeft((a ^ w) * 0x9E3779B97F4A7C15L, 29);
            b = Long.rotateLeft((b ^ x) * 0xBF58476D1CE4E5B9L, 31);
            c = Long.rotateLeft((c ^ y) * 0x94D049BB133111EBL, 33);
            d = Long.rotateLeft((d ^ z) * 0xD6E8FEB86659FD93L, 37);
        }
        return any == 0 ? 0 : mix(mix(mix(mix(mfn, a), b), c), d);
    }

    /** Takes a value into a hash. */
    public static long mix(long hash, long value) {
        long x = (Long.rotateLeft(hash, 23) ^ value) * 0x9E3779B97F4A7C15L;
        x = (x ^ x >>> 32) * 0xD6E8FEB86659FD93L;
        return x ^ x >>> 29;
    }
}
