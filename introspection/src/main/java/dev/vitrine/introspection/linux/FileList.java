// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

import dev.vitrine.introspection.LittleEndian;

import java.util.ArrayList;
import java.util.List;

/** A process's table of open files. */
final class FileList {
    /** The kernel's own limit of fs.nr_open. */
    private static final long LIMIT = 1 << 20;

    private static final int PIECE = 512;
    private static final long FMODE_READ = 1;
    private static final long FMODE_WRITE = 2;

    private final LinuxKernel kernel;
    private final KernelObject files;

    FileList(LinuxKernel kernel, KernelObject task) {
        this.kernel = kernel;
        this.files = task.follow("files", "files_struct");
    }

    List<OpenFile> all() {
        List<OpenFile> list = new ArrayList<>();
        if (files.isNull()) {
            return list;
        }
        Paths paths = Paths.ofInit(kernel);
        KernelObject table = files.follow("fdt", "fdtable");
        int count = (int) Math.min(LIMIT, table.number("max_fds") & 0xFFFF_FFFFL);
        long pointers = table.number("fd");
        for (int from = 0; from < count; from += PIECE) {
            int n = Math.min(PIECE, count - from);
            byte[] some = kernel.read(pointers + 8L * from, 8 * n);
            for (int i = 0; i < n; i++) {
                int descriptor = from + i;
                long file = LittleEndian.i64(some, 8 * i);
                if (file != 0) {
                    kernel.part(
                            "The file of descriptor " + descriptor,
                            file,
                            () -> list.add(file(descriptor, kernel.object("file", file), paths)));
                }
            }
        }
        return list;
    }

    private static OpenFile file(int descriptor, KernelObject file, Paths paths) {
        long mode = file.number("f_mode");
        boolean read = (mode & FMODE_READ) != 0;
        boolean write = (mode & FMODE_WRITE) != 0;
        return new OpenFile(
                descriptor,
                "l"
                        + (read ? "r" : "-")
                        + (write ? "w" : "-")
                        + (read || write ? "x" : "-")
                        + "------",
                file.number("f_flags") & 0xFFFF_FFFFL,
                file.number("f_pos"),
                paths.of(file.kernel(), file.address()),
                file.address());
    }
}
