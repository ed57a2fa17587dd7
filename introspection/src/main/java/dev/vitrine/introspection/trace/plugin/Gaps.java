// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import java.util.ArrayList;
import java.util.List;

/** Ranges of a file of which the content is not known, and why; what belongs together is one. */
final class Gaps {
    private static final int MAX = 16;

    private final List<String> texts = new ArrayList<>();
    private String reason = "";
    private long first;
    private long end;
    private long others;

    /** Adds a range behind those before. */
    void add(long from, long to, String why) {
        if (!reason.equals(why) || end != from) {
            finish();
            first = from;
            reason = why;
        }
        end = to;
    }

    private void finish() {
        if (!reason.isEmpty()) {
            if (texts.size() < MAX) {
                texts.add(first + "-" + (end - 1) + " " + reason);
            } else {
                others++;
            }
        }
        reason = "";
    }

    /** First and last byte of each range, and the reason. */
    List<String> texts() {
        finish();
        List<String> list = new ArrayList<>(texts);
        if (others > 0) {
            list.add(others + " more");
        }
        return list;
    }
}
