// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import java.util.List;

/**
 * The state of a part of a machine at one moment.
 *
 * @param name the part: "vCPU 0", "event channels"
 * @param hash of all values
 * @param names names of the values, if the part is one whose values are kept; else empty
 * @param values as many as there are names
 */
public record StateSection(String name, long hash, List<String> names, List<Long> values) {
    public StateSection {
        names = List.copyOf(names);
        values = List.copyOf(values);
    }
}
