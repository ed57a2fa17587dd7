// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.loader;

import dev.vitrine.toolstack.BadInputException;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;

/**
 * An ELF file for x86, 32 or 64 bits (System V ABI, chapters 4 and 5): what loading needs of it.
 */
final class ElfFile {
    private static final int PT_LOAD = 1;
    private static final int PT_NOTE = 4;
    private static final int SHT_NOTE = 7;
    private static final int ET_EXEC = 2;
    private static final int ET_DYN = 3;
    private static final int EM_386 = 3;
    private static final int EM_X86_64 = 62;

    /** The physical addresses that x86 has, 52 bits: nothing is loaded beyond. */
    private static final long MAX_ADDRESS = 1L << 52;

    private static final int MAX_NOTE = 4096;

    private final ImageBytes image;
    private final boolean wide;

    ElfFile(ImageBytes image) {
        this.image = image;
        int elfClass = image.u8(4, "the ELF header");
        int data = image.u8(5, "the ELF header");
        if (elfClass != 1 && elfClass != 2) {
            throw bad("the ELF header is corrupt: it is neither of 32 nor of 64 bits");
        }
        if (data != 1 && data != 2) {
            throw bad("the ELF header is corrupt: it is neither little endian nor big endian");
        }
        wide = elfClass == 2;
        int machine =
                data == 2
                        ? image.u8(18, "the ELF header") << 8 | image.u8(19, "the ELF header")
                        : image.u16(18, "the ELF header");
        if (data != 1 || machine != EM_386 && machine != EM_X86_64) {
            throw bad(
                    "the kernel is for " + machineName(machine, data == 2) + "; Vitrine runs x86");
        }
        if (machine == EM_386 && wide) {
            throw bad("the ELF header is corrupt: i386 files have 32 bits");
        }
        int type = image.u16(16, "the ELF header");
        if (type != ET_EXEC && type != ET_DYN) {
            throw bad(
                    switch (type) {
                        case 1 -> "this is an object file or kernel module, not a kernel";
                        case 4 -> "this is a core dump, not a kernel";
                        default -> "the ELF file has the unknown type " + type;
                    });
        }
    }

    LoadedKernel load(String kind) {
        List<Header> headers = programHeaders();
        List<KernelSegment> segments = segments(headers);
        return new LoadedKernel(
                image.name(), kind, wide, field(24, 24), segments, notes(headers), image.file());
    }

    /** A program header, or a section header that is a note. */
    private record Header(int type, long offset, long address, long fileSize, long memorySize) {}

