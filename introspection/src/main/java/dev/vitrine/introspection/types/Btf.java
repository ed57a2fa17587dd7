// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.types;

import static dev.vitrine.introspection.LittleEndian.i32;
import static dev.vitrine.introspection.LittleEndian.i64;
import static dev.vitrine.introspection.LittleEndian.u16;
import static dev.vitrine.introspection.LittleEndian.u32;

import dev.vitrine.introspection.Effort;
import dev.vitrine.introspection.linux.KernelTypes;
import dev.vitrine.introspection.linux.Member;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * BPF Type Format: the types that a kernel carries in its own image (Documentation/bpf/btf.rst).
 * One pass finds where each type is; everything else is read when it is asked for.
 */
public final class Btf implements KernelTypes {
    /** Magic, version and length of the header, as one word. */
    private static final long HEADER_WORD = 0x18_0001_EB9FL;

    private static final int HEADER = 24;
    private static final int MAX_TYPES = 1 << 22;
    private static final int MAX_SIZE = 256 << 20;

    /** Types within types, and names for types, are not deeper. */
    private static final int DEPTH = 32;

    private static final int INT = 1;
    private static final int PTR = 2;
    private static final int ARRAY = 3;
    private static final int STRUCT = 4;
    private static final int UNION = 5;
    private static final int ENUM = 6;
    private static final int TYPEDEF = 8;
    private static final int VOLATILE = 9;
    private static final int CONST = 10;
    private static final int RESTRICT = 11;
    private static final int FLOAT = 16;
    private static final int TYPE_TAG = 18;
    private static final int ENUM64 = 19;

    /** Bytes behind a type's three words by its kind, and for each of its elements. */
    private static final int[] FIXED = {
        0, 4, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 4, 0, 0
    };

    private static final int[] EACH = {
        0, 0, 0, 0, 12, 12, 8, 0, 0, 0, 0, 0, 0, 8, 0, 12, 0, 0, 0, 12
    };

    private final byte[] data;
    private final int types;
    private final int typesEnd;
    private final int strings;
    private final int stringsEnd;

    /** Where type n + 1 is. */
    private int[] places = new int[1 << 16];

    private int count;

    /** Numbers of the structures and unions that have names, and hashes of these. */
    private int[] structures = new int[1 << 12];

    private int[] hashes = new int[1 << 12];
    private int structureCount;

    /** Members that the question of now may still look at: types may contain themselves. */
    private int budget;

    private static final int BUDGET = 1 << 18;

    private Btf(byte[] data, int start) {
        this.data = data;
        this.types = start + i32(data, start + 4) + i32(data, start + 8);
        this.typesEnd = types + i32(data, start + 12);
        this.strings = start + i32(data, start + 4) + i32(data, start + 16);
        this.stringsEnd = strings + i32(data, start + 20);
    }

    /**
     * The length that a header promises.
     *
     * @return 0 if there is no header of BTF at the place
     */
    public static int length(byte[] data, int start) {
        if (start < 0 || start + HEADER > data.length) {
            return 0;
        }
        if ((i64(data, start) & 0xFF_FFFF_FFFFL) != HEADER_WORD) {
            return 0;
        }
        long header = u32(data, start + 4);
        long typeEnd = header + u32(data, start + 8) + u32(data, start + 12);
        long stringEnd = header + u32(data, start + 16) + u32(data, start + 20);
        long end = Math.max(typeEnd, stringEnd);
        return header >= HEADER && end <= MAX_SIZE ? (int) end : 0;
    }

    /**
     * The place of the first header in memory, at or behind a place that is a multiple of 4; or -1.
     */
    public static int find(byte[] data, int from, Effort effort) {
        for (int page = from; page < data.length; page = (page & -4096) + 4096) {
            int at = findInPage(data, page, Math.min((page & -4096) + 4096, data.length - HEADER));
            effort.spend(1024);
            if (at >= 0) {
                return at;
            }
        }
        return -1;
    }

