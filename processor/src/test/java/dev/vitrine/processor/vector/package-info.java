// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

@NullMarked
package dev.vitrine.processor.vector;

import org.jspecify.annotations.NullMarked;
