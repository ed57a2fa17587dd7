// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** Domain building: where everything lies in a new domain's memory. */
@NullMarked
package dev.vitrine.toolstack.builder;

import org.jspecify.annotations.NullMarked;
