// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** Virtual chips and the virtual clock. */
module dev.vitrine.platform {
    requires static transitive org.jspecify;
    requires transitive dev.vitrine.processor;
    requires transitive dev.vitrine.memory;

    exports dev.vitrine.platform;
}
