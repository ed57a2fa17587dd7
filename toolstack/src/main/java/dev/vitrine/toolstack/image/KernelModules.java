// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.image;

import org.tukaani.xz.XZInputStream;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Writes what modprobe needs to know of a kernel's modules, as depmod would after installation. */
final class KernelModules {
    private record Module(String path, List<String> depends, List<String> aliases) {}

    private KernelModules() {}

    /** Adds modules.dep and modules.alias to {@code usr/lib/modules/VERSION} of the tree. */
    static void index(FileTree tree, String version) throws IOException {
        String folder = "usr/lib/modules/" + version + "/";
        Map<String, Module> modules = new TreeMap<>();
        for (FileTree.Entry entry : tree.entries()) {
            String path = entry.path();
            if (entry.type() == FileTree.REGULAR
                    && path.startsWith(folder)
                    && (path.endsWith(".ko") || path.endsWith(".ko.xz"))) {
                byte[] bytes = tree.content(path);
                if (path.endsWith(".xz")) {
                    bytes = new XZInputStream(new ByteArrayInputStream(bytes)).readAllBytes();
                }
                String file = path.substring(path.lastIndexOf('/') + 1);
                String name = file.substring(0, file.indexOf(".ko")).replace('-', '_');
                modules.put(name, module(path.substring(folder.length()), bytes));
            }
        }
        StringBuilder dependencies = new StringBuilder();
        StringBuilder aliases = new StringBuilder("# Aliases extracted from modules themselves.\n");
        modules.forEach((name, module) -> {
            Set<String> needed = new LinkedHashSet<>();
            collect(modules, module, needed);
            dependencies.append(module.path).append(':');
            needed.stream()
                    .filter(other -> !other.equals(module.path))
                    .forEach(other -> dependencies.append(' ').append(other));
            dependencies.append('\n');
            for (String alias : module.aliases) {
                aliases.append("alias ").append(alias).append(' ').append(name).append('\n');
            }
        });
        tree.addFile(folder + "modules.dep", 0644, dependencies.toString());
        tree.addFile(folder + "modules.alias", 0644, aliases.toString());
    }

    private static void collect(Map<String, Module> modules, Module module, Set<String> needed) {
        for (String name : module.depends) {
            Module other = modules.get(name.replace('-', '_'));
            if (other != null && needed.add(other.path)) {
                collect(modules, other, needed);
            }
        }
    }

    private static Module module(String path, byte[] elf) {
        List<String> depends = new ArrayList<>();
        List<String> aliases = new ArrayList<>();
        for (String line : information(elf)) {
            if (line.startsWith("depends=") && line.length() > 8) {
                depends.addAll(List.of(line.substring(8).split(",")));
            } else if (line.startsWith("alias=")) {
                aliases.add(line.substring(6));
            }
        }
        return new Module(path, depends, aliases);
    }

    /**
     * The strings of section {@code .modinfo} of a 64-bit ELF file; none if it has no such section.
     */
    private static List<String> information(byte[] elf) {
        List<String> lines = new ArrayList<>();
        if (elf.length < 64 || elf[4] != 2) {
            return lines;
        }
        long table = number(elf, 40, 8);
        int count = (int) number(elf, 60, 2);
        int nameSection = (int) number(elf, 62, 2);
        long names = number(elf, table + 64L * nameSection + 24, 8);
        for (int i = 0; i < count; i++) {
            long section = table + 64L * i;
            long name = names + number(elf, section, 4);
            if (!matches(elf, name, ".modinfo\0")) {
                continue;
            }
            long offset = number(elf, section + 24, 8);
            long size = number(elf, section + 32, 8);
            if (offset < 0 || size < 0 || offset > elf.length || size > elf.length - offset) {
                continue;
            }
            String text = new String(elf, (int) offset, (int) size, StandardCharsets.ISO_8859_1);
            for (String line : text.split("\0+")) {
                lines.add(line);
            }
        }
        return lines;
    }

    private static boolean matches(byte[] elf, long at, String text) {
        for (int i = 0; i < text.length(); i++) {
            if (number(elf, at + i, 1) != text.charAt(i)) {
                return false;
            }
        }
        return true;
    }

    /** A little-endian number; bytes beyond the file are 0. */
    private static long number(byte[] elf, long at, int size) {
        long value = 0;
        for (int i = size - 1; i >= 0; i--) {
            boolean inside = at >= 0 && at + i < elf.length;
            value = value << 8 | (inside ? elf[(int) (at + i)] & 0xff : 0);
        }
        return value;
    }
}
