// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.builder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.builder.MemoryMapEntry.Type;
import dev.vitrine.toolstack.loader.ElfNotes;
import dev.vitrine.toolstack.loader.KernelImage;
import dev.vitrine.toolstack.loader.LoadedKernel;
import dev.vitrine.toolstack.loader.PhysicalWriter;
import dev.vitrine.toolstack.loader.TestKernels;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

class PvhBuilderTest {
    private static final long MIB = 1 << 20;
    private static final long GIB = 1 << 30;

    private static LoadedKernel kernel() {
        return KernelImage.load("vmlinux", TestKernels.pvh());
    }

    private static PvhBuilder builder(Ramdisk ramdisk, long memory) {
        return new PvhBuilder(kernel(), "console=hvc0", ramdisk, memory, 5000);
    }

    /** Memory that is one array, as long as all that is written lies in it. */
    private static ByteBuffer write(PvhBuilder builder, PvhLayout layout, List<AcpiBlob> acpi) {
        ByteBuffer memory = ByteBuffer.allocate((int) (64 * MIB)).order(ByteOrder.LITTLE_ENDIAN);
        builder.write(
                layout,
                acpi,
                (address, bytes, offset, length) -> {
                    if (address < memory.capacity()) {
                        memory.put((int) address, bytes, offset, length);
                    }
                });
        return memory;
    }

    @Test
    void laysOutASmallDomain() {
        PvhLayout layout = builder(Ramdisk.of(new byte[10_000]), 64 * MIB).layout();
        assertThat(layout.entry()).isEqualTo(0x100_0010);
        assertThat(layout.startInfo()).isEqualTo(0x100_9000);
        assertThat(layout.ramdisk()).isEqualTo(0x100_a000);
        assertThat(layout.rsdp()).isEqualTo(0xfc00_3000L);
        assertThat(layout.acpiTables()).isEqualTo(0xfc00_1000L);
        assertThat(layout.acpiTablesSize()).isEqualTo(8192);
        assertThat(layout.memoryMap())
                .containsExactly(
                        new MemoryMapEntry(0, 64 * MIB, Type.RAM),
                        new MemoryMapEntry(0xfc00_0000L, 0x4000, Type.ACPI),
                        new MemoryMapEntry(0xfeff_8000L, 0x8000, Type.RESERVED));
        assertThat(layout.extraPages())
                .extracting(MemoryMapEntry::address)
                .containsExactly(0xfc00_0000L, 0xfeff_8000L);
        assertThat(SpecialPages.XENSTORE_GFN).isEqualTo(0xfeffc);
        assertThat(SpecialPages.CONSOLE_GFN).isEqualTo(0xfefff);
    }

    @Test
    void splitsLargeMemoryAtTheHole() {
        PvhLayout layout = builder(null, 512 * GIB).layout();
        assertThat(layout.lowMemoryEnd()).isEqualTo(0xfc00_0000L);
        assertThat(layout.highMemoryEnd()).isEqualTo(4 * GIB + 512 * GIB - 0xfc00_0000L);
        assertThat(layout.memoryMap().getLast())
                .isEqualTo(new MemoryMapEntry(4 * GIB, 512 * GIB - 0xfc00_0000L, Type.RAM));
        long ram =
                layout.memoryMap().stream()
                        .filter(e -> e.type() == Type.RAM)
                        .mapToLong(MemoryMapEntry::size)
                        .sum();
        assertThat(ram).isEqualTo(512 * GIB);
    }

