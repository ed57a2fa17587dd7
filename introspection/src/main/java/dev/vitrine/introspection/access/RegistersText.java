// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.access;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.processor.Registers;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Registers as lines of a name and numbers in hexadecimal: what the control protocol and the note
 * of core files hold. Unknown names are passed over, missing ones are zero.
 */
public final class RegistersText {
    private static final String[] GENERAL = {
        "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
        "r13", "r14", "r15"
    };
    private static final String[] SEGMENTS = {"es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr"};
    private static final int LINES = 256;

    private RegistersText() {}

    /** The lines. */
    public static String format(Registers r) {
        StringBuilder s = new StringBuilder();
        for (int i = 0; i < GENERAL.length; i++) {
            line(s, GENERAL[i], r.general(i));
        }
        line(s, "rip", r.rip());
        line(s, "rflags", r.rflags());
        for (int i = 0; i < SEGMENTS.length; i++) {
            Registers.Segment x = r.segment(i);
            line(s, SEGMENTS[i], x.selector(), x.base(), x.limit() & 0xFFFFFFFFL, x.attributes());
        }
        line(s, "gdt", r.gdt().base(), r.gdt().limit() & 0xFFFFFFFFL);
        line(s, "idt", r.idt().base(), r.idt().limit() & 0xFFFFFFFFL);
        line(s, "cr0", r.cr0());
        line(s, "cr2", r.cr2());
        line(s, "cr3", r.cr3());
        line(s, "cr4", r.cr4());
        line(s, "efer", r.efer());
        line(s, "star", r.star());
        line(s, "lstar", r.lstar());
        line(s, "cstar", r.cstar());
        line(s, "fmask", r.fmask());
        line(s, "kernel_gs_base", r.kernelGsBase());
        line(s, "sysenter_cs", r.sysenterCs());
        line(s, "sysenter_esp", r.sysenterEsp());
        line(s, "sysenter_eip", r.sysenterEip());
        line(s, "halted", r.halted() ? 1 : 0);
        return s.toString();
    }

    private static void line(StringBuilder s, String name, long... values) {
        s.append(name);
        for (long v : values) {
            s.append(' ').append(Long.toHexString(v));
        }
        s.append('\n');
    }

    /**
     * Reads the lines.
     *
     * @throws IntrospectionException something is no number, or there are too many lines
     */
    public static Registers parse(String text) {
        Map<String, long[]> values = new HashMap<>();
        String[] lines = text.split("\n", LINES + 1);
        if (lines.length > LINES) {
            throw new IntrospectionException("The registers of a processor have too many lines.");
        }
        for (String line : lines) {
            String[] words = line.strip().split(" ", 6);
            long[] numbers = new long[4];
            for (int i = 1; i < words.length && i <= 4; i++) {
                numbers[i - 1] = number(words[i]);
            }
            values.put(words[0], numbers);
        }
        List<Long> general = new ArrayList<>();
        for (String name : GENERAL) {
            general.add(get(values, name)[0]);
        }
        List<Registers.Segment> segments = new ArrayList<>();
        for (String name : SEGMENTS) {
            long[] v = get(values, name);
            segments.add(new Registers.Segment((int) v[0], v[1], (int) v[2], (int) v[3]));
        }
        long[] gdt = get(values, "gdt");
        long[] idt = get(values, "idt");
        return new Registers(
                general,
                get(values, "rip")[0],
                get(values, "rflags")[0],
                segments,
                new Registers.Table(gdt[0], (int) gdt[1]),
                new Registers.Table(idt[0], (int) idt[1]),
                get(values, "cr0")[0],
                get(values, "cr2")[0],
                get(values, "cr3")[0],
                get(values, "cr4")[0],
                get(values, "efer")[0],
                get(values, "star")[0],
                get(values, "lstar")[0],
                get(values, "cstar")[0],
                get(values, "fmask")[0],
                get(values, "kernel_gs_base")[0],
                get(values, "sysenter_cs")[0],
                get(values, "sysenter_esp")[0],
                get(values, "sysenter_eip")[0],
                get(values, "halted")[0] != 0);
    }

    private static long[] get(Map<String, long[]> values, String name) {
        return values.getOrDefault(name, new long[4]);
    }

    private static long number(String word) {
        try {
            return Long.parseUnsignedLong(word, 16);
        } catch (NumberFormatException e) {
            throw new IntrospectionException("A register's value is no number.", e);
        }
    }
}
