// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/**
 * A small x86 assembler for tests: 16-, 32- and 64-bit code, system instructions, labels and data.
 *
 * <p>It assembles the guests of the privileged tests and the runner of the native oracle, so that
 * no test needs a foreign tool chain or a committed binary.
 */
@NullMarked
package dev.vitrine.processor.asm;

import org.jspecify.annotations.NullMarked;
