// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/**
 * Guest memory: machine frames, physical-to-machine maps, alternate views, dirty and code tracking.
 */
module dev.vitrine.memory {
    requires static transitive org.jspecify;

    exports dev.vitrine.memory;
}
