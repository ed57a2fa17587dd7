// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

import java.util.List;

/**
 * A module of the kernel.
 *
 * @param name its name
 * @param size its code and data in bytes, as lsmod has it
 * @param uses how often it is in use
 * @param usedBy the modules that use it
 * @param state Live, Loading or Unloading, as in /proc/modules
 * @param base linear address of its code
 * @param address linear address of its struct module
 */
public record KernelModule(
        String name,
        long size,
        long uses,
        List<String> usedBy,
        String state,
        long base,
        long address) {}
