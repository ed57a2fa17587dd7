// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import org.jspecify.annotations.Nullable;

/**
 * A parameter of a system call.
 *
 * @param name as the kernel has it
 * @param scalar what is in the register
 * @param pointed what that points to; null if it is not looked at
 * @param when memory is looked at
 * @param presence whether the call has the parameter at all; null if it always has
 * @param told what of both a line of text has if memory is looked at twice
 */
record Parameter(
        String name,
        Scalar scalar,
        @Nullable Pointed pointed,
        When when,
        @Nullable Presence presence,
        Told told) {
    /** A parameter of which a line of text has what changes in memory twice. */
    Parameter(
            String name,
            Scalar scalar,
            @Nullable Pointed pointed,
            When when,
            @Nullable Presence presence) {
        this(name, scalar, pointed, when, presence, Told.BOTH);
    }

    /** What a line of text has of memory that is looked at twice; other formats have both. */
    enum Told {
        /** Both, with an arrow between, if they differ. */
        BOTH,
        BEFORE,
        AFTER,
        /** One number in brackets, with an arrow in it if it changes. */
        LENGTH
    }

    /** When memory is looked at. */
    enum When {
        ENTRY,
        RETURN,
        BOTH,
        /** At the return, if that is an error. */
        ERROR
    }

    /** Whether a call has a parameter, which its other ones decide. */
    interface Presence {
        boolean in(CallView call);
    }

    boolean isIn(CallView call) {
        return presence == null || presence.in(call);
    }
}
