// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.xenabi;

/** struct xenstore_domain_interface (public/io/xs_wire.h). */
public final class XenstoreRing {
    public static final int SIZE = 1024;
    public static final int REQ = 0;
    public static final int RSP = 1024;
    public static final int REQ_CONS = 2048;
    public static final int REQ_PROD = 2052;
    public static final int RSP_CONS = 2056;
    public static final int RSP_PROD = 2060;
    public static final int SERVER_FEATURES = 2064;
    public static final int CONNECTION = 2068;
    public static final int ERROR = 2072;

    public static final int CONNECTED = 0;
    public static final int RECONNECT = 1;

    private XenstoreRing() {}
}
