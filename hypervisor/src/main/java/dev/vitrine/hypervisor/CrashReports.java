// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import java.util.ArrayList;
import java.util.List;

/** Gathers {@link CrashReport}s. Never fails: what cannot be had is left out. */
final class CrashReports {
    private static final int STACK_LINES = 16;

    private CrashReports() {}

    static CrashReport of(Vcpu v) {
        Engine e = v.engine();
        List<String> registers = attempt(e::registers);
        List<String> instructions = attempt(e::lastInstructions);
        return new CrashReport(v.id(), registers, instructions, attempt(() -> stack(e)));
    }

    private static List<String> stack(Engine e) {
        List<String> lines = new ArrayList<>();
        long sp = e.gpr(4);
        int word = e.codeSize() == 64 ? 8 : 4;
        byte[] b = new byte[4 * word];
        for (int i = 0; i < STACK_LINES / 4 * 2; i++) {
            long at = sp + (long) i * b.length;
            if (!e.read(at, b, 0, b.length)) {
                break;
            }
            StringBuilder s = new StringBuilder(String.format("%016x:", at));
            for (int j = 0; j < 4; j++) {
                s.append(
                        word == 8
                                ? String.format(" %016x", Bytes.getLong(b, j * 8))
                                : String.format(" %08x", Bytes.getInt(b, j * 4)));
            }
            lines.add(s.toString());
        }
        return lines;
    }

    private interface Source {
        List<String> get();
    }

    private static List<String> attempt(Source s) {
        try {
            return s.get();
        } catch (RuntimeException | StackOverflowError e) {
            return List.of("not to be had: " + e);
        }
    }
}
