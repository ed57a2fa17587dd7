// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.system;

import dev.vitrine.processor.Interception;
import dev.vitrine.processor.Intercepts;
import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Instruction;

/** IN, OUT and the right to do I/O (SDM volume 1, 19.5). */
public final class PortAccess {
    private PortAccess() {}

    /**
     * Checks IOPL and the TSS's I/O permission bitmap; raises #GP(0). Also for INS and OUTS.
     *
     * @param port 0 to 0xFFFF
     * @param size bytes: 1, 2 or 4
     */
    public static void check(Cpu cpu, int port, int size) {
        if (cpu.realMode()) {
            return;
        }
        if (!cpu.v86() && cpu.cpl <= (cpu.eflags & Cpu.IOPL) >>> 12) {
            return;
        }
        long limit = cpu.tr.limit & 0xFFFFFFFFL;
        if ((cpu.tr.attributes & 8) == 0 || limit < 103) {
            throw cpu.gp(0);
        }
        int map = (int) cpu.mmu.loadSystem(cpu.tr.base + 102, 2) & 0xFFFF;
        int at = map + (port >>> 3);
        if (at + 1 > limit) {
            throw cpu.gp(0);
        }
        int bits = (int) cpu.mmu.loadSystem(cpu.tr.base + at, 2) & 0xFFFF;
        int mask = ((1 << size) - 1) << (port & 7);
        if ((bits & mask) != 0) {
            throw cpu.gp(0);
        }
    }

    /** Asks the host first if it wants to see accesses to ports. */
    public static void announce(Cpu cpu, int port, int size, boolean in, boolean string) {
        if (cpu.intercepts(Intercepts.PORT)) {
            throw cpu.intercept(new Interception.PortAccess(port, size, in, string));
        }
    }

    /** Reads a port after {@link #check}; zero-extended. I/O breakpoints are noted as traps. */
    public static long read(Cpu cpu, int port, int size) {
        DebugRegisters.matchPort(cpu, port, size);
        return Cpu.truncate(cpu.host.readPort(port, size), size);
    }

    /** Writes a port after {@link #check}. */
    public static void write(Cpu cpu, int port, int size, int value) {
        DebugRegisters.matchPort(cpu, port, size);
        if (cpu.mmu.discards()) {
            return;
        }
        cpu.host.writePort(port, size, (int) Cpu.truncate(value, size));
    }

    static void in(Cpu cpu, Instruction i) {
        int size = i.size[0];
        int port = (int) cpu.read(i, 1) & (i.size[1] == 1 ? 0xFF : 0xFFFF);
        check(cpu, port, size);
        announce(cpu, port, size, true, false);
        cpu.writeRegister(Cpu.RAX, size, read(cpu, port, size));
    }

    static void out(Cpu cpu, Instruction i) {
        int size = i.size[1];
        int port = (int) cpu.read(i, 0) & (i.size[0] == 1 ? 0xFF : 0xFFFF);
        check(cpu, port, size);
        announce(cpu, port, size, false, false);
        write(cpu, port, size, (int) cpu.r[Cpu.RAX]);
    }
}
