// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import java.util.function.Supplier;

/** Runs a program that makes its own machine by the interpreter alone, and translated at once. */
final class BothWays {
    private BothWays() {}

    static <T> T interpreted(Supplier<T> run) {
        System.setProperty("vitrine.translate.off", "true");
        try {
            return run.get();
        } finally {
            System.clearProperty("vitrine.translate.off");
        }
    }

    static <T> T translated(Supplier<T> run) {
        System.setProperty("vitrine.translate.now", "true");
        System.setProperty("vitrine.translate.threshold", "64");
        try {
            return run.get();
        } finally {
            System.clearProperty("vitrine.translate.now");
            System.clearProperty("vitrine.translate.threshold");
        }
    }
}
