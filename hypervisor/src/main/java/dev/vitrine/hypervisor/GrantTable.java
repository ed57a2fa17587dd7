// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.memory.GuestRam;
import dev.vitrine.processor.StateSink;
import dev.vitrine.xenabi.Errno;
import dev.vitrine.xenabi.GrantTableOp;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;

/**
 * A domain's grant table: which of its frames it lends to whom, in version 1 or 2 of the format,
 * and what is lent out at the moment. Thread-safe under its own monitor; takes the monitor of
 * {@link DomainMemory} inside.
 */
final class GrantTable {
    /** A use of a granted frame; ended with {@link GrantTable#release}. */
    static final class Use {
        final int reference;
        final boolean readOnly;

        /** Machine frame, held until the release. */
        final long mfn;

        /** Part of the frame that is granted. */
        final int offset;

        final int length;

        Use(int reference, boolean readOnly, long mfn, int offset, int length) {
            this.reference = reference;
            this.readOnly = readOnly;
            this.mfn = mfn;
            this.offset = offset;
            this.length = length;
        }
    }

    private static final class Active {
        int readers;
        int writers;
    }

    private final Domain domain;
    private final DomainMemory memory;
    private final GuestRam ram;
    private final int maxFrames;
    private final int maxVersion;
    private int version = 1;

    /** Machine frames of the table. */
    private long[] shared = new long[0];

    private long[] status = new long[0];
    private final Map<Integer, Active> active = new HashMap<>();

    /** Result of the last failed {@link #acquire}. */
    private int failure;

    GrantTable(Domain domain, int maxFrames, int maxVersion) {
        this.domain = domain;
        this.memory = domain.memory();
        this.ram = memory.ram;
        this.maxFrames = maxFrames;
        this.maxVersion = maxVersion;
        grow(1);
    }

    synchronized int frames() {
        return shared.length;
    }

    int maxFrames() {
        return maxFrames;
    }

    synchronized int version() {
        return version;
    }

    private int entrySize() {
        return version == 1 ? GrantTableOp.ENTRY_V1_SIZE : GrantTableOp.ENTRY_V2_SIZE;
    }

    private int entries() {
        return shared.length * (4096 / entrySize());
    }

    /** Grows the table to at least this many frames; false if that is more than it may have. */
    synchronized boolean grow(int frames) {
        if (frames < 0 || frames > maxFrames) {
            return false;
        }
        if (frames > shared.length) {
            long[] grown = Arrays.copyOf(shared, frames);
            for (int i = shared.length; i < frames; i++) {
                long mfn = memory.allocateSpecial();
                if (mfn < 0) {
                    return false;
                }
                grown[i] = mfn;
                shared = Arrays.copyOf(grown, i + 1);
            }
        }
        return version == 1 || growStatus();
    }

    private boolean growStatus() {
        int needed = (shared.length * (4096 / GrantTableOp.ENTRY_V2_SIZE) * 2 + 4095) / 4096;
        while (status.length < needed) {
            long mfn = memory.allocateSpecial();
            if (mfn < 0) {
                return false;
            }
            status = Arrays.copyOf(status, status.length + 1);
            status[status.length - 1] = mfn;
        }
        return true;
    }

    /** Machine frame behind an index of XENMAPSPACE_grant_table, growing the table to it; or -1. */
    synchronized long frameForMapping(long index) {
        if ((index & dev.vitrine.xenabi.MemoryOp.GRANT_STATUS_INDEX) != 0) {
            long i = index & ~dev.vitrine.xenabi.MemoryOp.GRANT_STATUS_INDEX;
            if (version != 2) {
                return -1;
            }
            if (i >= status.length && i < maxFrames) {
                long wanted = (i + 1) * (4096 / 2) / (4096 / GrantTableOp.ENTRY_V2_SIZE);
                grow((int) Math.min(wanted, maxFrames));
            }
            return i >= 0 && i < status.length ? status[(int) i] : -1;
        }
        if (index < 0 || index >= maxFrames || !grow((int) index + 1)) {
            return -1;
        }
        return shared[(int) index];
    }

    /** Guest frame where a frame of the table is mapped, or all-ones. */
    synchronized long gfn(int frame) {
        return memory.specialGfn(shared[frame]);
    }

