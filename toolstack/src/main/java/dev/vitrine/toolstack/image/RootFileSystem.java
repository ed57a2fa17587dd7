// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.image;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;

/** The parts of a root file system that no package brings: folders, devices, links, init. */
final class RootFileSystem {
    private static final Map<String, Integer> FOLDERS =
            Map.ofEntries(
                    Map.entry("dev", 0755),
                    Map.entry("etc", 0755),
                    Map.entry("home", 0755),
                    Map.entry("mnt", 0755),
                    Map.entry("opt", 0755),
                    Map.entry("proc", 0555),
                    Map.entry("root", 0700),
                    Map.entry("run", 0755),
                    Map.entry("sys", 0555),
                    Map.entry("tmp", 01777),
                    Map.entry("usr", 0755),
                    Map.entry("usr/bin", 0755),
                    Map.entry("usr/lib", 0755),
                    Map.entry("usr/lib64", 0755),
                    Map.entry("usr/sbin", 0755),
                    Map.entry("var", 0755),
                    Map.entry("var/tmp", 01777));

    private RootFileSystem() {}

    /** Makes the folders and links that packages are unpacked into. Call it first. */
    static void prepare(FileTree tree) throws IOException {
        for (String folder : FOLDERS.keySet().stream().sorted().toList()) {
            tree.addFolder(folder, FOLDERS.getOrDefault(folder, 0755), 0);
        }
        // Debian's merged /usr.
        for (String name : List.of("bin", "lib", "lib64", "sbin")) {
            tree.addLink(name, "usr/" + name, 0);
        }
        // The kernel opens /dev/console before init mounts devtmpfs.
        tree.addDevice("dev/console", FileTree.CHARACTER_DEVICE, 0600, 5, 1);
        tree.addDevice("dev/hvc0", FileTree.CHARACTER_DEVICE, 0600, 229, 0);
        tree.addDevice("dev/kmsg", FileTree.CHARACTER_DEVICE, 0644, 1, 11);
        tree.addDevice("dev/null", FileTree.CHARACTER_DEVICE, 0666, 1, 3);
        tree.addDevice("dev/random", FileTree.CHARACTER_DEVICE, 0666, 1, 8);
        tree.addDevice("dev/tty", FileTree.CHARACTER_DEVICE, 0666, 5, 0);
        tree.addDevice("dev/urandom", FileTree.CHARACTER_DEVICE, 0666, 1, 9);
        tree.addDevice("dev/zero", FileTree.CHARACTER_DEVICE, 0666, 1, 5);
    }

    /** Adds init, busybox's commands and the files of /etc that programs ask for. Call it last. */
    static void finish(FileTree tree) throws IOException {
        for (String command : Busybox.commands(tree.content("bin/busybox"))) {
            boolean there = false;
            for (String folder : List.of("usr/bin/", "usr/sbin/", "usr/local/bin/")) {
                there |= tree.exists(folder + command);
            }
            if (!there) {
                tree.addLink(Busybox.folderOf(command) + "/" + command, "/usr/bin/busybox", 0);
            }
        }
        addIfMissing(
                tree,
                "etc/passwd",
                "root:x:0:0:root:/root:/bin/sh\n"
                        + "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n");
        addIfMissing(tree, "etc/group", "root:x:0:\ntty:x:5:\nnogroup:x:65534:\n");
        addIfMissing(tree, "etc/hosts", "127.0.0.1 localhost\n::1 localhost\n");
        addIfMissing(tree, "etc/hostname", "vitrine\n");
        addIfMissing(tree, "etc/profile", "export PS1='\\u@\\h:\\w\\$ '\n");
        tree.addFile("init", 0755, init());
    }

    private static void addIfMissing(FileTree tree, String path, String content)
            throws IOException {
        if (!tree.exists(path)) {
            tree.addFile(path, 0644, content);
        }
    }

    private static String init() throws IOException {
        try (InputStream in = RootFileSystem.class.getResourceAsStream("init.sh")) {
            if (in == null) {
                throw new IOException("init.sh is missing from this build");
            }
            return new String(in.readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
        }
    }
}
