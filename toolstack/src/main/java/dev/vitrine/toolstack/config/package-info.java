// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** xl.cfg files. */
@NullMarked
package dev.vitrine.toolstack.config;

import org.jspecify.annotations.NullMarked;
