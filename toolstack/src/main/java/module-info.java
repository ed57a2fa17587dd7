// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** Domain building, configuration, xenstore and PV back ends. */
module dev.vitrine.toolstack {
    requires static transitive org.jspecify;
    requires transitive dev.vitrine.hypervisor;
    requires transitive dev.vitrine.platform;
    requires transitive dev.vitrine.processor;
    requires transitive dev.vitrine.memory;
    requires transitive dev.vitrine.xenabi;
    requires com.github.luben.zstd_jni;
    requires org.apache.commons.compress;
    requires org.lz4.java;
    requires org.tukaani.xz;

    exports dev.vitrine.toolstack;
    exports dev.vitrine.toolstack.builder;
    exports dev.vitrine.toolstack.console;
    exports dev.vitrine.toolstack.image;
    exports dev.vitrine.toolstack.config;
    exports dev.vitrine.toolstack.loader;
    exports dev.vitrine.toolstack.record;
    exports dev.vitrine.toolstack.xenstore;
}
