// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.xenstore;

import java.util.List;

/** The rules for paths (Xen's docs/misc/xenstore.txt). */
final class XsPath {
    static final int MAX_ABSOLUTE = 3072;
    static final int MAX_RELATIVE = 2048;

    private XsPath() {}

    /** The directory that a domain's relative paths start in, with its slash. */
    static String home(int domain) {
        return "/local/domain/" + domain + "/";
    }

    /** The absolute form of a path that {@code domain} named. */
    static String absolute(int domain, String path) throws XsException {
        if (path.startsWith("/")) {
            check(path);
            return path;
        }
        if (path.length() > MAX_RELATIVE || isSpecial(path)) {
            throw new XsException("EINVAL");
        }
        String absolute = home(domain) + path;
        check(absolute);
        return absolute;
    }

    /** The same, and names of events are allowed too. */
    static String absoluteOrSpecial(int domain, String path) throws XsException {
        if (!path.startsWith("@")) {
            return absolute(domain, path);
        }
        if (path.length() > MAX_RELATIVE || !path.substring(1).matches("[A-Za-z0-9_@/-]+")) {
            throw new XsException("EINVAL");
        }
        return path;
    }

    static boolean isSpecial(String path) {
        return path.startsWith("@");
    }

    /** The names from the root to the node; none for the root. */
    static List<String> names(String path) {
        return path.equals("/") ? List.of() : List.of(path.substring(1).split("/", -1));
    }

    /** The parent's path; the root's is the root. */
    static String parent(String path) {
        int slash = path.lastIndexOf('/');
        return slash <= 0 ? "/" : path.substring(0, slash);
    }

    static String child(String path, String name) {
        return path.equals("/") ? "/" + name : path + "/" + name;
    }

    /** Whether {@code path} is {@code top} or lies below it. */
    static boolean within(String path, String top) {
        if (top.equals("/")) {
            return path.startsWith("/");
        }
        return path.startsWith(top)
                && (path.length() == top.length() || path.charAt(top.length()) == '/');
    }

    private static void check(String path) throws XsException {
        if (path.length() > MAX_ABSOLUTE
                || path.contains("//")
                || path.length() > 1 && path.endsWith("/")) {
            throw new XsException("EINVAL");
        }
        for (int i = 0; i < path.length(); i++) {
            char c = path.charAt(i);
            boolean valid =
                    c >= 'a' && c <= 'z'
                            || c >= 'A' && c <= 'Z'
                            || c >= '0' && c <= '9'
                            || c == '-'
                            || c == '/'
                            || c == '_'
                            || c == '@';
            if (!valid) {
                throw new XsException("EINVAL");
            }
        }
    }
}
