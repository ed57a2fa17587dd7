// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.xenstore;

import java.io.Serial;

/** A xenstore operation failed. The message is the error's name on the wire, such as ENOENT. */
public final class XsException extends Exception {
    @Serial private static final long serialVersionUID = 1L;

    private final String error;

    XsException(String error) {
        super(error, null, false, false);
        this.error = error;
    }

    /** The error's name in Xen's xs_wire.h: EINVAL, EACCES, EEXIST, EISDIR, ENOENT, ... */
    public String error() {
        return error;
    }
}
