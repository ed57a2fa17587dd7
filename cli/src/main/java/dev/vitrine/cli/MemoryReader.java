// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import dev.vitrine.introspection.AddressSpace;
import dev.vitrine.introspection.Target;
import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.linux.SymbolFile;
import dev.vitrine.toolstack.BadInputException;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.util.HexFormat;
import java.util.List;

/** {@code vitrine inspect TARGET read}: bytes of memory, as {@code hexdump -C} shows them. */
final class MemoryReader {
    private static final int LINE = 16;
    private static final int PIECE = 4096;

    private final Target target;
    private final List<SymbolFile> files;
    private final InspectOutput out;

    MemoryReader(Target target, List<SymbolFile> files, InspectOutput out) {
        this.target = target;
        this.files = files;
        this.out = out;
    }

    private interface Source {
        boolean read(long address, byte[] target, int offset, int length);
    }

    /**
     * @param pid whose addresses they are; 0 for the kernel's
     */
    void run(List<String> arguments, int pid) throws IOException {
        AddressText address = AddressText.of(arguments.get(0));
        int length = AddressText.length(arguments.get(1));
        if (address.physical()) {
            print(target.memory()::read, address.value(), length);
            return;
        }
        LinuxKernel kernel = attach(address, pid);
        if (kernel == null) {
            // No Linux, or not yet: what the first processor has mapped.
            print(
                    AddressSpace.of(target.memory(), target.registers(0))::read,
                    address.value(),
                    length);
            return;
        }
        long start =
                address.symbol().isEmpty()
                        ? address.value()
                        : kernel.resolve(address.symbol()) + address.value();
        AddressSpace space = kernel.space();
        if (pid != 0) {
            AddressSpace own = kernel.space(kernel.process(pid));
            if (own == null) {
                throw new BadInputException(
                        "Process "
                                + pid
                                + " is a thread of the kernel; it has no memory of its own.");
            }
            space = own;
        }
        print(space::read, start, length);
    }

    private @Nullable LinuxKernel attach(AddressText address, int pid) {
        try {
            return LinuxKernel.attach(target, files);
        } catch (dev.vitrine.introspection.IntrospectionException e) {
            if (pid != 0 || !address.symbol().isEmpty() || target.vcpus() == 0) {
                throw e;
            }
            return null;
        }
    }

    private void print(Source source, long start, int length) throws IOException {
        byte[] b = new byte[PIECE];
        for (long done = 0; done < length; ) {
            int n = (int) Math.min(length - done, PIECE - (start + done & PIECE - 1));
            if (!source.read(start + done, b, 0, n)) {
                throw new BadInputException(
                        String.format("There is no memory at 0x%x in the guest.", start + done));
            }
            for (int i = 0; i < n; i += LINE) {
                line(start + done + i, b, i, Math.min(LINE, n - i));
            }
            done += n;
        }
    }

    private void line(long address, byte[] b, int from, int count) throws IOException {
        StringBuilder s = new StringBuilder(String.format("%016x ", address));
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < LINE; i++) {
            s.append(i == LINE / 2 ? "  " : " ");
            s.append(i < count ? String.format("%02x", b[from + i]) : "  ");
            if (i < count) {
                int c = b[from + i];
                text.append(c >= ' ' && c < 127 ? (char) c : '.');
            }
        }
        out.row(
                s.append("  |").append(text).append('|').toString(),
                "address",
                InspectOutput.address(address),
                "bytes",
                HexFormat.of().formatHex(b, from, from + count));
    }
}
