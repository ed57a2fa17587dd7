// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import dev.vitrine.introspection.trace.TracePlugin;
import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.PathNames;

import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.TreeMap;

/** The plugins that there are, and the choice among them. */
final class TracePlugins {
    private TracePlugins() {}

    /**
     * Plugins by name.
     *
     * @param names each one once
     * @param path jars and folders with plugins of other makers
     */
    static List<TracePlugin> choose(List<String> names, List<String> path) {
        Map<String, TracePlugin> all = find(path);
        List<TracePlugin> chosen = new ArrayList<>();
        for (String name : names) {
            TracePlugin p = all.get(name);
            if (p == null) {
                throw new BadInputException(
                        "There is no plugin "
                                + Sizes.shown(name)
                                + "; there are "
                                + String.join(", ", all.keySet())
                                + ".");
            }
            if (!chosen.contains(p)) {
                chosen.add(p);
            }
        }
        return chosen;
    }

    private static Map<String, TracePlugin> find(List<String> path) {
        List<URL> urls = new ArrayList<>();
        for (String s : path) {
            Path p = PathNames.path("--plugin-path", s);
            if (!Files.exists(p)) {
                throw new BadInputException("--plugin-path: there is no " + p + ".");
            }
            try {
                urls.add(p.toUri().toURL());
            } catch (MalformedURLException e) {
                throw new BadInputException("--plugin-path " + p + " cannot be used.", e);
            }
        }
        ClassLoader loader =
                new URLClassLoader(urls.toArray(new URL[0]), TracePlugin.class.getClassLoader());
        Map<String, TracePlugin> all = new TreeMap<>();
        try {
            for (TracePlugin p : ServiceLoader.load(TracePlugin.class, loader)) {
                all.putIfAbsent(p.name(), p);
            }
        } catch (ServiceConfigurationError e) {
            throw new BadInputException(
                    "--plugin-path: a plugin cannot be loaded: " + e.getMessage() + ".", e);
        }
        return all;
    }
}
