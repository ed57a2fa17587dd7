// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.core;

/** Which regions were filled from pages larger than 4 KiB; may answer yes too often. */
final class LargePages {
    private final PageFilter by2M = new PageFilter();
    private final PageFilter by1G = new PageFilter();

    void add(long la, int pageShift) {
        by2M.add(la >>> 21);
        if (pageShift > 22) {
            by1G.add(la >>> 30);
        } else if (pageShift == 22) {
            by2M.add((la >>> 21) ^ 1);
        }
    }

    boolean mayHold(long la) {
        return by2M.mayHold(la >>> 21) || by1G.mayHold(la >>> 30);
    }

    void clear() {
        by2M.clear();
        by1G.clear();
    }
}
