// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.access;

import dev.vitrine.introspection.Core;
import dev.vitrine.introspection.LittleEndian;
import dev.vitrine.processor.Registers;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The notes of a core file: for each vCPU NT_PRSTATUS (general registers, for debuggers) and
 * Vitrine's own (everything); and once VMCOREINFO, which is the guest kernel's. QEMU's note, which
 * has control registers and descriptor tables, is read, but not written: crash 8.0.2 does not
 * survive it.
 */
final class CoreNotes {
    private static final String CORE = "CORE";
    private static final int NT_PRSTATUS = 1;
    private static final int PRSTATUS_SIZE = 336;
    private static final int PRSTATUS_PID = 32;
    private static final int PRSTATUS_REGISTERS = 112;

    private static final String QEMU = "QEMU";
    private static final int QEMU_GENERAL = 8;
    private static final int QEMU_SEGMENTS = QEMU_GENERAL + 18 * 8;
    private static final int QEMU_SEGMENT = 24;
    private static final int QEMU_CR = QEMU_SEGMENTS + 10 * QEMU_SEGMENT;

    private static final String VITRINE = "Vitrine";

    /** No type that another note has: some readers do not look at names. */
    private static final int REGISTERS = 0x52_5456;

    private static final long EFER_LME_LMA = 0x500;
    private static final long CR0_PG = 1L << 31;
    private static final long CR4_PAE = 1 << 5;

    /** QEMU's order of the general registers, by their numbers in instructions. */
    static final int[] QEMU_ORDER = {0, 3, 1, 2, 6, 7, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15};

    /** QEMU's order of segments: CS DS ES FS GS SS LDT TR, then GDT and IDT. */
    static final int[] QEMU_SEGMENT_ORDER = {
        Registers.CS,
        Registers.DS,
        Registers.ES,
        Registers.FS,
        Registers.GS,
        Registers.SS,
        Registers.LDTR,
        Registers.TR
    };

    final ByteArrayOutputStream out = new ByteArrayOutputStream();

    /** All notes of these vCPUs. */
    static byte[] of(List<Registers> vcpus, Core.KernelNotes kernel) {
        CoreNotes n = new CoreNotes();
        for (int i = 0; i < vcpus.size(); i++) {
            int thread = kernel.thread().applyAsInt(vcpus.get(i));
            n.add(CORE, NT_PRSTATUS, prstatus(thread < 0 ? i + 1 : thread, vcpus.get(i)));
        }
        for (Registers r : vcpus) {
            n.add(VITRINE, REGISTERS, RegistersText.format(r).getBytes(StandardCharsets.US_ASCII));
        }
        if (kernel.vmcoreinfo().length > 0) {
            n.add("VMCOREINFO", 0, kernel.vmcoreinfo());
        }
        return n.out.toByteArray();
    }

    void add(String name, int type, byte[] content) {
        ByteBuffer b =
                ByteBuffer.allocate(
                                12
                                        + (int) CoreFile.padded(name.length() + 1)
                                        + (int) CoreFile.padded(content.length))
                        .order(ByteOrder.LITTLE_ENDIAN);
        b.putInt(name.length() + 1).putInt(content.length).putInt(type);
        b.put(name.getBytes(StandardCharsets.US_ASCII));
        b.position(12 + (int) CoreFile.padded(name.length() + 1));
        b.put(content);
        out.writeBytes(b.array());
    }

    /**
     * struct elf_prstatus of x86-64.
     *
     * @param pid the thread's, as kdump has it; of an unknown kernel the vCPU's number from 1, as
     *     QEMU has it
     */
    private static byte[] prstatus(int pid, Registers r) {
        ByteBuffer b = ByteBuffer.allocate(PRSTATUS_SIZE).order(ByteOrder.LITTLE_ENDIAN);
        b.putInt(PRSTATUS_PID, pid).position(PRSTATUS_REGISTERS);
        for (int n : new int[] {15, 14, 13, 12, 5, 3, 11, 10, 9, 8, 0, 1, 2, 6, 7}) {
            b.putLong(r.general(n));
        }
        b.putLong(-1); // orig_rax
        b.putLong(r.rip()).putLong(r.segment(Registers.CS).selector());
        b.putLong(r.rflags()).putLong(r.general(Registers.RSP));
        b.putLong(r.segment(Registers.SS).selector());
        b.putLong(r.segment(Registers.FS).base()).putLong(r.segment(Registers.GS).base());
        for (int s : new int[] {Registers.DS, Registers.ES, Registers.FS, Registers.GS}) {
            b.putLong(r.segment(s).selector());
        }
        return b.array();
    }

