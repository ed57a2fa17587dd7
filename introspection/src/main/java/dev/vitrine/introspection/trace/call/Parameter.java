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
 */
record Parameter(
        String name,
        Scalar scalar,
        @Nullable Pointed pointed,
        When when,
        @Nullable Presence presence) {
    /** When memory is looked at. */
    enum When {
        ENTRY,
        RETURN,
        BOTH,
        /** At the return, if that is an error. */
        ERROR,
        /** As {@link Chosen} says. */
        CHOSEN
    }

    /** Whether a call has a parameter, which its other ones decide. */
    interface Presence {
        boolean in(CallView call);
    }

    /** Of a pointer whose meaning another parameter decides. */
    interface Chosen extends Pointed {
        When when(CallView call);
    }

    boolean isIn(CallView call) {
        return presence == null || presence.in(call);
    }

    When when(CallView call) {
        return pointed instanceof Chosen c ? c.when(call) : when;
    }
}
