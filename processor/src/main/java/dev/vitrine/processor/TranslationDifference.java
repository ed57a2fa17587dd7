// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor;

import java.util.List;

/**
 * Translated code did something else than the interpreter does: a fault of the processor, not of
 * the guest. What runs is to be stopped.
 */
public final class TranslationDifference extends RuntimeException {
    private static final long serialVersionUID = 1L;

    @SuppressWarnings("serial") // made by List.copyOf
    private final List<String> lines;

    /**
     * @param lines what differs and where, for people; the first is a summary
     */
    public TranslationDifference(List<String> lines) {
        super(lines.getFirst());
        this.lines = List.copyOf(lines);
    }

    /** The report. */
    public List<String> lines() {
        return lines;
    }
}
