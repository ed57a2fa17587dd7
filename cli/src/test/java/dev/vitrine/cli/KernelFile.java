// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static org.junit.jupiter.api.Assumptions.abort;

import dev.vitrine.introspection.Effort;
import dev.vitrine.introspection.linux.KernelTypes;
import dev.vitrine.introspection.linux.Member;
import dev.vitrine.introspection.types.Btf;
import dev.vitrine.toolstack.image.Image;
import dev.vitrine.toolstack.image.ImageStore;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** What a vmlinux says to whoever builds a module for it. */
final class KernelFile {
    private static final int SECTION = 64;

    /** struct kernel_symbol with CONFIG_HAVE_ARCH_PREL32_RELOCATIONS: value, name, name space. */
    private static final int EXPORT = 12;

    /** A section of the file; sections that are not in memory have address 0. */
    private record Section(long address, int offset, int size) {}

    private final ByteBuffer file;
    private final Map<String, Section> sections = new HashMap<>();
    private final Map<String, Integer> versions = new HashMap<>();
    private final KernelTypes types;

    KernelFile(Path vmlinux) throws IOException {
        byte[] b = Files.readAllBytes(vmlinux);
        file = ByteBuffer.wrap(b).order(ByteOrder.LITTLE_ENDIAN);
        int table = (int) file.getLong(40);
        int count = file.getShort(60) & 0xFFFF;
        int names = (int) file.getLong(table + SECTION * (file.getShort(62) & 0xFFFF) + 24);
        for (int i = 0; i < count; i++) {
            int at = table + SECTION * i;
            sections.put(
                    text(names + file.getInt(at)),
                    new Section(
                            file.getLong(at + 16),
                            (int) file.getLong(at + 24),
                            (int) file.getLong(at + 32)));
        }
        exports("__ksymtab", "__kcrctab");
        exports("__ksymtab_gpl", "__kcrctab_gpl");
        Section btf = section(".BTF");
        byte[] content = Arrays.copyOfRange(b, btf.offset, btf.offset + btf.size);
        KernelTypes found = Btf.of(content, 0, new Effort("a kernel's types", 1L << 32));
        if (found == null) {
            throw new IOException(vmlinux + " has no BTF");
        }
        types = found;
    }

    /** An image that has been pulled; a test that wants another one is skipped. */
    static Image image(String name) {
        for (Image i : ImageStore.ofUser().list()) {
            if (i.name().equals(name)) {
                return i;
            }
        }
        System.out.println("no module is loaded into " + name + ": it has not been pulled");
        return abort("no image " + name);
    }

    private Section section(String name) throws IOException {
        Section s = sections.get(name);
        if (s == null) {
            throw new IOException("the kernel has no section " + name);
        }
        return s;
    }

    private String text(int at) {
        int end = at;
        while (file.get(end) != 0) {
            end++;
        }
        return new String(file.array(), at, end - at, StandardCharsets.ISO_8859_1);
    }

    /** Names are at a distance from where the distance is. */
    private void exports(String symbols, String checksums) throws IOException {
        Section s = section(symbols);
        Section c = section(checksums);
        Section n = section("__ksymtab_strings");
        for (int i = 0; i < s.size / EXPORT; i++) {
            int at = EXPORT * i + 4;
            long name = s.address + at + file.getInt(s.offset + at);
            versions.put(text((int) (name - n.address) + n.offset), file.getInt(c.offset + 4 * i));
        }
    }

    /**
     * The checksum of an exported symbol, as modules have it in {@code __versions}.
     *
     * @throws IllegalArgumentException the kernel does not export it
     */
    int version(String symbol) {
        Integer v = versions.get(symbol);
        if (v == null) {
            throw new IllegalArgumentException("the kernel does not export " + symbol);
        }
        return v;
    }

    boolean exports(String symbol) {
        return versions.containsKey(symbol);
    }

    /** What a module has to have as {@code vermagic}. */
    String versionMagic() throws IOException {
        Section r = section(".rodata");
        String content = new String(file.array(), r.offset, r.size, StandardCharsets.ISO_8859_1);
        int found = content.indexOf(" mod_unload modversions ");
        if (found < 0) {
            throw new IOException("the kernel has no version magic");
        }
        return text(r.offset + content.lastIndexOf('\0', found) + 1);
    }

    /** Size of a structure in bytes. */
    int size(String structure) {
        return Math.toIntExact(types.size(structure));
    }

    /**
     * Offset of a member in bytes.
     *
     * @throws IllegalArgumentException there is none
     */
    int offset(String structure, String member) {
        Member m = types.member(structure, member);
        if (m == null) {
            throw new IllegalArgumentException("no member " + structure + "." + member);
        }
        return (int) m.offset();
    }
}
