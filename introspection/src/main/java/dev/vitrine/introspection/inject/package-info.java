// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** Calls of kernel functions from outside, by threads of the guest: programs, files. */
@NullMarked
package dev.vitrine.introspection.inject;

import org.jspecify.annotations.NullMarked;
