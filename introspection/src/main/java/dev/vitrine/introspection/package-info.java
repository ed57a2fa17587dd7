// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** Memory and registers of a guest, wherever it is. */
@NullMarked
package dev.vitrine.introspection;

import org.jspecify.annotations.NullMarked;
