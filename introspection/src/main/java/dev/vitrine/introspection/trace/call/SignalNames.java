// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import org.jspecify.annotations.Nullable;

/** Names of signals, and of why they came. */
public final class SignalNames {
    private SignalNames() {}

    /** The name of a signal, or its number if it has none. */
    public static String of(int signal) {
        String name = Scalars.signal(signal);
        return name == null ? Integer.toString(signal) : name;
    }

    /** The name of a signal's si_code, such as SEGV_MAPERR; null if it has none. */
    public static @Nullable String code(int signal, int code) {
        return SignalInfo.code(signal, code);
    }
}
