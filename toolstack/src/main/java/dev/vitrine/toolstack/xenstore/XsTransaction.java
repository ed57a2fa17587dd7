// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.xenstore;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A transaction: its own view of the tree, what it has seen, and what it has changed. If nobody has
 * changed what it has seen, its changes are made again on the store's tree when it ends.
 */
final class XsTransaction {
    /** A change, to be made again. Creation of missing parents is part of it. */
    record Change(Kind kind, String path, byte[] value, List<XsPermission> permissions) {
        enum Kind {
            WRITE,
            MKDIR,
            REMOVE,
            SET_PERMISSIONS
        }
    }

    /** Stands for the generation of a node that is not there. */
    static final long ABSENT = -1;

    final XsNode base;
    final XsTree tree;
    final List<Change> changes = new ArrayList<>();

    private final Map<String, Long> seen = new HashMap<>();
    private final Map<String, Long> permissionsSeen = new HashMap<>();

    XsTransaction(XsTree store) {
        this.base = store.root();
        this.tree = new XsTree(store);
    }

    /** Notes that the transaction depends on the content of the node at {@code path}. */
    void saw(String path) {
        seen.computeIfAbsent(path, p -> generation(find(base, p)));
    }

    /** Notes that it depends on the permissions of that node. */
    void sawPermissions(String path) {
        permissionsSeen.computeIfAbsent(path, p -> permissionGeneration(find(base, p)));
    }

    /** Whether what the transaction has seen is the same in {@code now}. */
    boolean holdsIn(XsTree now) {
        return seen.entrySet().stream()
                        .allMatch(e -> generation(now.find(e.getKey())) == e.getValue())
                && permissionsSeen.entrySet().stream()
                        .allMatch(e -> permissionGeneration(now.find(e.getKey())) == e.getValue());
    }

    private static @Nullable XsNode find(XsNode root, String path) {
        XsNode node = root;
        for (String name : XsPath.names(path)) {
            node = node.children().get(name);
            if (node == null) {
                return null;
            }
        }
        return node;
    }

    private static long generation(@Nullable XsNode node) {
        return node == null ? ABSENT : node.generation();
    }

    private static long permissionGeneration(@Nullable XsNode node) {
        return node == null ? ABSENT : node.permissionGeneration();
    }
}
