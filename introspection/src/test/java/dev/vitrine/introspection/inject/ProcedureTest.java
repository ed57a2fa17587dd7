// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vitrine.introspection.IntrospectionException;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

/** What is called, and what is in memory then, by a kernel of a few answers. */
class ProcedureTest {
    private static final long BLOCK = FakeMemory.BLOCK;
    private static final long FILE = FakeMemory.FILE;
    private static final long INODE = FakeMemory.INODE;
    private static final long OPERATIONS = FakeMemory.OPERATIONS;

    private final FakeMemory memory = new FakeMemory();

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
    void aWorkerGetsAnAddressSpaceForFilesOfPrograms() {
        memory.file(0100644);
        memory.put(OPERATIONS + memory.offset("file_operations.read"), 0x7777);
        FileProcedure usual = FileProcedure.read("/f", 0, 100);
        run(usual, BLOCK, FILE, 0, 0, 0, 0);
        assertThat(usual.needsProgram()).isTrue();
        long buffer = FakeMemory.PROGRAM;
        memory.put(buffer, 0x64636261);
        ProgramFileProcedure p = new ProgramFileProcedure("/f", 0, new byte[100], false, true);
        assertThat(p.onWorker()).isTrue();
        assertThat(run(p, BLOCK, FILE, BLOCK + 0x900, 0, 0, buffer, 4, 0, 0, 0, 0, 0, 0, 0))
                .containsExactly(
                        "vmalloc",
                        "filp_open",
                        "mm_alloc",
                        "arch_pick_mmap_layout",
                        "kthread_use_mm",
                        "vm_mmap",
                        "vfs_read",
                        "vfs_read",
                        "kthread_unuse_mm",
                        "mmput",
                        "filp_close",
                        "flush_delayed_fput",
                        "task_work_run",
                        "vfree");
        assertThat(p.bytes()).asString().isEqualTo("abcd");
        assertThat(memory.text(BLOCK + 24)).isEqualTo("/f");
        // All is given back if there is no memory to map, or the file gives too much.
        ProgramFileProcedure none = new ProgramFileProcedure("/f", 0, new byte[9], false, true);
        assertThat(run(none, BLOCK, FILE, BLOCK + 0x900, 0, 0, -12, 0, 0, 0, 0, 0, 0))
                .contains("kthread_unuse_mm", "mmput", "filp_close", "vfree");
        assertThat(none.error()).isEqualTo(-12);
        ProgramFileProcedure more = new ProgramFileProcedure("/f", 0, new byte[9], false, true);
        assertThat(run(more, BLOCK, FILE, BLOCK + 0x900, 0, 0, buffer, 10, 0, 0, 0, 0, 0, 0))
                .contains("kthread_unuse_mm", "mmput", "filp_close", "vfree");
        assertThat(more.error()).isEqualTo(-5);
    }

    @Test
    void aProgramsThreadMapsAndUnmapsMemory() {
        memory.file(0100644);
        long buffer = FakeMemory.PROGRAM;
        byte[] content = {65, 66, 67};
        ProgramFileProcedure p = new ProgramFileProcedure("/f", 0, content, true, false);
        assertThat(p.onWorker()).isFalse();
        assertThat(run(p, BLOCK, FILE, buffer, 2, 1, 0, 0, 0, 0, 0))
                .containsExactly(
                        "vmalloc",
                        "filp_open",
                        "vm_mmap",
                        "vfs_write",
                        "vfs_write",
                        "vm_munmap",
                        "filp_close",
                        "flush_delayed_fput",
                        "task_work_run",
                        "vfree");
        assertThat(p.error()).isZero();
        assertThat(memory.text(buffer)).startsWith("C");
        // A 32-bit program's thread may have to be asked twice.
        ProgramFileProcedure low = new ProgramFileProcedure("/f", 0, new byte[9], false, false);
        assertThat(run(low, BLOCK, FILE, -12, buffer, 0, 0, 0, 0, 0, 0))
                .startsWith("vmalloc", "filp_open", "vm_mmap", "vm_mmap", "vfs_read", "vm_munmap");
        assertThat(low.error()).isZero();
        // What is there has been read; what was there at first was nothing.
        ProgramFileProcedure log = new ProgramFileProcedure("/f", 0, new byte[9], false, false);
        run(log, BLOCK, FILE, buffer, 2, -11, 0, 0, 0, 0, 0);
        assertThat(log.error()).isZero();
        assertThat(log.bytes()).hasSize(2);
        ProgramFileProcedure empty = new ProgramFileProcedure("/f", 0, new byte[9], false, false);
        run(empty, BLOCK, FILE, buffer, -11, 0, 0, 0, 0, 0);
        assertThat(empty.error()).isEqualTo(-11);
        assertThat(empty.interrupted()).isFalse();
    }

    @Test
    void aThreadIsWokenAndItsReferenceGivenBack() {
        assertThat(run(new WakeProcedure(7, null, null), BLOCK, FILE, 0, 0, 0, 0))
                .containsExactly(
                        "vmalloc",
                        "find_get_task_by_vpid",
                        "signal_wake_up_state",
                        "wake_q_add_safe",
                        "wake_up_q",
                        "vfree");
        assertThat(memory.number(BLOCK, 8)).isEqualTo(1);
        assertThat(memory.number(BLOCK + 8, 8)).isEqualTo(BLOCK);
        assertThat(run(new WakeProcedure(7, null, null), BLOCK, 0, 0))
                .containsExactly("vmalloc", "find_get_task_by_vpid", "vfree");
    }

    /** One that has come by itself meanwhile is not told that there is a signal. */
    @Test
    void whoHasBeenTakenIsNotWoken() {
        Session s = new Session(new SleepProcedure(() -> true, 1, 5), 5, 0, 0);
        assertThat(run(new WakeProcedure(7, s, null), BLOCK, FILE, 0, 0, 0, 0))
                .contains("signal_wake_up_state");
        assertThat(s.take()).isTrue();
        assertThat(s.take()).isFalse();
        assertThat(run(new WakeProcedure(7, s, null), BLOCK, FILE, 0, 0, 0))
                .containsExactly(
                        "vmalloc",
                        "find_get_task_by_vpid",
                        "wake_q_add_safe",
                        "wake_up_q",
                        "vfree");
        Session held = new Session(new SleepProcedure(() -> true, 1, 5), 5, 0, 0);
        assertThat(held.hold(7)).isTrue();
        assertThat(held.take()).isFalse();
        held.release();
        assertThat(held.cancel()).isTrue();
        assertThat(held.take()).isFalse();
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
