// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor;

/**
 * Takes the state of a part of a machine, value by value, in an order that is always the same. What
 * only makes the machine faster, such as cached translations, is no state.
 */
@FunctionalInterface
public interface StateSink {
    /**
     * @param name what it is, for messages; need not be unique
     */
    void value(String name, long value);
}
