// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** The instruction table and the decoder that is built from it. */
@NullMarked
package dev.vitrine.processor.decode;

import org.jspecify.annotations.NullMarked;
