// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.LittleEndian;
import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.trace.Content;
import dev.vitrine.introspection.trace.Moment;
import dev.vitrine.introspection.trace.ValueWriter;

import org.jspecify.annotations.Nullable;

import java.util.List;

/**
 * The registers that the kernel has saved where it was entered (struct pt_regs).
 *
 * @param values in the order of the names
 */
record SavedRegisters(long[] values) implements Content {
    private static final String[] NAMES = {
        "rip", "rsp", "rflags", "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8", "r9", "r10",
        "r11", "r12", "r13", "r14", "r15", "cs", "ss"
    };

    /** Finds and reads them. */
    static final class Reader {
        private static final int POINTER = 8;

        private final int size;
        private final int[] offsets = new int[NAMES.length];
        private final long top;

        Reader(LinuxKernel k) {
            size = (int) k.types().size("pt_regs");
            for (int i = 0; i < NAMES.length; i++) {
                String n = NAMES[i];
                String member = n.equals("rflags") ? "flags" : n.replaceFirst("^r(?=[a-z])", "");
                offsets[i] = (int) k.member("pt_regs", member).offset();
            }
            // The end of a thread's stack, where programs' registers are; offset from GS.
            top =
                    k.hasSymbol("cpu_current_top_of_stack")
                            ? k.resolve("cpu_current_top_of_stack")
                            : k.hasSymbol("pcpu_hot")
                                    ? k.resolve("pcpu_hot") + k.offset("pcpu_hot", "top_of_stack")
                                    : -1;
        }

        /** Those of the program that the vCPU's thread is; null if they cannot be read. */
        @Nullable SavedRegisters ofProgram(Moment m) {
            return top < 0 ? null : at(m, m.processorNumber(top, POINTER) - size);
        }

        /** Those at an address; null if they are not in memory. */
        @Nullable SavedRegisters at(Moment m, long address) {
            byte[] b = new byte[size];
            if (address == 0 || !m.read(address, b, 0, size)) {
                return null;
            }
            long[] values = new long[NAMES.length];
            for (int i = 0; i < values.length; i++) {
                values[i] = LittleEndian.i64(b, offsets[i]);
            }
            return new SavedRegisters(values);
        }
    }

    /** Whether they are the kernel's own, and not a program's. */
    boolean ofKernel() {
        return (value("cs") & 3) == 0;
    }

    /** One of them, by the name that events have for it. */
    long value(String name) {
        return values[List.of(NAMES).indexOf(name)];
    }

    @Override
    public void write(ValueWriter w) {
        w.beginObject();
        for (int i = 0; i < NAMES.length; i++) {
            w.name(NAMES[i]);
            w.address(values[i]);
        }
        w.endObject();
    }
}
