// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** Running micro-operations: code cache, interpreter, integer helpers. */
@NullMarked
package dev.vitrine.processor.exec;

import org.jspecify.annotations.NullMarked;
