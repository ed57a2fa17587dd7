// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.memory.PhysicalView;
import dev.vitrine.processor.Interception;
import dev.vitrine.processor.Registers;
import dev.vitrine.xenabi.VmEvent;

import java.util.Arrays;

/** Events and responses in the layout of public/vm_event.h. */
final class VmEventCodec {
    private static final int GRANULARITY = 1 << 15;
    private static final int[] SEGMENT_ORDER = {
        Registers.CS, Registers.SS, Registers.DS, Registers.ES, Registers.FS, Registers.GS
    };

    private VmEventCodec() {}

    /** A request of {@link VmEvent#SIZE} bytes; while the vCPU stands still. */
    static byte[] request(MonitorEvent e) {
        byte[] b = new byte[VmEvent.SIZE];
        Bytes.putInt(b, VmEvent.VERSION, VmEvent.INTERFACE_VERSION);
        int flags = e.synchronous() ? VmEvent.FLAG_VCPU_PAUSED : 0;
        if (e.view() != Views.HOST) {
            flags |= VmEvent.FLAG_ALTERNATE_P2M;
        }
        Bytes.putInt(b, VmEvent.FLAGS, flags);
        Bytes.putInt(b, VmEvent.VCPU_ID, e.vcpu().id());
        Bytes.putShort(b, VmEvent.ALTP2M_IDX, e.view());
        switch (e) {
            case MonitorEvent.GuestRequest g -> reason(b, VmEvent.REASON_GUEST_REQUEST);
            case MonitorEvent.OfProcessor o -> interception(b, o);
        }
        registers(b, e.vcpu());
        return b;
    }

    private static void reason(byte[] b, int reason) {
        Bytes.putInt(b, VmEvent.REASON, reason);
    }

