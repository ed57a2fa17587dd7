// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** The x87 unit against exact models and against the host's processor. */
@NullMarked
package dev.vitrine.processor.x87;

import org.jspecify.annotations.NullMarked;