    @Test
    void writesStartInfoModulesAndMap() {
        byte[] initrd = TestKernels.pattern(10_001);
        PvhBuilder builder = builder(Ramdisk.of(initrd), 64 * MIB);
        PvhLayout layout = builder.layout();
        ByteBuffer memory = write(builder, layout, List.of());
        int info = (int) layout.startInfo();
        assertThat(memory.getInt(info)).isEqualTo(0x336ec578);
        assertThat(memory.getInt(info + 4)).isEqualTo(1);
        assertThat(memory.getInt(info + 12)).isEqualTo(1);
        assertThat(memory.getLong(info + 32)).isEqualTo(layout.rsdp());
        int module = (int) memory.getLong(info + 16);
        assertThat(memory.getLong(module)).isEqualTo(layout.ramdisk());
        assertThat(memory.getLong(module + 8)).isEqualTo(10_001);
        int cmdline = (int) memory.getLong(info + 24);
        byte[] text = new byte[13];
        memory.get(cmdline, text);
        assertThat(text).isEqualTo("console=hvc0\0".getBytes(StandardCharsets.US_ASCII));
        int map = (int) memory.getLong(info + 40);
        assertThat(memory.getInt(info + 48)).isEqualTo(3);
        assertThat(memory.getLong(map + 8)).isEqualTo(64 * MIB);
        assertThat(memory.getInt(map + 16)).isEqualTo(1);
        assertThat(memory.getInt(map + 24 + 16)).isEqualTo(3);
        assertThat(memory.getInt(map + 48 + 16)).isEqualTo(2);
        byte[] copy = new byte[initrd.length];
        memory.get((int) layout.ramdisk(), copy);
        assertThat(copy).isEqualTo(initrd);
        byte[] code = new byte[5000];
        memory.get(0x100_0000, code);
        assertThat(code).isEqualTo(TestKernels.pattern(5000));
    }

