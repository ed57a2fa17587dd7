// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

import dev.vitrine.introspection.IntrospectionException;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** A process's mappings: a maple tree since Linux 6.1, a list before. */
final class MappingList {
    private static final int LIMIT = 1 << 20;
    private static final long VM_READ = 1;
    private static final long VM_WRITE = 2;
    private static final long VM_EXEC = 4;
    private static final long VM_MAYSHARE = 0x80;

    /** In mm->context.flags. */
    private static final long HAS_VSYSCALL = 2;

    private static final int VSYSCALL_NONE = 2;

    private final LinuxKernel kernel;
    private final KernelObject mm;
    private final List<KernelObject> areas = new ArrayList<>();
    private final @Nullable Paths paths;

    MappingList(LinuxKernel kernel, KernelObject task) {
        this.kernel = kernel;
        this.mm = task.follow("mm", "mm_struct");
        this.paths = mm.isNull() ? null : Paths.ofInit(kernel);
    }

    List<Mapping> all() {
        List<Mapping> list = new ArrayList<>();
        if (mm.isNull()) {
            return list;
        }
        if (mm.has("mm_mt")) {
            kernel.part(
                    "The tree of mappings",
                    mm.addressOf("mm_mt"),
                    () ->
                            new MapleTree(kernel, LIMIT)
                                    .walk(
                                            mm.number("mm_mt.ma_root"),
                                            entry ->
                                                    areas.add(
                                                            kernel.object(
                                                                    "vm_area_struct", entry))));
        } else {
            kernel.part("The list of mappings", mm.addressOf("mmap"), this::chain);
        }
        for (KernelObject area : areas) {
            kernel.part("The mapping", area.address(), () -> list.add(mapping(area)));
        }
        list.sort(Comparator.comparingLong(Mapping::start));
        gate(list);
        return list;
    }

    private void chain() {
        KernelObject area = mm.follow("mmap", "vm_area_struct");
        Set<Long> seen = new HashSet<>();
        while (!area.isNull()) {
            if (areas.size() >= LIMIT || !seen.add(area.address())) {
                throw new IntrospectionException("A process's list of mappings has no end.");
            }
            areas.add(area);
            area = area.follow("vm_next", "vm_area_struct");
        }
    }

    private Mapping mapping(KernelObject area) {
        KernelObject file = area.follow("vm_file", "file");
        long device = 0;
        long inode = 0;
        long offset = 0;
        if (!file.isNull()) {
            KernelObject node = file.follow("f_inode", "inode");
            inode = node.number("i_ino");
            device = node.follow("i_sb", "super_block").number("s_dev");
            offset = area.number("vm_pgoff") << 12;
        }
        return new Mapping(
                area.number("vm_start"),
                area.number("vm_end"),
                rights(area.number("vm_flags")),
                offset,
                device,
                inode,
                name(area, file));
    }

    private static String rights(long flags) {
        return ((flags & VM_READ) != 0 ? "r" : "-")
                + ((flags & VM_WRITE) != 0 ? "w" : "-")
                + ((flags & VM_EXEC) != 0 ? "x" : "-")
                + ((flags & VM_MAYSHARE) != 0 ? "s" : "p");
    }

    private String name(KernelObject area, KernelObject file) {
        String given = area.has("anon_name") ? anonymousName(area) : "";
        if (!file.isNull() && paths != null) {
            return given.isEmpty()
                    ? paths.of(file.kernel(), file.address())
                    : "[anon_shmem:" + given + "]";
        }
        KernelObject operations = area.follow("vm_ops", "vm_operations_struct");
        long namer = operations.isNull() ? 0 : operations.number("name");
        if (namer != 0
                && kernel.hasSymbol("special_mapping_name")
                && namer == kernel.resolve("special_mapping_name")) {
            return area.follow("vm_private_data", "vm_special_mapping").textAt("name", 64);
        }
        long start = area.number("vm_start");
        long end = area.number("vm_end");
        if (start <= mm.number("brk") && end >= mm.number("start_brk")) {
            return "[heap]";
        }
        long stack = mm.number("start_stack");
        if (start <= stack && end >= stack) {
            return "[stack]";
        }
        return given.isEmpty() ? "" : "[anon:" + given + "]";
    }

    private static String anonymousName(KernelObject area) {
        KernelObject name = area.follow("anon_name", "anon_vma_name");
        return name.isNull() ? "" : name.text("name");
    }

    /** The page of vsyscalls is in every process, but in none's mappings. */
    private void gate(List<Mapping> list) {
        if (!kernel.hasSymbol("gate_vma") || !kernel.hasSymbol("vsyscall_mode")) {
            return;
        }
        if (kernel.number(kernel.resolve("vsyscall_mode"), 4) == VSYSCALL_NONE) {
            return;
        }
        if (mm.has("context.flags") && (mm.number("context.flags") & HAS_VSYSCALL) == 0) {
            return;
        }
        KernelObject area = kernel.object("vm_area_struct", kernel.resolve("gate_vma"));
        list.add(
                new Mapping(
                        area.number("vm_start"),
                        area.number("vm_end"),
                        rights(area.number("vm_flags")),
                        0,
                        0,
                        0,
                        "[vsyscall]"));
    }
}
