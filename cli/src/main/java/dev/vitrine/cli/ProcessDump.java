// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import dev.vitrine.introspection.AddressSpace;
import dev.vitrine.introspection.Effort;
import dev.vitrine.introspection.Hold;
import dev.vitrine.introspection.MappedRange;
import dev.vitrine.introspection.PhysicalRange;
import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.linux.Mapping;
import dev.vitrine.toolstack.BadInputException;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * {@code vitrine inspect TARGET dump}: the memory of a process. Each mapping of which something is
 * in memory gets a file, named by its addresses; what is not in memory is a hole in it.
 */
final class ProcessDump {
    private static final int PIECE = 1 << 20;

    /** What is mapped is asked for part by part: all of a mapping's pages could be a long list. */
    private static final long PART = 1 << 30;

    private static final long LOWER_HALF = 1L << 47;

    /** vm.max_map_count, as it is on nearly all machines. */
    private static final int FILES = 65530;

    private final LinuxKernel kernel;
    private final int pid;
    private final InspectOutput out;
    private int files;

    /** A hostile guest can map one page a million times; the host's disk is not to suffer. */
    private long left;

    private final Effort effort = new Effort("what the process has mapped", 1L << 28);

    ProcessDump(LinuxKernel kernel, int pid, InspectOutput out) {
        this.kernel = kernel;
        this.pid = pid;
        this.out = out;
    }

    void run(Path folder) throws IOException {
        try (Hold held = kernel.target().hold()) {
            kernel.space().flush();
            AddressSpace space = kernel.space(kernel.process(pid));
            if (space == null) {
                throw new BadInputException(
                        "Process "
                                + pid
                                + " is a thread of the kernel; it has no memory of its own.");
            }
            Files.createDirectories(folder);
            left =
                    2
                            * kernel.target().memory().ranges().stream()
                                    .mapToLong(PhysicalRange::length)
                                    .sum();
            for (Mapping m : kernel.maps(pid)) {
                if (m.start() >= 0 && m.end() > m.start() && m.end() <= LOWER_HALF) {
                    mapping(space, m, folder);
                }
            }
        } catch (IOException e) {
            throw new BadInputException(
                    "The memory of process "
                            + pid
                            + " cannot be written to "
                            + folder
                            + ": "
                            + e.getMessage()
                            + ".",
                    e);
        }
    }

    private void mapping(AddressSpace space, Mapping m, Path folder) throws IOException {
        String name = String.format("%012x-%012x.bin", m.start(), m.end());
        long present = 0;
        FileChannel file = null;
        try {
            for (long at = m.start(); at < m.end(); at = (at & -PART) + PART) {
                long length = Math.min((at & -PART) + PART, m.end()) - at;
                for (MappedRange r : space.mapped(at, length, effort)) {
                    if (file == null) {
                        file = file(folder.resolve(name));
                    }
                    present += copy(r, r.start() - m.start(), file);
                }
            }
            if (file != null) {
                out.row(
                        name + " " + m.rights() + " " + (present >> 10) + " KiB " + m.name(),
                        "file",
                        name,
                        "rights",
                        m.rights(),
                        "present",
                        present,
                        "name",
                        m.name());
            }
        } finally {
            if (file != null) {
                file.close();
            }
        }
    }

    private FileChannel file(Path path) throws IOException {
        if (++files > FILES) {
            throw new IOException("it has more than " + FILES + " mappings");
        }
        return FileChannel.open(
                path,
                StandardOpenOption.CREATE,
                StandardOpenOption.TRUNCATE_EXISTING,
                StandardOpenOption.WRITE);
    }

    private long copy(MappedRange r, long at, FileChannel file) throws IOException {
        byte[] b = new byte[(int) Math.min(PIECE, r.length())];
        long copied = 0;
        for (long done = 0; done < r.length(); done += b.length) {
            int n = (int) Math.min(b.length, r.length() - done);
            left -= n;
            if (left < 0) {
                throw new IOException("it maps more than twice the memory that the guest has");
            }
            // A device's registers, mapped by the process, are no memory.
            if (kernel.target().memory().read(r.physical() + done, b, 0, n)) {
                ByteBuffer from = ByteBuffer.wrap(b, 0, n);
                while (from.hasRemaining()) {
                    file.write(from, at + done + from.position());
                }
                copied += n;
            }
        }
        return copied;
    }
}
