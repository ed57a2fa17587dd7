// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** The kinds of guests that can be looked at. */
@NullMarked
package dev.vitrine.introspection.access;

import org.jspecify.annotations.NullMarked;
