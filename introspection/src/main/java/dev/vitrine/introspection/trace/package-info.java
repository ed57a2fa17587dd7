// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** What happens inside a running guest, as events. */
@NullMarked
package dev.vitrine.introspection.trace;

import org.jspecify.annotations.NullMarked;
