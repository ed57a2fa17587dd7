// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.processor.Processor;
import dev.vitrine.xenabi.Errno;

/**
 * struct vcpu_hvm_context (public/arch-x86/hvm/hvm_vcpu.h): the state that VCPUOP_initialise gives
 * a vCPU of an HVM or PVH domain.
 */
final class HvmContext {
    static final int SIZE = 128;

    private static final int MODE_32 = 0;
    private static final int MODE_64 = 1;
    private static final long CR0_PE = 1;
    private static final long CR0_PG = 1L << 31;
    private static final long CR4_PAE = 1 << 5;
    private static final long EFER_LME = 1 << 8;
    private static final long EFER_LMA = 1 << 10;
    private static final int[] ORDER = {0, 1, 2, 3, 4, 5, 6, 7};

    private HvmContext() {}

    static int load(Processor p, byte[] b) {
        if (Bytes.getInt(b, 4) != 0) {
            return -Errno.EINVAL;
        }
        return switch (Bytes.getInt(b, 0)) {
            case MODE_32 -> load32(p, b);
            case MODE_64 -> load64(p, b);
            default -> -Errno.EINVAL;
        };
    }

    /**
     * 32-bit: eax, ecx, edx, ebx, esp, ebp, esi, edi, eip, eflags u32 @8; cr0, cr3, cr4, pad
     * u32 @48; efer u64 @64; bases cs ds ss es tr u32 @72; limits @92; access rights u16 @112;
     * padding u16[3].
     */
    private static int load32(Processor p, byte[] b) {
        int pad = Bytes.getInt(b, 60);
        int pad2 = Bytes.getShort(b, 122) | Bytes.getShort(b, 124) | Bytes.getShort(b, 126);
        if (pad != 0 || pad2 != 0) {
            return -Errno.EINVAL;
        }
        long efer = Bytes.getLong(b, 64);
        if ((efer & EFER_LMA) != 0 && (efer & EFER_LME) == 0) {
            return -Errno.EINVAL;
        }
        int[] segments = {1, 3, 2, 0}; // cs ds ss es
        int[] bases = new int[5];
        int[] limits = new int[5];
        int[] rights = new int[5];
        for (int i = 0; i < 5; i++) {
            bases[i] = Bytes.getInt(b, 72 + 4 * i);
            limits[i] = Bytes.getInt(b, 92 + 4 * i);
            int ar = Bytes.getShort(b, 112 + 2 * i);
            if ((ar & 0xF000) != 0) {
                return -Errno.EINVAL;
            }
            ar = (ar & 0xFF) | (ar & 0xF00) << 4; // as a descriptor has them
            if ((ar & 0x80) != 0) {
                ar |= i < 4 ? 1 : 2;
            }
            rights[i] = ar;
            if ((ar & 0x8000) != 0) {
                limits[i] = limits[i] << 12 | 0xFFF;
            }
        }
        if (Integer.compareUnsigned(Bytes.getInt(b, 40), limits[0]) > 0
                || (rights[2] >>> 5 & 3) != (rights[0] >>> 5 & 3)) {
            return -Errno.EINVAL;
        }
        p.reset();
        p.setControlRegister(0, Bytes.getInt(b, 48) & 0xFFFFFFFFL | 0x10);
        p.setControlRegister(3, Bytes.getInt(b, 52) & 0xFFFFFFFFL);
        p.setControlRegister(4, Bytes.getInt(b, 56) & 0xFFFFFFFFL);
        p.setEfer(efer);
        for (int i = 0; i < 4; i++) {
            p.setSegment(segments[i], 0, bases[i] & 0xFFFFFFFFL, limits[i], rights[i]);
        }
        p.setTaskRegister(0, bases[4] & 0xFFFFFFFFL, limits[4], rights[4]);
        for (int i : ORDER) {
            p.setGpr(i, Bytes.getInt(b, 8 + 4 * i) & 0xFFFFFFFFL);
        }
        p.setRip(Bytes.getInt(b, 40) & 0xFFFFFFFFL);
        p.setFlags(Bytes.getInt(b, 44) & 0xFFFFFFFFL | 2);
        p.setHalted(false);
        return 0;
    }

    /** 64-bit: rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, rip, rflags, cr0, cr3, cr4, efer u64 @8. */
    private static int load64(Processor p, byte[] b) {
        long rip = Bytes.getLong(b, 72);
        long cr0 = Bytes.getLong(b, 88);
        long cr4 = Bytes.getLong(b, 104);
        long efer = Bytes.getLong(b, 112);
        if (rip << 16 >> 16 != rip
                || (cr0 & (CR0_PG | CR0_PE)) != (CR0_PG | CR0_PE)
                || (cr4 & CR4_PAE) == 0
                || (efer & EFER_LME) == 0) {
            return -Errno.EINVAL;
        }
        p.reset();
        p.setControlRegister(0, cr0 | 0x10);
        p.setControlRegister(3, Bytes.getLong(b, 96));
        p.setControlRegister(4, cr4);
        p.setEfer(efer | EFER_LMA);
        p.setSegment(1, 0, 0, -1, 0xA09B);
        for (int s : new int[] {0, 2, 3}) {
            p.setSegment(s, 0, 0, -1, 0xC093);
        }
        p.setTaskRegister(0, 0, 0x67, 0x8B);
        for (int i : ORDER) {
            p.setGpr(i, Bytes.getLong(b, 8 + 8 * i));
        }
        p.setRip(rip);
        p.setFlags(Bytes.getLong(b, 80) | 2);
        p.setHalted(false);
        return 0;
    }
}
