// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.config;

/** The kind of guest that {@code type} names. */
public enum DomainType {
    /** Paravirtualised, with hardware-like paging: Vitrine's default. */
    PVH,
    /** Paravirtualised. */
    PV,
    /** Fully virtualised. */
    HVM
}
