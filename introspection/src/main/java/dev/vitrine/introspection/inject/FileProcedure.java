// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.LittleEndian;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Reads or writes a part of a file, with the rights and the root folder of the thread. */
final class FileProcedure implements Procedure {
    /** Where it looks, beside its own buffers. */
    static final List<String> MEMBERS =
            List.of(
                    "file.f_inode",
                    "file.f_op",
                    "inode.i_mode",
                    "file_operations.read",
                    "file_operations.read_iter",
                    "file_operations.write",
                    "file_operations.write_iter",
                    "kiocb.ki_filp",
                    "kiocb.ki_pos");

    /** For files of /proc; not every kernel has them. */
    static final List<String> OPTIONAL = List.of("seq_read", "seq_read_iter", "iov_iter_kvec");

    private static final long O_WRONLY = 1;
    private static final long O_CREAT = 0100;
    private static final long O_NOCTTY = 0400;
    private static final long O_TRUNC = 01000;
    private static final long O_NONBLOCK = 04000;
    private static final long O_LARGEFILE = 0100000;
    static final long NEW_FILE_MODE = 0644;

    private static final int S_IFMT = 0170000;
    private static final int S_IFDIR = 0040000;
    private static final int S_IFREG = 0100000;
    private static final int EINTR = 4;
    private static final int EISDIR = 21;
    private static final int EINVAL = 22;
    static final int EIO = 5;
    static final int EAGAIN = 11;
    static final int ENOMEM = 12;

    private enum State {
        BEGIN,
        ALLOCATED,
        OPENED,
        PREPARED,
        MOVED,
        GIVEN_UP
    }

    private final byte[] path;
    private final long offset;
    private final byte[] content;
    private final boolean writes;
    private final FileEnd end = new FileEnd();
    private State state = State.BEGIN;
    private long block;
    private long file;
    private int done;
    private long error;
    private byte[] read = new byte[0];
    private boolean sequence;
    private boolean regular;
    private boolean needsProgram;

    private FileProcedure(String path, long offset, byte[] content, boolean writes) {
        byte[] name = path.getBytes(StandardCharsets.UTF_8);
        this.path = Arrays.copyOf(name, name.length + 1);
        this.offset = offset;
        this.content = content;
        this.writes = writes;
    }

    static FileProcedure read(String path, long offset, int length) {
        return new FileProcedure(path, offset, new byte[length], false);
    }

    /** At offset 0 a file is made, or what it holds is removed. */
    static FileProcedure write(String path, long offset, byte[] content) {
        return new FileProcedure(path, offset, content, true);
    }

    @Override
    public Set<String> functions() {
        Set<String> all = common();
        all.add(writes ? "kernel_write" : "kernel_read");
        return all;
    }

    /** What opens and closes a file, and has memory for its name. */
    static Set<String> common() {
        Set<String> all = new HashSet<>(FileEnd.functions());
        all.add(Buffers.ALLOCATE);
        all.add("filp_open");
        return all;
    }

    /** A negative error number, or 0. */
    long error() {
        return error;
    }

    /** Bytes read or written. */
    int count() {
        return done;
    }

    byte[] bytes() {
        return read;
    }

    @Override
    public boolean interrupted() {
        return isInterruption(error) && (regular || done == 0);
    }

    /** Whether a negative error number is a signal's doing. */
    static boolean isInterruption(long error) {
        return error == -EINTR || error <= -512 && error >= -516; // ERESTART...
    }

    /** Whether nothing was done, since the file only knows buffers of programs. */
    boolean needsProgram() {
        return needsProgram;
    }

    /** Room for a struct iov_iter, and as much for a struct kiocb; they take about 50 bytes. */
    private static final int STRUCTURE = 256;

    private static final int KVEC = 16;

    /** The block: the position, a kvec, an iov_iter, a kiocb, the content, the path. */
    private long contentAt() {
        return controlAt() + STRUCTURE;
    }

    private long vectorAt() {
        return block + 8;
    }

    private long iteratorAt() {
        return vectorAt() + KVEC;
    }

    private long controlAt() {
        return iteratorAt() + STRUCTURE;
    }

    private long head() {
        return contentAt() - block;
    }

