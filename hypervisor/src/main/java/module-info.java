// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** Domains, vCPUs, schedulers, hypercalls, event channels and grants. */
module dev.vitrine.hypervisor {
    requires static transitive org.jspecify;
    requires transitive dev.vitrine.platform;
    requires transitive dev.vitrine.processor;
    requires transitive dev.vitrine.memory;
    requires transitive dev.vitrine.xenabi;

    exports dev.vitrine.hypervisor;
}
