// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

/** What has options and a help: a command, or the program as a whole. */
interface Described {
    /** The options, whose values are set in this object. */
    Options options();
}