    @Test
    void writesAcpiTablesWhereTheyBelong() {
        PvhBuilder builder = builder(null, 64 * MIB);
        PvhLayout layout = builder.layout();
        write(builder, layout, List.of(new AcpiBlob(layout.rsdp(), new byte[36])));
        assertThatThrownBy(
                        () -> write(builder, layout, List.of(new AcpiBlob(0x1000, new byte[36]))))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void putsTheRsdpBelowOneMebibyteForAnOldLinux() {
        byte[] old =
                new TestKernels.Elf(true)
                        .segment(0x100_0000, new byte[16], 16)
                        .note(ElfNotes.GUEST_OS, "linux\0".getBytes(StandardCharsets.US_ASCII))
                        .note(ElfNotes.PHYS32_ENTRY, 0x100_0000)
                        .build();
        PvhLayout layout =
                new PvhBuilder(KernelImage.load("old", old), "", null, 64 * MIB, 4096).layout();
        assertThat(layout.rsdp()).isEqualTo(0xfffc0);
        assertThat(layout.memoryMap())
                .startsWith(
                        new MemoryMapEntry(0, 0xff000, Type.RAM),
                        new MemoryMapEntry(0xff000, 0x1000, Type.ACPI),
                        new MemoryMapEntry(0x100000, 63 * MIB, Type.RAM));
        assertThat(layout.extraPages()).hasSize(2);
    }

    @Test
    void keepsTheRamdiskOffALowRsdp() {
        byte[] small =
                new TestKernels.Elf(true)
                        .segment(0x8000, new byte[16], 16)
                        .note(ElfNotes.GUEST_OS, "linux\0".getBytes(StandardCharsets.US_ASCII))
                        .note(ElfNotes.PHYS32_ENTRY, 0x8000)
                        .build();
        PvhLayout layout =
                new PvhBuilder(
                                KernelImage.load("small", small),
                                "",
                                Ramdisk.of(new byte[(int) MIB]),
                                64 * MIB,
                                4096)
                        .layout();
        assertThat(layout.ramdisk()).isEqualTo(MIB);
    }

    @Test
    void refusesTooLittleMemory() {
        assertThatThrownBy(() -> builder(null, 8 * MIB).layout())
                .isInstanceOf(BadInputException.class)
                .hasMessage(
                        "vmlinux: the domain's 8 MiB are too little for the kernel, which loads at"
                                + " 0x1000000 to 0x1009000; give it at least 17 MiB.");
        assertThatThrownBy(() -> builder(Ramdisk.of(new byte[(int) (40 * MIB)]), 32 * MIB).layout())
                .isInstanceOf(BadInputException.class)
                .hasMessage(
                        "vmlinux: the domain's memory of 32 MiB is too small for the kernel and a"
                                + " ramdisk of 40 MiB; give it at least 57 MiB.");
        Ramdisk huge =
                new Ramdisk() {
                    @Override
                    public long size() {
                        return Long.MAX_VALUE - 100;
                    }

                    @Override
                    public void writeTo(long address, PhysicalWriter writer) {}
                };
        assertThatThrownBy(() -> builder(huge, 512 * GIB).layout())
                .isInstanceOf(BadInputException.class);
    }

    @Test
    void refusesAbsurdSizes() {
        for (long memory : new long[] {0, -1, -4096, 4095, 4097, Long.MAX_VALUE, 1L << 45}) {
            assertThatThrownBy(() -> builder(null, memory))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining("memory");
        }
    }

    @Test
    void refusesKernelsOutsideOfMemory() {
        byte[] high =
                new TestKernels.Elf(true)
                        .segment(0x10_0000L, new byte[16], 16)
                        .segment(0xfd00_0000L, new byte[16], 16)
                        .segment(0xfee0_0000L, new byte[16], 16)
                        .note(ElfNotes.PHYS32_ENTRY, 0x10_0000)
                        .build();
        assertThatThrownBy(() ->
                        new PvhBuilder(KernelImage.load("high", high), "", null, 8 * GIB, 4096)
                                .layout())
                .hasMessageContaining(
                        "high: a segment of the kernel loads at 0xfd000000 to 0xfd000010, where a"
                                + " domain has no memory");
    }

    @Test
    void saysWhatKindOfKernelIsNotForPvh() {
        TestKernels.Elf plain = new TestKernels.Elf(true).segment(0x10_0000, new byte[16], 16);
        assertThatThrownBy(() -> layout(plain.build()))
                .isInstanceOf(BadInputException.class)
                .hasMessage(
                        "k: the image is an ELF file without Xen notes, so that it cannot be booted"
                                + " as a PVH guest.");
        byte[] noPvh = TestKernels.bzImage(plain.build());
        assertThatThrownBy(() -> layout(noPvh)).hasMessageContaining("CONFIG_PVH");
        assertThatThrownBy(() -> layout(plain.note(ElfNotes.VIRT_BASE, 0).build()))
                .hasMessageContaining("paravirtualised domains (type = \"pv\")");
        assertThatThrownBy(() -> layout(plain.note(ElfNotes.PHYS32_ENTRY, 0x50_0000).build()))
                .hasMessageContaining("0x500000 lies outside of the kernel's segments");
    }

    private static PvhLayout layout(byte[] image) {
        return new PvhBuilder(KernelImage.load("k", image), "", null, 64 * MIB, 4096).layout();
    }

    @Test
    void readsRamdisksFromFiles(@TempDir Path folder) throws IOException {
        Path file = Files.write(folder.resolve("initrd"), TestKernels.pattern(3_000_001));
        Ramdisk ramdisk = Ramdisk.concat(List.of(Ramdisk.of(file), Ramdisk.of(new byte[] {7})));
        assertThat(ramdisk.size()).isEqualTo(3_000_005);
        byte[] memory = new byte[3_000_005];
        ramdisk.writeTo(
                0, (at, bytes, from, n) -> System.arraycopy(bytes, from, memory, (int) at, n));
        assertThat(memory).startsWith(TestKernels.pattern(3_000_001));
        assertThat(memory[3_000_004]).isEqualTo((byte) 7);
        assertThatThrownBy(() -> Ramdisk.of(folder.resolve("missing")))
                .hasMessage(folder.resolve("missing") + ": there is no such file.");
        Path empty = Files.createFile(folder.resolve("empty"));
        assertThatThrownBy(() -> Ramdisk.of(empty)).hasMessageContaining("is empty");
        Files.write(file, new byte[10]);
        assertThatThrownBy(() -> ramdisk.writeTo(0, (at, bytes, from, n) -> {}))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("shrank");
    }
}
