// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** Xen's public interface: numbers and struct layouts, nothing that acts. */
@NullMarked
package dev.vitrine.xenabi;

import org.jspecify.annotations.NullMarked;