    @Override
    public @Nullable KernelCall next(CallMemory memory, long result) {
        switch (state) {
            case BEGIN -> {
                state = State.ALLOCATED;
                return KernelCall.of(Buffers.ALLOCATE, head() + content.length + path.length);
            }
            case ALLOCATED -> {
                block = Buffers.checked(result);
                byte[] head = new byte[(int) head()];
                LittleEndian.put64(head, 0, offset);
                memory.write(block, head);
                if (writes) {
                    memory.write(contentAt(), content);
                }
                long at = contentAt() + content.length;
                memory.write(at, path);
                state = State.OPENED;
                return KernelCall.of("filp_open", at, flags(writes, offset), NEW_FILE_MODE);
            }
            case OPENED -> {
                if (Buffers.isError(result) || result >= 0) {
                    error = result < 0 ? result : -EIO;
                    return free();
                }
                file = result;
                error = unfit(memory);
                return error != 0 || content.length == 0 ? close() : move(memory);
            }
            case PREPARED -> {
                state = State.MOVED;
                return KernelCall.of("seq_read_iter", controlAt(), iteratorAt());
            }
            case MOVED -> {
                long left = content.length - done;
                if (result < 0 || result > left) {
                    error = Buffers.isError(result) ? result : -EIO;
                    return close();
                }
                done += (int) result;
                if (result > 0 && done < content.length) {
                    return move(memory);
                }
                if (!writes) {
                    read = memory.bytes(contentAt(), done);
                } else if (done < content.length) {
                    error = -EIO;
                }
                return close();
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

    /** With which a file is opened. */
    static long flags(boolean writes, long offset) {
        long common = O_NONBLOCK | O_NOCTTY | O_LARGEFILE;
        if (!writes) {
            return common;
        }
        return common | O_WRONLY | (offset == 0 ? O_CREAT | O_TRUNC : 0);
    }

    /**
     * What kernel_read would complain about in the kernel's log: folders, and files that are only
     * for buffers of programs. Those of them that are sequences of records (most of /proc) have a
     * way of their own; for the others there is {@link ProgramFileProcedure}.
     */
    private long unfit(CallMemory memory) {
        long inode = memory.number(file + memory.offset("file.f_inode"), 8);
        long mode = memory.number(inode + memory.offset("inode.i_mode"), 2);
        if ((mode & S_IFMT) == S_IFDIR) {
            return -EISDIR;
        }
        regular = (mode & S_IFMT) == S_IFREG;
        long operations = memory.number(file + memory.offset("file.f_op"), 8);
        String method = writes ? "file_operations.write" : "file_operations.read";
        long own = memory.number(operations + memory.offset(method), 8);
        long usual = memory.number(operations + memory.offset(method + "_iter"), 8);
        if (!writes && own != 0 && own == memory.symbol("seq_read") && canSequence(memory)) {
            byte[] number = new byte[8];
            LittleEndian.put64(number, 0, file);
            memory.write(controlAt() + memory.offset("kiocb.ki_filp"), number);
            LittleEndian.put64(number, 0, offset);
            memory.write(controlAt() + memory.offset("kiocb.ki_pos"), number);
            sequence = true;
            return 0;
        }
        needsProgram = own != 0;
        return own != 0 || usual == 0 ? -EINVAL : 0;
    }

    private static boolean canSequence(CallMemory memory) {
        return memory.symbol("seq_read_iter") != 0 && memory.symbol("iov_iter_kvec") != 0;
    }

    private KernelCall move(CallMemory memory) {
        long left = (long) content.length - done;
        if (sequence) {
            byte[] vector = new byte[KVEC];
            LittleEndian.put64(vector, 0, contentAt() + done);
            LittleEndian.put64(vector, 8, left);
            memory.write(vectorAt(), vector);
            state = State.PREPARED;
            // Into memory: READ of include/linux/kernel.h, ITER_DEST of include/linux/uio.h.
            return KernelCall.of("iov_iter_kvec", iteratorAt(), 0L, vectorAt(), 1L, left);
        }
        state = State.MOVED;
        return KernelCall.of(
                writes ? "kernel_write" : "kernel_read", file, contentAt() + done, left, block);
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
