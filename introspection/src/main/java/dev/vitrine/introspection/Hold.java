// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection;

/** The vCPUs of a target stand still until this is closed; see {@link Target#hold}. */
public interface Hold extends AutoCloseable {
    /** Lets the vCPUs go on, unless somebody else holds them too. A second call does nothing. */
    @Override
    void close();
}
