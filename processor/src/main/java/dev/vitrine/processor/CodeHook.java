// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor;

/** What is to happen when guest code reaches a place, see {@link ProcessorGroup#addHook}. */
@FunctionalInterface
public interface CodeHook {
    /**
     * The instruction at the place is about to be executed; nothing of it has been done. Called on
     * the processor's own thread, which may look at and change all of its state and memory. If the
     * instruction pointer or the mode is another one afterwards, execution goes on there, and the
     * instruction is not executed.
     *
     * <p>An instruction that faults is reached again when the guest executes it again. An exception
     * that is thrown here passes through {@link Processor#run}.
     */
    void reached(Processor processor);
}
