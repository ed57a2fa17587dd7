// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** The plugins that come with Vitrine. */
@NullMarked
package dev.vitrine.introspection.trace.plugin;

import org.jspecify.annotations.NullMarked;
