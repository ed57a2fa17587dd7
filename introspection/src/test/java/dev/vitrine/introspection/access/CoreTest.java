// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vitrine.introspection.Core;
import dev.vitrine.introspection.FakeMemory;
import dev.vitrine.introspection.Fakes;
import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.LittleEndian;
import dev.vitrine.introspection.MappedRange;
import dev.vitrine.introspection.PhysicalRange;
import dev.vitrine.introspection.Target;
import dev.vitrine.processor.Registers;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

class CoreTest {
    private static final byte[] NOTE = "OSRELEASE=6.1\n".getBytes(StandardCharsets.US_ASCII);

    private static final long IMAGE = 0xFFFF_FFFF_8100_0000L;

    private static final List<Registers> VCPUS =
            List.of(
                    Fakes.registers(0x1000, 4, 0xFFFF_FFFF_8100_0000L, 0xFFFF_FE00_0000_0000L),
                    Fakes.registers(0x2000, 5, 0xFFFF_FFFF_8100_0000L, 0xFFFF_FE00_0000_0000L));

    @TempDir Path folder;

    private static FakeMemory memory() {
        FakeMemory m = new FakeMemory();
        m.put(0, new byte[4096]);
        m.put(0x1000, pattern(3 * 4096));
        m.put(0x10_0000, new byte[5 * 4096]);
        m.put(0x10_3000, pattern(8));
        m.put(0x1_0000_0000L, pattern(4096));
        return m;
    }

    private static byte[] pattern(int n) {
        byte[] b = new byte[n];
        for (int i = 0; i < n; i++) {
            b[i] = (byte) (i * 7 + (i >>> 8) + 1);
        }
        return b;
    }

    private Path write() throws IOException {
        return write(folder.resolve("core"));
    }

    /** A small memory image. */
    static Path write(Path file) throws IOException {
        long bytes =
                Core.write(
                        Target.of(memory(), VCPUS),
                        file,
                        new Core.KernelNotes(
                                NOTE,
                                0xFFFF_8880_0000_0000L,
                                new MappedRange(IMAGE, 8192, 0x10_1000, true, false, true),
                                r -> r.equals(VCPUS.getFirst()) ? 4711 : -1));
        assertThat(bytes).isEqualTo(10 * 4096);
        return file;
    }

    @Test
    void whatIsWrittenIsRead() throws IOException {
        try (Target t = Target.open(write())) {
            assertThat(t.isLive()).isFalse();
            assertThat(t.vcpus()).isEqualTo(2);
            assertThat(t.registers(0)).isEqualTo(VCPUS.get(0));
            assertThat(t.registers(1)).isEqualTo(VCPUS.get(1));
            FakeMemory m = memory();
            assertThat(t.memory().ranges()).isEqualTo(m.ranges());
            for (PhysicalRange r : m.ranges()) {
                byte[] here = new byte[(int) r.length()];
                byte[] there = new byte[(int) r.length()];
                assertThat(t.memory().read(r.start(), here, 0, here.length)).isTrue();
                m.read(r.start(), there, 0, there.length);
                assertThat(here).isEqualTo(there);
                assertThat(t.memory().read(r.end() - 1, here, 0, 2)).isFalse();
            }
            assertThat(t.memory().read(-1, new byte[1], 0, 1)).isFalse();
            assertThatThrownBy(() -> t.memory().write(0, NOTE, 0, 1))
                    .isInstanceOf(IntrospectionException.class);
        }
    }

