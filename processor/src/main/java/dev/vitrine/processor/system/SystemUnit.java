// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.system;

import dev.vitrine.processor.Interception;
import dev.vitrine.processor.Interception.DescriptorTable;
import dev.vitrine.processor.Interception.EventType;
import dev.vitrine.processor.Intercepts;
import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Intercepted;
import dev.vitrine.processor.core.Vector;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.x87.XsaveUnit;

/** Executes the instructions of group SYSTEM. */
public final class SystemUnit {
    private SystemUnit() {}

    /**
     * Executes one instruction. Faults are raised before registers change; control transfers set
     * {@link Cpu#nextRip}.
     */
    public static void execute(Cpu cpu, Instruction i) {
        switch (i.op) {
            case MOV_CR -> ControlRegisters.move(cpu, i);
            case MOV_DR -> DebugRegisters.move(cpu, i);
            case MOV_SEG -> DescriptorInstructions.moveSegment(cpu, i);
            case PUSH_SEG -> DescriptorInstructions.pushSegment(cpu, i);
            case POP_SEG -> DescriptorInstructions.popSegment(cpu, i);
            case LOAD_FAR -> DescriptorInstructions.loadFar(cpu, i);
            case LGDT -> {
                beforeLoad(cpu, i, DescriptorTable.GDTR);
                DescriptorInstructions.loadTable(cpu, i, false);
            }
            case SGDT -> {
                beforeStore(cpu, i, DescriptorTable.GDTR);
                DescriptorInstructions.storeTable(cpu, i, false);
            }
            case LIDT -> {
                beforeLoad(cpu, i, DescriptorTable.IDTR);
                DescriptorInstructions.loadTable(cpu, i, true);
            }
            case SIDT -> {
                beforeStore(cpu, i, DescriptorTable.IDTR);
                DescriptorInstructions.storeTable(cpu, i, true);
            }
            case LLDT -> {
                DescriptorInstructions.requireProtected(cpu);
                beforeLoad(cpu, i, DescriptorTable.LDTR);
                DescriptorInstructions.loadLdt(cpu, i);
            }
            case SLDT -> {
                DescriptorInstructions.requireProtected(cpu);
                beforeStore(cpu, i, DescriptorTable.LDTR);
                DescriptorInstructions.storeSelector(cpu, i, cpu.ldtr.selector);
            }
            case LTR -> {
                DescriptorInstructions.requireProtected(cpu);
                beforeLoad(cpu, i, DescriptorTable.TR);
                DescriptorInstructions.loadTask(cpu, i);
            }
            case STR -> {
                DescriptorInstructions.requireProtected(cpu);
                beforeStore(cpu, i, DescriptorTable.TR);
                DescriptorInstructions.storeSelector(cpu, i, cpu.tr.selector);
            }
            case LMSW -> lmsw(cpu, i);
            case SMSW -> smsw(cpu, i);
            case CLTS -> clts(cpu);
            case LAR -> DescriptorInstructions.lar(cpu, i);
            case LSL -> DescriptorInstructions.lsl(cpu, i);
            case VERR -> DescriptorInstructions.verify(cpu, i, false);
            case VERW -> DescriptorInstructions.verify(cpu, i, true);
            case ARPL -> DescriptorInstructions.arpl(cpu, i);
            case RDFSBASE -> readBase(cpu, i, Cpu.FS);
            case RDGSBASE -> readBase(cpu, i, Cpu.GS);
            case WRFSBASE -> writeBase(cpu, i, Cpu.FS);
            case WRGSBASE -> writeBase(cpu, i, Cpu.GS);
            case SWAPGS -> swapGs(cpu);
            case XGETBV -> xgetbv(cpu);
            case XSETBV -> xsetbv(cpu);
            case JMP_FAR -> FarTransfer.jump(cpu, i);
            case CALL_FAR -> FarTransfer.call(cpu, i);
            case RET_FAR -> FarReturn.execute(cpu, i);
            case IRET -> InterruptReturn.execute(cpu, i);
            case INT -> Interrupts.software(cpu, (int) i.imm & 0xFF, Interrupts.INT_N);
            case INT3 -> {
                if (cpu.intercepts(Intercepts.BREAKPOINT)) {
                    throw cpu.intercept(new Interception.Breakpoint(i.length));
                }
                Interrupts.software(cpu, Vector.BP, Interrupts.INT3_INTO);
            }
            case INT1 -> {
                if (cpu.intercepts(Intercepts.DEBUG_EXCEPTION)) {
                    throw cpu.intercept(
                            new Interception.DebugException(
                                    0, EventType.PRIVILEGED_SOFTWARE_EXCEPTION, i.length));
                }
                Interrupts.software(cpu, Vector.DB, Interrupts.INT1);
            }
            case SYSCALL -> FastCalls.syscall(cpu);
            case SYSRET -> FastCalls.sysret(cpu, i);
            case SYSENTER -> FastCalls.sysenter(cpu);
            case SYSEXIT -> FastCalls.sysexit(cpu, i);
            case VMCALL, VMMCALL -> cpu.host.hypercall(cpu.facade);
            case VMFUNC -> {
                if (!cpu.host.vmFunction(cpu.facade, (int) cpu.r[Cpu.RAX], (int) cpu.r[Cpu.RCX])) {
                    throw cpu.ud();
                }
            }
            case CLI -> FlagInstructions.cli(cpu);
            case STI -> FlagInstructions.sti(cpu);
            case PUSHF -> FlagInstructions.pushf(cpu, i);
            case POPF -> FlagInstructions.popf(cpu, i);
            case CLAC -> FlagInstructions.clac(cpu);
            case STAC -> FlagInstructions.stac(cpu);
            case HLT -> {
                requireCpl0(cpu);
                cpu.halted = true;
            }
            case IN -> PortAccess.in(cpu, i);
            case OUT -> PortAccess.out(cpu, i);
            // Caches are not modelled: nothing to write back.
            case INVD, WBINVD -> requireCpl0(cpu);
            case INVLPG -> TranslationInstructions.invlpg(cpu, i);
            case INVPCID -> TranslationInstructions.invpcid(cpu, i);
            case CLFLUSH, CLFLUSHOPT, CLWB -> cpu.mmu.probeRead(cpu.linear(i, 1, false), 1);
            case RDMSR -> Msrs.read(cpu);
            case WRMSR -> Msrs.write(cpu);
            case RDTSC -> rdtsc(cpu);
            case RDTSCP -> {
                rdtsc(cpu);
                cpu.r[Cpu.RCX] = cpu.tscAux & 0xFFFFFFFFL;
            }
            // There are no counters; the privilege check and the index check both give #GP.
            case RDPMC -> throw cpu.gp(0);
            case RDPID -> cpu.writeRegister(i.reg[0], i.size[0], cpu.tscAux & 0xFFFFFFFFL);
            case CPUID -> cpuid(cpu, i);
            case UD0, UD1, UD2 -> throw cpu.ud();
            default -> {
                if (cpu.intercepts(Intercepts.UNKNOWN) && !i.missing.startsWith("illegal ")) {
                    throw cpu.intercept(new Interception.UnknownInstruction());
                }
                cpu.host.unknownInstruction(i.missing);
                throw cpu.ud();
            }
        }
    }

