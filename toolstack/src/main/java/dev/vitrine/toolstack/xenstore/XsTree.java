// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.xenstore;

import org.jspecify.annotations.Nullable;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A root and how many nodes each domain owns below it; the store has one, and each transaction. */
final class XsTree {
    private XsNode root;
    private final Map<Integer, Integer> owned;

    XsTree(XsNode root) {
        this.root = root;
        this.owned = new HashMap<>();
        count(root, 1);
    }

    /** A copy, which costs nothing but the counts. */
    XsTree(XsTree other) {
        this.root = other.root;
        this.owned = new HashMap<>(other.owned);
    }

    XsNode root() {
        return root;
    }

    int ownedBy(int domain) {
        return owned.getOrDefault(domain, 0);
    }

    @Nullable XsNode find(String path) {
        XsNode node = root;
        for (String name : XsPath.names(path)) {
            node = node.children().get(name);
            if (node == null) {
                return null;
            }
        }
        return node;
    }

    /** Puts {@code node} at {@code path}, whose parent exists; null removes what is there. */
    void put(String path, @Nullable XsNode node, long now) {
        XsNode before = find(path);
        if (before != null) {
            count(before, -1);
        }
        if (node != null) {
            count(node, 1);
        }
        root = replaced(root, XsPath.names(path), 0, node, now);
    }

    private static XsNode replaced(
            XsNode at, List<String> names, int depth, @Nullable XsNode node, long now) {
        if (depth == names.size()) {
            if (node == null) {
                throw new IllegalArgumentException("the root cannot be removed");
            }
            return node;
        }
        String name = names.get(depth);
        if (depth == names.size() - 1) {
            return at.withChild(name, node, now);
        }
        XsNode child = at.children().get(name);
        if (child == null) {
            throw new IllegalStateException("no parent");
        }
        return at.withChild(name, replaced(child, names, depth + 1, node, now), now);
    }

    private void count(XsNode node, int by) {
        owned.merge(node.owner(), by, Integer::sum);
        for (XsNode child : node.children().values()) {
            count(child, by);
        }
    }
}
