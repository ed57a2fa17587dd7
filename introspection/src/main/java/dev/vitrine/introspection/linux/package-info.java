// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** Linux, found and understood from its own memory. */
@NullMarked
package dev.vitrine.introspection.linux;

import org.jspecify.annotations.NullMarked;