    private static void beforeLoad(Cpu cpu, Instruction i, DescriptorTable table) {
        requireCpl0(cpu);
        if (cpu.intercepts(Intercepts.DESCRIPTOR)) {
            throw descriptors(cpu, i, table, true);
        }
    }

    private static void beforeStore(Cpu cpu, Instruction i, DescriptorTable table) {
        DescriptorInstructions.requireUmip(cpu);
        if (cpu.intercepts(Intercepts.DESCRIPTOR)) {
            throw descriptors(cpu, i, table, false);
        }
    }

    private static Intercepted descriptors(
            Cpu cpu, Instruction i, DescriptorTable table, boolean load) {
        boolean memory = table == DescriptorTable.GDTR || table == DescriptorTable.IDTR;
        long linear = memory ? cpu.linear(i, cpu.mode64() ? 10 : 6, !load) : 0;
        return cpu.intercept(new Interception.DescriptorAccess(table, load, linear));
    }

    private static void cpuid(Cpu cpu, Instruction i) {
        CpuidTable.require(cpu);
        if (cpu.intercepts(Intercepts.CPUID)) {
            throw cpu.intercept(
                    new Interception.Cpuid((int) cpu.r[Cpu.RAX], (int) cpu.r[Cpu.RCX], i.length));
        }
        CpuidTable.execute(cpu);
    }

