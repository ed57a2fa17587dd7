// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.trace.TracePlugin;
import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.PathNames;

import org.jspecify.annotations.Nullable;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What plugins of {@code vitrine trace} write besides events. */
final class PluginOptions {
    private @Nullable String extractTo;
    private @Nullable String extractSize;
    private @Nullable String extractTotal;
    private @Nullable String pcap;
    private @Nullable String pcapSize;
    private @Nullable String memoryDump;

    /** Adds them to a command's. */
    void give(Options options) {
        options.text(
                        "--extract-to",
                        "DIR",
                        v -> extractTo = v,
                        "a folder for the contents that the plugin extract finds; each file has the SHA-256",
                        "of its content as name, and the events say of what file it is")
                .text(
                        "--extract-size",
                        "SIZE",
                        v -> extractSize = v,
                        "how much of a file is taken (default: 64M)")
                .text(
                        "--extract-total",
                        "SIZE",
                        v -> extractTotal = v,
                        "how much is written to the folder in all (default: 1G)")
                .text(
                        "--pcap",
                        "FILE",
                        v -> pcap = v,
                        "a pcapng file for the packets that the plugin pcap sees")
                .text(
                        "--pcap-size",
                        "SIZE",
                        v -> pcapSize = v,
                        "how large that file may be; later packets are left out (default: 1G)")
                .text(
                        "--memory-dump",
                        "DIR",
                        v -> memoryDump = v,
                        "a folder for pages of written code that the plugin memory sees executed, by their",
                        "SHA-256; 256 MiB at the most");
    }

    /** Forgets all. */
    void clear() {
        extractTo = null;
        extractSize = null;
        extractTotal = null;
        pcap = null;
        pcapSize = null;
        memoryDump = null;
    }

    /**
     * Gives plugins what is set for them.
     *
     * @throws BadInputException a value makes no sense, or is for a plugin that has not been chosen
     */
    void give(List<TracePlugin> plugins) {
        Map<String, String> values = new HashMap<>();
        path(values, "extract-to", extractTo);
        size(values, "extract-size", extractSize);
        size(values, "extract-total", extractTotal);
        path(values, "pcap", pcap);
        size(values, "pcap-size", pcapSize);
        path(values, "memory-dump", memoryDump);
        for (String name : values.keySet()) {
            if (plugins.stream().noneMatch(p -> p.settings().contains(name))) {
                throw new BadInputException(
                        "--"
                                + name
                                + " is for a plugin that is not chosen: add "
                                + name.replaceFirst("-.*", "")
                                + " to --plugins.");
            }
        }
        for (TracePlugin p : plugins) {
            Map<String, String> own = new HashMap<>(values);
            own.keySet().retainAll(p.settings());
            if (!own.isEmpty()) {
                set(p, own);
            }
        }
    }

    private static void set(TracePlugin plugin, Map<String, String> values) {
        try {
            plugin.set(values);
        } catch (IntrospectionException e) {
            throw new BadInputException(String.valueOf(e.getMessage()), e);
        }
    }

    private static void path(Map<String, String> values, String name, @Nullable String text) {
        if (text != null) {
            values.put(name, PathNames.path("--" + name, text).toString());
        }
    }

    private static void size(Map<String, String> values, String name, @Nullable String text) {
        if (text != null) {
            values.put(name, String.valueOf(Sizes.file("--" + name, text)));
        }
    }
}
