// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** The commands. */
@NullMarked
package dev.vitrine.cli;

import org.jspecify.annotations.NullMarked;
