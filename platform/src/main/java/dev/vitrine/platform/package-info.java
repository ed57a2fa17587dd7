// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** Virtual chips and the virtual clock. */
@NullMarked
package dev.vitrine.platform;

import org.jspecify.annotations.NullMarked;
