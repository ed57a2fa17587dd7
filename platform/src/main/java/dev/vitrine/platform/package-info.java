// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/**
 * Virtual chips and the virtual clock: what sits around the processors of a machine. Chips know
 * neither domains nor Xen; they reach their processor through small interfaces of their own.
 */
@NullMarked
package dev.vitrine.platform;

import org.jspecify.annotations.NullMarked;
