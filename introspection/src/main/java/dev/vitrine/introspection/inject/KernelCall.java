// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import java.util.List;

/**
 * A call of a function of the kernel.
 *
 * @param function its name
 * @param arguments at most six, by the ABI's order: System V, 3.2.3
 */
record KernelCall(String function, List<Long> arguments) {
    public KernelCall {
        arguments = List.copyOf(arguments);
        if (arguments.size() > Injector.MAX_CALL_ARGUMENTS) {
            throw new IllegalArgumentException(arguments.size() + " arguments");
        }
    }

    static KernelCall of(String function, Long... arguments) {
        return new KernelCall(function, List.of(arguments));
    }
}
