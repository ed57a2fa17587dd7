// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** From decoded instructions to micro-operations. */
@NullMarked
package dev.vitrine.processor.lift;

import org.jspecify.annotations.NullMarked;
