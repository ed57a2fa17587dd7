// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

/**
 * A range of the memory map that XENMEM_memory_map gives.
 *
 * @param type E820 type: 1 RAM, 2 reserved, 3 ACPI
 */
public record E820Entry(long address, long size, int type) {}
