// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** The kernel's own table of its symbols. */
@NullMarked
package dev.vitrine.introspection.kallsyms;

import org.jspecify.annotations.NullMarked;
