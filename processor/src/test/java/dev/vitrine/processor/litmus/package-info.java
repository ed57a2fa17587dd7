// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** Litmus tests of x86's memory order, with a model of it as the judge. */
@NullMarked
package dev.vitrine.processor.litmus;

import org.jspecify.annotations.NullMarked;
