// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import dev.vitrine.processor.fp.FpEnv;

/**
 * When translated code may use the host's own floating-point arithmetic: rounding to nearest,
 * everything masked, operands and result normal or zero. Then the only flag that can change is PE,
 * so it must be set already, or the result exact.
 */
public final class FastFloat {
    /** Not usable: other rounding or unmasked exceptions. */
    public static final int SLOW = 0;

    /** Usable where the result is exact: PE is clear. */
    public static final int EXACT = 1;

    /** Usable where operands and result are normal or zero. */
    public static final int STICKY = 2;

    private FastFloat() {}

    /** The mode for a value of MXCSR. */
    public static int mode(int mxcsr) {
        if ((mxcsr & (FpEnv.MASKS | FpEnv.RC)) != FpEnv.MASKS) {
            return SLOW;
        }
        return (mxcsr & FpEnv.PE) != 0 ? STICKY : EXACT;
    }
}
