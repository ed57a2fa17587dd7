// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import java.util.List;

/**
 * State of a vCPU when its domain crashed.
 *
 * @param vcpu number of the vCPU
 * @param registers lines of text with all registers
 * @param instructions the last instructions, oldest first, as text; may be empty
 * @param stack top of the stack as text lines; may be empty
 */
public record CrashReport(
        int vcpu, List<String> registers, List<String> instructions, List<String> stack) {
    public CrashReport {
        registers = List.copyOf(registers);
        instructions = List.copyOf(instructions);
        stack = List.copyOf(stack);
    }

    /** The whole report as lines. */
    public List<String> lines() {
        List<String> l = new java.util.ArrayList<>();
        l.add("vCPU " + vcpu + ":");
        registers.forEach(s -> l.add("  " + s));
        if (!stack.isEmpty()) {
            l.add("stack:");
            stack.forEach(s -> l.add("  " + s));
        }
        if (!instructions.isEmpty()) {
            l.add("last instructions:");
            instructions.forEach(s -> l.add("  " + s));
        }
        return l;
    }
}
