// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Makes events of what happens in a Linux guest. A plugin is one class with a public constructor
 * without parameters, found through {@link java.util.ServiceLoader}; docs/plugins.md builds one.
 */
public interface TracePlugin {
    /** What {@code --plugins} calls it: lower-case letters and hyphens. */
    String name();

    /** What it tells, in some words. */
    String summary();

    /** The records of its events. */
    List<Class<? extends Event>> events();

    /** What a user may set for it: names of options of the command line, without hyphens before. */
    default Set<String> settings() {
        return Set.of();
    }

    /**
     * Sets what the user has given, before a guest starts. Not called if that is nothing.
     *
     * @param values by name; sizes are bytes in decimal
     * @throws dev.vitrine.introspection.IntrospectionException a value makes no sense, or what it
     *     names cannot be written; the message says what
     */
    default void set(Map<String, String> values) {}

    /**
     * Begins. The kernel has been found, and the first process has just made its first system call.
     * Called on the thread of its vCPU, while other vCPUs may run.
     *
     * @param context the kernel, and what can be listened to
     * @param at the moment of that call
     * @throws dev.vitrine.introspection.IntrospectionException this kernel has not what the plugin
     *     needs; the message says what
     */
    void start(TraceContext context, Moment at);

    /**
     * Ends: what it writes besides events is to be complete. {@link #start} may have been called
     * several times before, if the guest was started again, or never.
     *
     * @return a sentence that says what could not be written; null if all could
     */
    default @Nullable String end() {
        return null;
    }
}
