// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.xenstore;

import java.util.List;

/**
 * One entry of a node's permissions (Xen's docs/misc/xenstore.txt). In a node's list, the first
 * entry names the owner, who may do everything, and what all other domains may do; the further
 * entries say what single domains may do.
 *
 * @param domain the domain
 * @param read whether reading is allowed
 * @param write whether writing is allowed
 */
public record XsPermission(int domain, boolean read, boolean write) {
    /** The largest number of a domain (DOMID_FIRST_RESERVED). */
    static final int MAX_DOMAIN = 0x7ff0;

    /** An entry that allows nothing, such as the first one of a private node. */
    public static XsPermission none(int domain) {
        return new XsPermission(domain, false, false);
    }

    public static XsPermission read(int domain) {
        return new XsPermission(domain, true, false);
    }

    public static XsPermission write(int domain) {
        return new XsPermission(domain, false, true);
    }

    public static XsPermission both(int domain) {
        return new XsPermission(domain, true, true);
    }

    /** Reads the form of the wire, {@code r5}: one of n, r, w and b and the domain. */
    static XsPermission parse(String text) throws XsException {
        if (text.length() < 2 || text.length() > 6) {
            throw new XsException("EINVAL");
        }
        int domain = 0;
        for (int i = 1; i < text.length(); i++) {
            int digit = text.charAt(i) - '0';
            if (digit < 0 || digit > 9) {
                throw new XsException("EINVAL");
            }
            domain = domain * 10 + digit;
        }
        if (domain > MAX_DOMAIN) {
            throw new XsException("EINVAL");
        }
        return switch (text.charAt(0)) {
            case 'n' -> none(domain);
            case 'r' -> read(domain);
            case 'w' -> write(domain);
            case 'b' -> both(domain);
            default -> throw new XsException("EINVAL");
        };
    }

    /** The form of the wire. */
    @Override
    public String toString() {
        return (read ? write ? "b" : "r" : write ? "w" : "n") + domain;
    }

    /** Whether {@code permissions} allow {@code domain} to read, or else to write. */
    static boolean allows(List<XsPermission> permissions, int domain, boolean toWrite) {
        XsPermission first = permissions.getFirst();
        if (first.domain == domain) {
            return true;
        }
        for (XsPermission entry : permissions.subList(1, permissions.size())) {
            if (entry.domain == domain) {
                return toWrite ? entry.write : entry.read;
            }
        }
        return toWrite ? first.write : first.read;
    }
}