    /**
     * As crash and drgn read it: segments by p_paddr with the direct map in p_vaddr, and the notes.
     */
    @Test
    void headersAreThoseOfAnElfCore() throws IOException {
        byte[] b = Files.readAllBytes(write());
        assertThat(LittleEndian.u16(b, 16)).isEqualTo(4);
        assertThat(LittleEndian.u16(b, 56)).isEqualTo(5);
        int image = 64 + 56;
        assertThat(LittleEndian.i64(b, image + 16)).isEqualTo(IMAGE);
        assertThat(LittleEndian.i64(b, image + 24)).isEqualTo(0x10_1000);
        int load = 64 + 3 * 56;
        assertThat(LittleEndian.i64(b, image + 8))
                .isEqualTo(LittleEndian.i64(b, load + 8) + 0x1000);
        assertThat(LittleEndian.i32(b, load)).isEqualTo(1);
        assertThat(LittleEndian.i64(b, load + 16)).isEqualTo(0xFFFF_8880_0010_0000L);
        assertThat(LittleEndian.i64(b, load + 24)).isEqualTo(0x10_0000);
        assertThat(LittleEndian.i64(b, load + 32)).isEqualTo(5 * 4096);
        String notes = new String(b, 64 + 5 * 56, 4096, StandardCharsets.ISO_8859_1);
        assertThat(notes).contains("CORE\0", "Vitrine\0", "VMCOREINFO\0", "OSRELEASE=6.1\n");
        // pr_pid of both vCPUs: the thread's, and a number of its own where that is not known.
        int first = 64 + 5 * 56 + 12 + 8 + 32;
        assertThat(LittleEndian.i32(b, first)).isEqualTo(4711);
        assertThat(LittleEndian.i32(b, first + 336 + 12 + 8)).isEqualTo(2);
    }

    /** QEMU's images have no note of Vitrine, but all registers except MSRs. */
    @Test
    void registersComeFromQemusNotesToo() {
        CoreNotes notes = new CoreNotes();
        for (Registers r : VCPUS) {
            notes.add("CORE", 1, new byte[336]);
            notes.add("QEMU", 0, qemu(r));
        }
        Registers r = CoreNotes.registers(notes.out.toByteArray()).get(1);
        Registers expected = VCPUS.get(1);
        assertThat(r.general()).isEqualTo(expected.general());
        assertThat(r.segments()).isEqualTo(expected.segments());
        assertThat(r.idt()).isEqualTo(expected.idt());
        assertThat(r.gdt()).isEqualTo(expected.gdt());
        assertThat(r.rip()).isEqualTo(expected.rip());
        assertThat(r.cr3()).isEqualTo(0x2000);
        assertThat(r.kernelGsBase()).isEqualTo(expected.kernelGsBase());
        assertThat(r.efer() & 0x400).isNotZero();
    }

    /** QEMUCPUState, version 1. */
    private static byte[] qemu(Registers r) {
        ByteBuffer b = ByteBuffer.allocate(440).order(ByteOrder.LITTLE_ENDIAN);
        b.putInt(1).putInt(440);
        for (int n : CoreNotes.QEMU_ORDER) {
            b.putLong(r.general(n));
        }
        b.putLong(r.rip()).putLong(r.rflags());
        for (int s : CoreNotes.QEMU_SEGMENT_ORDER) {
            Registers.Segment x = r.segment(s);
            segment(b, x.selector(), x.limit(), x.attributes() << 8, x.base());
        }
        segment(b, 0, r.gdt().limit(), 0, r.gdt().base());
        segment(b, 0, r.idt().limit(), 0, r.idt().base());
        b.putLong(r.cr0()).putLong(0).putLong(r.cr2()).putLong(r.cr3()).putLong(r.cr4());
        b.putLong(r.kernelGsBase());
        return b.array();
    }

    private static void segment(ByteBuffer b, int selector, int limit, int flags, long base) {
        b.putInt(selector).putInt(limit).putInt(flags).putInt(0).putLong(base);
    }

    @Test
    void aFileThatIsCutOffHasLessMemory() throws IOException {
        Path file = write();
        byte[] b = Files.readAllBytes(file);
        Files.write(file, java.util.Arrays.copyOf(b, b.length - 100));
        try (Target t = Target.open(file)) {
            assertThat(t.memory().read(0x1_0000_0000L, new byte[3000], 0, 3000)).isTrue();
            assertThat(t.memory().read(0x1_0000_0000L, new byte[4096], 0, 4096)).isFalse();
        }
        Files.write(file, java.util.Arrays.copyOf(b, 300));
        assertThatThrownBy(() -> Target.open(file))
                .isInstanceOf(IntrospectionException.class)
                .hasMessageContaining("cut off");
    }
}
