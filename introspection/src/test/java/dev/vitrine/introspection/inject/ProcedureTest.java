// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.LittleEndian;

import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What is called, and what is in memory then, by a kernel of a few answers. */
class ProcedureTest {
    private static final long BLOCK = 0xFFFF_C900_0000_1000L;
    private static final long FILE = BLOCK + 0x8000;
    private static final long INODE = FILE + 0x100;
    private static final long OPERATIONS = FILE + 0x200;

    /** Memory from {@link #BLOCK} on. */
    private static final class Memory implements CallMemory {
        private final byte[] content = new byte[1 << 16];

        private int at(long address, int length) {
            long n = address - BLOCK;
            if (n < 0 || n > content.length - length) {
                throw new IntrospectionException("Nothing there.");
            }
            return (int) n;
        }

        @Override
        public long number(long address, int size) {
            return LittleEndian.number(content, at(address, size), size);
        }

        @Override
        public byte[] bytes(long address, int length) {
            int from = at(address, length);
            return Arrays.copyOfRange(content, from, from + length);
        }

        @Override
        public void write(long address, byte[] source) {
            System.arraycopy(source, 0, content, at(address, source.length), source.length);
        }

        @Override
        public long offset(String member) {
            return 8L * FileProcedure.MEMBERS.indexOf(member);
        }

        @Override
        public long symbol(String name) {
            return 1 + FileProcedure.OPTIONAL.indexOf(name);
        }

        void put(long address, long value) {
            LittleEndian.put64(content, at(address, 8), value);
        }

        String text(long address) {
            int from = at(address, 1);
            int end = from;
            while (content[end] != 0) {
                end++;
            }
            return new String(content, from, end - from, StandardCharsets.UTF_8);
        }

        /** A file of a kind that kernel_read takes. */
        Memory file(int mode) {
            put(FILE + offset("file.f_inode"), INODE);
            put(FILE + offset("file.f_op"), OPERATIONS);
            put(INODE + offset("inode.i_mode"), mode);
            put(OPERATIONS + offset("file_operations.read_iter"), 1);
            put(OPERATIONS + offset("file_operations.write_iter"), 1);
            return this;
        }
    }

    private final Memory memory = new Memory();

    /** Functions called, if they return these values. */
    private List<String> run(Procedure p, long... results) {
        List<String> called = new ArrayList<>();
        long last = 0;
        for (int i = 0; ; i++) {
            KernelCall c = p.next(memory, last);
            if (c == null) {
                assertThat(i).isEqualTo(results.length);
                return called;
            }
            if (!FileProcedure.OPTIONAL.contains(c.function())) {
                assertThat(p.functions()).contains(c.function());
            }
            called.add(c.function());
            last = results[i];
        }
    }

    @Test
    void aProgramGetsItsArguments() {
        ExecProcedure p = new ExecProcedure(List.of("/a b", "", "é"), List.of("K=v"));
        assertThat(p.next(memory, 0)).isNotNull();
        KernelCall c = p.next(memory, BLOCK);
        assertThat(c).isNotNull();
        assertThat(memory.text(c.arguments().get(0))).isEqualTo("/a b");
        long argv = c.arguments().get(1);
        assertThat(memory.number(argv, 8)).isEqualTo(c.arguments().getFirst());
        assertThat(memory.text(memory.number(argv + 8, 8))).isEmpty();
        assertThat(memory.text(memory.number(argv + 16, 8))).isEqualTo("é");
        assertThat(memory.number(argv + 24, 8)).isZero();
        long envp = c.arguments().get(2);
        assertThat(memory.text(memory.number(envp, 8))).isEqualTo("K=v");
        assertThat(memory.number(envp + 8, 8)).isZero();
        assertThat(c.arguments().get(3)).isEqualTo(1);
        // An int: what is above it in RAX means nothing.
        KernelCall free = p.next(memory, 0xFFFF_FFFEL);
        assertThat(free).isEqualTo(KernelCall.of("vfree", BLOCK));
        assertThat(p.next(memory, 0)).isNull();
        assertThat(p.status()).isEqualTo(-2);
    }

    @Test
    void aFileIsReadInPieces() {
        memory.file(0100644);
        FileProcedure p = FileProcedure.read("/f", 5, 100);
        assertThat(run(p, BLOCK, FILE, 60, 10, 0, 0, 0, 0, 0))
                .containsExactly(
                        "vmalloc",
                        "filp_open",
                        "kernel_read",
                        "kernel_read",
                        "kernel_read",
                        "filp_close",
                        "flush_delayed_fput",
                        "task_work_run",
                        "vfree");
        assertThat(p.error()).isZero();
        assertThat(p.bytes()).hasSize(70);
        assertThat(memory.number(BLOCK, 8)).isEqualTo(5);
    }

