// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/**
 * Xen's public interface: numbers and struct layouts, nothing that acts. Names are Xen's without
 * the prefix that the class name already is; layouts are byte offsets, little-endian, given for
 * both ABIs where a guest's word size changes them.
 */
@NullMarked
package dev.vitrine.xenabi;

import org.jspecify.annotations.NullMarked;
