// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/**
 * The second tier: hot blocks are joined to regions and turned into JVM bytecode.
 *
 * <p>{@code Translator} is told what is hot, {@code RegionShape} chooses the blocks, {@code
 * RegionEmitter} writes the method. What micro-operations do stands in {@code UopEmitter}; the
 * flags, kept as operands until somebody asks, in {@code FlagEmitter} and {@code LazyFlags}.
 */
@NullMarked
package dev.vitrine.processor.translate;

import org.jspecify.annotations.NullMarked;
