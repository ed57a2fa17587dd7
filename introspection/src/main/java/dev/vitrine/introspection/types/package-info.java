// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** Where the members of the kernel's structures are. */
@NullMarked
package dev.vitrine.introspection.types;

import org.jspecify.annotations.NullMarked;
