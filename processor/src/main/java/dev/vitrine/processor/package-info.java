// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** The software x86-64 processor, as other modules see it. */
@NullMarked
package dev.vitrine.processor;

import org.jspecify.annotations.NullMarked;
