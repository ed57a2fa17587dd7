// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** Domains, their vCPUs and what they ask of the hypervisor. */
@NullMarked
package dev.vitrine.hypervisor;

import org.jspecify.annotations.NullMarked;
