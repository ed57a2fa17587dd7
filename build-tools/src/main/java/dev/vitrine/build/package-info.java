// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** What the build itself runs; no part of the product. */
@NullMarked
package dev.vitrine.build;

import org.jspecify.annotations.NullMarked;
