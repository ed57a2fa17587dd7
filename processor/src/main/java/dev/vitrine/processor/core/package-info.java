// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** Architectural state, faults and guest memory as the processor sees it. */
@NullMarked
package dev.vitrine.processor.core;

import org.jspecify.annotations.NullMarked;
