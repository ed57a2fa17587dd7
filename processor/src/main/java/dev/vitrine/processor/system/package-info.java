// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/**
 * Everything that depends on privilege: paging, segmentation, interrupts, task switches, system
 * instructions, model-specific registers and CPUID.
 */
@NullMarked
package dev.vitrine.processor.system;

import org.jspecify.annotations.NullMarked;
