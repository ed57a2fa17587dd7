// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** Events as lines, and the choice among them. */
@NullMarked
package dev.vitrine.introspection.trace.output;

import org.jspecify.annotations.NullMarked;
