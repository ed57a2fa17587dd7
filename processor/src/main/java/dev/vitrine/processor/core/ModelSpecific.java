// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.core;

import java.util.Arrays;

/**
 * Model-specific registers that hold a value and do little else. INIT leaves them alone; only
 * power-up, that is construction, sets them.
 */
public final class ModelSpecific {
    /** Number of variable-range MTRR pairs. */
    public static final int VARIABLE_MTRRS = 8;

    /** IA32_MTRR_PHYSBASEn and IA32_MTRR_PHYSMASKn, alternating (MSRs 0x200 to 0x20F). */
    public final long[] mtrrVariable = new long[2 * VARIABLE_MTRRS];

    /** Fixed-range MTRRs in the order of their numbers: 0x250, 0x258, 0x259, 0x268 to 0x26F. */
    public final long[] mtrrFixed = new long[11];

    /** IA32_MTRR_DEF_TYPE: MTRRs and fixed ranges enabled, default write-back. */
    public long mtrrDefault = 0xC06;

    /** MISC_FEATURES_ENABLES: bit 0 is CPUID faulting. */
    public long miscFeatures;

    /** IA32_XSS. */
    public long xss;

    /** IA32_BIOS_SIGN_ID: microcode revision in the upper half. */
    public long biosSignId = 1L << 32;

    /** Receives the result of {@link dev.vitrine.processor.ProcessorHost#readMsr}. */
    public final long[] hostValue = new long[1];

    /** Registers of the CPUID instruction in execution. */
    public final int[] cpuid = new int[4];

    public ModelSpecific() {
        Arrays.fill(mtrrFixed, 0x0606060606060606L);
    }
}
