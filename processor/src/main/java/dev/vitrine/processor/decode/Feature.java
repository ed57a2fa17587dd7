// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.decode;

/**
 * CPUID features that instructions belong to, with the place of their bit (SDM volume 2, CPUID).
 * The table's rows name them, and CPUID reports those that some row names, so that what is reported
 * and what is implemented cannot drift apart.
 */
public enum Feature {
    /** Every processor with long mode has it and no bit says so. */
    BASE(-1, 0, 0, 0),
    FPU(1, 0, Feature.EDX, 0),
    TSC(1, 0, Feature.EDX, 4),
    MSR(1, 0, Feature.EDX, 5),
    CX8(1, 0, Feature.EDX, 8),
    SEP(1, 0, Feature.EDX, 11),
    CMOV(1, 0, Feature.EDX, 15),
    CLFSH(1, 0, Feature.EDX, 19),
    MMX(1, 0, Feature.EDX, 23),
    FXSR(1, 0, Feature.EDX, 24),
    SSE(1, 0, Feature.EDX, 25),
    SSE2(1, 0, Feature.EDX, 26),
    SSE3(1, 0, Feature.ECX, 0),
    PCLMULQDQ(1, 0, Feature.ECX, 1),
    SSSE3(1, 0, Feature.ECX, 9),
    FMA(1, 0, Feature.ECX, 12),
    CX16(1, 0, Feature.ECX, 13),
    SSE4_1(1, 0, Feature.ECX, 19),
    SSE4_2(1, 0, Feature.ECX, 20),
    MOVBE(1, 0, Feature.ECX, 22),
    POPCNT(1, 0, Feature.ECX, 23),
    AES(1, 0, Feature.ECX, 25),
    XSAVE(1, 0, Feature.ECX, 26),
    AVX(1, 0, Feature.ECX, 28),
    F16C(1, 0, Feature.ECX, 29),
    RDRAND(1, 0, Feature.ECX, 30),
    FSGSBASE(7, 0, Feature.EBX, 0),
    BMI1(7, 0, Feature.EBX, 3),
    AVX2(7, 0, Feature.EBX, 5),
    BMI2(7, 0, Feature.EBX, 8),
    INVPCID(7, 0, Feature.EBX, 10),
    RDSEED(7, 0, Feature.EBX, 18),
    ADX(7, 0, Feature.EBX, 19),
    SMAP(7, 0, Feature.EBX, 20),
    CLFLUSHOPT(7, 0, Feature.EBX, 23),
    CLWB(7, 0, Feature.EBX, 24),
    SHA(7, 0, Feature.EBX, 29),
    RDPID(7, 0, Feature.ECX, 22),
    XSAVEOPT(0xD, 1, Feature.EAX, 0),
    XSAVEC(0xD, 1, Feature.EAX, 1),
    XGETBV_ECX1(0xD, 1, Feature.EAX, 2),
    XSAVES(0xD, 1, Feature.EAX, 3),
    LAHF_LM(0x80000001, 0, Feature.ECX, 0),
    LZCNT(0x80000001, 0, Feature.ECX, 5),
    PREFETCHW(0x80000001, 0, Feature.ECX, 8),
    SYSCALL(0x80000001, 0, Feature.EDX, 11),
    RDTSCP(0x80000001, 0, Feature.EDX, 27),
    LM(0x80000001, 0, Feature.EDX, 29),
    /** Calls to a hypervisor; the hypervisor's own leaves announce it. */
    VMCALL(-1, 0, 0, 0);

    /** Values of {@link #register}. */
    public static final int EAX = 0;

    public static final int EBX = 1;
    public static final int ECX = 2;
    public static final int EDX = 3;

    /** CPUID leaf; -1 when no bit reports the feature. */
    public final int leaf;

    public final int subleaf;

    /** Output register: {@link #EAX}, {@link #EBX}, {@link #ECX} or {@link #EDX}. */
    public final int register;

    /** Bit number, 0 to 31. */
    public final int bit;

    Feature(int leaf, int subleaf, int register, int bit) {
        this.leaf = leaf;
        this.subleaf = subleaf;
        this.register = register;
        this.bit = bit;
    }
}