    private static int findInPage(byte[] data, int from, int to) {
        for (int i = from; i < to; i += 4) {
            if (i32(data, i) == (int) HEADER_WORD && length(data, i) > HEADER) {
                return i;
            }
        }
        return -1;
    }

    /**
     * Reads types.
     *
     * @return null if they make no sense
     */
    public static @Nullable Btf of(byte[] data, int start, Effort effort) {
        int length = length(data, start);
        if (length == 0 || length > data.length - start) {
            return null;
        }
        effort.spend(length);
        Btf b = new Btf(data, start);
        return b.stringsEnd > b.strings && b.index() ? b : null;
    }

    private boolean index() {
        int at = types;
        while (at < typesEnd) {
            at = indexSome(at);
            if (at < 0) {
                return false;
            }
        }
        return count > 0;
    }

    /** A few types: a method that is called often is compiled soon. */
    private int indexSome(int at) {
        for (int n = 0; n < 128 && at < typesEnd; n++) {
            if (at + 12 > typesEnd || count >= MAX_TYPES) {
                return -1;
            }
            int info = i32(data, at + 4);
            int kind = info >>> 24 & 0x1F;
            if (kind == 0 || kind >= FIXED.length) {
                return -1;
            }
            if (count == places.length) {
                places = java.util.Arrays.copyOf(places, 2 * count);
            }
            places[count++] = at;
            if (kind == STRUCT || kind == UNION) {
                structure(at);
            }
            at += 12 + FIXED[kind] + (info & 0xFFFF) * EACH[kind];
        }
        return at > typesEnd ? -1 : at;
    }

    private void structure(int at) {
        int name = i32(data, at);
        if (name == 0) {
            return;
        }
        if (structureCount == structures.length) {
            structures = java.util.Arrays.copyOf(structures, 2 * structureCount);
            hashes = java.util.Arrays.copyOf(hashes, 2 * structureCount);
        }
        structures[structureCount] = count;
        hashes[structureCount++] = hash(name);
    }

    private int hash(int name) {
        int h = 0;
        if (name < 0 || name >= stringsEnd - strings) {
            return h;
        }
        for (int i = strings + name; i < stringsEnd && data[i] != 0; i++) {
            h = 31 * h + (data[i] & 0xFF);
        }
        return h;
    }

    private String name(int offset) {
        if (offset < 0 || offset >= stringsEnd - strings) {
            return "";
        }
        int start = strings + offset;
        int end = start;
        while (end < stringsEnd && data[end] != 0) {
            end++;
        }
        return new String(data, start, end - start, StandardCharsets.ISO_8859_1);
    }

    /** Types that there are. */
    public int count() {
        return count;
    }

    @Override
    public String origin() {
        return "BTF";
    }

    /** Place of a type, 0 if there is none of that number (0 is void). */
    private int place(int type) {
        return type <= 0 || type > count ? 0 : places[type - 1];
    }

    private int kind(int at) {
        return i32(data, at + 4) >>> 24 & 0x1F;
    }

    /** The type behind names, const and volatile; 0 if there is none. */
    private int resolve(int type) {
        for (int i = 0; i < DEPTH; i++) {
            int at = place(type);
            if (at == 0) {
                return 0;
            }
            switch (kind(at)) {
                case TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG -> type = i32(data, at + 8);
                default -> {
                    return type;
                }
            }
        }
        return 0;
    }

    private boolean isStructure(int type) {
        int at = place(type);
        return at != 0 && (kind(at) == STRUCT || kind(at) == UNION);
    }

    /** The structure of a name; 0 if there is none. Of several the first that has members. */
    private int find(String structure) {
        int wanted = structure.hashCode();
        int empty = 0;
        for (int i = 0; i < structureCount; i++) {
            if (hashes[i] == wanted) {
                int at = place(structures[i]);
                if (name(i32(data, at)).equals(structure)) {
                    if (u16(data, at + 4) > 0) {
                        return structures[i];
                    }
                    empty = structures[i];
                }
            }
        }
        return empty;
    }

