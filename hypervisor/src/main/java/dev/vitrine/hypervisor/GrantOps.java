// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.xenabi.Errno;
import dev.vitrine.xenabi.GrantTableOp;
import dev.vitrine.xenabi.HypercallNumber;

import org.jspecify.annotations.Nullable;

/**
 * The grant_table_op hypercall, with the sub-operations that Xen lets HVM and PVH domains have.
 *
 * <p>Memory of different domains never shares a segment, so a domain can copy from and to another
 * one's grants but map only its own; mapping another domain's is refused with GNTST_general_error.
 */
final class GrantOps {
    private final Hypercalls h;
    private final GrantTable grants;
    private final byte[] data = new byte[4096];

    GrantOps(Hypercalls h) {
        this.h = h;
        this.grants = h.domain.grants();
    }

    long call(int operation, long p, long count) {
        long n = Hypercalls.u32(count);
        if (n > Integer.MAX_VALUE) {
            return -Errno.EINVAL;
        }
        return switch (operation) {
            case GrantTableOp.MAP_GRANT_REF -> each(p, n, GrantTableOp.SIZE_MAP, this::map);
            case GrantTableOp.UNMAP_GRANT_REF -> each(p, n, GrantTableOp.SIZE_UNMAP, this::unmap);
            case GrantTableOp.COPY ->
                    each(
                            p,
                            n,
                            h.wide ? GrantTableOp.SIZE_COPY_64 : GrantTableOp.SIZE_COPY_32,
                            this::copy);
            case GrantTableOp.SWAP_GRANT_REF -> each(p, n, GrantTableOp.SIZE_SWAP, this::swap);
            case GrantTableOp.SETUP_TABLE -> n == 1 ? setup(p) : -Errno.EINVAL;
            case GrantTableOp.QUERY_SIZE -> n == 1 ? querySize(p) : -Errno.EINVAL;
            case GrantTableOp.SET_VERSION -> setVersion(p);
            case GrantTableOp.GET_VERSION -> getVersion(p);
            default -> h.missing(HypercallNumber.GRANT_TABLE_OP, operation);
        };
    }

    private interface One {
        /** Works on the structure in the buffer; false for a bad pointer on the way out. */
        boolean run(long p);
    }

    private long each(long p, long count, int size, One one) {
        for (long i = 0; i < count && !h.mustStop(); i++) {
            long at = p + i * size;
            if (!h.in(at, size) || !one.run(at)) {
                return -Errno.EFAULT;
            }
        }
        return 0;
    }

    private boolean status(long p, int at, int status) {
        h.put16(at, status);
        return h.out(p, at, 2);
    }

    private @Nullable Domain granter(int domid) {
        return h.isSelf(domid) ? h.domain : h.domain.hypervisor().domain(domid);
    }

    // ---------------------------------------------------------------------- mappings

    private boolean map(long p) {
        long address = h.u64(0);
        int flags = h.i32(8);
        int reference = h.i32(12);
        int domid = h.u16(16);
        h.put32(20, -1);
        h.put64(24, 0);
        int handle = mapOne(address, flags, reference, domid);
        if (handle >= 0) {
            h.put32(20, handle);
            h.put16(18, GrantTableOp.OKAY);
        } else {
            h.put16(18, handle);
        }
        return h.out(p, 18, 14);
    }

    /** A handle, or a negative status. */
    private int mapOne(long address, int flags, int reference, int domid) {
        if ((flags & GrantTableOp.MAP_HOST) == 0
                || (flags & (GrantTableOp.MAP_CONTAINS_PTE | GrantTableOp.MAP_APPLICATION)) != 0
                || (address & 4095) != 0) {
            return GrantTableOp.GENERAL_ERROR;
        }
        Domain granter = granter(domid);
        if (granter == null) {
            return GrantTableOp.BAD_DOMAIN;
        }
        if (granter != h.domain) {
            return GrantTableOp.GENERAL_ERROR;
        }
        boolean readOnly = (flags & GrantTableOp.MAP_READONLY) != 0;
        GrantTable.Use use;
        synchronized (grants) {
            use = grants.acquire(reference, h.domain.id(), readOnly, true);
            if (use == null) {
                return grants.failure();
            }
        }
        long gfn = address >>> DomainMemory.SHIFT;
        int handle = h.domain.maptrack().add(new Maptrack.Entry(use, gfn));
        if (handle < 0) {
            grants.release(use);
            return GrantTableOp.NO_SPACE;
        }
        if (!h.domain.memory().mapForeign(use.mfn, gfn, readOnly)) {
            h.domain.maptrack().remove(handle);
            grants.release(use);
            return GrantTableOp.BAD_VIRT_ADDR;
        }
        return handle;
    }

    private boolean unmap(long p) {
        long address = h.u64(0);
        int handle = h.i32(16);
        int status = GrantTableOp.OKAY;
        Maptrack.Entry e = h.domain.maptrack().get(handle);
        if (e == null) {
            status = GrantTableOp.BAD_HANDLE;
        } else if (address != 0 && address >>> DomainMemory.SHIFT != e.gfn()) {
            status = GrantTableOp.BAD_VIRT_ADDR;
        } else if (address != 0 && h.domain.maptrack().remove(handle) == e) {
            h.domain.memory().unmapForeign(e.use().mfn, e.gfn());
            grants.release(e.use());
        }
        return status(p, 20, status);
    }

    private boolean swap(long p) {
        return status(p, 8, grants.swap(h.i32(0), h.i32(4)));
    }

