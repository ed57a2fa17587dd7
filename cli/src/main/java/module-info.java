// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** The commands. */
module dev.vitrine.cli {
    requires static transitive org.jspecify;
    requires dev.vitrine.toolstack;
    requires dev.vitrine.introspection;
    requires dev.vitrine.hypervisor;
    requires dev.vitrine.platform;
    requires dev.vitrine.processor;
    requires dev.vitrine.memory;
    requires dev.vitrine.xenabi;
    requires java.management;
    requires com.fasterxml.jackson.core;
    requires info.picocli;
    requires org.jline;

    uses dev.vitrine.introspection.trace.TracePlugin;
}
