// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.builder;

import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.builder.MemoryMapEntry.Type;
import dev.vitrine.toolstack.loader.ElfNotes;
import dev.vitrine.toolstack.loader.KernelSegment;
import dev.vitrine.toolstack.loader.LoadedKernel;
import dev.vitrine.toolstack.loader.PhysicalWriter;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Lays out and fills the memory of a PVH version 2 domain as libxl does (Xen's
 * docs/misc/pvh.pandoc, public/arch-x86/hvm/start_info.h).
 *
 * <pre>
 * 0            RAM: kernel at the addresses in its ELF headers, behind it start info and ramdisk
 * 0x000fffc0   RSDP, for a Linux that looks for it there only; else behind the ACPI tables
 * 0xfc000000   ACPI information page, then the ACPI tables
 * 0xfeff8000   special pages
 * 0x100000000  the RAM that does not fit below 0xfc000000
 * </pre>
 *
 * <p>Building has two steps, because the ACPI tables hold addresses that the layout decides: {@link
 * #layout} first, then {@link #write}.
 */
public final class PvhBuilder {
    /** libxl: RAM ends here at the latest, so that all that is no RAM lies in the hole behind. */
    public static final long HOLE_START = 0xfc00_0000L;

    /** libxl: the most pages that ACPI tables take. */
    public static final int MAX_ACPI_PAGES = 16;

    private static final long FOUR_GIB = 1L << 32;
    private static final long ONE_MIB = 1L << 20;

    /** XENFEAT_linux_rsdp_unrestricted: this Linux takes the RSDP's address from start info. */
    private static final int XENFEAT_LINUX_RSDP_UNRESTRICTED = 15;

    /** libxl: RSDP_LEN. */
    private static final int RSDP_ROOM = 64;

    private static final int START_INFO_MAGIC = 0x336e_c578;
    private static final int START_INFO_SIZE = 56;
    private static final int MODULE_SIZE = 32;
    private static final int MAP_ENTRY_SIZE = 24;

    /** Far more than any kernel keeps (Linux: 2048 bytes). */
    private static final int MAX_CMDLINE = 64 << 10;

    /** 16 TiB of memory is more than any Xen on x86 gives to one guest. */
    private static final long MAX_MEMORY = 1L << 44;

    private final LoadedKernel kernel;
    private final byte[] cmdline;
    private final @Nullable Ramdisk ramdisk;
    private final long memory;
    private final int acpiPages;

    /**
     * @param kernel the kernel
     * @param cmdline its command line
     * @param ramdisk its ramdisk, or null
     * @param memory the domain's memory, in bytes, a multiple of 4096
     * @param acpiTablesSize the room that the ACPI tables need, in bytes, up to 16 pages
     * @throws BadInputException one of them cannot be used
     */
    public PvhBuilder(
            LoadedKernel kernel,
            String cmdline,
            @Nullable Ramdisk ramdisk,
            long memory,
            int acpiTablesSize) {
        this.kernel = kernel;
        this.cmdline = cmdline.getBytes(StandardCharsets.UTF_8);
        this.ramdisk = ramdisk;
        this.memory = memory;
        this.acpiPages =
                Math.max(1, (acpiTablesSize + PvhLayout.PAGE_SIZE - 1) / PvhLayout.PAGE_SIZE);
        if (acpiTablesSize < 0 || acpiPages > MAX_ACPI_PAGES) {
            throw new IllegalArgumentException("ACPI tables of " + acpiTablesSize + " bytes");
        }
        if (memory <= 0 || memory > MAX_MEMORY || memory % PvhLayout.PAGE_SIZE != 0) {
            throw new BadInputException(
                    "A domain cannot have "
                            + memory
                            + " bytes of memory: it takes whole pages of 4096"
                            + " bytes, up to 16 TiB.");
        }
        if (this.cmdline.length > MAX_CMDLINE || cmdline.indexOf('\0') >= 0) {
            throw new BadInputException(
                    "The kernel's command line "
                            + (cmdline.indexOf('\0') >= 0
                                    ? "holds a NUL character."
                                    : "is longer than " + MAX_CMDLINE + " bytes."));
        }
    }

    /**
     * Decides where everything goes.
     *
     * @throws BadInputException the kernel is not for PVH, or the memory is too small for what has
     *     to be in it
     */
    public PvhLayout layout() {
        long entry = entry();
        long lowEnd = Math.min(memory, HOLE_START);
        long highEnd = FOUR_GIB + (memory - lowEnd);
        if (kernel.end() > lowEnd) {
            KernelSegment outside = firstBeyond(HOLE_START);
            throw new BadInputException(
                    outside != null
                            ? String.format(
                                    "%s: a segment of the kernel loads at 0x%x to 0x%x, where a"
                                            + " domain has no memory: its boot memory ends at 0x%x.",
                                    kernel.name(), outside.address(), outside.end(), HOLE_START)
                            : String.format(
                                    "%s: the domain's %s are too little for the kernel, which"
                                            + " loads at 0x%x to 0x%x; give it at least %d MiB.",
                                    kernel.name(),
                                    size(memory),
                                    kernel.start(),
                                    kernel.end(),
                                    mebibytes(kernel.end())));
        }
        long tables = HOLE_START + PvhLayout.PAGE_SIZE;
        long tablesEnd = tables + (long) acpiPages * PvhLayout.PAGE_SIZE;
        long rsdp = lowRsdp(lowEnd) ? ONE_MIB - RSDP_ROOM : tablesEnd;
        List<MemoryMapEntry> map = memoryMap(lowEnd, highEnd, rsdp, tablesEnd);

        long ramdiskSize = ramdisk == null ? 0 : ramdisk.size();
        int infoSize =
                START_INFO_SIZE
                        + roundUp(cmdline.length + 1, 8)
                        + (ramdisk == null ? 0 : MODULE_SIZE)
                        + map.size() * MAP_ENTRY_SIZE;
        // libxl puts the ramdisk first. But Linux reads start info through the page tables that it
        // starts with, which map 1 GiB, so that behind a large ramdisk it would not be there.
        long infoAt = place(kernel.end(), infoSize, rsdp);
        long ramdiskAt = place(infoAt + infoSize, ramdiskSize, rsdp);
        if (ramdiskSize > lowEnd || ramdiskAt + ramdiskSize > lowEnd) {
            throw tooLittle(ramdiskSize, ramdiskAt + ramdiskSize, lowEnd);
        }
        return new PvhLayout(
                entry,
                infoAt,
                infoSize,
                ramdisk == null ? 0 : ramdiskAt,
                ramdiskSize,
                lowEnd,
                highEnd,
                rsdp,
                HOLE_START,
                tables,
                acpiPages * PvhLayout.PAGE_SIZE,
                map);
    }

    /**
     * Writes kernel, ramdisk, start info and ACPI tables. Memory is taken to be zero before, as
     * that of a new domain is: the parts of segments that the file does not hold are not written.
     *
     * @param layout what {@link #layout} gave
     * @param acpi the ACPI tables, the RSDP among them
     * @throws BadInputException the file of the kernel or the ramdisk cannot be read
     */
    public void write(PvhLayout layout, List<AcpiBlob> acpi, PhysicalWriter writer) {
        for (KernelSegment segment : kernel.segments()) {
            segment.writeTo(writer);
        }
        if (ramdisk != null) {
            ramdisk.writeTo(layout.ramdisk(), writer);
        }
        byte[] info = startInfo(layout);
        writer.write(layout.startInfo(), info, 0, info.length);
        for (AcpiBlob blob : acpi) {
            boolean inside =
                    layout.memoryMap().stream()
                            .anyMatch(entry ->
                                    entry.type() == Type.ACPI
                                            && blob.address() >= entry.address()
                                            && blob.address() + blob.bytes().length <= entry.end());
            if (!inside) {
                throw new IllegalArgumentException(
                        String.format(
                                "ACPI table at 0x%x outside of the ACPI ranges", blob.address()));
            }
            writer.write(blob.address(), blob.bytes(), 0, blob.bytes().length);
        }
    }

    /** The lowest segment that reaches beyond an address, or null. */
    private @Nullable KernelSegment firstBeyond(long address) {
        for (KernelSegment segment : kernel.segments()) {
            if (segment.end() > address) {
                return segment;
            }
        }
        return null;
    }

    private long entry() {
        ElfNotes notes = kernel.notes();
        if (notes.phys32Entry().isEmpty()) {
            throw new BadInputException(kernel.name() + ": " + whyNotPvh(notes));
        }
        long entry = notes.phys32Entry().getAsLong();
        for (KernelSegment segment : kernel.segments()) {
            if (entry >= segment.address() && entry < segment.end()) {
                return entry;
            }
        }
        throw new BadInputException(
                String.format(
                        "%s: the PVH entry point 0x%x lies outside of the kernel's segments.",
                        kernel.name(), entry));
    }

    private String whyNotPvh(ElfNotes notes) {
        String image = "the image is " + kernel.kind();
        if (notes.has(ElfNotes.PHYS32_ENTRY)) {
            return image + " whose PHYS32_ENTRY note is corrupt.";
        }
        if (!notes.types().isEmpty()) {
            return image
                    + " for paravirtualised domains (type = \"pv\"): it has Xen notes, but none"
                    + " for PVH (PHYS32_ENTRY).";
        }
        return image
                + " without Xen notes, so that it cannot be booted as a PVH guest"
                + (kernel.kind().contains("bzImage")
                        ? "; a Linux kernel needs CONFIG_PVH for that."
                        : ".");
    }

    /** libxl's rule: below 1 MiB for a Linux that does not say that it takes it from anywhere. */
    private boolean lowRsdp(long lowEnd) {
        if (!kernel.notes().text(ElfNotes.GUEST_OS).equals("linux")
                || kernel.notes()
                        .supports(XENFEAT_LINUX_RSDP_UNRESTRICTED, "linux_rsdp_unrestricted")
                || lowEnd < ONE_MIB) {
            return false;
        }
        return kernel.segments().stream()
                .noneMatch(s -> s.address() < ONE_MIB && s.end() > ONE_MIB - PvhLayout.PAGE_SIZE);
    }

    private static List<MemoryMapEntry> memoryMap(
            long lowEnd, long highEnd, long rsdp, long tablesEnd) {
        List<MemoryMapEntry> map = new ArrayList<>();
        long acpiEnd = tablesEnd;
        if (rsdp < ONE_MIB) {
            long page = ONE_MIB - PvhLayout.PAGE_SIZE;
            map.add(new MemoryMapEntry(0, page, Type.RAM));
            map.add(new MemoryMapEntry(page, PvhLayout.PAGE_SIZE, Type.ACPI));
            if (lowEnd > ONE_MIB) {
                map.add(new MemoryMapEntry(ONE_MIB, lowEnd - ONE_MIB, Type.RAM));
            }
        } else {
            map.add(new MemoryMapEntry(0, lowEnd, Type.RAM));
            acpiEnd += PvhLayout.PAGE_SIZE;
        }
        map.add(new MemoryMapEntry(HOLE_START, acpiEnd - HOLE_START, Type.ACPI));
        map.add(
                new MemoryMapEntry(
                        SpecialPages.FIRST_GFN * PvhLayout.PAGE_SIZE,
                        (long) SpecialPages.COUNT * PvhLayout.PAGE_SIZE,
                        Type.RESERVED));
        if (highEnd > FOUR_GIB) {
            map.add(new MemoryMapEntry(FOUR_GIB, highEnd - FOUR_GIB, Type.RAM));
        }
        return map;
    }

    /** The first page from {@code after} on where {@code size} bytes miss a low RSDP's page. */
    private static long place(long after, long size, long rsdp) {
        long at = after + PvhLayout.PAGE_SIZE - 1 & -PvhLayout.PAGE_SIZE;
        boolean hits = rsdp < ONE_MIB && at < ONE_MIB && at + size > ONE_MIB - PvhLayout.PAGE_SIZE;
        return hits ? ONE_MIB : at;
    }

    private BadInputException tooLittle(long ramdiskSize, long end, long lowEnd) {
        String what =
                ramdiskSize == 0
                        ? "the kernel"
                        : "the kernel and a ramdisk of " + size(ramdiskSize);
        if (end > HOLE_START) {
            return new BadInputException(
                    kernel.name()
                            + ": "
                            + what
                            + " do not fit below "
                            + size(HOLE_START)
                            + ", where a domain's boot memory ends.");
        }
        return new BadInputException(
                kernel.name()
                        + ": the domain's memory of "
                        + size(lowEnd)
                        + " is too small for "
                        + what
                        + "; give it at least "
                        + mebibytes(end)
                        + " MiB.");
    }

    private byte[] startInfo(PvhLayout layout) {
        byte[] info = new byte[layout.startInfoSize()];
        long cmdlineAt = START_INFO_SIZE;
        long modulesAt = cmdlineAt + roundUp(cmdline.length + 1, 8);
        long mapAt = modulesAt + (ramdisk == null ? 0 : MODULE_SIZE);
        long base = layout.startInfo();
        put32(info, 0, START_INFO_MAGIC);
        put32(info, 4, 1);
        put32(info, 12, ramdisk == null ? 0 : 1);
        put64(info, 16, ramdisk == null ? 0 : base + modulesAt);
        put64(info, 24, base + cmdlineAt);
        put64(info, 32, layout.rsdp());
        put64(info, 40, base + mapAt);
        put32(info, 48, layout.memoryMap().size());
        System.arraycopy(cmdline, 0, info, (int) cmdlineAt, cmdline.length);
        if (ramdisk != null) {
            put64(info, (int) modulesAt, layout.ramdisk());
            put64(info, (int) modulesAt + 8, layout.ramdiskSize());
        }
        int at = (int) mapAt;
        for (MemoryMapEntry entry : layout.memoryMap()) {
            put64(info, at, entry.address());
            put64(info, at + 8, entry.size());
            put32(info, at + 16, entry.type().number());
            at += MAP_ENTRY_SIZE;
        }
        return info;
    }

    private static void put32(byte[] into, int at, int value) {
        for (int i = 0; i < 4; i++) {
            into[at + i] = (byte) (value >>> 8 * i);
        }
    }

    private static void put64(byte[] into, int at, long value) {
        put32(into, at, (int) value);
        put32(into, at + 4, (int) (value >>> 32));
    }

    private static int roundUp(int value, int to) {
        return (value + to - 1) / to * to;
    }

    private static long mebibytes(long bytes) {
        return (bytes + ONE_MIB - 1) / ONE_MIB;
    }

    private static String size(long bytes) {
        return bytes < ONE_MIB ? bytes + " bytes" : mebibytes(bytes) + " MiB";
    }
}
