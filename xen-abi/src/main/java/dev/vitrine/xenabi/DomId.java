// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.xenabi;

/** Domain ids with a meaning of their own (public/xen.h). */
public final class DomId {
    public static final int DOM0 = 0;
    public static final int FIRST_RESERVED = 0x7FF0;
    public static final int SELF = 0x7FF0;
    public static final int IO = 0x7FF1;
    public static final int XEN = 0x7FF2;
    public static final int COW = 0x7FF3;
    public static final int INVALID = 0x7FF4;
    public static final int IDLE = 0x7FFF;

    private DomId() {}
}
