// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

/**
 * Where the pages are for which the kernel has a struct page: these stand in the order of the
 * frames, in one piece of its address space (Documentation/arch/x86/x86_64/mm.rst: vmemmap).
 */
public final class PageFrames {
    private static final int PAGE_SHIFT = 12;

    /** Physical addresses of x86-64 have at most 52 bits. */
    private static final long MAX_FRAMES = 1L << 52 - PAGE_SHIFT;

    private final long first;
    private final long size;

    /**
     * @throws dev.vitrine.introspection.IntrospectionException this kernel does not say where its
     *     struct pages are
     */
    public PageFrames(LinuxKernel k) {
        first = k.pointer(k.resolve("vmemmap_base"));
        size = Math.max(1, k.types().size("page"));
    }

    /**
     * Guest-physical address of a page; -1 if there is no struct page at the address.
     *
     * @param page linear address of a struct page, which may be anything
     */
    public long physical(long page) {
        long offset = page - first;
        long frame = offset / size;
        return offset < 0 || offset % size != 0 || frame >= MAX_FRAMES ? -1 : frame << PAGE_SHIFT;
    }

    /** The struct page of a page that comes so many pages behind another. */
    public long behind(long page, long pages) {
        return page + pages * size;
    }
}
