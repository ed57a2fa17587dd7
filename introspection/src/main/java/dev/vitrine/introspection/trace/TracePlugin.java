// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace;

import java.util.List;

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
}