    @Test
    void whatFailsIsClosedAndFreed() {
        FileProcedure none = FileProcedure.read("/f", 0, 100);
        assertThat(run(none, BLOCK, -2, 0)).endsWith("filp_open", "vfree");
        assertThat(none.error()).isEqualTo(-2);
        memory.file(0040755);
        FileProcedure directory = FileProcedure.read("/f", 0, 100);
        assertThat(run(directory, BLOCK, FILE, 0, 0, 0, 0))
                .contains("filp_close")
                .endsWith("vfree")
                .doesNotContain("kernel_read");
        assertThat(directory.error()).isEqualTo(-21);
        memory.file(0100644);
        memory.put(OPERATIONS + memory.offset("file_operations.read"), 77);
        FileProcedure plain = FileProcedure.read("/f", 0, 100);
        assertThat(run(plain, BLOCK, FILE, 0, 0, 0, 0)).contains("filp_close").endsWith("vfree");
        assertThat(plain.error()).isEqualTo(-22);
        FileProcedure full = FileProcedure.write("/f", 0, new byte[100]);
        assertThat(run(full, BLOCK, FILE, 50, -28, 0, 0, 0, 0))
                .contains("filp_close")
                .endsWith("vfree");
        assertThat(full.error()).isEqualTo(-28);
    }

    /** As most files of /proc/PID. */
    @Test
    void aSequenceIsReadThroughAnIterator() {
        memory.file(0100444);
        memory.put(OPERATIONS + memory.offset("file_operations.read"), memory.symbol("seq_read"));
        FileProcedure p = FileProcedure.read("/f", 5, 100);
        assertThat(run(p, BLOCK, FILE, 0, 60, 0, 10, 0, 0, 0, 0, 0, 0))
                .containsExactly(
                        "vmalloc",
                        "filp_open",
                        "iov_iter_kvec",
                        "seq_read_iter",
                        "iov_iter_kvec",
                        "seq_read_iter",
                        "iov_iter_kvec",
                        "seq_read_iter",
                        "filp_close",
                        "flush_delayed_fput",
                        "task_work_run",
                        "vfree");
        assertThat(p.error()).isZero();
        assertThat(p.bytes()).hasSize(70);
    }

    @Test
    void signalsLetAnotherThreadDoIt() {
        memory.file(0100644);
        FileProcedure p = FileProcedure.write("/f", 0, new byte[100]);
        run(p, BLOCK, FILE, 50, -4, 0, 0, 0, 0);
        assertThat(p.interrupted()).isTrue();
        memory.file(0010644);
        FileProcedure pipe = FileProcedure.write("/f", 0, new byte[100]);
        run(pipe, BLOCK, FILE, 50, -4, 0, 0, 0, 0);
        assertThat(pipe.error()).isEqualTo(-4);
        assertThat(pipe.interrupted()).isFalse();
        FileProcedure other = FileProcedure.write("/f", 0, new byte[100]);
        run(other, BLOCK, -512, 0);
        assertThat(other.interrupted()).isTrue();
    }

    @Test
    void aThreadIsWokenAndItsReferenceGivenBack() {
        assertThat(run(new WakeProcedure(7), BLOCK, FILE, 0, 0, 0, 0))
                .containsExactly(
                        "vmalloc",
                        "find_get_task_by_vpid",
                        "signal_wake_up_state",
                        "wake_q_add_safe",
                        "wake_up_q",
                        "vfree");
        assertThat(memory.number(BLOCK, 8)).isEqualTo(1);
        assertThat(memory.number(BLOCK + 8, 8)).isEqualTo(BLOCK);
        assertThat(run(new WakeProcedure(7), BLOCK, 0, 0))
                .containsExactly("vmalloc", "find_get_task_by_vpid", "vfree");
    }

    /** A guest may answer anything. */
    @Test
    void resultsThatMakeNoSense() {
        memory.file(0100644);
        FileProcedure more = FileProcedure.read("/f", 0, 100);
        assertThat(run(more, BLOCK, FILE, 101, 0, 0, 0, 0))
                .contains("filp_close")
                .endsWith("vfree");
        assertThat(more.error()).isEqualTo(-5);
        FileProcedure user = FileProcedure.read("/f", 0, 100);
        assertThat(run(user, BLOCK, 0x1000, 0)).endsWith("filp_open", "vfree");
        assertThat(user.error()).isEqualTo(-5);
        assertThatThrownBy(() -> run(FileProcedure.read("/f", 0, 100), 0))
                .isInstanceOf(IntrospectionException.class)
                .hasMessageContaining("no memory");
        assertThatThrownBy(() -> run(FileProcedure.read("/f", 0, 100), -4096L))
                .isInstanceOf(IntrospectionException.class);
    }
}
