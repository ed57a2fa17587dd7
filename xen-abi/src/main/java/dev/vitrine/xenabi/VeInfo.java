// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.xenabi;

/** The virtualization-exception information area (SDM volume 3, table 26-1). */
public final class VeInfo {
    /** u32: {@link #EPT_VIOLATION}. */
    public static final int EXIT_REASON = 0;

    /** u32: all ones when an exception is delivered; none is while it is not 0. */
    public static final int SEMAPHORE = 4;

    /** u64: exit qualification. */
    public static final int QUALIFICATION = 8;

    /** u64: guest-linear address. */
    public static final int LINEAR = 16;

    /** u64: guest-physical address. */
    public static final int PHYSICAL = 24;

    /** u16: index of the view. */
    public static final int VIEW = 32;

    /** Bytes that are written. */
    public static final int SIZE = 34;

    /** Basic exit reason of EPT violations. */
    public static final int EPT_VIOLATION = 48;

    private VeInfo() {}
}
