// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor;

import java.util.List;

/**
 * The registers of one processor at one moment, without floating point and vectors.
 *
 * @param general the 16 general registers in encoding order: RAX, RCX, RDX, RBX, RSP, RBP, RSI,
 *     RDI, R8 to R15
 * @param rip the instruction pointer
 * @param rflags RFLAGS
 * @param segments ES, CS, SS, DS, FS, GS, then LDTR and TR
 * @param gdt the global descriptor table
 * @param idt the interrupt descriptor table
 * @param cr0 control register 0
 * @param cr2 control register 2
 * @param cr3 control register 3
 * @param cr4 control register 4
 * @param efer IA32_EFER
 * @param star IA32_STAR
 * @param lstar IA32_LSTAR, where SYSCALL enters 64-bit code
 * @param cstar IA32_CSTAR
 * @param fmask IA32_FMASK
 * @param kernelGsBase IA32_KERNEL_GS_BASE, which SWAPGS exchanges with GS's base
 * @param sysenterCs IA32_SYSENTER_CS
 * @param sysenterEsp IA32_SYSENTER_ESP
 * @param sysenterEip IA32_SYSENTER_EIP
 * @param halted whether the processor is in HLT
 */
public record Registers(
        List<Long> general,
        long rip,
        long rflags,
        List<Segment> segments,
        Table gdt,
        Table idt,
        long cr0,
        long cr2,
        long cr3,
        long cr4,
        long efer,
        long star,
        long lstar,
        long cstar,
        long fmask,
        long kernelGsBase,
        long sysenterCs,
        long sysenterEsp,
        long sysenterEip,
        boolean halted) {
    public static final int RAX = 0;
    public static final int RCX = 1;
    public static final int RDX = 2;
    public static final int RBX = 3;
    public static final int RSP = 4;
    public static final int RBP = 5;
    public static final int RSI = 6;
    public static final int RDI = 7;

    /** General registers. */
    public static final int GENERAL = 16;

    public static final int ES = 0;
    public static final int CS = 1;
    public static final int SS = 2;
    public static final int DS = 3;
    public static final int FS = 4;
    public static final int GS = 5;
    public static final int LDTR = 6;
    public static final int TR = 7;

    /** Segment registers, LDTR and TR. */
    public static final int SEGMENTS = 8;

    /**
     * A segment register with its hidden part (SDM volume 3, 3.4.3).
     *
     * @param selector 16 bits
     * @param base linear address
     * @param limit in bytes, unsigned
     * @param attributes bits 8 to 15 and 20 to 23 of a descriptor's second word, shifted down by 8
     */
    public record Segment(int selector, long base, int limit, int attributes) {}

    /**
     * A descriptor-table register.
     *
     * @param base linear address
     * @param limit size in bytes, less one
     */
    public record Table(long base, int limit) {}

    /**
     * @throws IllegalArgumentException not 16 general registers or not 8 segments
     */
    public Registers {
        general = List.copyOf(general);
        segments = List.copyOf(segments);
        if (general.size() != GENERAL || segments.size() != SEGMENTS) {
            throw new IllegalArgumentException(
                    general.size() + " general and " + segments.size() + " segment registers");
        }
    }

    /** A general register. */
    public long general(int n) {
        return general.get(n);
    }

    /** A segment register, LDTR or TR. */
    public Segment segment(int n) {
        return segments.get(n);
    }

    /** Current privilege level, as CS says. */
    public int privilege() {
        return (cr0 & 1) == 0 ? 0 : segment(CS).selector() & 3;
    }
}
