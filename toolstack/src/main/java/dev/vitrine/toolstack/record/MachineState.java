// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.record;

import dev.vitrine.hypervisor.StateDigest;
import dev.vitrine.hypervisor.StateSection;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The state of a machine at a checkpoint.
 *
 * @param devices all but memory
 * @param memory hashes of the parts of memory
 */
record MachineState(List<StateSection> devices, long[] memory) {
    private static final int SHOWN = 8;

    static MachineState of(StateDigest digest) {
        return new MachineState(digest.devices(), digest.memory());
    }

    /** What is different in another state, as lines; empty if they are equal. */
    List<String> differences(MachineState other, StateDigest digest) {
        List<String> lines = new ArrayList<>();
        if (devices.size() != other.devices.size()) {
            lines.add("devices: recorded " + devices.size() + ", now " + other.devices.size());
        }
        for (int i = 0; i < Math.min(devices.size(), other.devices.size()); i++) {
            compare(devices.get(i), other.devices.get(i), lines);
        }
        compareMemory(other, digest, lines);
        return lines;
    }

    private static void compare(StateSection was, StateSection is, List<String> lines) {
        if (!was.name().equals(is.name())) {
            lines.add(is.name() + ": recorded was " + was.name());
        } else if (was.names().isEmpty() || !was.names().equals(is.names())) {
            if (was.hash() != is.hash()) {
                lines.add(is.name());
            }
        } else {
            int shown = 0;
            for (int i = 0; i < was.names().size(); i++) {
                long before = was.values().get(i);
                long now = is.values().get(i);
                if (before != now && shown++ < SHOWN) {
                    lines.add(
                            String.format(
                                    "%s: %s: recorded 0x%x, now 0x%x",
                                    is.name(), is.names().get(i), before, now));
                }
            }
            if (shown > SHOWN) {
                lines.add(is.name() + ": " + (shown - SHOWN) + " more registers");
            }
        }
    }

    private void compareMemory(MachineState other, StateDigest digest, List<String> lines) {
        if (Arrays.equals(memory, other.memory)) {
            return;
        }
        int shown = 0;
        for (int i = 0; i < Math.min(memory.length, other.memory.length); i++) {
            if (memory[i] != other.memory[i] && shown++ < SHOWN) {
                lines.add("memory: " + digest.place(i));
            }
        }
        if (shown > SHOWN) {
            lines.add("memory: " + (shown - SHOWN) + " more parts");
        } else if (shown == 0) {
            lines.add("memory: recorded " + memory.length + " parts, now " + other.memory.length);
        }
    }
}
