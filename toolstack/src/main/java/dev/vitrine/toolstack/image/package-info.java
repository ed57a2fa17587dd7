// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** Images that can be named on the command line, and their packages and file systems. */
@NullMarked
package dev.vitrine.toolstack.image;

import org.jspecify.annotations.NullMarked;
