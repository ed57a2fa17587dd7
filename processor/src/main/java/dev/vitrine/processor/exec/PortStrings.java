// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;
import dev.vitrine.processor.system.PortAccess;

/** INS and OUTS: one element at a time, with the registers at the first element not done. */
final class PortStrings {
    private PortStrings() {}

    static void execute(Cpu cpu, Instruction i) {
        int size = i.size[0];
        int asize = i.addressSize;
        int port = (int) cpu.r[Cpu.RDX] & 0xFFFF;
        boolean repeated = i.rep != Instruction.REP_NONE;
        PortAccess.check(cpu, port, size);
        long count = repeated ? Cpu.truncate(cpu.r[Cpu.RCX], asize) : 1;
        if (count == 0) {
            return;
        }
        PortAccess.announce(cpu, port, size, i.op == Op.INS, true);
        long by = (cpu.eflags & Cpu.DF) != 0 ? -size : size;
        if (i.op == Op.INS) {
            long la = cpu.linear(Cpu.ES, Cpu.truncate(cpu.r[Cpu.RDI], asize), size, true);
            cpu.mmu.probeWrite(la, size);
            cpu.store(la, size, PortAccess.read(cpu, port, size));
            cpu.writeRegister(Cpu.RDI, asize, cpu.r[Cpu.RDI] + by);
        } else {
            long la = cpu.linear(i.segment, Cpu.truncate(cpu.r[Cpu.RSI], asize), size, false);
            PortAccess.write(cpu, port, size, (int) cpu.load(la, size));
            cpu.writeRegister(Cpu.RSI, asize, cpu.r[Cpu.RSI] + by);
        }
        if (repeated) {
            cpu.writeRegister(Cpu.RCX, asize, count - 1);
            if (count > 1) {
                cpu.nextRip = cpu.rip;
            }
        }
    }
}
