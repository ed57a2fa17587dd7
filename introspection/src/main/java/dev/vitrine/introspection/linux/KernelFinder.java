// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

import dev.vitrine.introspection.AddressSpace;
import dev.vitrine.introspection.Effort;
import dev.vitrine.introspection.Hold;
import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.LittleEndian;
import dev.vitrine.introspection.MappedRange;
import dev.vitrine.introspection.PhysicalMemory;
import dev.vitrine.introspection.Target;
import dev.vitrine.introspection.kallsyms.Kallsyms;
import dev.vitrine.introspection.kallsyms.KallsymsFinder;
import dev.vitrine.introspection.types.Btf;
import dev.vitrine.processor.Registers;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;

/**
 * Finds a Linux kernel in a guest. Where SYSCALL enters, or an exception, is the kernel's code; the
 * page tables tell where its image is, however KASLR has moved it, virtually and physically; and in
 * its read-only data are kallsyms and BTF. No more of memory is looked at than that.
 */
final class KernelFinder {
    /**
     * Where the x86-64 kernel's image is mapped: __START_KERNEL_map, and KERNEL_IMAGE_SIZE at most.
     */
    private static final long WINDOW = 0xFFFF_FFFF_8000_0000L;

    private static final long WINDOW_SIZE = 1 << 30;

    /** No more of one range is read. */
    private static final int RANGE_LIMIT = 160 << 20;

    /** With page-table isolation the tables for user mode are the odd page of a pair. */
    private static final long USER_TABLES = 1 << 12;

    private static final int PIECE = 1 << 20;

    /**
     * A kernel.
     *
     * @param space an address space that has it mapped
     * @param image what is mapped where kernels are
     * @param entry an address in its code: where SYSCALL enters, or 0 if that is not known
     */
    record Found(
            AddressSpace space,
            List<MappedRange> image,
            long entry,
            @Nullable Kallsyms kallsyms,
            @Nullable Btf btf) {}

    private record Candidate(AddressSpace space, List<MappedRange> image, long entry, long size) {}

    private final Target target;
    private final Effort effort = new Effort("its kernel", 1L << 31);

    KernelFinder(Target target) {
        this.target = target;
    }

    Found find() {
        Candidate c;
        try (Hold held = target.hold()) {
            // The tables are those of a process, which may end at any time.
            c = candidate();
        }
        long lowest = c.image.getFirst().start();
        long highest = c.image.getLast().end();
        Kallsyms kallsyms = null;
        Btf btf = null;
        for (MappedRange r : inOrder(c.image)) {
            effort.spend(r.length() / 4);
            byte[] data = read(c.space.memory(), r);
            if (kallsyms == null) {
                kallsyms = new KallsymsFinder(data, r.start(), lowest, highest, effort).find();
            }
            btf = btf == null ? btf(data, r, kallsyms) : btf;
            if (kallsyms != null && btf != null) {
                break;
            }
        }
        return new Found(c.space, c.image, c.entry, kallsyms, btf);
    }

    private Candidate candidate() {
        Candidate best = null;
        boolean some = false;
        for (int i = 0; i < target.vcpus(); i++) {
            Registers r = target.registers(i);
            if (!AddressSpace.is64Bit(r)) {
                continue;
            }
            some = true;
            AddressSpace s = AddressSpace.of(target.memory(), r);
            best = larger(best, candidate(s, r));
            if ((s.root() & USER_TABLES) != 0) {
                best = larger(best, candidate(s.withRoot(s.root() & ~USER_TABLES), r));
            }
            if (best != null) {
                return best;
            }
        }
        if (target.vcpus() == 0) {
            throw new IntrospectionException(
                    "No kernel was found in "
                            + target.name()
                            + ": there are no registers of a processor, which tell where it is.");
        }
        throw new IntrospectionException(
                "No Linux kernel was found in "
                        + target.name()
                        + (some
                                ? ": no processor enters a kernel where Linux has its own."
                                : ": no processor is in 64-bit mode (yet)."));
    }

    private static @Nullable Candidate larger(@Nullable Candidate a, @Nullable Candidate b) {
        return a == null || b != null && b.size > a.size ? b : a;
    }

    private static @Nullable Candidate candidate(AddressSpace s, Registers r) {
        List<MappedRange> image = s.mapped(WINDOW, WINDOW_SIZE);
        long size = image.stream().mapToLong(MappedRange::length).sum();
        if (isCode(image, r.lstar())) {
            return new Candidate(s, image, r.lstar(), size);
        }
        // Division error and page fault.
        for (int vector : new int[] {0, 14}) {
            if (isCode(image, gate(s, r.idt().base() + 16L * vector))) {
                return new Candidate(s, image, 0, size);
            }
        }
        return null;
    }

    private static boolean isCode(List<MappedRange> image, long address) {
        return image.stream().anyMatch(m -> m.executable() && m.contains(address));
    }

    /** Where an interrupt gate leads (SDM volume 3, 6.14.1); 0 if it is not mapped. */
    private static long gate(AddressSpace s, long at) {
        byte[] b = new byte[16];
        if (!s.read(at, b, 0, 16)) {
            return 0;
        }
        return LittleEndian.u16(b, 0)
                | (long) LittleEndian.u16(b, 6) << 16
                | (long) LittleEndian.i32(b, 8) << 32;
    }

    /**
     * Read-only data comes first; before it is protected, or in old kernels, it may be anywhere.
     */
    private static List<MappedRange> inOrder(List<MappedRange> image) {
        List<MappedRange> list = new ArrayList<>();
        for (int pass = 0; pass < 3; pass++) {
            for (MappedRange r : image) {
                int wanted = r.executable() ? 2 : r.writable() ? 1 : 0;
                if (wanted == pass) {
                    list.add(r);
                }
            }
        }
        return list;
    }

    private static byte[] read(PhysicalMemory memory, MappedRange r) {
        byte[] data = new byte[(int) Math.min(r.length(), RANGE_LIMIT)];
        for (int done = 0; done < data.length; done += PIECE) {
            int n = Math.min(PIECE, data.length - done);
            if (memory.read(r.physical() + done, data, done, n)) {
                continue;
            }
            for (int page = done; page < done + n; page += 4096) {
                int part = Math.min(4096, done + n - page);
                if (!memory.read(r.physical() + page, data, page, part)) {
                    java.util.Arrays.fill(data, page, page + part, (byte) 0);
                }
            }
        }
        return data;
    }

    private @Nullable Btf btf(byte[] data, MappedRange r, @Nullable Kallsyms kallsyms) {
        int symbol = kallsyms == null ? -1 : kallsyms.find("__start_BTF");
        if (kallsyms != null && symbol >= 0) {
            long at = kallsyms.address(symbol) - r.start();
            return at < 0 || at >= data.length ? null : Btf.of(data, (int) at, effort);
        }
        for (int at = Btf.find(data, 0, effort); at >= 0; at = Btf.find(data, at + 4, effort)) {
            Btf b = Btf.of(data, at, effort);
            // The kernel's own, not that of a module.
            if (b != null && b.size("task_struct") > 0) {
                return b;
            }
        }
        return null;
    }
}
