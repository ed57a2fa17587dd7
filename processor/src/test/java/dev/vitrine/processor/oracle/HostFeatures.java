// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0
package dev.vitrine.processor.oracle;

/** What the host processor can do, by its own CPUID, and what the host kernel lets user code do. */
public final class HostFeatures {
    /** The leaves and subleaves that the child reports, in this order. */
    static final int[][] LEAVES = {
        {0, 0}, {1, 0}, {7, 0}, {7, 1}, {0xd, 0}, {0xd, 1}, {0x8000_0000, 0}, {0x8000_0001, 0}
    };

    private final int[] words;
    private final int xcr0;

    /** Whether 32-bit code runs: set by a probe. */
    boolean compatibilityMode;

    HostFeatures(int[] words, int xcr0) {
        this.words = words.clone();
        this.xcr0 = xcr0;
    }

    /**
     * A word of CPUID's answer.
     *
     * @param register 0 EAX, 1 EBX, 2 ECX, 3 EDX
     * @return the word; 0 for a leaf that is not kept or above the host's last leaf
     */
    public int cpuid(int leaf, int subleaf, int register) {
        int last = words[leaf < 0 ? 6 * 4 : 0];
        if (Integer.compareUnsigned(leaf, last) > 0) {
            return 0;
        }
        for (int i = 0; i < LEAVES.length; i++) {
            if (LEAVES[i][0] == leaf && LEAVES[i][1] == subleaf) {
                return words[4 * i + register];
            }
        }
        return 0;
    }

    /** Whether a feature bit is set. */
    public boolean has(int leaf, int subleaf, int register, int bit) {
        return (cpuid(leaf, subleaf, register) >>> bit & 1) != 0;
    }

    /** The lower half of XCR0: the components of state that the host has. */
    long xcr0() {
        return xcr0 & 0xffff_ffffL;
    }

    /** Whether the processor is one of AMD's, or Hygon's copy of one. */
    public boolean amd() {
        StringBuilder vendor = new StringBuilder();
        for (int register : new int[] {1, 3, 2}) {
            int word = cpuid(0, 0, register);
            for (int shift = 0; shift < 32; shift += 8) {
                vendor.append((char) (word >>> shift & 0xff));
            }
        }
        return vendor.toString().equals("AuthenticAMD") || vendor.toString().equals("HygonGenuine");
    }

    /** Whether the host runs AVX instructions: the kernel enabled the YMM state. */
    public boolean avx() {
        return (xcr0 & 6) == 6 && has(1, 0, 2, 28);
    }

    /** Whether 32-bit code can be compared on this host. */
    public boolean compatibilityMode() {
        return compatibilityMode;
    }

    /** Family, model and stepping, as CPUID leaf 1 gives them. */
    public String signature() {
        return Integer.toHexString(cpuid(1, 0, 0));
    }
}
