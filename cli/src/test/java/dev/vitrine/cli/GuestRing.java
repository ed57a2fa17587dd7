// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Makes a program for a guest that sets up a ring of io_uring and works through a table of steps:
 * system calls, and submissions of which it waits for the completions. At its end it writes the
 * results, a number of 64 bits for each step, with the steps to its standard output.
 */
final class GuestRing {
    /** What a step does that is no system call. */
    enum Kind {
        /** Submits, and takes one completion. */
        SUBMIT(-1),
        END(-2),
        /** Submits, and takes none. */
        START(-3),
        /** Takes one completion. */
        AWAIT(-4),
        /** Puts a submission on the ring that the next step will submit. */
        QUEUE(-5);

        private final long number;

        Kind(int number) {
            this.number = number;
        }
    }

    /** A submission, by the names that struct io_uring_sqe has for its fields. */
    record Submission(
            int opcode,
            int flags,
            int ioprio,
            int fd,
            long off,
            long addr,
            int len,
            int opFlags,
            int buf,
            int fileIndex) {
        static Submission of(int opcode, int fd, long off, long addr, int len, int opFlags) {
            return new Submission(opcode, 0, 0, fd, off, addr, len, opFlags, 0, 0);
        }

        Submission with(int sqeFlags) {
            return new Submission(
                    opcode, sqeFlags, ioprio, fd, off, addr, len, opFlags, buf, fileIndex);
        }

        Submission priority(int value) {
            return new Submission(
                    opcode, flags, value, fd, off, addr, len, opFlags, buf, fileIndex);
        }

        Submission place(int index) {
            return new Submission(opcode, flags, ioprio, fd, off, addr, len, opFlags, buf, index);
        }
    }

    static final int STEP_SIZE = 128;
    static final int RESULT = 56;

    private static final long BASE = 0x40_0000;
    private static final int PARAMETERS = 0x200;
    private static final int FLAGS = PARAMETERS + 8;
    private static final int STEPS = 0x280;
    private static final int POOL = 0x4000;

    private static final String CODE =
            """
            b8a9010000 bf08000000 488d35ef010000 0f05 4189c4    r12 = io_uring_setup(8, parameters)
            b809000000 31ff be00100000 ba03000000 41ba01800000 4589e0 4531c9 0f05 4989c5
                                                                r13 = mmap(0, 4096, 3, 0x8001, r12, 0)
            b809000000 31ff be00100000 ba03000000 41ba01800000 4589e0 41b900000010 0f05 4989c6
                                                                r14 = mmap(0, 4096, 3, 0x8001, r12, 0x10000000)
            8b3ddd010000 4c01ef 31c0                            for (i = 0; i < 8; i++)
            890487 ffc0 83f808 72f6                                 r13[sq_off.array][i] = i
            488d1d07020000                                      rbx = steps
            4c8b3b 4983fffe 0f84cc000000                        next: r15 = rbx->number ; if (r15 == -2) goto end
            4d85ff 7826                                         if (r15 < 0) goto ring
            4c89f8 488b7b08 488b7310 488b5318 4c8b5320 4c8b4328 4c8b4b30 0f05 48894338
                                                                rbx->result = syscall(r15, rbx->arguments)
            e995000000                                          goto done
            4983fffc 742a                                       ring: if (r15 == -4) goto enter
            8b056f010000 418b7c0500 83e707 c1e706 4c01f7        rdi = r14 + 64 * (r13[sq_off.tail] & 7)
            488d7340 b940000000 f3a4 41ff440500                 *rdi = rbx->submission ; r13[sq_off.tail]++
            4983fffb 7465                                       if (r15 == -5) goto done
            b8aa010000 4489e7 be08000000 31d2 4983fffd 0f95c2   enter:
            41ba03000000 4531c0 4531c9 0f05                     io_uring_enter(r12, 8, r15 != -3, 3, 0, 0)
            4983fffd 743b                                       if (r15 == -3) goto done
            8b053f010000 418b4c0500 8b1538010000 413b4c1500 74be    if (r13[cq_off.head] == r13[cq_off.tail]) goto enter
            41ff440500 83e10f c1e104 030d30010000 4c01e9        rcx = r13 + cq_off.cqes + 16 * (r13[cq_off.head]++ & 15)
            488b01 48894330 48634108 48894338                   rbx->user_data = rcx->user_data ; rbx->result = rcx->res
            4881c380000000 e927ffffff                           done: rbx++ ; goto next
            488d3527010000 4889da 4829f2 bf01000000 b801000000 0f05    end: write(1, steps, rbx - steps)
            31ff b8e7000000 0f05                                exit_group(0)
            """;

    private final List<byte[]> steps = new ArrayList<>();
    private final ByteBuffer pool = buffer(0x4000);
    private final int setupFlags;

    /**
     * A program without steps.
     *
     * @param setupFlags such as IORING_SETUP_SQPOLL
     */
    GuestRing(int setupFlags) {
        this.setupFlags = setupFlags;
    }

    private static ByteBuffer buffer(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Address of bytes of the program. */
    long bytes(byte[] b) {
        pool.position(pool.position() + 7 & -8);
        long at = BASE + POOL + pool.position();
        pool.put(b);
        return at;
    }

    /** Address of a text with a zero behind it. */
    long text(String s) {
        return bytes((s + "\0").getBytes(StandardCharsets.UTF_8));
    }

    /** Address of numbers of 64 bits. */
    long numbers(long... all) {
        ByteBuffer b = buffer(8 * all.length);
        Arrays.stream(all).forEach(b::putLong);
        return bytes(b.array());
    }

    /** Makes a system call; gives the number of the step. */
    int call(int number, long... arguments) {
        ByteBuffer b = buffer(STEP_SIZE).putLong(number);
        Arrays.stream(arguments).forEach(b::putLong);
        steps.add(b.array());
        return steps.size() - 1;
    }

    /** Does something with a submission, whose user_data is the number of the step. */
    int step(Kind kind, Submission s) {
        ByteBuffer b = buffer(STEP_SIZE).putLong(kind.number);
        b.position(64).put((byte) s.opcode).put((byte) s.flags).putShort((short) s.ioprio);
        b.putInt(s.fd).putLong(s.off).putLong(s.addr).putInt(s.len).putInt(s.opFlags);
        b.putLong(steps.size()).putShort((short) s.buf).putShort((short) 0).putInt(s.fileIndex);
        steps.add(b.array());
        return steps.size() - 1;
    }

    /** Takes a completion of an earlier submission. */
    int await() {
        steps.add(buffer(STEP_SIZE).putLong(Kind.AWAIT.number).array());
        return steps.size() - 1;
    }

    /** The program, as an ELF file. */
    byte[] program() {
        ByteBuffer b = buffer(POOL + pool.capacity());
        b.put(GuestPrograms.code(CODE)).putInt(FLAGS, setupFlags).position(STEPS);
        steps.forEach(b::put);
        b.putLong(Kind.END.number);
        if (b.position() > POOL) {
            throw new IllegalStateException("There are too many steps.");
        }
        b.position(POOL).put(pool.array());
        return GuestPrograms.elf64(b.array());
    }
}
