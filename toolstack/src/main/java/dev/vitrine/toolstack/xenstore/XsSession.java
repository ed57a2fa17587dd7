// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.xenstore;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** One connection's state in the store: who it is, its watches and its transactions. */
final class XsSession {
    /** Takes events, under the store's lock: it must neither block nor call the store. */
    @FunctionalInterface
    interface Sink {
        void event(String path, String token);
    }

    /**
     * A watch.
     *
     * @param path the absolute path
     * @param prefix the characters to cut from events' paths, for a path that was given relative
     */
    record Watch(String path, String token, int prefix) {}

    final int domain;
    final Sink sink;
    final List<Watch> watches = new ArrayList<>();
    final Map<Integer, XsTransaction> transactions = new HashMap<>();
    int nextTransaction = 1;

    XsSession(int domain, Sink sink) {
        this.domain = domain;
        this.sink = sink;
    }

    boolean privileged() {
        return domain == 0;
    }
}
