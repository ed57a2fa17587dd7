// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.config;

import java.util.List;

/** A value as it stands in an xl.cfg file. */
public sealed interface CfgValue {
    /** The line the value starts on, from 1. */
    int line();

    /** A string or a number. xl keeps both as text, so that {@code memory = "512"} is a number. */
    record Atom(String text, int line) implements CfgValue {}

    /** A list. Its items are atoms or lists. */
    record Items(List<CfgValue> items, int line) implements CfgValue {
        public Items {
            items = List.copyOf(items);
        }
    }
}
