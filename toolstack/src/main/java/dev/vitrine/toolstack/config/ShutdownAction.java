// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.config;

/** What happens to a domain that has shut down: the values of {@code on_crash} and its like. */
public enum ShutdownAction {
    DESTROY("destroy"),
    RESTART("restart"),
    RENAME_RESTART("rename-restart"),
    PRESERVE("preserve"),
    COREDUMP_DESTROY("coredump-destroy"),
    COREDUMP_RESTART("coredump-restart"),
    SOFT_RESET("soft-reset");

    private final String xlName;

    ShutdownAction(String xlName) {
        this.xlName = xlName;
    }

    /** The name in xl.cfg. */
    public String xlName() {
        return xlName;
    }
}
