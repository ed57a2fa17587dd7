// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.LittleEndian;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Set;

/**
 * Reads or writes a part of a file that only knows buffers of programs, as many files of /proc,
 * debugfs, and devices do. A worker of the kernel gets an address space of its own for it, which
 * ends with it; a program's thread maps some memory for it, and unmaps it.
 */
final class ProgramFileProcedure implements Procedure {
    /** What is moved at a time: what programs such as cat take, since drivers allocate as much. */
    private static final int CHUNK = 1 << 16;

    private static final long PROT_READ_WRITE = 3;

    /** MAP_PRIVATE, MAP_ANONYMOUS and MAP_POPULATE. */
    private static final long MAP_FLAGS = 0x8022;

    /**
     * A 32-bit program that is not in a system call is offered addresses that only others have, and
     * refuses them; MAP_32BIT keeps to the second GiB.
     */
    private static final long MAP_32BIT = 0x40;

    /** The block: the position, a struct rlimit, the path. */
    private static final int RLIMIT = 8;

    private static final int PATH = RLIMIT + 16;

    /** The limit of the stack that programs have, which says where the mappings begin. */
    private static final long STACK = 8 << 20;

    private enum State {
        BEGIN,
        ALLOCATED,
        OPENED,
        MADE,
        LAID,
        USED,
        MAPPED,
        MOVED,
        UNMAPPED,
        LEFT,
        GIVEN_UP
    }

    private final byte[] path;
    private final long offset;
    private final byte[] content;
    private final boolean writes;
    private final boolean worker;
    private final FileEnd end = new FileEnd();
    private State state = State.BEGIN;
    private long block;
    private long file;
    private long space;
    private long buffer;
    private int done;
    private long error;
    private long flags = MAP_FLAGS;

    /**
     * @param content what is written; or as many bytes as are to be read
     * @param worker whether a thread of the kernel does it, in place of a program's
     */
    ProgramFileProcedure(String path, long offset, byte[] content, boolean writes, boolean worker) {
        byte[] name = path.getBytes(StandardCharsets.UTF_8);
        this.path = Arrays.copyOf(name, name.length + 1);
        this.offset = offset;
        this.content = content;
        this.writes = writes;
        this.worker = worker;
    }

    @Override
    public Set<String> functions() {
        Set<String> all = FileProcedure.common();
        all.add("vm_mmap");
        all.add(writes ? "vfs_write" : "vfs_read");
        all.addAll(
                worker
                        ? Set.of(
                                "mm_alloc",
                                "arch_pick_mmap_layout",
                                "kthread_use_mm",
                                "kthread_unuse_mm",
                                "mmput")
                        : Set.of("vm_munmap"));
        return all;
    }

    @Override
    public boolean onWorker() {
        return worker;
    }

    /** A negative error number, or 0. */
    long error() {
        return error;
    }

    /** What has been read. */
    byte[] bytes() {
        return Arrays.copyOf(content, done);
    }

    @Override
    public boolean interrupted() {
        return FileProcedure.isInterruption(error) && done == 0;
    }

    @Override
    public @Nullable KernelCall next(CallMemory memory, long result) {
        switch (state) {
            case BEGIN -> {
                state = State.ALLOCATED;
                return KernelCall.of(Buffers.ALLOCATE, (long) PATH + path.length);
            }
            case ALLOCATED -> {
                block = Buffers.checked(result);
                byte[] b = Arrays.copyOf(new byte[PATH], PATH + path.length);
                LittleEndian.put64(b, 0, offset);
                LittleEndian.put64(b, RLIMIT, STACK);
                LittleEndian.put64(b, RLIMIT + 8, STACK);
                System.arraycopy(path, 0, b, PATH, path.length);
                memory.write(block, b);
                state = State.OPENED;
                return KernelCall.of(
                        "filp_open",
                        block + PATH,
                        FileProcedure.flags(writes, offset),
                        FileProcedure.NEW_FILE_MODE);
            }
            case OPENED -> {
                if (result >= 0 || Buffers.isError(result)) {
                    error = result < 0 ? result : -FileProcedure.EIO;
                    return free();
                }
                file = result;
                if (!worker) {
                    return map();
                }
                state = State.MADE;
                return KernelCall.of("mm_alloc");
            }
            case MADE -> {
                if (result >= 0) {
                    error = -FileProcedure.ENOMEM;
                    return close();
                }
                space = result;
                state = State.LAID;
                return KernelCall.of("arch_pick_mmap_layout", space, block + RLIMIT);
            }
            case LAID -> {
                state = State.USED;
                return KernelCall.of("kthread_use_mm", space);
            }
            case USED -> {
                return map();
            }
            case MAPPED -> {
                if (result <= 0) {
                    if (result == -FileProcedure.ENOMEM && !worker && flags == MAP_FLAGS) {
                        flags |= MAP_32BIT;
                        return map();
                    }
                    error = Buffers.isError(result) ? result : -FileProcedure.EIO;
                    return leave();
                }
                buffer = result;
                return move(memory);
            }
            case MOVED -> {
                return moved(memory, result);
            }
            case UNMAPPED -> {
                return close();
            }
            case LEFT -> {
                state = State.UNMAPPED;
                return KernelCall.of("mmput", space);
            }
            case GIVEN_UP -> {
                KernelCall call = end.next(result);
                if (writes && error == 0) {
                    error = end.error();
                }
                return call;
            }
        }
        throw new IntrospectionException("There is no step " + state + ".");
    }

    private int chunk() {
        return Math.min(CHUNK, content.length - done);
    }

    private KernelCall map() {
        state = State.MAPPED;
        return KernelCall.of("vm_mmap", 0L, 0L, (long) CHUNK, PROT_READ_WRITE, flags, 0L);
    }

    private KernelCall move(CallMemory memory) {
        if (chunk() == 0) {
            return unmap();
        }
        if (writes) {
            memory.write(buffer, Arrays.copyOfRange(content, done, done + chunk()));
        }
        state = State.MOVED;
        return KernelCall.of(
                writes ? "vfs_write" : "vfs_read", file, buffer, (long) chunk(), block);
    }

    private KernelCall moved(CallMemory memory, long result) {
        if (result < 0 || result > chunk()) {
            // There may be more some day: that is the end of what is there.
            if (writes || done == 0 || result != -FileProcedure.EAGAIN) {
                error = Buffers.isError(result) ? result : -FileProcedure.EIO;
            }
            return unmap();
        }
        if (!writes) {
            System.arraycopy(memory.bytes(buffer, (int) result), 0, content, done, (int) result);
        }
        done += (int) result;
        if (result == 0) {
            error = writes && done < content.length ? -FileProcedure.EIO : 0;
            return unmap();
        }
        return move(memory);
    }

    private KernelCall unmap() {
        if (worker) {
            return leave(); // All that is in it ends with the address space.
        }
        state = State.UNMAPPED;
        return KernelCall.of("vm_munmap", buffer, (long) CHUNK);
    }

    private KernelCall leave() {
        if (!worker) {
            return close();
        }
        state = State.LEFT;
        return KernelCall.of("kthread_unuse_mm", space);
    }

    private KernelCall close() {
        state = State.GIVEN_UP;
        return end.close(file, block);
    }

    private KernelCall free() {
        state = State.GIVEN_UP;
        return end.free(block);
    }
}
