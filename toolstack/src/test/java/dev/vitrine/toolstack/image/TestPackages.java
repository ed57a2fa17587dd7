// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.image;

import com.github.luben.zstd.ZstdOutputStream;

import dev.vitrine.toolstack.loader.TestKernels;

import org.apache.commons.compress.archivers.ar.ArArchiveEntry;
import org.apache.commons.compress.archivers.ar.ArArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZOutputStream;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;

/** An archive of packages made by tests. */
final class TestPackages implements PackageSource {
    private final Map<String, DebPackage> packages = new LinkedHashMap<>();
    private final Map<String, byte[]> files = new HashMap<>();
    int downloads;

    /** An archive with a kernel and a busybox of three commands. */
    static TestPackages small() throws IOException {
        TestPackages archive = new TestPackages();
        archive.add(
                "linux-image-cloud-amd64",
                "1",
                List.of(List.of("linux-image-6.1.0-1-cloud-amd64")),
                deb("xz").build());
        byte[] kernel = TestKernels.bzImage(TestKernels.pvh());
        archive.add(
                "linux-image-6.1.0-1-cloud-amd64",
                "6.1",
                List.of(List.of("kmod"), List.of("initramfs-tools", "linux-initramfs-tool")),
                deb("xz")
                        .file("./boot/vmlinuz-6.1.0-1-cloud-amd64", 0644, kernel)
                        .file("./boot/config-6.1.0-1-cloud-amd64", 0644, new byte[3])
                        .build());
        archive.add(
                "busybox-static",
                "1.35",
                List.of(),
                deb("gz")
                        .folder("./bin/", 0755)
                        .file(
                                "./bin/busybox",
                                0755,
                                "ELF\0[\0[[\0cat\0poweroff\0sh\0\0zz"
                                        .getBytes(StandardCharsets.US_ASCII))
                        .file("./usr/share/doc/busybox/copyright", 0644, new byte[5])
                        .build());
        return archive;
    }

    TestPackages add(String name, String version, List<List<String>> depends, byte[] deb) {
        packages.put(name, new DebPackage(name, version, depends, List.of(), deb.length));
        files.put(name, deb);
        return this;
    }

    @Override
    public PackageIndex index(String needed, Progress progress) {
        return new PackageIndex(packages.values());
    }

    @Override
    public Map<String, Path> download(List<DebPackage> wanted, Path into, Progress progress)
            throws IOException {
        downloads++;
        Map<String, Path> paths = new HashMap<>();
        for (DebPackage each : wanted) {
            byte[] bytes = files.get(each.name());
            if (bytes == null) {
                throw new IOException("no " + each.name());
            }
            paths.put(each.name(), Files.write(into.resolve(each.name() + "_1_amd64.deb"), bytes));
        }
        return paths;
    }

    static Deb deb(String compression) throws IOException {
        return new Deb(compression);
    }

    /** A Debian package in the making. */
    static final class Deb {
        private final String compression;
        private final ByteArrayOutputStream packed = new ByteArrayOutputStream();
        private final TarArchiveOutputStream tar;

        Deb(String compression) throws IOException {
            this.compression = compression;
            OutputStream out =
                    switch (compression) {
                        case "xz" -> new XZOutputStream(packed, new LZMA2Options(0));
                        case "gz" -> new GZIPOutputStream(packed);
                        case "zst" -> new ZstdOutputStream(packed);
                        default -> packed;
                    };
            tar = new TarArchiveOutputStream(out);
            tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_GNU);
        }

        Deb folder(String name, int mode) throws IOException {
            return entry(new TarArchiveEntry(name), mode, new byte[0]);
        }

        Deb file(String name, int mode, byte[] bytes) throws IOException {
            return entry(new TarArchiveEntry(name), mode, bytes);
        }

        Deb link(String name, String target) throws IOException {
            TarArchiveEntry entry = new TarArchiveEntry(name, TarConstants.LF_SYMLINK);
            entry.setLinkName(target);
            return entry(entry, 0777, new byte[0]);
        }

        Deb hardLink(String name, String target) throws IOException {
            TarArchiveEntry entry = new TarArchiveEntry(name, TarConstants.LF_LINK);
            entry.setLinkName(target);
            return entry(entry, 0644, new byte[0]);
        }

        private Deb entry(TarArchiveEntry entry, int mode, byte[] bytes) throws IOException {
            entry.setMode(mode);
            entry.setSize(bytes.length);
            entry.setModTime(1_000_000_000_000L);
            tar.putArchiveEntry(entry);
            tar.write(bytes);
            tar.closeArchiveEntry();
            return this;
        }

        byte[] build() throws IOException {
            tar.close();
            ByteArrayOutputStream deb = new ByteArrayOutputStream();
            List<Map.Entry<String, byte[]>> members = new ArrayList<>();
            members.add(Map.entry("debian-binary", "2.0\n".getBytes(StandardCharsets.US_ASCII)));
            members.add(Map.entry("control.tar.xz", new byte[7]));
            String dot = compression.isEmpty() ? "" : "." + compression;
            members.add(Map.entry("data.tar" + dot, packed.toByteArray()));
            try (ArArchiveOutputStream ar = new ArArchiveOutputStream(deb)) {
                for (Map.Entry<String, byte[]> member : members) {
                    ar.putArchiveEntry(
                            new ArArchiveEntry(member.getKey(), member.getValue().length));
                    ar.write(member.getValue());
                    ar.closeArchiveEntry();
                }
            }
            return deb.toByteArray();
        }
    }
}
