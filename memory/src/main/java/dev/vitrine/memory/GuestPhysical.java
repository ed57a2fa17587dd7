// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.memory;

import java.io.IOException;
import java.lang.invoke.VarHandle;
import java.nio.channels.FileChannel;

/**
 * Access to a domain's RAM by guest-physical address, for everything outside the processor. Ranges
 * may cross frames. Writes mark frames dirty and tell the code listener when decoded code was made
 * from the frame. All methods raise {@link BadGuestAddress} where there is no RAM; a range is
 * checked as a whole before its first byte is written.
 */
public final class GuestPhysical {
    /** Told that a frame that code was decoded from, or that is mirrored, has been written. */
    public interface CodeListener {
        void codeWritten(long mfn);
    }

    private static final CodeListener NOBODY = mfn -> {};

    private final PhysicalView view;
    private final GuestRam ram;
    private final FrameTable frames;
    private volatile CodeListener codeListener = NOBODY;

    public GuestPhysical(PhysicalView view) {
        this.view = view;
        this.ram = view.base().memory().ram();
        this.frames = view.base().memory().frames();
    }

    public void setCodeListener(CodeListener listener) {
        codeListener = listener;
    }

    public PhysicalView view() {
        return view;
    }

    /** Machine address behind a guest-physical one. */
    public long machine(long address) {
        long e = view.lookup(address >>> MachineMemory.FRAME_SHIFT);
        if (e == 0) {
            throw new BadGuestAddress(address);
        }
        return PhysicalView.machineAddress(e) | (address & (MachineMemory.FRAME_SIZE - 1));
    }

    /** Whether the whole range is RAM. */
    public boolean isRam(long address, long length) {
        if (length < 0 || address < 0 || address + length < address) {
            return false;
        }
        long gfn = address >>> MachineMemory.FRAME_SHIFT;
        long end = address + length + MachineMemory.FRAME_SIZE - 1 >>> MachineMemory.FRAME_SHIFT;
        while (gfn < end) {
            long n = view.run(gfn, end - gfn);
            if (n == 0) {
                return false;
            }
            gfn += n;
        }
        return true;
    }

    public void read(long address, byte[] target, int offset, int length) {
        while (length > 0) {
            int part = (int) Math.min(length, 4096 - (address & 4095));
            ram.read(machine(address), target, offset, part);
            address += part;
            offset += part;
            length -= part;
        }
    }

    public byte[] read(long address, int length) {
        byte[] b = new byte[length];
        read(address, b, 0, length);
        return b;
    }

    public void write(long address, byte[] source, int offset, int length) {
        if (!isRam(address, length)) {
            throw new BadGuestAddress(address);
        }
        while (length > 0) {
            int part = (int) Math.min(length, 4096 - (address & 4095));
            long m = machine(address);
            ram.write(m, source, offset, part);
            written(m);
            address += part;
            offset += part;
            length -= part;
        }
    }

    /**
     * Writes bytes of a file, which are read to where they belong.
     *
     * @return how many there were, fewer than length where the file ends
     */
    public int write(long address, FileChannel from, long position, int length) throws IOException {
        if (!isRam(address, length)) {
            throw new BadGuestAddress(address);
        }
        int done = 0;
        while (done < length) {
            long a = address + done;
            int within = (int) (a & 4095);
            long frames = (within + (long) length - done + 4095) / 4096;
            long run = view.run(a >>> MachineMemory.FRAME_SHIFT, frames) * 4096 - within;
            long machine = machine(a);
            int n = ram.read(from, position + done, machine, (int) Math.min(run, length - done));
            if (n <= 0) {
                break;
            }
            written(machine, n);
            done += n;
        }
        return done;
    }

    public void write(long address, byte[] source) {
        write(address, source, 0, source.length);
    }

    public void fill(long address, long length, byte value) {
        if (!isRam(address, length)) {
            throw new BadGuestAddress(address);
        }
        while (length > 0) {
            long part = Math.min(length, 4096 - (address & 4095));
            long m = machine(address);
            ram.fill(m, part, value);
            written(m);
            address += part;
            length -= part;
        }
    }

    public int getByte(long address) {
        return ram.getByte(machine(address)) & 0xFF;
    }

