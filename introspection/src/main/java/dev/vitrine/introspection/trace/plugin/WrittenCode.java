// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.trace.Address;
import dev.vitrine.introspection.trace.Moment;
import dev.vitrine.introspection.trace.TraceContext;
import dev.vitrine.introspection.trace.plugin.Areas.Area;

import org.jspecify.annotations.Nullable;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Tells of code that programs execute from pages that have been written. */
final class WrittenCode {
    private static final int PAGE = 4096;
    private static final int MAX_PAGES = 1 << 16;

    /** Bit 0 of page.mapping: PAGE_MAPPING_ANON. */
    private static final int ANONYMOUS = 1;

    /** Whose page it is. */
    private record Place(long memory, int pid, long page) {}

    /** What of a page has been executed last, and the how manieth content that was. */
    private record Layer(String sha256, long number) {}

    private final TraceContext context;
    private final Areas areas;
    private final @Nullable ContentFolder folder;
    private final PageState pages;
    private final Map<Place, Layer> known =
            new LinkedHashMap<>(16, 0.75f, true) {
                private static final long serialVersionUID = 1L;

                @Override
                protected boolean removeEldestEntry(Map.Entry<Place, Layer> eldest) {
                    return size() > MAX_PAGES;
                }
            };

    /**
     * @param folder where the pages are to go; null for nowhere
     */
    WrittenCode(TraceContext context, Areas areas, @Nullable ContentFolder folder) {
        this.context = context;
        this.areas = areas;
        this.folder = folder;
        this.pages = new PageState(context.kernel());
    }

    void fetched(Moment m, long linear) {
        if (!m.inUserMode() || linear < 0) {
            return;
        }
        List<Area> here = areas.in(m, linear, linear + 1);
        if (here.isEmpty() || here.getFirst().file() == Areas.SPECIAL) {
            return;
        }
        Area area = here.getFirst();
        String path = areas.path(m, area);
        boolean written =
                area.file() == 0
                        || MemoryPlugin.isMemory(path)
                        || area.shared() && area.writable()
                        || area.own() && pages.anonymous(m, linear);
        byte[] content = new byte[PAGE];
        long page = linear & -PAGE;
        if (!written || !m.read(page, content, 0, PAGE)) {
            return;
        }
        String hash = sha256(content);
        Place place = new Place(areas.memory(m), m.task().pid(), page);
        long number;
        synchronized (known) {
            Layer last = known.get(place);
            if (last != null && last.sha256.equals(hash)) {
                return;
            }
            number = last == null ? 1 : last.number + 1;
            known.put(place, new Layer(hash, number));
        }
        String file = keep(hash, content);
        context.emit(
                m,
                new MemoryPlugin.Executed(
                        new Address(page),
                        new Address(m.instructionPointer()),
                        number,
                        area.rights(),
                        path,
                        hash,
                        file));
    }

    /** Returns the name of the file; null if there is none. */
    private @Nullable String keep(String hash, byte[] content) {
        ContentFolder.Part part = folder == null ? null : folder.begin(PAGE);
        if (part == null) {
            return null;
        }
        part.write(content, PAGE);
        String name = hash + ".page";
        return part.keep(name) ? name : null;
    }

    private static String sha256(byte[] content) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // Every Java has it.
        }
    }

    /** What the kernel knows of the frames behind pages (struct page). */
    private static final class PageState {
        private final long map;
        private final long size;
        private final long mapping;
        private final @Nullable Long head;

        PageState(LinuxKernel k) {
            map = k.pointer(k.resolve("vmemmap_base"));
            size = k.types().size("page");
            mapping = k.member("page", "mapping").offset();
            head =
                    k.types().member("page", "compound_head") == null
                            ? null
                            : k.member("page", "compound_head").offset();
        }

        /** Whether a page of a private mapping is a copy, which has been written. */
        boolean anonymous(Moment m, long linear) {
            long physical = m.translate(linear);
            if (physical < 0) {
                return false;
            }
            long page = map + (physical >>> 12) * size;
            if (head != null) {
                long h = m.pointer(page + head);
                page = (h & 1) != 0 ? h - 1 : page;
            }
            return (m.pointer(page + mapping) & ANONYMOUS) != 0;
        }
    }
}
