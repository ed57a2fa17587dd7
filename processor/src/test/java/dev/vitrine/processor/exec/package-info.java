// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** Tests of running code: what changes under it, and what several processors do at once. */
@NullMarked
package dev.vitrine.processor.exec;

import org.jspecify.annotations.NullMarked;
