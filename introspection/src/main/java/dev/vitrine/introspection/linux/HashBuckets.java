// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.LittleEndian;

import java.util.HashSet;
import java.util.Set;
import java.util.function.LongConsumer;

/** Walks the kernel's hash tables of sockets, which in a hostile guest may have no end. */
final class HashBuckets {
    private static final int LIMIT = 1 << 20;
    private static final long MAX_MASK = 1 << 24;

    /** A pointer that is locked by its lowest bit, or in place of one, the end of a chain. */
    private static final long LOCK = 1;

    private final LinuxKernel kernel;

    HashBuckets(LinuxKernel kernel) {
        this.kernel = kernel;
    }

    /** All sockets (struct sock_common) in a table, whose size is its mask and one. */
    void walk(long table, long mask, String bucket, String head, LongConsumer each) {
        if (table == 0) {
            // The kernel has not made it yet.
            return;
        }
        kernel.part("The table of sockets", table, () -> buckets(table, mask, bucket, head, each));
    }

    private void buckets(long table, long last, String bucket, String head, LongConsumer each) {
        long mask = last & 0xFFFF_FFFFL;
        if (mask > MAX_MASK) {
            throw new IntrospectionException("A hash table of the guest is too large.");
        }
        long size = kernel.types().size(bucket);
        long at =
                kernel.types().member(bucket, head) == null
                        ? 0
                        : kernel.member(bucket, head).offset();
        if (size < 8 || size > 4096 || at < 0 || at > size - 8) {
            throw new IntrospectionException("The guest's struct " + bucket + " makes no sense.");
        }
        long node = kernel.member("sock_common", "skc_node").offset();
        int page = (int) Math.max(1, 4096 / size);
        for (long i = 0; i <= mask; i += page) {
            int n = (int) Math.min(page, mask + 1 - i);
            byte[] some = kernel.read(table + i * size, (int) (n * size));
            for (int j = 0; j < n; j++) {
                long first = LittleEndian.i64(some, (int) (j * size + at));
                if (first != 0 && (first & 1) == 0) {
                    chain(table + (i + j) * size + at, node, each);
                }
            }
        }
    }

    /** All sockets in a chain of such nodes. */
    void chain(long head, long node, LongConsumer each) {
        kernel.part(
                "The chain of sockets",
                head,
                () -> KernelList.chain(kernel, head, LIMIT, x -> socket(x - node, each)));
    }

    private void socket(long address, LongConsumer each) {
        kernel.part("The socket", address, () -> each.accept(address));
    }

    /**
     * All nodes (struct rhash_head) of a table that grows, also of the one that it is growing into.
     *
     * @param table address of a struct rhashtable
     */
    void resizable(long table, LongConsumer each) {
        kernel.part("The table of sockets", table, () -> growing(table, each));
    }

    private void growing(long table, LongConsumer each) {
        long now = kernel.object("rhashtable", table).number("tbl");
        for (int n = 0; now != 0 && n < 2; n++) {
            KernelObject t = kernel.object("bucket_table", now);
            long size = t.number("size");
            if (size > MAX_MASK || t.number("nest") != 0) {
                throw new IntrospectionException("A hash table of the guest is too large.");
            }
            long buckets = t.addressOf("buckets");
            for (long i = 0; i < size; i++) {
                long bucket = buckets + 8 * i;
                kernel.part("The chain of sockets", bucket, () -> growingChain(bucket, each));
            }
            now = t.number("future_tbl");
        }
    }

    private void growingChain(long bucket, LongConsumer each) {
        Set<Long> seen = new HashSet<>();
        for (long node = kernel.pointer(bucket) & ~LOCK;
                node != 0 && (node & 1) == 0;
                node = kernel.pointer(node)) {
            if (seen.size() >= LIMIT || !seen.add(node)) {
                throw new IntrospectionException("A hash chain of the guest has no end.");
            }
            socket(node, each);
        }
    }
}