    public int getShort(long address) {
        return crosses(address, 2)
                ? getByte(address) | getByte(address + 1) << 8
                : ram.getShort(machine(address)) & 0xFFFF;
    }

    public int getInt(long address) {
        return crosses(address, 4)
                ? getShort(address) | getShort(address + 2) << 16
                : ram.getInt(machine(address));
    }

    public long getLong(long address) {
        return crosses(address, 8)
                ? (getInt(address) & 0xFFFFFFFFL) | (long) getInt(address + 4) << 32
                : ram.getLong(machine(address));
    }

    public void putByte(long address, int value) {
        long m = machine(address);
        ram.putByte(m, (byte) value);
        written(m);
    }

    public void putShort(long address, int value) {
        if (crosses(address, 2)) {
            putBytes(address, value, 2);
        } else {
            long m = machine(address);
            ram.putShort(m, (short) value);
            written(m);
        }
    }

    public void putInt(long address, int value) {
        if (crosses(address, 4)) {
            putBytes(address, value, 4);
        } else {
            long m = machine(address);
            ram.putInt(m, value);
            written(m);
        }
    }

    public void putLong(long address, long value) {
        if (crosses(address, 8)) {
            putBytes(address, value, 8);
        } else {
            long m = machine(address);
            ram.putLong(m, value);
            written(m);
        }
    }

    private void putBytes(long address, long value, int count) {
        machine(address + count - 1);
        for (int i = 0; i < count; i++) {
            putByte(address + i, (int) (value >>> (8 * i)));
        }
    }

    /** Volatile read; the address must be 4-byte aligned. */
    public int getIntVolatile(long address) {
        return ram.getIntVolatile(machine(address));
    }

    /** Volatile read; the address must be 8-byte aligned. */
    public long getLongVolatile(long address) {
        return ram.getLongVolatile(machine(address));
    }

    /** Atomic compare-and-set; the address must be 4-byte aligned. */
    public boolean casInt(long address, int expect, int update) {
        long m = machine(address);
        boolean done = ram.casInt(m, expect, update);
        written(m);
        return done;
    }

    /** Atomic compare-and-set; the address must be 8-byte aligned. */
    public boolean casLong(long address, long expect, long update) {
        long m = machine(address);
        boolean done = ram.casLong(m, expect, update);
        written(m);
        return done;
    }

    /** Atomic OR; the address must be 8-byte aligned. */
    public long getAndOrLong(long address, long bits) {
        long m = machine(address);
        long old = ram.getAndOrLong(m, bits);
        written(m);
        return old;
    }

    /** Atomic AND; the address must be 8-byte aligned. */
    public long getAndAndLong(long address, long bits) {
        long m = machine(address);
        long old = ram.getAndAndLong(m, bits);
        written(m);
        return old;
    }

    /** Atomic OR; the address must be 4-byte aligned. */
    public int getAndOrInt(long address, int bits) {
        long m = machine(address);
        int old = ram.getAndOrInt(m, bits);
        written(m);
        return old;
    }

    /** Atomic AND; the address must be 4-byte aligned. */
    public int getAndAndInt(long address, int bits) {
        long m = machine(address);
        int old = ram.getAndAndInt(m, bits);
        written(m);
        return old;
    }

    private void written(long machine) {
        long mfn = machine >>> MachineMemory.FRAME_SHIFT;
        // Who marks the frame as code after this look at it reads what was written before it.
        VarHandle.fullFence();
        int flags = frames.flags(mfn);
        if (frames.dirtyLog() && (flags & FrameTable.DIRTY) == 0) {
            frames.set(mfn, FrameTable.DIRTY);
        }
        if ((flags & (FrameTable.CODE | FrameTable.MIRRORED)) != 0) {
            codeListener.codeWritten(mfn);
        }
    }

    private void written(long machine, int length) {
        long first = machine >>> MachineMemory.FRAME_SHIFT;
        long last = machine + length - 1 >>> MachineMemory.FRAME_SHIFT;
        VarHandle.fullFence();
        if (frames.dirtyLog() || frames.anyFlags(first, last - first + 1)) {
            for (long mfn = first; mfn <= last; mfn++) {
                written(mfn << MachineMemory.FRAME_SHIFT);
            }
        }
    }

    private static boolean crosses(long address, int size) {
        return (address & 4095) + size > 4096;
    }
}
