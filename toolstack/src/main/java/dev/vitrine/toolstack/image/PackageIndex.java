// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.image;

import dev.vitrine.toolstack.BadInputException;

import org.jspecify.annotations.Nullable;

import java.io.BufferedReader;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The packages that can be had, and what they depend on (Debian Policy, chapters 5 and 7). */
public final class PackageIndex {
    /**
     * What only the scripts of packages need. Vitrine unpacks packages and runs no scripts, so
     * these come into an image when they are asked for by name, never as a dependency.
     */
    private static final Set<String> FOR_SCRIPTS =
            Set.of(
                    "debconf",
                    "debconf-2.0",
                    "dpkg",
                    "init-system-helpers",
                    "install-info",
                    "ucf",
                    "adduser",
                    "kmod",
                    "linux-base",
                    "initramfs-tools",
                    "linux-initramfs-tool");

    private final Map<String, DebPackage> packages = new HashMap<>();
    private final Map<String, List<String>> providers = new HashMap<>();

    PackageIndex(Collection<DebPackage> all) {
        for (DebPackage debPackage : all) {
            packages.putIfAbsent(debPackage.name(), debPackage);
        }
        for (DebPackage debPackage : packages.values()) {
            for (String virtual : debPackage.provides()) {
                providers.computeIfAbsent(virtual, v -> new ArrayList<>()).add(debPackage.name());
            }
        }
        providers.values().forEach(java.util.Collections::sort);
    }

    /** Reads the stanzas of a Packages file, as {@code apt-cache dumpavail} prints them. */
    static PackageIndex parse(BufferedReader in) throws IOException {
        List<DebPackage> all = new ArrayList<>();
        Map<String, String> fields = new HashMap<>();
        String line;
        while ((line = in.readLine()) != null) {
            if (line.isEmpty()) {
                add(all, fields);
                fields.clear();
                continue;
            }
            int colon = line.indexOf(':');
            if (colon > 0 && line.charAt(0) != ' ') {
                String name = line.substring(0, colon);
                switch (name) {
                    case "Package",
                            "Version",
                            "Architecture",
                            "Depends",
                            "Pre-Depends",
                            "Provides",
                            "Size" ->
                            fields.put(name, line.substring(colon + 1).strip());
                    default -> {
                        // The other fields say nothing about dependencies.
                    }
                }
            }
        }
        add(all, fields);
        return new PackageIndex(all);
    }

    private static void add(List<DebPackage> all, Map<String, String> fields) {
        String name = fields.get("Package");
        String version = fields.get("Version");
        String architecture = fields.getOrDefault("Architecture", "all");
        if (name == null
                || version == null
                || !(architecture.equals("amd64") || architecture.equals("all"))) {
            return;
        }
        List<List<String>> depends = new ArrayList<>();
        depends.addAll(groups(fields.getOrDefault("Pre-Depends", "")));
        depends.addAll(groups(fields.getOrDefault("Depends", "")));
        List<String> provides = new ArrayList<>();
        groups(fields.getOrDefault("Provides", "")).forEach(provides::addAll);
        String size = fields.getOrDefault("Size", "0");
        all.add(
                new DebPackage(
                        name,
                        version,
                        depends,
                        provides,
                        size.matches("[0-9]{1,15}") ? Long.parseLong(size) : 0));
    }

    /** {@code a (>= 1) | b:any, c} as [[a, b], [c]]. */
    private static List<List<String>> groups(String field) {
        List<List<String>> groups = new ArrayList<>();
        for (String group : field.split(",")) {
            List<String> names = new ArrayList<>();
            for (String alternative : group.split("\\|")) {
                String name = alternative.strip().split("[ (:\\[]", 2)[0];
                if (!name.isEmpty()) {
                    names.add(name);
                }
            }
            if (!names.isEmpty()) {
                groups.add(names);
            }
        }
        return groups;
    }

    /** Whether the lists hold nothing. */
    boolean isEmpty() {
        return packages.isEmpty();
    }

    /** The package of that name, or null. */
    @Nullable DebPackage find(String name) {
        return packages.get(name);
    }

    /**
     * The packages {@code names} and all that they depend on, in a stable order.
     *
     * @throws BadInputException one of the names is no package
     */
    List<DebPackage> closure(Collection<String> names) {
        Map<String, DebPackage> taken = new LinkedHashMap<>();
        Deque<DebPackage> queue = new ArrayDeque<>();
        for (String name : names) {
            DebPackage wanted = packages.get(name);
            if (wanted == null) {
                throw new BadInputException(unknown(name));
            }
            if (taken.put(name, wanted) == null) {
                queue.add(wanted);
            }
        }
        while (!queue.isEmpty()) {
            DebPackage next = queue.remove();
            for (List<String> group : next.depends()) {
                DebPackage chosen = choose(group, taken.keySet());
                if (chosen != null && taken.putIfAbsent(chosen.name(), chosen) == null) {
                    queue.add(chosen);
                }
            }
        }
        return List.copyOf(taken.values());
    }

    private String unknown(String name) {
        List<String> virtual = providers.get(name);
        if (virtual != null) {
            return "'"
                    + name
                    + "' is a virtual package; name one of "
                    + String.join(", ", virtual.subList(0, Math.min(5, virtual.size())))
                    + ".";
        }
        return "There is no package '" + name + "' in this machine's package lists.";
    }

    /** What satisfies a dependency: something taken already, else the first that there is. */
    private @Nullable DebPackage choose(List<String> group, Set<String> taken) {
        for (String name : group) {
            if (FOR_SCRIPTS.contains(name)) {
                return null;
            }
            if (taken.contains(name)
                    || providers.getOrDefault(name, List.of()).stream().anyMatch(taken::contains)) {
                return null;
            }
        }
        for (String name : group) {
            DebPackage real = packages.get(name);
            if (real != null) {
                return real;
            }
            List<String> virtual = providers.get(name);
            if (virtual != null) {
                return packages.get(virtual.getFirst());
            }
        }
        // A dependency that nothing satisfies is the archive's fault; the image may work without
        // it.
        return null;
    }
}
