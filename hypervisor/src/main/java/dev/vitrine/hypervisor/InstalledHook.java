// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

/** A hook in a domain's code, see {@link GuestHooks#add}. */
public interface InstalledHook extends AutoCloseable {
    /** Takes it away; on another vCPU it may still be under way. */
    @Override
    void close();
}
