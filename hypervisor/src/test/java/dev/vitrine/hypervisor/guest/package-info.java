// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** Small guests for tests, assembled where they are needed. */
@NullMarked
package dev.vitrine.hypervisor.guest;

import org.jspecify.annotations.NullMarked;
