// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.system;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Vector;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Operand;

/** DR0 to DR7 (SDM volume 3, 17.2). */
public final class DebugRegisters {
    /** DR6: debug-register access detected. */
    public static final int BD = 1 << 13;

    /** DR6: single step. */
    public static final int BS = 1 << 14;

    /** DR6: task switch. */
    public static final int BT = 1 << 15;

    /** DR6 bits 0 to 3. */
    public static final int BREAKPOINTS = 15;

    private static final long DR6_FIXED = 0xFFFF0FF0L;
    private static final long DR6_WRITABLE = 0xE00F;
    private static final long DR7_FIXED = 0x400;
    private static final long DR7_WRITABLE = 0xFFFF23FFL;
    private static final long GD = 1 << 13;

    private static final int RW_EXECUTE = 0;
    private static final int RW_WRITE = 1;
    private static final int RW_IO = 2;
    private static final int RW_ACCESS = 3;

    private DebugRegisters() {}

    /** Whether a data breakpoint is enabled: then data accesses are to be shown to matchData. */
    public static boolean dataBreakpointsEnabled(Cpu cpu) {
        long dr7 = cpu.dr[7];
        if ((dr7 & 0xFF) == 0) {
            return false;
        }
        for (int n = 0; n < 4; n++) {
            if (enabled(dr7, n) && (kind(dr7, n) & 1) != 0) {
                return true;
            }
        }
        return false;
    }

    /**
     * Compares a data access with the breakpoints and notes matches in {@link Cpu#pendingDebug}.
     *
     * @return DR6 bits of the breakpoints that matched
     */
    public static int matchData(Cpu cpu, long la, int size, boolean write) {
        long dr7 = cpu.dr[7];
        int hit = 0;
        for (int n = 0; n < 4; n++) {
            int kind = kind(dr7, n);
            if (enabled(dr7, n)
                    && (kind == RW_ACCESS || (kind == RW_WRITE && write))
                    && overlaps(cpu.dr[n], length(dr7, n), la, size)) {
                hit |= 1 << n;
            }
        }
        cpu.pendingDebug |= hit;
        return hit;
    }

    /** Compares an I/O access with the breakpoints (CR4.DE) and notes matches as traps. */
    public static int matchPort(Cpu cpu, int port, int size) {
        long dr7 = cpu.dr[7];
        if ((dr7 & 0xFF) == 0 || (cpu.cr4 & Cpu.CR4_DE) == 0) {
            return 0;
        }
        int hit = 0;
        for (int n = 0; n < 4; n++) {
            if (enabled(dr7, n)
                    && kind(dr7, n) == RW_IO
                    && overlaps(cpu.dr[n], length(dr7, n), port, size)) {
                hit |= 1 << n;
            }
        }
        cpu.pendingDebug |= hit;
        return hit;
    }

    /**
     * Compares the address of an instruction about to execute with the breakpoints.
     *
     * @return DR6 bits for a #DB fault; 0 for none, or if EFLAGS.RF holds them back
     */
    public static int matchInstruction(Cpu cpu, long la) {
        long dr7 = cpu.dr[7];
        if ((dr7 & 0xFF) == 0 || (cpu.eflags & Cpu.RF) != 0) {
            return 0;
        }
        int hit = 0;
        for (int n = 0; n < 4; n++) {
            if (enabled(dr7, n) && kind(dr7, n) == RW_EXECUTE && cpu.dr[n] == la) {
                hit |= 1 << n;
            }
        }
        return hit;
    }

    private static boolean enabled(long dr7, int n) {
        return (dr7 >>> (2 * n) & 3) != 0;
    }

    private static int kind(long dr7, int n) {
        return (int) (dr7 >>> (16 + 4 * n)) & 3;
    }

    private static int length(long dr7, int n) {
        return switch ((int) (dr7 >>> (18 + 4 * n)) & 3) {
            case 0 -> 1;
            case 1 -> 2;
            case 2 -> 8;
            default -> 4;
        };
    }

    private static boolean overlaps(long breakpoint, int length, long la, int size) {
        long start = breakpoint & -length;
        return la - start < length && start - la < size;
    }

    /**
     * Merges the cause of a #DB that is about to be delivered: B0 to B3 are replaced, others stay.
     */
    static void report(Cpu cpu, int bits) {
        cpu.dr[6] = (cpu.dr[6] & ~(long) BREAKPOINTS) | bits | DR6_FIXED;
    }

    /** Clears DR7.GD, as delivery of #DB does. */
    static void clearGeneralDetect(Cpu cpu) {
        cpu.dr[7] &= ~GD;
    }

    /** MOV to and from a debug register. */
    static void move(Cpu cpu, Instruction i) {
        boolean write = i.kind[0] == Operand.DR;
        int number = write ? i.reg[0] : i.reg[1];
        if (number > 7) {
            throw cpu.ud();
        }
        if (number == 4 || number == 5) {
            if ((cpu.cr4 & Cpu.CR4_DE) != 0) {
                throw cpu.ud();
            }
            number += 2;
        }
        if (cpu.cpl != 0) {
            throw cpu.gp(0);
        }
        if ((cpu.dr[7] & GD) != 0) {
            throw cpu.fault(Vector.DB, BD);
        }
        if (write) {
            long value = cpu.r[i.reg[1]];
            set(cpu, number, cpu.mode64() ? value : value & 0xFFFFFFFFL);
        } else {
            cpu.writeRegister(i.reg[0], cpu.mode64() ? 8 : 4, cpu.dr[number]);
        }
    }

    /**
     * Stores a value with the fixed bits put right; #GP(0) if the upper half of DR6 or DR7 is used.
     */
    static void set(Cpu cpu, int number, long value) {
        if (number < 4) {
            cpu.dr[number] = value;
            if ((cpu.dr[7] & 0xFF) != 0) {
                cpu.modeChanged();
            }
            return;
        }
        if (value >>> 32 != 0) {
            throw cpu.gp(0);
        }
        if (number == 6) {
            cpu.dr[6] = (value & DR6_WRITABLE) | DR6_FIXED;
        } else {
            cpu.dr[7] = (value & DR7_WRITABLE) | DR7_FIXED;
            cpu.modeChanged();
        }
    }
}
