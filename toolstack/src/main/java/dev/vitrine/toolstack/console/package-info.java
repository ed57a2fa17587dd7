// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** The PV console's ring and what Vitrine does with its bytes. */
@NullMarked
package dev.vitrine.toolstack.console;

import org.jspecify.annotations.NullMarked;