    /**
     * GNTTABOP_set_version. The first eight entries survive, all others are cleared.
     *
     * @return 0 or a negated error number
     */
    synchronized int setVersion(int wanted) {
        if (wanted != 1 && wanted != 2) {
            return -Errno.EINVAL;
        }
        if (wanted > maxVersion) {
            return -Errno.ENOSYS;
        }
        if (wanted == version) {
            return 0;
        }
        for (int r : active.keySet()) {
            if (r >= GrantTableOp.NR_RESERVED_ENTRIES) {
                return -Errno.EBUSY;
            }
        }
        int n = GrantTableOp.NR_RESERVED_ENTRIES;
        int[] flags = new int[n];
        int[] domids = new int[n];
        long[] gfns = new long[n];
        for (int i = 0; i < n; i++) {
            long e = entry(i);
            int head = ram.getIntVolatile(e);
            flags[i] = head & 0xFFFF;
            domids[i] = head >>> 16;
            if (version == 1) {
                gfns[i] = ram.getInt(e + 4) & 0xFFFFFFFFL;
            } else {
                int type = flags[i] & GrantTableOp.GTF_TYPE_MASK;
                gfns[i] = ram.getLong(e + 8);
                if (type == GrantTableOp.GTF_TRANSITIVE
                        || (type == GrantTableOp.GTF_PERMIT_ACCESS && gfns[i] >>> 32 != 0)) {
                    return -Errno.ERANGE;
                }
                if (type == GrantTableOp.GTF_PERMIT_ACCESS) {
                    flags[i] |= ram.getShort(statusAddress(i)) & 0xFFFF;
                } else {
                    flags[i] = 0;
                    domids[i] = 0;
                    gfns[i] = 0;
                }
            }
        }
        version = wanted;
        if (wanted == 2 && !growStatus()) {
            version = 1;
            return -Errno.ENOMEM;
        }
        for (long mfn : shared) {
            ram.fill(mfn << DomainMemory.SHIFT, 4096, (byte) 0);
            memory.touched(mfn << DomainMemory.SHIFT);
        }
        int using = GrantTableOp.GTF_READING | GrantTableOp.GTF_WRITING;
        for (int i = 0; i < n; i++) {
            long e = entry(i);
            if (wanted == 1) {
                ram.putInt(e + 4, (int) gfns[i]);
                ram.putInt(e, flags[i] | domids[i] << 16);
            } else {
                ram.putLong(e + 8, gfns[i]);
                ram.putShort(statusAddress(i), (short) (flags[i] & using));
                ram.putInt(e, (flags[i] & ~using) | domids[i] << 16);
            }
        }
        return 0;
    }

    private long entry(int reference) {
        int perPage = 4096 / entrySize();
        return (shared[reference / perPage] << DomainMemory.SHIFT)
                + (long) (reference % perPage) * entrySize();
    }

    private long statusAddress(int reference) {
        return (status[reference / 2048] << DomainMemory.SHIFT) + reference % 2048 * 2L;
    }

    /** Fills in an entry for the domain, as a domain builder does for console and xenstore. */
    synchronized void seed(int reference, int toDomain, long gfn) {
        long e = entry(reference);
        if (version == 1) {
            ram.putInt(e + 4, (int) gfn);
        } else {
            ram.putLong(e + 8, gfn);
        }
        ram.putInt(e, GrantTableOp.GTF_PERMIT_ACCESS | toDomain << 16);
        memory.touched(e);
    }

    /** Status code of the last {@link #acquire} that gave null; valid under the monitor only. */
    int failure() {
        return failure;
    }

