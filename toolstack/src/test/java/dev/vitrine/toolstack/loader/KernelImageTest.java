// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.loader;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.loader.TestKernels.Elf;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

class KernelImageTest {
    private static LoadedKernel load(byte[] image) {
        return KernelImage.load("kernel", image);
    }

    /** What a segment gives, which has to be all of it in order. */
    private static byte[] bytes(KernelSegment segment) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        segment.writeTo((address, source, offset, length) -> {
            assertThat(address).isEqualTo(segment.address() + all.size());
            all.write(source, offset, length);
        });
        assertThat(all.size()).isEqualTo(segment.fileSize());
        return all.toByteArray();
    }

    private static void refuses(byte[] image, String message) {
        assertThatThrownBy(() -> load(image))
                .isInstanceOf(BadInputException.class)
                .hasMessageStartingWith("kernel: ")
                .hasMessageContaining(message);
    }

    @Test
    void loadsA64BitElfFile() {
        LoadedKernel kernel = load(TestKernels.pvh());
        assertThat(kernel.elf64()).isTrue();
        assertThat(kernel.entry()).isEqualTo(0x100_0000);
        assertThat(kernel.start()).isEqualTo(0x100_0000);
        assertThat(kernel.end()).isEqualTo(0x100_9000);
        assertThat(kernel.notes().phys32Entry()).hasValue(0x100_0010);
        assertThat(kernel.notes().text(ElfNotes.GUEST_OS)).isEqualTo("linux");
        KernelSegment first = kernel.segments().getFirst();
        assertThat(first.fileSize()).isEqualTo(5000);
        assertThat(first.memorySize()).isEqualTo(0x2000);
        assertThat(bytes(first)).isEqualTo(TestKernels.pattern(5000));
    }

    @Test
    void loadsA32BitElfFileWhoseNotesAreInASectionOnly() {
        byte[] miniOs =
                new Elf(false)
                        .segment(0, TestKernels.pattern(100), 0x20_0000)
                        .note(ElfNotes.PHYS32_ENTRY, 0)
                        .notesInSection()
                        .build();
        LoadedKernel kernel = load(miniOs);
        assertThat(kernel.elf64()).isFalse();
        assertThat(kernel.notes().phys32Entry()).hasValue(0);
        assertThat(kernel.end()).isEqualTo(0x20_0000);
    }

    @Test
    void readsNotesOfAllSizes() {
        byte[] image =
                new Elf(true)
                        .segment(0x10_0000, TestKernels.pattern(16), 16)
                        .note("GNU", 3, new byte[20])
                        .note(
                                ElfNotes.VIRT_BASE,
                                TestKernels.little(8).putLong(0xffffffff80000000L).array())
                        .note(
                                ElfNotes.FEATURES,
                                "!a|pae_pgdir_above_4gb\0".getBytes(StandardCharsets.US_ASCII))
                        .note(ElfNotes.PAE_MODE, "yes".getBytes(StandardCharsets.US_ASCII))
                        .note(
                                ElfNotes.PHYS32_RELOC,
                                TestKernels.little(12)
                                        .putInt(0x20_0000)
                                        .putInt(0x100_0000)
                                        .putInt(0x4000_0000)
                                        .array())
                        .note(ElfNotes.PHYS32_ENTRY, new byte[3])
                        .build();
        ElfNotes notes = load(image).notes();
        assertThat(notes.types()).containsExactly(3, 9, 10, 18, 19);
        assertThat(notes.number(ElfNotes.VIRT_BASE)).hasValue(0xffffffff80000000L);
        assertThat(notes.supports(4, "pae_pgdir_above_4gb")).isTrue();
        assertThat(notes.supports(4, "other")).isFalse();
        assertThat(notes.text(ElfNotes.PAE_MODE)).isEqualTo("yes");
        assertThat(notes.phys32Reloc())
                .isEqualTo(new ElfNotes.Phys32Reloc(0x20_0000, 0x100_0000, 0x4000_0000));
        assertThat(notes.phys32Entry()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(
            value = Compression.class,
            names = {"GZIP", "XZ", "BZIP2", "LZMA", "LZ4_LEGACY", "ZSTD", "LZ4"})
    void unpacksBzImages(Compression compression) {
        byte[] elf = TestKernels.pvh();
        byte[] image = TestKernels.bzImage(TestKernels.payload(compression, elf));
        LoadedKernel kernel = load(image);
        assertThat(kernel.kind()).isEqualTo("a bzImage (6.1.0-test, " + compression.tool() + ")");
        assertThat(kernel.notes().phys32Entry()).hasValue(0x100_0010);
        assertThat(KernelImage.unpack("kernel", image)).isEqualTo(elf);
    }

    @ParameterizedTest
    @EnumSource(
            value = Compression.class,
            names = {"GZIP", "XZ", "BZIP2", "LZMA", "LZ4_LEGACY", "ZSTD", "LZ4"})
    void unpacksCompressedElfFiles(Compression compression) {
        byte[] elf = TestKernels.pvh();
        LoadedKernel kernel = load(TestKernels.pack(compression, elf));
        assertThat(kernel.kind()).isEqualTo("an ELF file, packed with " + compression.tool());
        assertThat(KernelImage.unpack("kernel", TestKernels.pack(compression, elf))).isEqualTo(elf);
    }

    @Test
    void unpacksLz4OfSeveralBlocks() {
        byte[] elf =
                new Elf(true).segment(0x10_0000, TestKernels.pattern(20 << 20), 20 << 20).build();
        byte[] image = TestKernels.bzImage(TestKernels.payload(Compression.LZ4_LEGACY, elf));
        assertThat(KernelImage.unpack("kernel", image)).isEqualTo(elf);
    }

    @Test
    void loadsABzImageThatIsNotCompressed() {
        assertThat(load(TestKernels.bzImage(TestKernels.pvh())).kind())
                .isEqualTo("a bzImage (6.1.0-test)");
    }

    @ParameterizedTest
    @EnumSource(
            value = Compression.class,
            names = {"GZIP", "XZ", "BZIP2", "LZMA", "LZ4_LEGACY", "ZSTD", "LZ4"})
    void refusesCorruptPayloads(Compression compression) {
        byte[] payload = TestKernels.payload(compression, TestKernels.pvh());
        // The middle, and the size behind it.
        byte[] corrupt = payload.clone();
        for (int i = payload.length / 2; i < payload.length / 2 + 8; i++) {
            corrupt[i] ^= 0x5a;
        }
        refuses(TestKernels.bzImage(corrupt), "corrupt");
        byte[] wrongSize = payload.clone();
        wrongSize[payload.length - 4] ^= 1;
        assertThatThrownBy(() -> load(TestKernels.bzImage(wrongSize)))
                .isInstanceOf(BadInputException.class);
        byte[] cut = Arrays.copyOf(payload, payload.length / 2);
        assertThatThrownBy(() -> load(TestKernels.bzImage(cut)))
                .isInstanceOf(BadInputException.class);
    }

    @Test
    void doesNotBelieveALyingSize() {
        byte[] payload = TestKernels.payload(Compression.XZ, TestKernels.pvh());
        TestKernels.little(payload).putInt(payload.length - 4, -1);
        refuses(TestKernels.bzImage(payload), "it says that it unpacks to 4294967295 bytes");
        byte[] bomb = TestKernels.payload(Compression.GZIP, new byte[1 << 20]);
        TestKernels.little(bomb).putInt(bomb.length - 4, 1000);
        refuses(TestKernels.bzImage(bomb), "");
    }

    @Test
    void refusesLzo() {
        refuses(TestKernels.bzImage(TestKernels.payload(Compression.LZO, new byte[9])), "lzo");
    }

    @Test
    void refusesPayloadsThatAreNoElfFile() {
        refuses(
                TestKernels.bzImage(TestKernels.payload(Compression.GZIP, new byte[100])),
                "not an ELF file");
        refuses(TestKernels.bzImage(new byte[100]), "neither an ELF file nor packed");
    }

    @Test
    void refusesWhatIsNoKernel() {
        refuses(new byte[0], "the kernel is empty");
        refuses(new byte[1], "no kernel that Vitrine can load");
        refuses("#!/bin/sh\n".getBytes(StandardCharsets.US_ASCII), "looks like a script");
        refuses("070701000".getBytes(StandardCharsets.US_ASCII), "is it the ramdisk?");
        byte[] arm64 = new byte[100];
        arm64[0] = 'M';
        arm64[1] = 'Z';
        System.arraycopy("ARMd".getBytes(StandardCharsets.US_ASCII), 0, arm64, 56, 4);
        refuses(arm64, "64-bit Arm");
        byte[] noise = new byte[100_000];
        new Random(1).nextBytes(noise);
        refuses(noise, "no kernel");
    }

    @Test
    void refusesOtherProcessorsAndKinds() {
        Elf arm = new Elf(true).segment(0, new byte[4], 4);
        arm.machine = 183;
        refuses(arm.build(), "is for 64-bit Arm; Vitrine runs x86");
        byte[] big = TestKernels.pvh();
        big[5] = 2;
        big[18] = 0;
        big[19] = 22;
        refuses(big, "S/390, big endian");
        byte[] swapped = TestKernels.pvh();
        swapped[5] = 2;
        refuses(swapped, "is for a big-endian processor");
        swapped[5] = 3;
        refuses(swapped, "neither little endian nor big endian");
        Elf object = new Elf(true).segment(0, new byte[4], 4);
        object.type = 1;
        refuses(object.build(), "object file or kernel module");
        object.type = 4;
        refuses(object.build(), "core dump");
        byte[] noClass = TestKernels.pvh();
        noClass[4] = 9;
        refuses(noClass, "neither of 32 nor of 64 bits");
    }

    @Test
    void refusesImpossibleSegments() {
        byte[] some = new byte[64];
        refuses(
                new Elf(true).segment(0x1000, some, 0x2000).segment(0x2000, some, 64).build(),
                "segments overlap");
        refuses(
                new Elf(true).segment(-4096, some, 0x2000).build(),
                "does not fit the address space");
        refuses(new Elf(true).segment(0x1000, some, -1).build(), "does not fit the address space");
        refuses(new Elf(true).segment(1L << 51, some, 1L << 51 | 1).build(), "does not fit");
        refuses(new Elf(false).segment(0xffff_f000L, some, 0x1001).build(), "does not fit");
        refuses(new Elf(true).segment(0x1000, some, 63).build(), "more bytes in the file");
        refuses(new Elf(true).segment(0x1000, some, 0).build(), "more bytes in the file");
        refuses(new Elf(true).build(), "no program headers");
        refuses(new Elf(true).segment(0, new byte[0], 0).build(), "no segment to load");
    }

    @Test
    void refusesEveryTruncation() {
        byte[] whole = TestKernels.pvh();
        for (int length = 0; length < whole.length; length += length < 600 ? 1 : 97) {
            byte[] cut = Arrays.copyOf(whole, length);
            assertThatThrownBy(() -> load(cut)).isInstanceOf(BadInputException.class);
        }
    }

    @Test
    void refusesNotesThatReachBeyondTheirSegment() {
        byte[] image =
                new Elf(true)
                        .segment(0x1000, new byte[16], 16)
                        .note(ElfNotes.PHYS32_ENTRY, 0x1000)
                        .build();
        int noteAt = 64 + 2 * 56;
        TestKernels.little(image).putInt(noteAt + 4, 0x7fff_ffff);
        refuses(image, "a note is longer than its segment");
        TestKernels.little(image).putInt(noteAt + 4, 4).putInt(noteAt, -1);
        refuses(image, "a note is longer than its segment");
    }

    @ParameterizedTest
    @ValueSource(strings = {"missing", "folder"})
    void saysWhichFileCannotBeRead(String what, @TempDir Path folder) throws IOException {
        Path file = folder.resolve(what);
        if (what.equals("folder")) {
            Files.createDirectory(file);
        }
        assertThatThrownBy(() -> KernelImage.load(file))
                .isInstanceOf(BadInputException.class)
                .hasMessageStartingWith(file + ": ");
    }

    /** Segments of many pages, the second of which begins and ends in the middle of one. */
    private static byte[] large() {
        return new Elf(true)
                .segment(0x100_0000, TestKernels.pattern(700_001), 0x10_0000)
                .segment(0x200_0000, TestKernels.pattern(131_072), 0x10_0000)
                .note(ElfNotes.PHYS32_ENTRY, 0x100_0010)
                .build();
    }

    private static Path write(Path folder, byte[] kernel) throws IOException {
        return Files.write(folder.resolve("k"), kernel);
    }

    @Test
    void filesAreLoadedAsBytesAre(@TempDir Path folder) throws IOException {
        byte[] miniOs =
                new Elf(false)
                        .segment(0, TestKernels.pattern(100), 0x20_0000)
                        .note(ElfNotes.PHYS32_ENTRY, 0)
                        .notesInSection()
                        .build();
        for (byte[] image :
                List.of(
                        TestKernels.pvh(),
                        miniOs,
                        large(),
                        TestKernels.bzImage(large()),
                        TestKernels.bzImage(TestKernels.payload(Compression.LZ4_LEGACY, large())),
                        TestKernels.bzImage(TestKernels.payload(Compression.XZ, large())),
                        TestKernels.pack(Compression.GZIP, large()))) {
            LoadedKernel fromFile = KernelImage.load(write(folder, image));
            LoadedKernel fromBytes = load(image);
            assertThat(fromFile.kind()).isEqualTo(fromBytes.kind());
            assertThat(fromFile.entry()).isEqualTo(fromBytes.entry());
            assertThat(fromFile.notes().phys32Entry()).isEqualTo(fromBytes.notes().phys32Entry());
            assertThat(fromFile.segments().toString()).isEqualTo(fromBytes.segments().toString());
            for (int i = 0; i < fromBytes.segments().size(); i++) {
                assertThat(bytes(fromFile.segments().get(i)))
                        .isEqualTo(bytes(fromBytes.segments().get(i)));
            }
        }
    }

    @Test
    void filesAreRefusedAsBytesAre(@TempDir Path folder) throws IOException {
        byte[] whole = TestKernels.pvh();
        for (int length = 0; length < whole.length; length += length < 400 ? 7 : 97) {
            byte[] cut = Arrays.copyOf(whole, length);
            Path file = write(folder, cut);
            BadInputException e = catchThrowableOfType(BadInputException.class, () -> load(cut));
            assertThatThrownBy(() -> KernelImage.load(file))
                    .isInstanceOf(BadInputException.class)
                    .hasMessage(e.getMessage().replaceFirst("kernel", file.toString()));
        }
    }

    @Test
    void aFileThatShrinksIsTold(@TempDir Path folder) throws IOException {
        Path file = write(folder, large());
        KernelSegment segment = KernelImage.load(file).segments().getLast();
        Files.write(file, Arrays.copyOf(large(), 750_000));
        tells(file, segment, "the kernel shrank while it was read.");
        Files.delete(file);
        tells(file, segment, "there is no such file.");
    }

    @Test
    void aFileThatIsAnotherIsTold(@TempDir Path folder) throws IOException {
        Path file = write(folder, large());
        KernelSegment segment = KernelImage.load(file).segments().getFirst();
        FileTime time = Files.getLastModifiedTime(file);
        Files.write(file, large());
        Files.setLastModifiedTime(file, FileTime.fromMillis(time.toMillis() + 1));
        tells(file, segment, "the kernel changed while it was read.");

        Files.setLastModifiedTime(file, time);
        assertThat(bytes(segment)).hasSize(700_001);
        Path other = Files.write(folder.resolve("other"), large());
        Files.setLastModifiedTime(other, time);
        Files.move(other, file, StandardCopyOption.REPLACE_EXISTING);
        tells(file, segment, "the kernel changed while it was read.");
    }

    private static void tells(Path file, KernelSegment segment, String what) {
        assertThatThrownBy(() -> bytes(segment))
                .isInstanceOf(BadInputException.class)
                .hasMessage(file + ": " + what);
    }

    @Test
    void theNextStartTakesTheFileAsItIsThen(@TempDir Path folder) throws IOException {
        Path file = write(folder, TestKernels.pvh());
        LoadedKernel first = KernelImage.load(file);
        write(folder, large());
        LoadedKernel next = first.reread();
        assertThat(next.end()).isEqualTo(0x210_0000);
        assertThat(bytes(next.segments().getFirst())).hasSize(700_001);
        write(folder, TestKernels.bzImage(TestKernels.payload(Compression.GZIP, large())));
        LoadedKernel packed = next.reread();
        Files.delete(file);
        assertThat(packed.reread()).isSameAs(packed);
    }
}
