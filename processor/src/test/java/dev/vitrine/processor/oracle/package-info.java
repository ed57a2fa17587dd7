// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/**
 * The real processor as the reference: cases run natively in a child process and on the software
 * processor, from the same state, and everything that is architecturally defined is compared.
 *
 * <p>{@link dev.vitrine.processor.oracle.NativeOracle} runs cases on the host; the child is a
 * static ELF executable that {@link dev.vitrine.processor.oracle.NativeRunner} assembles when the
 * tests run.
 */
@NullMarked
package dev.vitrine.processor.oracle;

import org.jspecify.annotations.NullMarked;
