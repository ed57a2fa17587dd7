// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.xenabi.Errno;
import dev.vitrine.xenabi.HypercallNumber;
import dev.vitrine.xenabi.MemoryOp;

import java.util.List;

/** The memory_op hypercall. */
final class MemoryOps {
    private final Hypercalls h;
    private final DomainMemory memory;

    MemoryOps(Hypercalls h) {
        this.h = h;
        this.memory = h.domain.memory();
    }

    long call(long command, long p) {
        int operation = (int) command & MemoryOp.CMD_MASK;
        long start = (h.wide ? command : Hypercalls.u32(command)) >>> MemoryOp.CMD_SHIFT;
        return switch (operation) {
            case MemoryOp.INCREASE_RESERVATION,
                    MemoryOp.DECREASE_RESERVATION,
                    MemoryOp.POPULATE_PHYSMAP ->
                    reservation(operation, start, p);
            case MemoryOp.MAXIMUM_RAM_PAGE -> memory.machine.frameCount() - 1;
            case MemoryOp.CURRENT_RESERVATION,
                    MemoryOp.MAXIMUM_RESERVATION,
                    MemoryOp.MAXIMUM_GPFN ->
                    size(operation, p);
            case MemoryOp.ADD_TO_PHYSMAP -> addToPhysmap(start, p);
            case MemoryOp.ADD_TO_PHYSMAP_BATCH -> addBatch(start, p);
            case MemoryOp.REMOVE_FROM_PHYSMAP -> removeFromPhysmap(p);
            case MemoryOp.MEMORY_MAP -> memoryMap(p);
            case MemoryOp.GET_SHARING_FREED_PAGES, MemoryOp.GET_SHARING_SHARED_PAGES -> 0;
            case MemoryOp.MACHINE_MEMORY_MAP,
                    MemoryOp.SET_MEMORY_MAP,
                    MemoryOp.SET_POD_TARGET,
                    MemoryOp.GET_POD_TARGET,
                    MemoryOp.PAGING_OP,
                    MemoryOp.ACCESS_OP,
                    MemoryOp.SHARING_OP,
                    MemoryOp.CLAIM_PAGES,
                    MemoryOp.ACQUIRE_RESOURCE ->
                    -Errno.EPERM;
            case MemoryOp.GET_VNUMAINFO, MemoryOp.EXCHANGE -> -Errno.EOPNOTSUPP;
            default -> h.missing(HypercallNumber.MEMORY_OP, operation);
        };
    }

    private long checkDomain(int domid) {
        if (h.isSelf(domid)) {
            return 0;
        }
        return h.domain.hypervisor().domain(domid) == null ? -Errno.ESRCH : -Errno.EPERM;
    }

    /** Results of these count extents that are done; errors in an extent end the work early. */
    private long reservation(int operation, long start, long p) {
        if (!h.in(p, h.wide ? MemoryOp.SIZE_RESERVATION_64 : MemoryOp.SIZE_RESERVATION_32)) {
            return start;
        }
        long extents = h.word(0, 0);
        long count = h.word(8, 4);
        long order = h.u32(h.wide ? 16 : 8);
        int flags = h.i32(h.wide ? 20 : 12);
        int domid = h.u16(h.wide ? 24 : 16);
        if (count < 0 || count > Long.MAX_VALUE >>> MemoryOp.CMD_SHIFT || start >= count) {
            return start;
        }
        if (checkDomain(domid) != 0 || order > MemoryOp.MAX_ORDER) {
            return start;
        }
        if (operation == MemoryOp.INCREASE_RESERVATION
                || (operation == MemoryOp.POPULATE_PHYSMAP
                        && (flags & MemoryOp.FLAG_POPULATE_ON_DEMAND) != 0)) {
            return start; // frames without a place are of no use to a translated guest
        }
        int word = h.wordSize();
        long pages = 1L << order;
        for (long i = start; i < count; ) {
            // Up to the end of a page of the list, so that all of its readable part is done.
            long at = extents + i * word;
            int part = (int) Math.min(Hypercalls.CHUNK, count - i);
            part = Math.max(1, Math.min(part, (int) (4096 - (at & 4095)) / word));
            if (h.mustStop() || !h.read(at, h.list, part * word)) {
                return i;
            }
            for (int j = 0; j < part; j++, i++) {
                long gfn = h.listWord(j);
                if (gfn < 0 || gfn + pages < gfn || !oneExtent(operation, gfn, pages)) {
                    return i;
                }
            }
        }
        return count;
    }

    private boolean oneExtent(int operation, long gfn, long pages) {
        if (operation == MemoryOp.POPULATE_PHYSMAP && (gfn & (pages - 1)) != 0) {
            return false;
        }
        for (long k = 0; k < pages; k++) {
            boolean done =
                    operation == MemoryOp.POPULATE_PHYSMAP
                            ? memory.populate(gfn + k)
                            : memory.remove(gfn + k);
            if (!done) {
                if (operation == MemoryOp.POPULATE_PHYSMAP) {
                    for (long u = 0; u < k; u++) {
                        memory.remove(gfn + u);
                    }
                }
                return false;
            }
        }
        return true;
    }

    private long size(int operation, long p) {
        if (!h.in(p, 2)) {
            return -Errno.EFAULT;
        }
        long rc = checkDomain(h.u16(0));
        if (rc != 0) {
            return rc;
        }
        return switch (operation) {
            case MemoryOp.CURRENT_RESERVATION -> memory.totalPages();
            case MemoryOp.MAXIMUM_RESERVATION -> memory.maxPages();
            default -> memory.map.maxGfn();
        };
    }

