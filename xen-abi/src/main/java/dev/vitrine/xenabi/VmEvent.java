// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.xenabi;

/** Requests and responses of the vm_event rings, and the rings (public/vm_event.h, io/ring.h). */
public final class VmEvent {
    public static final int INTERFACE_VERSION = 7;

    // Flags.
    public static final int FLAG_VCPU_PAUSED = 1;
    public static final int FLAG_FOREIGN = 1 << 1;
    public static final int FLAG_EMULATE = 1 << 2;
    public static final int FLAG_EMULATE_NOWRITE = 1 << 3;
    public static final int FLAG_TOGGLE_SINGLESTEP = 1 << 4;
    public static final int FLAG_SET_EMUL_READ_DATA = 1 << 5;
    public static final int FLAG_DENY = 1 << 6;
    public static final int FLAG_ALTERNATE_P2M = 1 << 7;
    public static final int FLAG_SET_REGISTERS = 1 << 8;
    public static final int FLAG_SET_EMUL_INSN_DATA = 1 << 9;
    public static final int FLAG_GET_NEXT_INTERRUPT = 1 << 10;
    public static final int FLAG_FAST_SINGLESTEP = 1 << 11;

    // Reasons.
    public static final int REASON_MEM_ACCESS = 1;
    public static final int REASON_WRITE_CTRLREG = 4;
    public static final int REASON_MOV_TO_MSR = 5;
    public static final int REASON_SOFTWARE_BREAKPOINT = 6;
    public static final int REASON_SINGLESTEP = 7;
    public static final int REASON_GUEST_REQUEST = 8;
    public static final int REASON_DEBUG_EXCEPTION = 9;
    public static final int REASON_CPUID = 10;
    public static final int REASON_INTERRUPT = 12;
    public static final int REASON_DESCRIPTOR_ACCESS = 13;
    public static final int REASON_EMUL_UNIMPLEMENTED = 14;
    public static final int REASON_IO_INSTRUCTION = 16;

    // Index of a control register.
    public static final int X86_CR0 = 0;
    public static final int X86_CR3 = 1;
    public static final int X86_CR4 = 2;
    public static final int X86_XCR0 = 3;

    // mem_access.flags.
    public static final int MEM_ACCESS_R = 1;
    public static final int MEM_ACCESS_W = 1 << 1;
    public static final int MEM_ACCESS_X = 1 << 2;
    public static final int MEM_ACCESS_GLA_VALID = 1 << 3;
    public static final int MEM_ACCESS_FAULT_WITH_GLA = 1 << 4;
    public static final int MEM_ACCESS_FAULT_IN_GPT = 1 << 5;

    // desc_access.descriptor.
    public static final int DESC_IDTR = 1;
    public static final int DESC_GDTR = 2;
    public static final int DESC_LDTR = 3;
    public static final int DESC_TR = 4;

    // vm_event_st.
    public static final int VERSION = 0;
    public static final int FLAGS = 4;
    public static final int REASON = 8;
    public static final int VCPU_ID = 12;
    public static final int ALTP2M_IDX = 16;

    /** The union of what depends on the reason. */
    public static final int U = 24;

    public static final int MEM_GFN = U;
    public static final int MEM_OFFSET = U + 8;
    public static final int MEM_GLA = U + 16;
    public static final int MEM_FLAGS = U + 24;
    public static final int CTRLREG_INDEX = U;
    public static final int CTRLREG_NEW = U + 8;
    public static final int CTRLREG_OLD = U + 16;
    public static final int MSR_NUMBER = U;
    public static final int MSR_NEW = U + 8;
    public static final int MSR_OLD = U + 16;
    public static final int STEP_GFN = U;
    public static final int FAST_SINGLESTEP_P2MIDX = U;
    public static final int DEBUG_GFN = U;
    public static final int DEBUG_PENDING = U + 8;
    public static final int DEBUG_INSN_LENGTH = U + 16;
    public static final int DEBUG_TYPE = U + 20;
    public static final int DESC_DESCRIPTOR = U + 16;
    public static final int DESC_IS_WRITE = U + 17;
    public static final int CPUID_INSN_LENGTH = U;
    public static final int CPUID_LEAF = U + 4;
    public static final int CPUID_SUBLEAF = U + 8;
    public static final int INTERRUPT_VECTOR = U;
    public static final int INTERRUPT_TYPE = U + 4;
    public static final int INTERRUPT_ERROR_CODE = U + 8;
    public static final int INTERRUPT_CR2 = U + 16;
    public static final int IO_BYTES = U;
    public static final int IO_PORT = U + 4;
    public static final int IO_IN = U + 6;
    public static final int IO_STR = U + 7;

    /** The union of registers and emulation data. */
    public static final int DATA = 56;

    /** RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8 to R15. */
    public static final int GENERAL = DATA;

    public static final int RFLAGS = DATA + 128;
    public static final int DR6 = DATA + 136;
    public static final int DR7 = DATA + 144;
    public static final int RIP = DATA + 152;
    public static final int CR0 = DATA + 160;
    public static final int CR2 = DATA + 168;
    public static final int CR3 = DATA + 176;
    public static final int CR4 = DATA + 184;
    public static final int SYSENTER_CS = DATA + 192;
    public static final int SYSENTER_ESP = DATA + 200;
    public static final int SYSENTER_EIP = DATA + 208;
    public static final int MSR_EFER = DATA + 216;
    public static final int MSR_STAR = DATA + 224;
    public static final int MSR_LSTAR = DATA + 232;
    public static final int GDTR_BASE = DATA + 240;
    public static final int NPT_BASE = DATA + 248;
    public static final int VMTRACE_POS = DATA + 256;
    public static final int CS_BASE = DATA + 264;
    public static final int SS_BASE = DATA + 268;
    public static final int DS_BASE = DATA + 272;
    public static final int ES_BASE = DATA + 276;
    public static final int FS_BASE = DATA + 280;
    public static final int GS_BASE = DATA + 288;

    /** vm_event_x86_selector_reg of CS, SS, DS, ES, FS and GS: limit in bits 0 to 19, ar above. */
    public static final int SEGMENTS = DATA + 296;

    public static final int SHADOW_GS = DATA + 320;
    public static final int GDTR_LIMIT = DATA + 328;

    /** Selectors of CS, SS, DS, ES, FS and GS. */
    public static final int SELECTORS = DATA + 330;

    /** emul.read: size u32 and bytes. */
    public static final int EMUL_READ_SIZE = DATA;

    public static final int EMUL_READ_DATA = DATA + 4;
    public static final int EMUL_READ_LIMIT = 340;

    /** emul.insn: 16 bytes. */
    public static final int EMUL_INSN_DATA = DATA;

    public static final int EMUL_INSN_SIZE = 16;

    public static final int SIZE = 400;

    // vm_event_sring: a shared page.
    public static final int RING_REQ_PROD = 0;
    public static final int RING_REQ_EVENT = 4;
    public static final int RING_RSP_PROD = 8;
    public static final int RING_RSP_EVENT = 12;
    public static final int RING_ENTRIES = 64;

    /** Entries of a ring of one page: the largest power of two that fits. */
    public static final int RING_SIZE = Integer.highestOneBit((4096 - RING_ENTRIES) / SIZE);

    private VmEvent() {}
}
