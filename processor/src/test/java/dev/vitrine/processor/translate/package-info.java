// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** Tests of the translator against the interpreter. */
@NullMarked
package dev.vitrine.processor.translate;

import org.jspecify.annotations.NullMarked;
