// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

import dev.vitrine.introspection.IntrospectionException;

/**
 * What the kernel has of files in memory. Where things are is looked up once; any number of threads
 * may then use it, each with the memory that it sees.
 */
public final class PageCache {
    /** What there is of a page. */
    public enum State {
        PRESENT,
        /** Nothing: a hole of the file, or a page that has not been read yet or not been kept. */
        ABSENT,
        /** It was there, and went: to swap, or it can be read from the disk again. */
        EVICTED,
        /** There is memory for it, but what is to be there has not been read. */
        UNREAD
    }

    /**
     * A page of a file.
     *
     * @param physical guest-physical address of its content, if it is present
     */
    public record Page(State state, long physical) {}

    private static final Page ABSENT = new Page(State.ABSENT, -1);
    private static final Page EVICTED = new Page(State.EVICTED, -1);
    private static final Page UNREAD = new Page(State.UNREAD, -1);

    private final PageFrames frames;
    private final XArray array;
    private final long head;
    private final long flags;
    private final long index;
    private final long upToDate;

    /**
     * @throws IntrospectionException this kernel does not keep pages in an XArray (before 4.20), or
     *     does not say what is needed
     */
    public PageCache(LinuxKernel k) {
        frames = new PageFrames(k);
        array = new XArray(k);
        head = k.offset("address_space", "i_pages.xa_head");
        String page = k.types().member("folio", "index") == null ? "page" : "folio";
        flags = k.offset(page, "flags");
        index = k.offset(page, "index");
        Long bit = k.types().constant("pageflags", "PG_uptodate");
        if (bit == null) {
            throw new IntrospectionException(
                    "In this kernel enum pageflags has no PG_uptodate, as "
                            + k.types().origin()
                            + " tells.");
        }
        upToDate = 1L << bit;
    }

    /**
     * A page of a file.
     *
     * @param mapping address of the inode's struct address_space
     * @param number of the page in the file, from 0
     * @throws IntrospectionException what leads there is not in memory, or makes no sense
     */
    public Page page(KernelMemory m, long mapping, long number) {
        long entry = array.load(m, m.pointer(mapping + head), number);
        if (XArray.isValue(entry)) {
            return EVICTED;
        }
        if (!XArray.isPointer(entry)) {
            return ABSENT;
        }
        if ((m.pointer(entry + flags) & upToDate) == 0) {
            return UNREAD;
        }
        // The entry is of several pages together, and is the first one's.
        long behind = number - m.pointer(entry + index);
        long physical = frames.physical(frames.behind(entry, behind));
        return physical < 0 ? ABSENT : new Page(State.PRESENT, physical);
    }
}
