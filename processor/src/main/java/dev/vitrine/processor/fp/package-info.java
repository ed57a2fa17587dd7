// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/**
 * Binary floating point as the SSE and AVX units compute it (SDM volume 1, chapter 11 and appendix
 * E): exact, with every rounding mode, flag and NaN rule; on the host's arithmetic where that gives
 * the same bits and no flag can change.
 */
@NullMarked
package dev.vitrine.processor.fp;

import org.jspecify.annotations.NullMarked;
