// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.memory;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A pool of machine frames (4 KiB each) in one lazily backed segment: frames cost host memory only
 * once they are touched. Frame numbers (mfn) run from 0.
 *
 * <p>The first part of the pool is handed out in one piece with {@link #allocateRange}, single
 * frames for hypervisor pages with {@link #allocateFrame}. Allocation is thread-safe.
 */
public final class MachineMemory implements AutoCloseable {
    /** log2 of the frame size. */
    public static final int FRAME_SHIFT = 12;

    /** Bytes in a frame. */
    public static final int FRAME_SIZE = 1 << FRAME_SHIFT;

    private final GuestRam ram;
    private final FrameTable frames;
    private final long frameCount;
    private long nextFrame;
    private long[] free = new long[16];
    private int freeCount;

    private MachineMemory(GuestRam ram, long bytes) {
        this.ram = ram;
        this.frameCount = bytes >>> FRAME_SHIFT;
        this.frames = new FrameTable(frameCount);
    }

    /**
     * Reserves machine memory.
     *
     * @param bytes size, rounded up to whole frames; positive, less than 2^46
     * @throws OutOfMemoryError if the host refuses the reservation
     */
    public static MachineMemory reserve(long bytes) {
        if (bytes <= 0 || bytes >= 1L << 46) {
            throw new IllegalArgumentException("machine memory of " + bytes + " bytes");
        }
        long rounded = (bytes + FRAME_SIZE - 1) & -FRAME_SIZE;
        // Address space only, for GuestRam's mask.
        long span = Long.highestOneBit(rounded - 1) << 1;
        // Not to be closed: then no access need look whether it has been.
        Arena arena = Arena.ofAuto();
        MemorySegment s = Reservation.anonymous(span + FRAME_SIZE, arena);
        if (s != null) {
            return new MachineMemory(new GuestRam(s, span - 1), rounded);
        }
        return new MachineMemory(
                new GuestRam(Reservation.sparseFile(span + FRAME_SIZE, arena), span - 1), rounded);
    }

    public GuestRam ram() {
        return ram;
    }

    public FrameTable frames() {
        return frames;
    }

    /** Frames in the pool, allocated or not. */
    public long frameCount() {
        return frameCount;
    }

    /** Takes consecutive never-used frames; they read as zeros. */
    public synchronized long allocateRange(long count) {
        if (count < 0 || count > frameCount - nextFrame) {
            throw new OutOfMemoryError("no " + count + " machine frames left");
        }
        long first = nextFrame;
        nextFrame += count;
        return first;
    }

    /** Takes one zeroed frame, or -1 when none is left. */
    public synchronized long allocateFrame() {
        if (freeCount > 0) {
            long mfn = free[--freeCount];
            ram.fill(mfn << FRAME_SHIFT, FRAME_SIZE, (byte) 0);
            if (frames.dirtyLog()) {
                frames.set(mfn, FrameTable.DIRTY);
            }
            return mfn;
        }
        return nextFrame < frameCount ? nextFrame++ : -1;
    }

    /** Gives a frame back. Its content is erased when it is handed out again. */
    public synchronized void freeFrame(long mfn) {
        if (mfn < 0 || mfn >= nextFrame) {
            throw new IllegalArgumentException("frame " + mfn + " was never allocated");
        }
        if (freeCount == free.length) {
            free = java.util.Arrays.copyOf(free, freeCount * 2);
        }
        free[freeCount++] = mfn;
    }

    /**
     * Gives the host its memory back. What follows reads zeros; the addresses stay reserved until
     * nobody can reach this object any more.
     */
    @Override
    public void close() {
        Reservation.release(ram.segment());
    }

    /** Ways to get address space without memory behind it. */
    private static final class Reservation {
        private static final int PROT_READ_WRITE = 3;
        private static final int MAP_PRIVATE_ANONYMOUS_NORESERVE = 0x4022;
        private static final int MADV_DONTNEED = 4;
        private static final int MADV_HUGEPAGE = 14;

        /** mmap of anonymous memory; null where that is not to be had (not Linux, refused). */
        static @org.jspecify.annotations.Nullable MemorySegment anonymous(long bytes, Arena arena) {
            if (!HostCalls.possible()) {
                return null;
            }
            try {
                long address =
                        HostCalls.call(
                                "mmap",
                                0,
                                bytes,
                                PROT_READ_WRITE,
                                MAP_PRIVATE_ANONYMOUS_NORESERVE,
                                -1);
                if (address == -1) {
                    return null;
                }
                advise(address, bytes, MADV_HUGEPAGE);
                return MemorySegment.ofAddress(address)
                        .reinterpret(bytes, arena, Reservation::unmap);
            } catch (Throwable e) {
                if (e instanceof VirtualMachineError v) {
                    throw v;
                }
                return null;
            }
        }

        /**
         * Only advice: what comes of it does not matter.
         *
         * <p>MADV_HUGEPAGE lets the kernel back the memory by pages of 2 MiB: without them each
         * access that misses the host's TLB costs a walk, of two levels of tables where the host is
         * a guest itself.
         */
        private static void advise(long address, long bytes, int advice) throws Throwable {
            long ignored = HostCalls.call("madvise", address, bytes, advice, 0, 0);
        }

        /** Drops what is in the memory. */
        static void release(MemorySegment s) {
            if (!HostCalls.possible()) {
                return;
            }
            try {
                advise(s.address(), s.byteSize(), MADV_DONTNEED);
            } catch (Throwable e) {
                if (e instanceof VirtualMachineError v) {
                    throw v;
                }
            }
        }

        private static void unmap(MemorySegment s) {
            try {
                int result = (int) HostCalls.call("munmap", s.address(), s.byteSize(), 0, 0, 0);
                if (result != 0) {
                    throw new IllegalStateException("munmap of guest memory failed");
                }
            } catch (RuntimeException | Error e) {
                throw e;
            } catch (Throwable e) {
                throw new IllegalStateException("munmap of guest memory failed", e);
            }
        }

        /** A sparse file without a name: works on every system, shares the page cache. */
        static MemorySegment sparseFile(long bytes, Arena arena) {
            try {
                Path file = Files.createTempFile("vitrine-ram", "");
                try (FileChannel channel =
                        FileChannel.open(
                                file,
                                StandardOpenOption.READ,
                                StandardOpenOption.WRITE,
                                StandardOpenOption.DELETE_ON_CLOSE,
                                StandardOpenOption.SPARSE)) {
                    return channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes, arena);
                }
            } catch (IOException e) {
                OutOfMemoryError error =
                        new OutOfMemoryError("cannot reserve " + bytes + " bytes of guest memory");
                error.initCause(e);
                throw error;
            }
        }

        private Reservation() {}
    }
}
