// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack;

import dev.vitrine.hypervisor.Domain;
import dev.vitrine.hypervisor.GrantMapping;

/**
 * A ring's page that the guest has granted; it stays there whatever the guest does with its memory.
 */
final class GrantPage implements RingPage, AutoCloseable {
    private final GrantMapping mapping;

    private GrantPage(GrantMapping mapping) {
        this.mapping = mapping;
    }

    /** Grants a special page of a new domain to domain 0, as libxenguest does, and maps it. */
    static GrantPage ofSpecialPage(Domain domain, int reference, long gfn) {
        domain.seedGrant(reference, gfn);
        GrantMapping mapping = domain.mapGrant(reference, false);
        if (mapping == null) {
            throw new IllegalStateException(
                    "a new domain's grant " + reference + " cannot be mapped");
        }
        return new GrantPage(mapping);
    }

    @Override
    public int getInt(int offset) {
        return mapping.getInt(offset);
    }

    @Override
    public void putInt(int offset, int value) {
        mapping.putInt(offset, value);
    }

    @Override
    public void read(int offset, byte[] into, int at, int length) {
        mapping.read(offset, into, at, length);
    }

    @Override
    public void write(int offset, byte[] from, int at, int length) {
        mapping.write(offset, from, at, length);
    }

    @Override
    public void close() {
        mapping.close();
    }
}
