// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** Record and replay: what came to a guest from outside, and the states that it went through. */
@NullMarked
package dev.vitrine.toolstack.record;

import org.jspecify.annotations.NullMarked;
