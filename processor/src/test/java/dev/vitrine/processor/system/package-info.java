// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** Privileged behaviour, tested with small guests. */
@NullMarked
package dev.vitrine.processor.system;

import org.jspecify.annotations.NullMarked;
