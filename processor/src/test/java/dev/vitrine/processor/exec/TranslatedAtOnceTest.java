// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;

/**
 * The tests of code and mappings that change under processors, again with everything translated
 * that is sampled once, on the processor's own thread.
 */
class TranslatedAtOnceTest {
    private static final String NOW = "vitrine.translate.now";
    private static final String THRESHOLD = "vitrine.translate.threshold";

    @BeforeAll
    static void translateAtOnce() {
        System.setProperty(NOW, "true");
        System.setProperty(THRESHOLD, "64");
    }

    @AfterAll
    static void translateAsEver() {
        System.clearProperty(NOW);
        System.clearProperty(THRESHOLD);
    }

    @Nested
    class SelfModifyingCode extends SelfModifyingCodeTest {}

    @Nested
    class CrossModifyingCode extends CrossModifyingCodeTest {}

    @Nested
    class Remap extends RemapTest {}

    @Nested
    class AtomicInstructions extends AtomicInstructionsTest {}

    @Nested
    class MemoryOrder extends MemoryOrderTest {}

    @Nested
    class InterruptWindow extends InterruptWindowTest {}
}
