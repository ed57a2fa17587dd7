// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

/** Names of signals. */
public final class SignalNames {
    private SignalNames() {}

    /** The name of a signal, or its number if it has none. */
    public static String of(int signal) {
        String name = Scalars.signal(signal);
        return name == null ? Integer.toString(signal) : name;
    }
}