    /**
     * Starts a use of a granted frame.
     *
     * @param by domain id of the user
     * @param wholePage the use is a mapping: sub-page grants will not do
     * @return null if refused; {@link #failure} tells why
     */
    synchronized @Nullable Use acquire(int reference, int by, boolean readOnly, boolean wholePage) {
        if (reference < 0 || reference >= entries()) {
            return fail(GrantTableOp.BAD_GNTREF);
        }
        long e = entry(reference);
        int use = GrantTableOp.GTF_READING | (readOnly ? 0 : GrantTableOp.GTF_WRITING);
        int head;
        while (true) {
            head = ram.getIntVolatile(e);
            if ((head & GrantTableOp.GTF_TYPE_MASK) != GrantTableOp.GTF_PERMIT_ACCESS
                    || head >>> 16 != by
                    || (!readOnly && (head & GrantTableOp.GTF_READONLY) != 0)) {
                return fail(GrantTableOp.GENERAL_ERROR);
            }
            if (version == 2) {
                break;
            }
            if (ram.casInt(e, head, head | use)) {
                break;
            }
        }
        long gfn;
        int offset = 0;
        int length = 4096;
        if (version == 1) {
            gfn = ram.getInt(e + 4) & 0xFFFFFFFFL;
        } else {
            setStatus(reference, use);
            gfn = ram.getLong(e + 8);
            if ((head & GrantTableOp.GTF_SUB_PAGE) != 0) {
                int part = ram.getInt(e + 4);
                offset = part & 0xFFFF;
                length = part >>> 16;
                if (wholePage || offset + length > 4096) {
                    drop(reference);
                    return fail(GrantTableOp.GENERAL_ERROR);
                }
            }
            // The guest withdrew the grant between the look and the mark.
            if (ram.getIntVolatile(e) != head) {
                drop(reference);
                return fail(GrantTableOp.GENERAL_ERROR);
            }
        }
        memory.touched(e);
        long mfn = memory.pin(gfn);
        if (mfn < 0) {
            drop(reference);
            return fail(GrantTableOp.BAD_PAGE);
        }
        Active a = active.computeIfAbsent(reference, k -> new Active());
        a.readers++;
        if (!readOnly) {
            a.writers++;
        }
        return new Use(reference, readOnly, mfn, offset, length);
    }

    private @Nullable Use fail(int code) {
        failure = code;
        return null;
    }

    private void setStatus(int reference, int bits) {
        long s = statusAddress(reference);
        int shift = (int) (s & 2) * 8;
        ram.getAndOrInt(s & ~3L, bits << shift);
        memory.touched(s);
    }

    /** Withdraws the use marks that no active use backs. */
    private void drop(int reference) {
        Active a = active.get(reference);
        int clear = 0;
        if (a == null || a.writers == 0) {
            clear |= GrantTableOp.GTF_WRITING;
        }
        if (a == null || a.readers == 0) {
            clear |= GrantTableOp.GTF_READING;
        }
        if (clear == 0) {
            return;
        }
        if (version == 1) {
            ram.getAndAndInt(entry(reference), ~clear);
            memory.touched(entry(reference));
        } else {
            long s = statusAddress(reference);
            ram.getAndAndInt(s & ~3L, ~(clear << (int) (s & 2) * 8));
            memory.touched(s);
        }
    }

    synchronized void release(Use use) {
        Active a = active.get(use.reference);
        if (a != null) {
            a.readers--;
            if (!use.readOnly) {
                a.writers--;
            }
            drop(use.reference);
            if (a.readers == 0) {
                active.remove(use.reference);
            }
        }
        memory.unpin(use.mfn);
    }

    /** GNTTABOP_swap_grant_ref. */
    synchronized int swap(int a, int b) {
        if (a < 0 || a >= entries() || b < 0 || b >= entries()) {
            return GrantTableOp.BAD_GNTREF;
        }
        if (a == b) {
            return GrantTableOp.OKAY;
        }
        if (active.containsKey(a) || active.containsKey(b)) {
            return GrantTableOp.EAGAIN;
        }
        long ea = entry(a);
        long eb = entry(b);
        for (int i = 0; i < entrySize(); i += 8) {
            long t = ram.getLong(ea + i);
            ram.putLong(ea + i, ram.getLong(eb + i));
            ram.putLong(eb + i, t);
        }
        memory.touched(ea);
        memory.touched(eb);
        return GrantTableOp.OKAY;
    }

    synchronized void visitState(StateSink sink) {
        sink.value("version", version);
        for (long mfn : shared) {
            sink.value("frame", mfn);
        }
        for (long mfn : status) {
            sink.value("status frame", mfn);
        }
        new TreeMap<>(active)
                .forEach((reference, a) -> {
                    sink.value("grant in use", reference);
                    sink.value("readers", a.readers);
                    sink.value("writers", a.writers);
                });
    }

    /** Uses under way, for statistics. */
    synchronized int activeGrants() {
        return active.size();
    }

    Domain domain() {
        return domain;
    }
}
