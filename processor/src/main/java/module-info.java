// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** The software x86-64 processor. */
module dev.vitrine.processor {
    requires static transitive org.jspecify;
    requires transitive dev.vitrine.memory;

    exports dev.vitrine.processor;
}
