// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** The x87 unit with exact 80-bit arithmetic, and the instructions that save and restore state. */
@NullMarked
package dev.vitrine.processor.x87;

import org.jspecify.annotations.NullMarked;