    @Override
    public long size(String structure) {
        int type = find(structure);
        return type == 0 ? -1 : u32(data, place(type) + 8);
    }

    /** A type, and where it is. */
    private record Found(int type, long bit, int bits) {}

    @Override
    public @Nullable Member member(String structure, String path) {
        int type = find(structure);
        budget = BUDGET;
        long bit = 0;
        Found f = null;
        for (String name : path.split("[.]", DEPTH)) {
            f = isStructure(type) ? search(type, name, 0) : null;
            if (f == null) {
                return null;
            }
            bit += f.bit;
            type = resolve(f.type);
        }
        return f == null ? null : member(type, bit, f.bits);
    }

    private Member member(int type, long bit, int bits) {
        long count = 1;
        int at = place(type);
        for (int i = 0; at != 0 && kind(at) == ARRAY && i < DEPTH; i++) {
            count *= u32(data, at + 20);
            type = resolve(i32(data, at + 12));
            at = place(type);
        }
        long size = sizeOf(at);
        if (bits == 0) {
            return new Member(bit >>> 3, size, count, 0, 0);
        }
        // The whole word that the bit-field is in, as the type says.
        long unit = Math.max(1, Math.min(8, size));
        long offset = bit >>> 3 & -unit;
        return new Member(offset, unit, 1, (int) (bit - 8 * offset), bits);
    }

    private long sizeOf(int at) {
        if (at == 0) {
            return 0;
        }
        return switch (kind(at)) {
            case PTR -> 8;
            case INT, STRUCT, UNION, ENUM, ENUM64, FLOAT -> u32(data, at + 8);
            default -> 0;
        };
    }

    private @Nullable Found search(int structure, String name, int depth) {
        int at = place(structure);
        int info = i32(data, at + 4);
        for (int i = 0, m = at + 12; i < (info & 0xFFFF) && --budget > 0; i++, m += 12) {
            int offset = i32(data, m + 8);
            long bit = info < 0 ? offset & 0xFFFFFF : offset & 0xFFFFFFFFL;
            int type = i32(data, m + 4);
            String found = name(i32(data, m));
            if (found.equals(name)) {
                return new Found(type, bit, info < 0 ? offset >>> 24 : 0);
            }
            int inner = resolve(type);
            if (found.isEmpty() && depth < DEPTH && isStructure(inner)) {
                Found f = search(inner, name, depth + 1);
                if (f != null) {
                    return new Found(f.type, bit + f.bit, f.bits);
                }
            }
        }
        return null;
    }

    @Override
    public @Nullable Long constant(String enumeration, String name) {
        for (int type = 1; type <= count; type++) {
            int at = place(type);
            int kind = kind(at);
            if ((kind != ENUM && kind != ENUM64) || !name(i32(data, at)).equals(enumeration)) {
                continue;
            }
            for (int i = 0, c = at + 12; i < u16(data, at + 4); i++, c += EACH[kind]) {
                if (name(i32(data, c)).equals(name)) {
                    long low = i32(data, c + 4);
                    return kind == ENUM ? low : low & 0xFFFF_FFFFL | u32(data, c + 8) << 32;
                }
            }
        }
        return null;
    }

    @Override
    public List<String> members(String structure) {
        List<String> list = new ArrayList<>();
        int type = find(structure);
        budget = BUDGET;
        if (type != 0) {
            collect(type, list, 0);
        }
        return list;
    }

    private void collect(int structure, List<String> list, int depth) {
        int at = place(structure);
        for (int i = 0, m = at + 12; i < u16(data, at + 4) && --budget > 0; i++, m += 12) {
            String name = name(i32(data, m));
            int inner = resolve(i32(data, m + 4));
            if (!name.isEmpty()) {
                list.add(name);
            } else if (depth < DEPTH && isStructure(inner)) {
                collect(inner, list, depth + 1);
            }
        }
    }
}
