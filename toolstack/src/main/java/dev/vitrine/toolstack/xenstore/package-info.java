// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** The xenstore server. */
@NullMarked
package dev.vitrine.toolstack.xenstore;

import org.jspecify.annotations.NullMarked;
