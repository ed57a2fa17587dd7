// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.PhysicalMemory;
import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.linux.PageCache;
import dev.vitrine.introspection.trace.Moment;
import dev.vitrine.introspection.trace.plugin.InodeReader.Inode;

import org.jspecify.annotations.Nullable;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;

/** Takes the contents of files out of the kernel's page cache. */
final class FileContents {
    private static final int PAGE = 4096;

    /** File systems that have nowhere else to keep anything: what is not there is a hole. */
    private static final Set<String> MEMORY = Set.of("tmpfs", "ramfs", "rootfs", "devtmpfs");

    /** Its pages are of other sizes, and numbered by these in kernels before 6.7. */
    private static final String HUGE_PAGES = "hugetlbfs";

    /**
     * A content.
     *
     * @param sha256 of what has been taken, with zeros for what is missing; null if nothing could
     *     be
     * @param file name in the folder; null if it is not there
     * @param missing ranges that are not known, and why
     * @param unkept why it is not in the folder; null if it is, or if there is none
     */
    record Content(
            @Nullable String sha256,
            @Nullable String file,
            List<String> missing,
            @Nullable String unkept) {}

    private final PageCache cache;
    private final PhysicalMemory memory;
    private final @Nullable ContentFolder folder;
    private final long limit;

    /**
     * @param folder where contents are kept; null if they are not
     * @param limit bytes that are taken of a file
     */
    FileContents(LinuxKernel k, @Nullable ContentFolder folder, long limit) {
        this.cache = new PageCache(k);
        this.memory = k.target().memory();
        this.folder = folder;
        this.limit = limit;
    }

    Content take(Moment m, Inode inode) {
        long size = Math.max(0, inode.size());
        long length = Math.min(size, limit);
        MessageDigest digest = sha256();
        ContentFolder.Part part = folder == null ? null : folder.begin(length);
        String unkept = folder != null && part == null ? "--extract-total is used up" : null;
        Gaps gaps = new Gaps();
        boolean any = size == 0;
        try {
            byte[] b = new byte[PAGE];
            for (long at = 0; at < length; at += PAGE) {
                int n = (int) Math.min(PAGE, length - at);
                String gap = page(m, inode, at / PAGE, b);
                if (gap == null) {
                    any = true;
                } else {
                    gaps.add(at, at + n, gap);
                }
                digest.update(b, 0, n);
                if (part != null) {
                    part.write(b, n);
                }
            }
            if (size > length) {
                gaps.add(length, size, "beyond --extract-size");
            }
            String hash = any ? HexFormat.of().formatHex(digest.digest()) : null;
            boolean kept = hash != null && part != null && part.keep(hash);
            if (hash != null && part != null && !kept) {
                unkept = "the file could not be written";
            }
            return new Content(
                    hash, kept ? hash : null, gaps.texts(), hash == null ? null : unkept);
        } finally {
            if (part != null) {
                part.drop();
            }
        }
    }

    /**
     * Reads a page, or zeros.
     *
     * @return why it cannot be had; null if it can
     */
    private @Nullable String page(Moment m, Inode inode, long number, byte[] b) {
        if (inode.filesystem().equals(HUGE_PAGES)) {
            Arrays.fill(b, (byte) 0);
            return "in huge pages";
        }
        boolean onlyMemory = MEMORY.contains(inode.filesystem());
        @Nullable String gap;
        try {
            PageCache.Page p = cache.page(m, inode.mapping(), number);
            if (p.state() == PageCache.State.PRESENT && memory.read(p.physical(), b, 0, PAGE)) {
                return null;
            }
            gap =
                    switch (p.state()) {
                        case PRESENT -> "cannot be found";
                        case ABSENT -> onlyMemory ? null : "not in memory";
                        case EVICTED -> onlyMemory ? "in swap" : "not in memory any more";
                        case UNREAD -> "not read yet";
                    };
        } catch (IntrospectionException e) {
            gap = "cannot be found";
        }
        Arrays.fill(b, (byte) 0);
        return gap;
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