    private static void requireCpl0(Cpu cpu) {
        if (cpu.cpl != 0) {
            throw cpu.gp(0);
        }
    }

    private static void lmsw(Cpu cpu, Instruction i) {
        requireCpl0(cpu);
        ControlRegisters.loadMachineStatus(cpu, (int) cpu.read(i, 0));
    }

    private static void smsw(Cpu cpu, Instruction i) {
        DescriptorInstructions.requireUmip(cpu);
        cpu.write(i, 0, cpu.cr0);
    }

    private static void clts(Cpu cpu) {
        requireCpl0(cpu);
        cpu.beforeControlWrite(0, cpu.cr0 & ~Cpu.CR0_TS, cpu.cr0);
        cpu.cr0 &= ~Cpu.CR0_TS;
        cpu.modeChanged();
    }

    private static void requireFsGsBase(Cpu cpu) {
        if (!cpu.mode64() || (cpu.cr4 & Cpu.CR4_FSGSBASE) == 0) {
            throw cpu.ud();
        }
    }

    private static void readBase(Cpu cpu, Instruction i, int seg) {
        requireFsGsBase(cpu);
        cpu.write(i, 0, cpu.r[Cpu.R_SEG_BASE + seg]);
    }

    private static void writeBase(Cpu cpu, Instruction i, int seg) {
        requireFsGsBase(cpu);
        long base = cpu.read(i, 0);
        if (!Canonical.is(base)) {
            throw cpu.gp(0);
        }
        Msrs.setBase(cpu, seg, base);
    }

    private static void swapGs(Cpu cpu) {
        if (!cpu.mode64()) {
            throw cpu.ud();
        }
        requireCpl0(cpu);
        cpu.swapGs();
    }

    private static void requireOsXsave(Cpu cpu) {
        if ((cpu.cr4 & Cpu.CR4_OSXSAVE) == 0) {
            throw cpu.ud();
        }
    }

    private static void xgetbv(Cpu cpu) {
        requireOsXsave(cpu);
        long value =
                switch ((int) cpu.r[Cpu.RCX]) {
                    case 0 -> cpu.xcr0;
                    case 1 -> cpu.xcr0 & XsaveUnit.inUse(cpu);
                    default -> throw cpu.gp(0);
                };
        cpu.r[Cpu.RAX] = value & 0xFFFFFFFFL;
        cpu.r[Cpu.RDX] = value >>> 32;
    }

    private static void xsetbv(Cpu cpu) {
        requireOsXsave(cpu);
        long value = cpu.r[Cpu.RDX] << 32 | (cpu.r[Cpu.RAX] & 0xFFFFFFFFL);
        boolean valid =
                (int) cpu.r[Cpu.RCX] == 0
                        && (value & 1) != 0
                        && (value & ~CpuidTable.XCR0_SUPPORTED) == 0
                        && (value & 6) != 4;
        if (cpu.cpl != 0 || !valid) {
            throw cpu.gp(0);
        }
        cpu.beforeControlWrite(Interception.XCR0, value, cpu.xcr0);
        cpu.xcr0 = value;
        cpu.modeChanged();
    }

    private static void rdtsc(Cpu cpu) {
        if (cpu.cpl != 0 && (cpu.cr4 & Cpu.CR4_TSD) != 0) {
            throw cpu.gp(0);
        }
        long value = Msrs.timeStamp(cpu);
        cpu.r[Cpu.RAX] = value & 0xFFFFFFFFL;
        cpu.r[Cpu.RDX] = value >>> 32;
    }
}
