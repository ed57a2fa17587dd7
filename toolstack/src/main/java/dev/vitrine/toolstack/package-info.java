// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** Building and running domains. */
@NullMarked
package dev.vitrine.toolstack;

import org.jspecify.annotations.NullMarked;
