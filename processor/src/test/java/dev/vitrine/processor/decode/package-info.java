// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** Tests of the decoder, and the encoder that the instruction tests share. */
@NullMarked
package dev.vitrine.processor.decode;

import org.jspecify.annotations.NullMarked;
