// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** System calls: their numbers, parameters, and how these are read and told. */
@NullMarked
package dev.vitrine.introspection.trace.call;

import org.jspecify.annotations.NullMarked;