    private static void interception(byte[] b, MonitorEvent.OfProcessor e) {
        switch (e.what()) {
            case Interception.MemoryAccess m -> {
                reason(b, VmEvent.REASON_MEM_ACCESS);
                Bytes.putLong(b, VmEvent.MEM_GFN, m.physical() >>> 12);
                Bytes.putLong(b, VmEvent.MEM_OFFSET, m.physical() & 0xFFF);
                int flags =
                        ((m.rights() & PhysicalView.READ) != 0 ? VmEvent.MEM_ACCESS_R : 0)
                                | ((m.rights() & PhysicalView.WRITE) != 0
                                        ? VmEvent.MEM_ACCESS_W
                                        : 0)
                                | ((m.rights() & PhysicalView.EXECUTE) != 0
                                        ? VmEvent.MEM_ACCESS_X
                                        : 0);
                if (m.where() != Interception.NO_LINEAR) {
                    Bytes.putLong(b, VmEvent.MEM_GLA, m.linear());
                    flags |=
                            VmEvent.MEM_ACCESS_GLA_VALID
                                    | (m.where() == Interception.IN_WALK
                                            ? VmEvent.MEM_ACCESS_FAULT_IN_GPT
                                            : VmEvent.MEM_ACCESS_FAULT_WITH_GLA);
                }
                Bytes.putInt(b, VmEvent.MEM_FLAGS, flags);
            }
            case Interception.ControlRegisterWrite c -> {
                reason(b, VmEvent.REASON_WRITE_CTRLREG);
                Bytes.putInt(b, VmEvent.CTRLREG_INDEX, index(c.register()));
                Bytes.putLong(b, VmEvent.CTRLREG_NEW, c.value());
                Bytes.putLong(b, VmEvent.CTRLREG_OLD, c.old());
            }
            case Interception.MsrWrite m -> {
                reason(b, VmEvent.REASON_MOV_TO_MSR);
                Bytes.putLong(b, VmEvent.MSR_NUMBER, m.msr() & 0xFFFFFFFFL);
                Bytes.putLong(b, VmEvent.MSR_NEW, m.value());
                Bytes.putLong(b, VmEvent.MSR_OLD, m.old());
            }
            case Interception.Breakpoint p -> {
                reason(b, VmEvent.REASON_SOFTWARE_BREAKPOINT);
                Bytes.putLong(b, VmEvent.DEBUG_GFN, gfnOfRip(e));
                Bytes.putInt(b, VmEvent.DEBUG_INSN_LENGTH, p.length());
                b[VmEvent.DEBUG_TYPE] = (byte) Interception.EventType.SOFTWARE_EXCEPTION.number;
            }
            case Interception.DebugException d -> {
                reason(b, VmEvent.REASON_DEBUG_EXCEPTION);
                Bytes.putLong(b, VmEvent.DEBUG_GFN, gfnOfRip(e));
                Bytes.putLong(b, VmEvent.DEBUG_PENDING, d.dr6());
                Bytes.putInt(b, VmEvent.DEBUG_INSN_LENGTH, d.length());
                b[VmEvent.DEBUG_TYPE] = (byte) d.type().number;
            }
            case Interception.Step s -> {
                reason(b, VmEvent.REASON_SINGLESTEP);
                Bytes.putLong(b, VmEvent.STEP_GFN, gfnOfRip(e));
            }
            case Interception.Cpuid c -> {
                reason(b, VmEvent.REASON_CPUID);
                Bytes.putInt(b, VmEvent.CPUID_INSN_LENGTH, c.length());
                Bytes.putInt(b, VmEvent.CPUID_LEAF, c.leaf());
                Bytes.putInt(b, VmEvent.CPUID_SUBLEAF, c.subleaf());
            }
            case Interception.PortAccess p -> {
                reason(b, VmEvent.REASON_IO_INSTRUCTION);
                Bytes.putInt(b, VmEvent.IO_BYTES, p.size());
                Bytes.putShort(b, VmEvent.IO_PORT, p.port());
                b[VmEvent.IO_IN] = (byte) (p.in() ? 1 : 0);
                b[VmEvent.IO_STR] = (byte) (p.string() ? 1 : 0);
            }
            case Interception.DescriptorAccess d -> {
                reason(b, VmEvent.REASON_DESCRIPTOR_ACCESS);
                b[VmEvent.DESC_DESCRIPTOR] =
                        (byte)
                                switch (d.table()) {
                                    case IDTR -> VmEvent.DESC_IDTR;
                                    case GDTR -> VmEvent.DESC_GDTR;
                                    case LDTR -> VmEvent.DESC_LDTR;
                                    case TR -> VmEvent.DESC_TR;
                                };
                b[VmEvent.DESC_IS_WRITE] = (byte) (d.write() ? 1 : 0);
            }
            case Interception.Event v -> {
                reason(b, VmEvent.REASON_INTERRUPT);
                Bytes.putInt(b, VmEvent.INTERRUPT_VECTOR, v.vector());
                Bytes.putInt(b, VmEvent.INTERRUPT_TYPE, v.type().number);
                Bytes.putInt(b, VmEvent.INTERRUPT_ERROR_CODE, v.errorCode());
                Bytes.putLong(b, VmEvent.INTERRUPT_CR2, v.cr2());
            }
            case Interception.UnknownInstruction u -> reason(b, VmEvent.REASON_EMUL_UNIMPLEMENTED);
        }
    }

    private static int index(int register) {
        return switch (register) {
            case 0 -> VmEvent.X86_CR0;
            case 3 -> VmEvent.X86_CR3;
            case 4 -> VmEvent.X86_CR4;
            default -> VmEvent.X86_XCR0;
        };
    }

    private static long gfnOfRip(MonitorEvent.OfProcessor e) {
        long rip = e.processor().rip();
        long linear = e.processor().codeSize() == 64 ? rip : rip + e.processor().segmentBase(1);
        long physical = e.processor().translate(linear);
        return physical < 0 ? -1 : physical >>> 12;
    }

