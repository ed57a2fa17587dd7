// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** A machine for small guests, for tests of several processors and for benchmarks. */
@NullMarked
package dev.vitrine.processor.guest;

import org.jspecify.annotations.NullMarked;
