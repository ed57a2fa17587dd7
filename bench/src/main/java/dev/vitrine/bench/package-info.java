// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** What each part of running a guest costs: one class per cost, guests assembled here. */
@NullMarked
package dev.vitrine.bench;

import org.jspecify.annotations.NullMarked;