    private static void registers(byte[] b, Vcpu v) {
        Registers r = v.registers();
        for (int i = 0; i < 16; i++) {
            Bytes.putLong(b, VmEvent.GENERAL + 8 * i, r.general(i));
        }
        Bytes.putLong(b, VmEvent.RFLAGS, r.rflags());
        Bytes.putLong(b, VmEvent.DR6, v.engine().debugRegister(6));
        Bytes.putLong(b, VmEvent.DR7, v.engine().debugRegister(7));
        Bytes.putLong(b, VmEvent.RIP, r.rip());
        Bytes.putLong(b, VmEvent.CR0, r.cr0());
        Bytes.putLong(b, VmEvent.CR2, r.cr2());
        Bytes.putLong(b, VmEvent.CR3, r.cr3());
        Bytes.putLong(b, VmEvent.CR4, r.cr4());
        Bytes.putLong(b, VmEvent.SYSENTER_CS, r.sysenterCs());
        Bytes.putLong(b, VmEvent.SYSENTER_ESP, r.sysenterEsp());
        Bytes.putLong(b, VmEvent.SYSENTER_EIP, r.sysenterEip());
        Bytes.putLong(b, VmEvent.MSR_EFER, r.efer());
        Bytes.putLong(b, VmEvent.MSR_STAR, r.star());
        Bytes.putLong(b, VmEvent.MSR_LSTAR, r.lstar());
        Bytes.putLong(b, VmEvent.GDTR_BASE, r.gdt().base());
        Bytes.putLong(b, VmEvent.VMTRACE_POS, -1);
        Bytes.putShort(b, VmEvent.GDTR_LIMIT, r.gdt().limit());
        Bytes.putLong(b, VmEvent.SHADOW_GS, r.kernelGsBase());
        int[] bases = {VmEvent.CS_BASE, VmEvent.SS_BASE, VmEvent.DS_BASE, VmEvent.ES_BASE};
        for (int i = 0; i < SEGMENT_ORDER.length; i++) {
            Registers.Segment s = r.segment(SEGMENT_ORDER[i]);
            boolean pages = (s.attributes() & GRANULARITY) != 0;
            int limit = (pages ? s.limit() >>> 12 : s.limit()) & 0xFFFFF;
            int ar = s.attributes() & 0xFF | s.attributes() >>> 4 & 0xF00;
            Bytes.putInt(b, VmEvent.SEGMENTS + 4 * i, limit | ar << 20);
            Bytes.putShort(b, VmEvent.SELECTORS + 2 * i, s.selector());
            if (i < bases.length) {
                Bytes.putInt(b, bases[i], (int) s.base());
            } else {
                Bytes.putLong(b, VmEvent.FS_BASE + 8 * (i - bases.length), s.base());
            }
        }
    }

    /** What a response says. */
    static MonitorResponse response(byte[] b) {
        int flags = Bytes.getInt(b, VmEvent.FLAGS);
        MonitorResponse r = MonitorResponse.NONE;
        if ((flags & VmEvent.FLAG_EMULATE) != 0) {
            r = r.emulate();
            if ((flags & VmEvent.FLAG_SET_EMUL_READ_DATA) != 0) {
                int size = Bytes.getInt(b, VmEvent.EMUL_READ_SIZE);
                size = Math.clamp(size, 0, VmEvent.EMUL_READ_LIMIT);
                int at = VmEvent.EMUL_READ_DATA;
                r = r.readData(Arrays.copyOfRange(b, at, at + size));
            } else if ((flags & VmEvent.FLAG_EMULATE_NOWRITE) != 0) {
                r = r.emulateNoWrite();
            } else if ((flags & VmEvent.FLAG_SET_EMUL_INSN_DATA) != 0) {
                int at = VmEvent.EMUL_INSN_DATA;
                r = r.instruction(Arrays.copyOfRange(b, at, at + VmEvent.EMUL_INSN_SIZE));
            }
        }
        if ((flags & VmEvent.FLAG_DENY) != 0) {
            r = r.deny();
        }
        if ((flags & VmEvent.FLAG_TOGGLE_SINGLESTEP) != 0) {
            r = r.toggleSingleStep();
        } else if ((flags & VmEvent.FLAG_FAST_SINGLESTEP) != 0) {
            r = r.fastSingleStep(Bytes.getShort(b, VmEvent.FAST_SINGLESTEP_P2MIDX));
        }
        if ((flags & VmEvent.FLAG_ALTERNATE_P2M) != 0) {
            r = r.view(Bytes.getShort(b, VmEvent.ALTP2M_IDX));
        }
        if ((flags & VmEvent.FLAG_SET_REGISTERS) != 0) {
            long[] general = new long[16];
            for (int i = 0; i < 16; i++) {
                general[i] = Bytes.getLong(b, VmEvent.GENERAL + 8 * i);
            }
            r =
                    r.registers(
                            new MonitorResponse.GuestRegisters(
                                    general,
                                    Bytes.getLong(b, VmEvent.RIP),
                                    Bytes.getLong(b, VmEvent.RFLAGS)));
        }
        if ((flags & VmEvent.FLAG_GET_NEXT_INTERRUPT) != 0) {
            r = r.getNextInterrupt();
        }
        return r;
    }
}
