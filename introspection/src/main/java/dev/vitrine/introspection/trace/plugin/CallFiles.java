// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.linux.Member;
import dev.vitrine.introspection.linux.Paths;
import dev.vitrine.introspection.trace.Arguments;
import dev.vitrine.introspection.trace.Moment;
import dev.vitrine.introspection.trace.RingRequest;
import dev.vitrine.introspection.trace.TracedCall;

import org.jspecify.annotations.Nullable;

/**
 * The files that calls are about: those of the process's descriptors, and of io_uring also those
 * that are registered with a ring, which have numbers of their own.
 */
final class CallFiles {
    /** The kernel's own limit of registered files (IORING_MAX_FIXED_FILES). */
    private static final long MAX_REGISTERED = 1 << 20;

    /** Pointers to registered files have flags in their lowest bits. */
    private static final long POINTER = -8;

    /**
     * The kernel is to choose a free place among the registered files (IORING_FILE_INDEX_ALLOC).
     */
    private static final long ANY_PLACE = 0xFFFF_FFFFL;

    /** The descriptor that splice reads from is the number of a registered file. */
    private static final long SPLICE_IN_FIXED = 1L << 31;

    /**
     * What a call names a file by; one of the two, or none if there is no file yet.
     *
     * @param fd a descriptor
     * @param index the number of a file that is registered with the ring
     */
    record Handle(@Nullable Long fd, @Nullable Long index) {
        private static final Handle NONE = new Handle(null, null);

        private static Handle of(boolean registered, long number) {
            return registered ? new Handle(null, number) : new Handle(number, null);
        }
    }

    private final TaskMembers members;
    private final Paths paths;
    private final long requestFile;
    private final @Nullable Member count;
    private final long table;
    private final long size;
    private final long pointer;

    /** Whether the table has pointers to what has the pointer, as it has since 6.13. */
    private final boolean indirect;

    CallFiles(LinuxKernel k, Paths paths, TaskMembers members) {
        this.members = members;
        this.paths = paths;
        requestFile = k.optionalOffset("io_kiocb", "file");
        long nodes = k.optionalOffset("io_ring_ctx", "file_table.data.nodes");
        indirect = nodes >= 0;
        if (indirect) {
            table = nodes;
            count = k.types().member("io_ring_ctx", "file_table.data.nr");
            size = 8;
            pointer = k.optionalOffset("io_rsrc_node", "file_ptr");
        } else {
            table = k.optionalOffset("io_ring_ctx", "file_table.files");
            count = k.types().member("io_ring_ctx", "nr_user_files");
            pointer = k.optionalOffset("io_fixed_file", "file_ptr");
            size = pointer < 0 ? 0 : k.types().size("io_fixed_file");
        }
    }

    /**
     * What a call names its file by.
     *
     * @param parameter the index of the one with the number
     */
    static Handle named(TracedCall call, int parameter) {
        Arguments a = call.args();
        RingRequest r = call.request();
        if (r == null) {
            return Handle.of(false, a.value(parameter));
        }
        return switch (call.name()) {
            case "IORING_OP_CLOSE" -> {
                long place = a.value("file_index");
                yield place == 0
                        ? Handle.of(false, a.value(parameter))
                        : Handle.of(true, place - 1);
            }
            case "IORING_OP_SPLICE" ->
                    Handle.of(
                            a.name(parameter).equals("fd_in")
                                    ? (a.value("flags") & SPLICE_IN_FIXED) != 0
                                    : r.fixedFile(),
                            a.value(parameter));
            default -> Handle.of(r.fixedFile(), a.value(parameter));
        };
    }

    /** What the file has that a call has opened. */
    static Handle opened(TracedCall call) {
        Long result = call.result();
        if (result == null || !call.succeeded()) {
            return Handle.NONE;
        }
        long place = call.request() == null ? 0 : call.args().value("file_index");
        return place == 0
                ? Handle.of(false, result)
                : Handle.of(true, place == ANY_PLACE ? result : place - 1);
    }

    /**
     * Address of the struct file that a call is about; 0 if there is none.
     *
     * @param parameter the index of the one with its number
     */
    long file(Moment m, TracedCall call, int parameter) {
        RingRequest r = call.request();
        String name = call.args().name(parameter);
        if (r != null
                && requestFile >= 0
                && (name.equals("fd") || name.equals("fd_out"))
                && !call.name().equals("IORING_OP_CLOSE")) {
            // It is the kernel's by now: the program may have closed the descriptor.
            long own = m.pointer(r.address() + requestFile);
            if (own != 0) {
                return own;
            }
        }
        return file(m, call, named(call, parameter));
    }

    /** Address of a struct file by its descriptor or number; 0 if there is none. */
    long file(Moment m, TracedCall call, Handle handle) {
        Long fd = handle.fd();
        Long index = handle.index();
        RingRequest r = call.request();
        return fd != null
                ? members.file(m, fd.intValue())
                : index != null && r != null ? registered(m, r.ring(), index) : 0;
    }

    /** The path of the file that a call is about; empty if there is none. */
    String path(Moment m, TracedCall call, int parameter) {
        long file = file(m, call, parameter);
        return file == 0 ? "" : paths.of(m, file);
    }

    /** The path of the file that a call has opened; null if that cannot be told. */
    @Nullable String openedPath(Moment m, TracedCall call) {
        try {
            long file = file(m, call, opened(call));
            String path = file == 0 ? "" : paths.of(m, file);
            return path.isEmpty() ? null : path;
        } catch (IntrospectionException e) {
            return null;
        }
    }

    private long registered(Moment m, long ring, long index) {
        if (table < 0 || pointer < 0 || count == null) {
            return 0;
        }
        long n = m.number(ring + count.offset(), (int) count.size());
        long at = m.pointer(ring + table);
        if (at == 0 || index < 0 || index >= Math.min(n, MAX_REGISTERED)) {
            return 0;
        }
        long entry = at + index * size;
        if (indirect) {
            entry = m.pointer(entry);
        }
        return entry == 0 ? 0 : m.pointer(entry + pointer) & POINTER;
    }
}
