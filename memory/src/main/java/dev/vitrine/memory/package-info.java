// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/**
 * Guest memory: machine frames, physical-to-machine maps, alternate views, dirty and code tracking.
 */
@NullMarked
package dev.vitrine.memory;

import org.jspecify.annotations.NullMarked;