    /** The vCPUs' registers that notes tell of; empty if they tell of none. */
    static List<Registers> registers(byte[] notes) {
        List<Registers> own = new ArrayList<>();
        List<Registers> qemu = new ArrayList<>();
        long at = 0;
        while (at + 12 <= notes.length) {
            long nameSize = CoreFile.word(notes, (int) at);
            long size = CoreFile.word(notes, (int) at + 4);
            int type = LittleEndian.i32(notes, (int) at + 8);
            long content = at + 12 + CoreFile.padded(nameSize);
            long end = content + CoreFile.padded(size);
            if (content + size > notes.length) {
                break;
            }
            String name = name(notes, (int) at + 12, (int) nameSize);
            if (name.equals(VITRINE) && type == REGISTERS) {
                own.add(
                        RegistersText.parse(
                                new String(
                                        notes,
                                        (int) content,
                                        (int) size,
                                        StandardCharsets.US_ASCII)));
            } else if (name.equals(QEMU) && size >= QEMU_CR + 5 * 8) {
                qemu.add(fromQemu(notes, (int) content, (int) size));
            }
            at = end;
        }
        return own.isEmpty() ? qemu : own;
    }

    private static String name(byte[] b, int at, int size) {
        return size < 1 || size > 64
                ? ""
                : new String(b, at, size - 1, StandardCharsets.ISO_8859_1);
    }

    private static Registers fromQemu(byte[] b, int at, int size) {
        Long[] general = new Long[Registers.GENERAL];
        for (int i = 0; i < general.length; i++) {
            general[QEMU_ORDER[i]] = LittleEndian.i64(b, at + QEMU_GENERAL + 8 * i);
        }
        Registers.Segment[] segments = new Registers.Segment[Registers.SEGMENTS];
        for (int i = 0; i < segments.length; i++) {
            int s = at + QEMU_SEGMENTS + i * QEMU_SEGMENT;
            segments[QEMU_SEGMENT_ORDER[i]] =
                    new Registers.Segment(
                            LittleEndian.i32(b, s) & 0xFFFF,
                            LittleEndian.i64(b, s + 16),
                            LittleEndian.i32(b, s + 4),
                            LittleEndian.i32(b, s + 8) >>> 8 & 0xFFFF);
        }
        long cr0 = LittleEndian.i64(b, at + QEMU_CR);
        long cr4 = LittleEndian.i64(b, at + QEMU_CR + 32);
        boolean paging = (cr0 & CR0_PG) != 0 && (cr4 & CR4_PAE) != 0;
        int gs = QEMU_CR + 40;
        return new Registers(
                List.of(general),
                LittleEndian.i64(b, at + QEMU_GENERAL + 128),
                LittleEndian.i64(b, at + QEMU_GENERAL + 136),
                List.of(segments),
                table(b, at + QEMU_SEGMENTS + 8 * QEMU_SEGMENT),
                table(b, at + QEMU_SEGMENTS + 9 * QEMU_SEGMENT),
                cr0,
                LittleEndian.i64(b, at + QEMU_CR + 16),
                LittleEndian.i64(b, at + QEMU_CR + 24),
                cr4,
                paging ? EFER_LME_LMA : 0,
                0,
                0,
                0,
                0,
                size >= gs + 8 ? LittleEndian.i64(b, at + gs) : 0,
                0,
                0,
                0,
                false);
    }

    private static Registers.Table table(byte[] b, int at) {
        return new Registers.Table(LittleEndian.i64(b, at + 16), LittleEndian.i32(b, at + 4));
    }
}
