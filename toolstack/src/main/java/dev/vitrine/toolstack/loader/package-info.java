// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** Kernel images: ELF, bzImage and their compressions. */
@NullMarked
package dev.vitrine.toolstack.loader;

import org.jspecify.annotations.NullMarked;
