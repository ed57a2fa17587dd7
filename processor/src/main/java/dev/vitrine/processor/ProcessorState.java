// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.ModelSpecific;
import dev.vitrine.processor.core.Segment;
import dev.vitrine.processor.core.X87State;

import java.util.List;

/** The state of a processor as a row of named values. */
final class ProcessorState {
    private static final String[] GENERAL = {
        "RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI",
        "R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15"
    };
    private static final List<String> SEGMENTS =
            List.of("ES", "CS", "SS", "DS", "FS", "GS", "LDTR", "TR");
    private static final String[] SELECTORS = named(SEGMENTS, " selector");
    private static final String[] BASES = named(SEGMENTS, " base");
    private static final String[] LIMITS = named(SEGMENTS, " limit");
    private static final String[] ATTRIBUTES = named(SEGMENTS, " attributes");
    private static final String[] LANES = lanes();
    private static final String[] DEBUG = numbered("DR", 8, "");
    private static final String[] MANTISSAS = numbered("x87 register ", 8, " significand");
    private static final String[] EXPONENTS = numbered("x87 register ", 8, " sign and exponent");

    private ProcessorState() {}

    private static String[] named(List<String> names, String suffix) {
        return names.stream().map(n -> n + suffix).toArray(String[]::new);
    }

    private static String[] numbered(String name, int count, String suffix) {
        String[] all = new String[count];
        for (int i = 0; i < count; i++) {
            all[i] = name + i + suffix;
        }
        return all;
    }

    private static String[] lanes() {
        String[] all = new String[64];
        for (int i = 0; i < all.length; i++) {
            int bit = i % 4 * 64;
            all[i] = "YMM" + i / 4 + " bits " + bit + " to " + (bit + 63);
        }
        return all;
    }

    static void visit(Cpu cpu, StateSink sink) {
        sink.value("instructions retired", cpu.retired);
        sink.value("RIP", cpu.rip);
        for (int i = 0; i < GENERAL.length; i++) {
            sink.value(GENERAL[i], cpu.r[i]);
        }
        sink.value("RFLAGS", cpu.flags());
        for (int i = 0; i < 6; i++) {
            segment(cpu.segment[i], i, cpu.r[Cpu.R_SEG_BASE + i], sink);
        }
        segment(cpu.ldtr, 6, cpu.ldtr.base, sink);
        segment(cpu.tr, 7, cpu.tr.base, sink);
        sink.value("CPL", cpu.cpl);
        sink.value("GDT base", cpu.gdtBase);
        sink.value("GDT limit", cpu.gdtLimit);
        sink.value("IDT base", cpu.idtBase);
        sink.value("IDT limit", cpu.idtLimit);
        sink.value("CR0", cpu.cr0);
        sink.value("CR2", cpu.cr2);
        sink.value("CR3", cpu.cr3);
        sink.value("CR4", cpu.cr4);
        sink.value("XCR0", cpu.xcr0);
        for (int i = 0; i < DEBUG.length; i++) {
            sink.value(DEBUG[i], cpu.dr[i]);
        }
        for (long pdpte : cpu.pdpte) {
            sink.value("PDPTE", pdpte);
        }
        modelSpecific(cpu, sink);
        floatingPoint(cpu, sink);
        sink.value("interrupt shadow", cpu.shadow);
        sink.value("halted", cpu.halted ? 1 : 0);
        sink.value("pending debug traps", cpu.pendingDebug);
        sink.value("NMIs blocked", cpu.nmiBlocked ? 1 : 0);
    }

    private static void segment(Segment s, int n, long base, StateSink sink) {
        sink.value(SELECTORS[n], s.selector);
        sink.value(BASES[n], base);
        sink.value(LIMITS[n], s.limit & 0xFFFFFFFFL);
        sink.value(ATTRIBUTES[n], s.attributes);
    }

    private static void modelSpecific(Cpu cpu, StateSink sink) {
        sink.value("IA32_EFER", cpu.efer);
        sink.value("IA32_STAR", cpu.star);
        sink.value("IA32_LSTAR", cpu.lstar);
        sink.value("IA32_CSTAR", cpu.cstar);
        sink.value("IA32_FMASK", cpu.sfmask);
        sink.value("IA32_KERNEL_GS_BASE", cpu.kernelGsBase);
        sink.value("IA32_SYSENTER_CS", cpu.sysenterCs);
        sink.value("IA32_SYSENTER_ESP", cpu.sysenterEsp);
        sink.value("IA32_SYSENTER_EIP", cpu.sysenterEip);
        sink.value("IA32_TSC_AUX", cpu.tscAux);
        sink.value("IA32_TSC_ADJUST", cpu.tscAdjust);
        sink.value("IA32_PAT", cpu.pat);
        sink.value("IA32_MISC_ENABLE", cpu.miscEnable);
        ModelSpecific msr = cpu.msr;
        for (long v : msr.mtrrVariable) {
            sink.value("variable-range MTRR", v);
        }
        for (long v : msr.mtrrFixed) {
            sink.value("fixed-range MTRR", v);
        }
        sink.value("IA32_MTRR_DEF_TYPE", msr.mtrrDefault);
        sink.value("MISC_FEATURES_ENABLES", msr.miscFeatures);
        sink.value("IA32_XSS", msr.xss);
        sink.value("IA32_BIOS_SIGN_ID", msr.biosSignId);
    }

    private static void floatingPoint(Cpu cpu, StateSink sink) {
        for (int i = 0; i < LANES.length; i++) {
            sink.value(LANES[i], cpu.v[i]);
        }
        sink.value("MXCSR", cpu.mxcsr);
        X87State x = cpu.x87;
        for (int i = 0; i < 8; i++) {
            sink.value(MANTISSAS[i], x.mantissa[i]);
            sink.value(EXPONENTS[i], x.exponent[i]);
        }
        sink.value("x87 control word", x.control);
        sink.value("x87 status word", x.status);
        sink.value("x87 top", x.top);
        sink.value("x87 tags", x.valid);
        sink.value("x87 opcode", x.opcode);
        sink.value("x87 instruction selector", x.instructionSelector);
        sink.value("x87 instruction pointer", x.instructionPointer);
        sink.value("x87 data selector", x.dataSelector);
        sink.value("x87 data pointer", x.dataPointer);
    }
}