    private long addToPhysmap(long start, long p) {
        if (!h.in(p, h.wide ? MemoryOp.SIZE_ADD_TO_PHYSMAP_64 : MemoryOp.SIZE_ADD_TO_PHYSMAP_32)) {
            return -Errno.EFAULT;
        }
        int domid = h.u16(0);
        int size = h.u16(2);
        long space = h.u32(4);
        long index = h.word(8, 8);
        long gfn = h.word(16, 12);
        long rc = checkDomain(domid);
        if (rc != 0) {
            return rc;
        }
        if (space == MemoryOp.SPACE_GMFN_FOREIGN) {
            return h.missing(HypercallNumber.MEMORY_OP, operationOf(space));
        }
        if (space == MemoryOp.SPACE_GMFN_RANGE) {
            for (long i = start; i < size && !h.mustStop(); i++) {
                rc = addOne(MemoryOp.SPACE_GMFN, index + i, gfn + i);
                if (rc != 0) {
                    return rc;
                }
            }
            return 0;
        }
        return addOne(space, index, gfn);
    }

    private static long operationOf(long space) {
        return MemoryOp.ADD_TO_PHYSMAP + (space << 8);
    }

    private long addOne(long space, long index, long gfn) {
        if (!DomainMemory.isGfn(gfn)) {
            return -Errno.EINVAL;
        }
        if (space == MemoryOp.SPACE_SHARED_INFO) {
            return index == 0
                            && memory.mapSpecial(
                                    h.domain.sharedInfoAddress() >>> DomainMemory.SHIFT, gfn)
                    ? 0
                    : -Errno.EINVAL;
        }
        if (space == MemoryOp.SPACE_GRANT_TABLE) {
            long mfn = h.domain.grants().frameForMapping(index);
            return mfn >= 0 && memory.mapSpecial(mfn, gfn) ? 0 : -Errno.EINVAL;
        }
        if (space == MemoryOp.SPACE_GMFN) {
            return memory.move(index, gfn) ? 0 : -Errno.EINVAL;
        }
        return h.missing(HypercallNumber.MEMORY_OP, operationOf(space));
    }

    private long addBatch(long start, long p) {
        int bytes =
                h.wide
                        ? MemoryOp.SIZE_ADD_TO_PHYSMAP_BATCH_64
                        : MemoryOp.SIZE_ADD_TO_PHYSMAP_BATCH_32;
        if (!h.in(p, bytes)) {
            return -Errno.EFAULT;
        }
        int domid = h.u16(0);
        int space = h.u16(2);
        int size = h.u16(4);
        int extra = h.u16(6);
        long indexes = h.word(8, 8);
        long gfns = h.word(16, 12);
        long errors = h.word(24, 16);
        long rc = checkDomain(domid);
        if (rc != 0) {
            return rc;
        }
        if (space == MemoryOp.SPACE_GMFN_FOREIGN) {
            return -Errno.EPERM;
        }
        if (space == MemoryOp.SPACE_GMFN_RANGE || extra != 0) {
            return -Errno.EINVAL;
        }
        int word = h.wordSize();
        for (long i = start; i < size && !h.mustStop(); i++) {
            if (!h.read(indexes + i * word, h.list, word)) {
                return -Errno.EFAULT;
            }
            long index = h.listWord(0);
            if (!h.read(gfns + i * word, h.list, word)) {
                return -Errno.EFAULT;
            }
            long result = addOne(space, index, h.listWord(0));
            Bytes.putInt(h.list, 0, (int) result);
            if (!h.write(errors + i * 4, h.list, 4)) {
                return -Errno.EFAULT;
            }
        }
        return 0;
    }

    private long removeFromPhysmap(long p) {
        int bytes =
                h.wide
                        ? MemoryOp.SIZE_REMOVE_FROM_PHYSMAP_64
                        : MemoryOp.SIZE_REMOVE_FROM_PHYSMAP_32;
        if (!h.in(p, bytes)) {
            return -Errno.EFAULT;
        }
        long rc = checkDomain(h.u16(0));
        if (rc != 0) {
            return rc;
        }
        return memory.remove(h.word(8, 4)) ? 0 : -Errno.ENOENT;
    }

    private long memoryMap(long p) {
        if (!h.in(p, h.wide ? MemoryOp.SIZE_MEMORY_MAP_64 : MemoryOp.SIZE_MEMORY_MAP_32)) {
            return -Errno.EFAULT;
        }
        long room = h.u32(0);
        long buffer = h.word(8, 4);
        List<E820Entry> map = h.domain.memoryMap();
        if (map.isEmpty()) {
            return h.missing(HypercallNumber.MEMORY_OP, MemoryOp.MEMORY_MAP);
        }
        int n =
                (int)
                        Math.min(
                                room,
                                Math.min(map.size(), h.list.length / MemoryOp.SIZE_E820_ENTRY));
        for (int i = 0; i < n; i++) {
            E820Entry e = map.get(i);
            int at = i * MemoryOp.SIZE_E820_ENTRY;
            Bytes.putLong(h.list, at, e.address());
            Bytes.putLong(h.list, at + 8, e.size());
            Bytes.putInt(h.list, at + 16, e.type());
        }
        if (!h.write(buffer, h.list, n * MemoryOp.SIZE_E820_ENTRY)) {
            return -Errno.EFAULT;
        }
        h.put32(0, n);
        return h.out(p, 0, 4) ? 0 : -Errno.EFAULT;
    }
}
