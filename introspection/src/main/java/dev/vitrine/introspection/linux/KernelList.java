// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

import dev.vitrine.introspection.IntrospectionException;

import java.util.HashSet;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Walks the kernel's linked lists, which in a hostile guest may have no end. What is in a list is
 * given once, also if the list leads back to it.
 */
final class KernelList {
    private KernelList() {}

    /**
     * The structures in a list_head's circle.
     *
     * @param head address of the list's head, which is in no structure
     * @param type the structures, whose member {@code path} is in the list
     */
    static void walk(
            LinuxKernel k,
            long head,
            String type,
            String path,
            int limit,
            Consumer<KernelObject> each) {
        long offset = k.member(type, path).offset();
        long at = k.pointer(head);
        Set<Long> seen = new HashSet<>();
        for (int n = 0; at != head; n++) {
            if (n >= limit || at == 0 || !seen.add(at)) {
                throw new IntrospectionException(
                        "The guest's list of struct " + type + " has no end.");
            }
            each.accept(k.object(type, at - offset));
            at = k.pointer(at);
        }
    }

    /** Addresses of the nodes of a hash chain (hlist, hlist_nulls), whose end is zero or odd. */
    static void chain(LinuxKernel k, long head, int limit, Consumer<Long> each) {
        long at = k.pointer(head);
        Set<Long> seen = new HashSet<>();
        for (int n = 0; at != 0 && (at & 1) == 0; n++) {
            if (n >= limit || !seen.add(at)) {
                throw new IntrospectionException("A hash chain of the guest has no end.");
            }
            each.accept(at);
            at = k.pointer(at);
        }
    }
}
