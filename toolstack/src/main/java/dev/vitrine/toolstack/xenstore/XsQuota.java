// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.xenstore;

/**
 * What one domain other than 0 may take of the store. The defaults are those of Xen's xenstored.
 *
 * @param nodes nodes that it owns
 * @param nodeSize bytes of a node's value
 * @param watches watches
 * @param transactions transactions at a time
 * @param permissions entries in a node's permissions
 * @param pendingEvents bytes of watch events that it has not taken from its ring yet
 */
public record XsQuota(
        int nodes,
        int nodeSize,
        int watches,
        int transactions,
        int permissions,
        int pendingEvents) {
    public static final XsQuota DEFAULT = new XsQuota(1000, 2048, 128, 10, 5, 1 << 20);
}
