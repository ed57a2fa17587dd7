// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.builder;

/**
 * A piece of the ACPI tables.
 *
 * @param address its guest-physical address, in one of the layout's ACPI ranges
 * @param bytes its bytes
 */
public record AcpiBlob(long address, byte[] bytes) {}
