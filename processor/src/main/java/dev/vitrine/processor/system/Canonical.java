// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.system;

/** Canonical addresses: bits 48 to 63 repeat bit 47 (SDM volume 1, 3.3.7.1). */
final class Canonical {
    private Canonical() {}

    static boolean is(long address) {
        return address << 16 >> 16 == address;
    }
}
