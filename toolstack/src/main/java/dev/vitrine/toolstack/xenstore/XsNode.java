// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.xenstore;

import org.jspecify.annotations.Nullable;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A node of the tree. Nodes never change: a change copies the nodes from the root to the changed
 * one, so that a transaction's view is nothing but an old root.
 *
 * @param value the value; not to be changed
 * @param permissions at least one entry
 * @param children by name, in the order of creation; not to be changed
 * @param generation changes with value, permissions and the names of the children
 * @param permissionGeneration changes with the permissions
 */
record XsNode(
        byte[] value,
        List<XsPermission> permissions,
        Map<String, XsNode> children,
        long generation,
        long permissionGeneration) {

    int owner() {
        return permissions.getFirst().domain();
    }

    XsNode withValue(byte[] newValue, long now) {
        return new XsNode(newValue, permissions, children, now, permissionGeneration);
    }

    XsNode withPermissions(List<XsPermission> newPermissions, long now) {
        return new XsNode(value, newPermissions, children, now, now);
    }

    /** This node with {@code child} as its child, or without it if null. */
    XsNode withChild(String name, @Nullable XsNode child, long now) {
        boolean known = children.containsKey(name);
        Map<String, XsNode> copy = new LinkedHashMap<>(children);
        if (child == null) {
            copy.remove(name);
        } else {
            copy.put(name, child);
        }
        // A change below a child leaves this node's content as it was.
        long generationNow = known && child != null ? generation : now;
        return new XsNode(value, permissions, copy, generationNow, permissionGeneration);
    }
}
