// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.xenabi;

/** CONSOLEIO_* and the console ring (public/xen.h, public/io/console.h). */
public final class ConsoleIo {
    public static final int WRITE = 0;
    public static final int READ = 1;

    // struct xencons_interface.
    public static final int RING_IN = 0;
    public static final int RING_IN_SIZE = 1024;
    public static final int RING_OUT = 1024;
    public static final int RING_OUT_SIZE = 2048;
    public static final int RING_IN_CONS = 3072;
    public static final int RING_IN_PROD = 3076;
    public static final int RING_OUT_CONS = 3080;
    public static final int RING_OUT_PROD = 3084;

    private ConsoleIo() {}
}