    // -------------------------------------------------------------------------- copy

    private boolean copy(long p) {
        return h.wide ? status(p, 36, copyOne()) : status(p, 20, copyOne());
    }

    private int copyOne() {
        int destination = h.wide ? 16 : 8;
        int domidAt = h.wide ? 8 : 4;
        int length = h.u16(h.wide ? 32 : 16);
        int flags = h.u16(h.wide ? 34 : 18);
        boolean fromGrant = (flags & GrantTableOp.COPY_SOURCE_GREF) != 0;
        boolean toGrant = (flags & GrantTableOp.COPY_DEST_GREF) != 0;
        long source = fromGrant ? h.u32(0) : h.word(0, 0);
        long target = toGrant ? h.u32(destination) : h.word(destination, destination);
        int sourceDomain = h.u16(domidAt);
        int targetDomain = h.u16(destination + domidAt);
        int sourceOffset = h.u16(domidAt + 2);
        int targetOffset = h.u16(destination + domidAt + 2);
        if (sourceOffset + length > 4096 || targetOffset + length > 4096) {
            return GrantTableOp.BAD_COPY_ARG;
        }
        // Another domain's frames can be named by its grants only.
        if ((!fromGrant && !h.isSelf(sourceDomain)) || (!toGrant && !h.isSelf(targetDomain))) {
            return GrantTableOp.PERMISSION_DENIED;
        }
        Domain from = granter(sourceDomain);
        Domain to = granter(targetDomain);
        if (from == null || to == null) {
            return GrantTableOp.BAD_DOMAIN;
        }
        int status = transfer(from, source, fromGrant, sourceOffset, length, true);
        return status != GrantTableOp.OKAY
                ? status
                : transfer(to, target, toGrant, targetOffset, length, false);
    }

    /** Reads a stretch of a frame into the data buffer, or writes it from there. */
    private int transfer(
            Domain d, long frame, boolean isGrant, int offset, int length, boolean reads) {
        DomainMemory memory = d.memory();
        GrantTable.Use use = null;
        long mfn;
        if (isGrant) {
            synchronized (d.grants()) {
                use = d.grants().acquire((int) frame, h.domain.id(), reads, false);
                if (use == null) {
                    return d.grants().failure();
                }
            }
            if (offset < use.offset || offset + length > use.offset + use.length) {
                d.grants().release(use);
                return GrantTableOp.GENERAL_ERROR;
            }
            mfn = use.mfn;
        } else {
            mfn = memory.pin(frame);
            if (mfn < 0) {
                return GrantTableOp.BAD_PAGE;
            }
        }
        long address = (mfn << DomainMemory.SHIFT) + offset;
        if (reads) {
            memory.ram.read(address, data, 0, length);
        } else {
            memory.writeFrame(address, data, 0, length);
        }
        if (use != null) {
            d.grants().release(use);
        } else {
            memory.unpin(mfn);
        }
        return GrantTableOp.OKAY;
    }

    // ------------------------------------------------------------------------- table

    private long setup(long p) {
        if (!h.in(p, h.wide ? GrantTableOp.SIZE_SETUP_64 : GrantTableOp.SIZE_SETUP_32)) {
            return -Errno.EFAULT;
        }
        int domid = h.u16(0);
        long frames = h.u32(4);
        long list = h.word(16, 12);
        int status = GrantTableOp.OKAY;
        if (!h.isSelf(domid)) {
            status =
                    granter(domid) == null
                            ? GrantTableOp.BAD_DOMAIN
                            : GrantTableOp.PERMISSION_DENIED;
        } else if (frames > grants.maxFrames() || !grants.grow((int) frames)) {
            status = GrantTableOp.GENERAL_ERROR;
        } else {
            int word = h.wordSize();
            for (int i = 0; i < frames; i++) {
                h.putListWord(0, grants.gfn(i));
                if (!h.write(list + (long) i * word, h.list, word)) {
                    status = GrantTableOp.BAD_VIRT_ADDR;
                    break;
                }
            }
        }
        return status(p, 8, status) ? 0 : -Errno.EFAULT;
    }

    private long querySize(long p) {
        if (!h.in(p, GrantTableOp.SIZE_QUERY)) {
            return -Errno.EFAULT;
        }
        int domid = h.u16(0);
        if (h.isSelf(domid)) {
            h.put32(4, grants.frames());
            h.put32(8, grants.maxFrames());
            h.put16(12, GrantTableOp.OKAY);
        } else {
            h.put16(
                    12,
                    granter(domid) == null
                            ? GrantTableOp.BAD_DOMAIN
                            : GrantTableOp.PERMISSION_DENIED);
        }
        return h.out(p, 4, 10) ? 0 : -Errno.EFAULT;
    }

    private long setVersion(long p) {
        if (!h.in(p, GrantTableOp.SIZE_SET_VERSION)) {
            return -Errno.EFAULT;
        }
        int rc = grants.setVersion(h.i32(0));
        h.put32(0, grants.version());
        return h.out(p, 0, 4) ? rc : -Errno.EFAULT;
    }

    private long getVersion(long p) {
        if (!h.in(p, GrantTableOp.SIZE_GET_VERSION)) {
            return -Errno.EFAULT;
        }
        int domid = h.u16(0);
        if (!h.isSelf(domid)) {
            return granter(domid) == null ? -Errno.ESRCH : -Errno.EPERM;
        }
        h.put32(4, grants.version());
        return h.out(p, 4, 4) ? 0 : -Errno.EFAULT;
    }
}
