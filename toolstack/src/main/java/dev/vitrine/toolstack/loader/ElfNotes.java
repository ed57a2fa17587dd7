// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.loader;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;

/**
 * The ELF notes named "Xen" of a kernel (Xen's {@code public/elfnote.h}): what it needs from the
 * one who loads it.
 */
public final class ElfNotes {
    public static final int INFO = 0;
    public static final int ENTRY = 1;
    public static final int HYPERCALL_PAGE = 2;
    public static final int VIRT_BASE = 3;
    public static final int PADDR_OFFSET = 4;
    public static final int XEN_VERSION = 5;
    public static final int GUEST_OS = 6;
    public static final int GUEST_VERSION = 7;
    public static final int LOADER = 8;
    public static final int PAE_MODE = 9;
    public static final int FEATURES = 10;
    public static final int BSD_SYMTAB = 11;
    public static final int HV_START_LOW = 12;
    public static final int L1_MFN_VALID = 13;
    public static final int SUSPEND_CANCEL = 14;
    public static final int INIT_P2M = 15;
    public static final int MOD_START_PFN = 16;
    public static final int SUPPORTED_FEATURES = 17;
    public static final int PHYS32_ENTRY = 18;
    public static final int PHYS32_RELOC = 19;

    private final Map<Integer, byte[]> notes = new TreeMap<>();

    ElfNotes() {}

    void put(int type, byte[] value) {
        notes.put(type, value);
    }

    /** The types that the kernel has. */
    public Set<Integer> types() {
        return java.util.Collections.unmodifiableSet(notes.keySet());
    }

    public boolean has(int type) {
        return notes.containsKey(type);
    }

    /** The note as a number of 1, 2, 4 or 8 bytes; empty if it is missing or of another size. */
    public OptionalLong number(int type) {
        byte[] value = notes.get(type);
        if (value == null
                || (value.length & (value.length - 1)) != 0
                || value.length > 8
                || value.length == 0) {
            return OptionalLong.empty();
        }
        return OptionalLong.of(little(value, 0, value.length));
    }

    /** The note as text up to a NUL; empty if it is missing. */
    public String text(int type) {
        byte[] value = notes.get(type);
        if (value == null) {
            return "";
        }
        int end = 0;
        while (end < value.length && value[end] != 0) {
            end++;
        }
        return new String(value, 0, end, StandardCharsets.ISO_8859_1);
    }

    /**
     * Where a PVH boot enters the kernel, in 32-bit protected mode; empty if it does not offer it.
     */
    public OptionalLong phys32Entry() {
        return number(PHYS32_ENTRY);
    }

    /**
     * Where a PVH kernel may be moved to.
     *
     * @param align the alignment it needs, 0 for the largest alignment of its segments
     * @param min the lowest address
     * @param max the highest address of its last byte
     */
    public record Phys32Reloc(long align, long min, long max) {}

    /** The PHYS32_RELOC note with its defaults filled in, or null if the kernel has none. */
    public @org.jspecify.annotations.Nullable Phys32Reloc phys32Reloc() {
        byte[] value = notes.get(PHYS32_RELOC);
        if (value == null) {
            return null;
        }
        return new Phys32Reloc(
                value.length >= 4 ? little(value, 0, 4) : 0,
                value.length >= 8 ? little(value, 4, 4) : 0,
                value.length >= 12 ? little(value, 8, 4) : 0xffff_ffffL);
    }

    /**
     * Whether bit {@code feature} (XENFEAT_*) is set in SUPPORTED_FEATURES or named in FEATURES.
     */
    public boolean supports(int feature, String name) {
        long bits = number(SUPPORTED_FEATURES).orElse(0);
        if (feature < 64 && (bits >>> feature & 1) != 0) {
            return true;
        }
        for (String word : text(FEATURES).split("\\|")) {
            if (word.equals(name) || word.equals("!" + name)) {
                return true;
            }
        }
        return false;
    }

    private static long little(byte[] bytes, int at, int length) {
        long value = 0;
        for (int i = length - 1; i >= 0; i--) {
            value = value << 8 | bytes[at + i] & 0xff;
        }
        return value;
    }
}
