// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/**
 * MMX, SSE and AVX. {@link dev.vitrine.processor.vector.VectorUnit} executes; the arithmetic stands
 * in small static functions on 64-bit lanes, one class per family, which a translator can call as
 * well.
 */
@NullMarked
package dev.vitrine.processor.vector;

import org.jspecify.annotations.NullMarked;
