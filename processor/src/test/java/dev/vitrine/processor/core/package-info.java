// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** Tests of a processor's parts that need no guest. */
@NullMarked
package dev.vitrine.processor.core;

import org.jspecify.annotations.NullMarked;