    private List<Header> programHeaders() {
        long table = field(32, 28);
        int entry = image.u16(wide ? 54 : 42, "the ELF header");
        int count = image.u16(wide ? 56 : 44, "the ELF header");
        if (count == 0 || table == 0) {
            throw bad("the ELF file has no program headers, so there is nothing to load");
        }
        if (entry < (wide ? 56 : 32)) {
            throw bad("the ELF header is corrupt: program headers of " + entry + " bytes");
        }
        if (!image.contains(table, (long) entry * count)) {
            throw bad("the file is truncated or corrupt: its program headers lie beyond its end");
        }
        List<Header> headers = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            headers.add(programHeader(table + (long) i * entry));
        }
        return headers;
    }

    private Header programHeader(long at) {
        String what = "a program header";
        int type = (int) image.u32(at, what);
        return wide
                ? new Header(
                        type,
                        image.u64(at + 8, what),
                        image.u64(at + 24, what),
                        image.u64(at + 32, what),
                        image.u64(at + 40, what))
                : new Header(
                        type,
                        image.u32(at + 4, what),
                        image.u32(at + 12, what),
                        image.u32(at + 16, what),
                        image.u32(at + 20, what));
    }

    private List<KernelSegment> segments(List<Header> headers) {
        List<KernelSegment> segments = new ArrayList<>();
        for (Header header : headers) {
            if (header.type == PT_LOAD && header.memorySize != 0) {
                segments.add(segment(header));
            } else if (header.type == PT_LOAD && header.fileSize != 0) {
                throw bad("a segment has more bytes in the file than in memory");
            }
        }
        if (segments.isEmpty()) {
            throw bad("the ELF file has no segment to load");
        }
        // Not comparingLong: its lambda can be serialised, and such are in no AOT cache.
        segments.sort((a, b) -> Long.compare(a.address(), b.address()));
        for (int i = 1; i < segments.size(); i++) {
            KernelSegment before = segments.get(i - 1);
            KernelSegment after = segments.get(i);
            if (before.end() > after.address()) {
                throw bad("its segments overlap: " + before + " and " + after);
            }
        }
        return segments;
    }

    private KernelSegment segment(Header header) {
        if (Long.compareUnsigned(header.fileSize, header.memorySize) > 0) {
            throw bad("a segment has more bytes in the file than in memory");
        }
        if (!image.contains(header.offset, header.fileSize)) {
            throw bad("the file is truncated or corrupt: a segment lies beyond its end");
        }
        long limit = wide ? MAX_ADDRESS : 1L << 32;
        if (header.address < 0
                || header.address >= limit
                || header.memorySize < 0
                || header.memorySize > limit - header.address) {
            throw bad(
                    String.format(
                            "a segment of 0x%x bytes at 0x%x does not fit the address space",
                            header.memorySize, header.address));
        }
        return new KernelSegment(
                header.address,
                header.memorySize,
                image.slice(header.offset, header.fileSize, "a segment"));
    }

    private ElfNotes notes(List<Header> headers) {
        ElfNotes notes = new ElfNotes();
        for (Header header : headers) {
            // Some linkers leave a note header of a section that is not in the file.
            if (header.type == PT_NOTE && header.offset != 0) {
                parseNotes(notes, header);
            }
        }
        if (notes.types().isEmpty()) {
            sectionNotes(notes);
        }
        return notes;
    }

    /** Notes of the sections, for kernels without a PT_NOTE header, such as Mini-OS. */
    private void sectionNotes(ElfNotes notes) {
        long table = field(40, 32);
        int entry = image.u16(wide ? 58 : 46, "the ELF header");
        int count = image.u16(wide ? 60 : 48, "the ELF header");
        if (table == 0
                || entry < (wide ? 64 : 40)
                || !image.contains(table, (long) entry * count)) {
            // Nothing of a kernel lies there, so that a stripped or cut section table does no harm.
            return;
        }
        for (int i = 0; i < count; i++) {
            long at = table + (long) i * entry;
            if (image.u32(at + 4, "a section") == SHT_NOTE) {
                long offset =
                        wide ? image.u64(at + 24, "a section") : image.u32(at + 16, "a section");
                long size =
                        wide ? image.u64(at + 32, "a section") : image.u32(at + 20, "a section");
                parseNotes(notes, new Header(PT_NOTE, offset, 0, size, size));
            }
        }
    }

    private void parseNotes(ElfNotes notes, Header header) {
        if (!image.contains(header.offset, header.fileSize)) {
            throw bad("the file is truncated or corrupt: its notes lie beyond its end");
        }
        ImageBytes bytes = image.slice(header.offset, header.fileSize, "its notes");
        long at = 0;
        while (bytes.contains(at, 12)) {
            long nameSize = bytes.u32(at, "a note");
            long size = bytes.u32(at + 4, "a note");
            long value = at + 12 + (nameSize + 3 & ~3L);
            if (!bytes.contains(value, size)) {
                throw bad("the file is corrupt: a note is longer than its segment");
            }
            if (nameSize == 4 && bytes.startsWith(at + 12, 'X', 'e', 'n', 0) && size <= MAX_NOTE) {
                int type = (int) bytes.u32(at + 8, "a note");
                notes.put(type, bytes.slice(value, size, "a note").copy());
            }
            at = value + (size + 3 & ~3L);
        }
    }

    /** A word of the ELF header: 64 bits at {@code wideAt}, or 32 at {@code narrowAt}. */
    private long field(int wideAt, int narrowAt) {
        return wide ? image.u64(wideAt, "the ELF header") : image.u32(narrowAt, "the ELF header");
    }

    private BadInputException bad(String what) {
        return new BadInputException(image.name() + ": " + what + ".");
    }

    private static String machineName(int machine, boolean bigEndian) {
        @Nullable String known =
                switch (machine) {
                    case EM_386, EM_X86_64 -> "x86";
                    case 2, 18, 43 -> "SPARC";
                    case 8 -> "MIPS";
                    case 20, 21 -> "PowerPC";
                    case 22 -> "S/390";
                    case 40 -> "32-bit Arm";
                    case 50 -> "Itanium";
                    case 183 -> "64-bit Arm";
                    case 243 -> "RISC-V";
                    case 258 -> "LoongArch";
                    default -> null;
                };
        if (bigEndian) {
            return known == null || known.equals("x86")
                    ? "a big-endian processor, as its ELF header says"
                    : known + ", big endian";
        }
        return known == null ? "the unknown ELF machine " + machine : known;
    }
}
