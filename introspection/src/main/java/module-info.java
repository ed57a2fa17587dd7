// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

/** The view of a guest from outside: its memory, its registers, its kernel. */
module dev.vitrine.introspection {
    requires static transitive org.jspecify;
    requires transitive dev.vitrine.hypervisor;
    requires transitive dev.vitrine.processor;
    requires transitive dev.vitrine.memory;
    requires com.fasterxml.jackson.core;
    requires org.tukaani.xz;

    exports dev.vitrine.introspection;
    exports dev.vitrine.introspection.inject;
    exports dev.vitrine.introspection.linux;
    exports dev.vitrine.introspection.trace;
    exports dev.vitrine.introspection.trace.output;

    uses dev.vitrine.introspection.trace.TracePlugin;

    provides dev.vitrine.introspection.trace.TracePlugin with
            dev.vitrine.introspection.trace.plugin.CrashesPlugin,
            dev.vitrine.introspection.trace.plugin.EbpfPlugin,
            dev.vitrine.introspection.trace.plugin.ExtractPlugin,
            dev.vitrine.introspection.trace.plugin.FilesPlugin,
            dev.vitrine.introspection.trace.plugin.KeysPlugin,
            dev.vitrine.introspection.trace.plugin.MemoryPlugin,
            dev.vitrine.introspection.trace.plugin.ModulesPlugin,
            dev.vitrine.introspection.trace.plugin.NetworkPlugin,
            dev.vitrine.introspection.trace.plugin.PcapPlugin,
            dev.vitrine.introspection.trace.plugin.ProcessesPlugin,
            dev.vitrine.introspection.trace.plugin.PtracePlugin,
            dev.vitrine.introspection.trace.plugin.RootkitPlugin,
            dev.vitrine.introspection.trace.plugin.SystemCallsPlugin;
}
