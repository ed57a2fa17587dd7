// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import static dev.vitrine.processor.asm.Reg.*;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.vitrine.memory.BadGuestAddress;
import dev.vitrine.memory.FrameTable;
import dev.vitrine.processor.Processor;
import dev.vitrine.processor.asm.Mem;
import dev.vitrine.processor.guest.FlatMachine;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Memory of domains: what it costs, what holes answer, what the dirty log says. */
class LargeDomainTest {
    private static final Path STATM = Path.of("/proc/self/statm");

    /** Resident pages of this process. */
    private static long resident() throws IOException {
        return Long.parseLong(Files.readString(STATM).split(" ")[1]);
    }

    /** What is not touched costs nothing: memory is counted, not time. */
    @Test
    void halfATerabyteCostsWhatIsTouched() throws IOException {
        assumeTrue(Files.isReadable(STATM), "no /proc: resident memory is not known");
        try (FlatMachine warm = new FlatMachine(1, 4 << 20)) {
            assertThat(warm.memory.frameCount()).isGreaterThan(1024);
        }
        long before = resident();
        try (FlatMachine m = new FlatMachine(1, 512L << 30)) {
            assertThat(m.map.maxGfn()).isEqualTo((512L << 18) - 1);
            m.code(
                    0,
                    a -> {
                        a.mov(RAX, (512L << 30) - 8).mov(RBX, Mem.base(RAX)).inc(RBX);
                        a.mov(Mem.base(RAX), RBX).mov(RAX, 200L << 30);
                        a.mov(Mem.base(RAX), RBX).mov(RDX, Mem.base(RAX).disp(4096));
                    });
            assertThat(m.run(0, 1000)).isEqualTo(Processor.Exit.HALTED);
            assertThat(m.processor(0).gpr(3)).isEqualTo(1);
            assertThat(m.processor(0).gpr(2)).isZero();
            assertThat(m.ram.getLong((512L << 30) - 8)).isEqualTo(1);
            assertThat(m.ram.getLong(200L << 30)).isEqualTo(1);
            // 64 MiB: the JVM's own heap may have grown meanwhile; the domain has 524288 MiB.
            assertThat(resident() - before).isLessThan(16384);
        }
    }

    @Test
    void holesReadAllOnesAndDropWrites() {
        try (FlatMachine m = new FlatMachine(1, 4 << 20)) {
            m.map.unmap(0x300);
            m.code(
                    0,
                    a -> {
                        // A hole within RAM, one behind it, and an access that ends in one.
                        a.mov(R8, 0x300008).mov(R9, 0x7000000000L).mov(R10, 0x2FFFFC);
                        a.mov(EAX, 0x1234).mov(Mem.base(R8).q(), 0).mov(Mem.base(R9), EAX);
                        a.mov(Mem.base(R10).q(), 0x55).lock().inc(Mem.base(R8).d());
                        a.mov(RAX, Mem.base(R8)).mov(RBX, Mem.base(R9)).mov(RDX, Mem.base(R10));
                        a.mov(ECX, Mem.base(R8));
                    });
            assertThat(m.run(0, 1000)).isEqualTo(Processor.Exit.HALTED);
            Processor p = m.processor(0);
            assertThat(p.gpr(0)).isEqualTo(-1);
            assertThat(p.gpr(3)).isEqualTo(-1);
            assertThat(p.gpr(2)).isEqualTo(0xFFFFFFFF00000055L);
            assertThat(p.gpr(1)).isEqualTo(0xFFFFFFFFL);
            // The frame that was there is untouched.
            assertThat(m.memory.ram().getLong(0x300008)).isZero();
            assertThatThrownBy(() -> m.ram.getLong(0x300008)).isInstanceOf(BadGuestAddress.class);
            assertThatThrownBy(() -> m.ram.write(0x2FFFF8, new byte[16]))
                    .isInstanceOf(BadGuestAddress.class);
            assertThat(m.ram.getLong(0x2FFFF8)).isEqualTo(0x55L << 32);
        }
    }

    private static boolean dirty(FlatMachine m, long address) {
        return (m.memory.frames().flags(address >>> 12) & FrameTable.DIRTY) != 0;
    }

    @Test
    void dirtyLogNamesExactlyTheFramesWritten() {
        try (FlatMachine m = new FlatMachine(1, 16 << 20)) {
            long data = 0x400000;
            m.code(
                    0,
                    a -> {
                        a.mov(R8, data).mov(EAX, 1);
                        a.mov(Mem.base(R8), EAX).hlt(); // before the log: fills the soft TLB
                        a.mov(Mem.base(R8), EAX).mov(Mem.base(R8).disp(0x1FFE), EAX);
                        a.lock().inc(Mem.base(R8).disp(0x4000).d());
                        a.mov(RDI, data + 0x6000).mov(ECX, 0x2000).cld().rep().stos(8);
                        a.mov(RSP, data + 0xA000).push(RAX).mov(RDX, Mem.base(R8).disp(0xC000));
                        a.movdqu(Mem.base(R8).disp(0xE000), XMM0);
                        a.hlt().mov(Mem.base(R8), EAX);
                    });
            Processor p = m.processor(0);
            assertThat(m.run(0, 100)).isEqualTo(Processor.Exit.HALTED);
            assertThat(dirty(m, data)).isFalse();
            m.group.setDirtyLog(true);
            p.setHalted(false);
            assertThat(m.run(0, 1000)).isEqualTo(Processor.Exit.HALTED);
            boolean[] expected = new boolean[16];
            for (int page : new int[] {0, 1, 2, 4, 6, 7, 9, 14}) {
                expected[page] = true;
            }
            for (int page = 0; page < 16; page++) {
                assertThat(dirty(m, data + page * 4096L))
                        .as("page %s", page)
                        .isEqualTo(expected[page]);
            }
            m.ram.putByte(data + 0xD000, 1);
            assertThat(dirty(m, data + 0xD000)).as("written from outside").isTrue();
            // Cleared and armed again: the next write is seen again.
            for (int page = 0; page < 16; page++) {
                m.memory.frames().clear((data >>> 12) + page, FrameTable.DIRTY);
            }
            m.group.setDirtyLog(true);
            p.setHalted(false);
            assertThat(m.run(0, 1000)).isEqualTo(Processor.Exit.HALTED);
            assertThat(dirty(m, data)).isTrue();
            assertThat(dirty(m, data + 0x1000)).isFalse();
            m.group.setDirtyLog(false);
        }
    }
}
