// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.builder.Ramdisk;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;

class OverlayTest {
    @TempDir Path root;

    private Image image;
    private Path host;

    @BeforeEach
    void makeAnImage() throws IOException {
        image =
                new ImageStore(root.resolve("store"), TestPackages.small())
                        .get("debian", Progress.SILENT);
        host = Files.createDirectories(root.resolve("host/folder/sub")).getParent();
        Path script = Files.writeString(host.resolve("sub/script"), "echo\n");
        Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-x---"));
        Files.createSymbolicLink(host.resolve("sub/link"), Path.of("script"));
        Files.writeString(root.resolve("host/file"), "hello");
    }

    private static byte[] bytes(Ramdisk ramdisk) {
        byte[] all = new byte[(int) ramdisk.size()];
        long[] end = {0};
        ramdisk.writeTo(
                0,
                (at, bytes, from, n) -> {
                    System.arraycopy(bytes, from, all, (int) at, n);
                    end[0] = Math.max(end[0], at + n);
                });
        assertThat(end[0]).isEqualTo(ramdisk.size());
        return all;
    }

    private CpioIndex index(Overlay overlay) throws IOException {
        Path file = root.resolve("overlay.cpio");
        byte[] archive = bytes(overlay.archive(image.rootfs()));
        assertThat(archive.length % 512).isZero();
        Files.write(file, archive);
        return CpioIndex.read(file);
    }

    @Test
    void copiesFilesAndFolders() throws IOException {
        CpioIndex index =
                index(
                        new Overlay()
                                .copy(host + ":/data/x")
                                .copy(root.resolve("host/file") + ":/etc/")
                                .copy(root.resolve("host/file") + ":/bin")
                                .copy(root.resolve("host/file") + ":/lib/other"));
        assertThat(index.items())
                .containsOnlyKeys(
                        "data",
                        "data/x",
                        "data/x/sub",
                        "data/x/sub/link",
                        "data/x/sub/script",
                        "etc/file",
                        "usr/bin/file",
                        "usr/lib/other");
        assertThat(index.items().get("data/x/sub/script").mode())
                .isEqualTo(FileTree.REGULAR | 0750);
        assertThat(index.link("data/x/sub/link")).isEqualTo("script");
    }

    @Test
    void aFolderGoesIntoAFolderThatIsThere() throws IOException {
        assertThat(index(new Overlay().copy(host + ":/mnt")).items())
                .containsKeys("mnt/folder/sub/script");
        assertThat(index(new Overlay().copy(host + ":/")).items())
                .containsKeys("folder/sub/script");
        assertThat(index(new Overlay().copy(host + ":/srv/")).items())
                .containsKeys("srv/folder/sub/script");
    }

    @Test
    void followsALinkThatIsNamedAndNoOther() throws IOException {
        Path link = Files.createSymbolicLink(root.resolve("link"), host);
        Path file = Files.createSymbolicLink(root.resolve("file-link"), Path.of("host/file"));
        CpioIndex index = index(new Overlay().copy(link + ":/data/x").copy(file + ":/data/file"));
        assertThat(index.items().get("data/x").mode() & ~0777).isEqualTo(FileTree.FOLDER);
        assertThat(index.items().get("data/file").mode() & ~0777).isEqualTo(FileTree.REGULAR);
        assertThat(index.items()).containsKey("data/x/sub/script");
        assertThat(index.link("data/x/sub/link")).isEqualTo("script");
        // It keeps the name that the user knows.
        assertThat(index(new Overlay().copy(link + ":/mnt")).items())
                .containsKeys("mnt/link/sub/script");
    }

    @Test
    void keepsAllBitsOfTheMode() throws IOException {
        Path tool = Files.writeString(host.resolve("sub/tool"), "x");
        Files.setAttribute(tool, "unix:mode", 04755);
        Files.setAttribute(host, "unix:mode", 01770);
        CpioIndex index = index(new Overlay().copy(host + ":/data"));
        assertThat(index.items().get("data/sub/tool").mode()).isEqualTo(FileTree.REGULAR | 04755);
        assertThat(index.items().get("data").mode()).isEqualTo(FileTree.FOLDER | 01770);
    }

    @Test
    void saysThatAFolderCannotBeRead() throws IOException {
        Files.setAttribute(host.resolve("sub"), "unix:mode", 0);
        assumeFalse(Files.isReadable(host.resolve("sub")), "root may read everything");
        Overlay overlay = new Overlay().copy(host + ":/data");
        assertThatThrownBy(() -> overlay.archive(image.rootfs()))
                .isInstanceOf(BadInputException.class)
                .hasMessage(host.resolve("sub") + ": the folder cannot be read.");
        Files.setAttribute(host.resolve("sub"), "unix:mode", 0755);
    }

    @Test
    void nothingLeavesTheRoot() throws IOException {
        assertThat(index(new Overlay().copy(root.resolve("host/file") + ":/../../x")).items())
                .containsOnlyKeys("x");
    }

    @Test
    void holdsTheCommand() throws IOException {
        Overlay overlay = new Overlay().exec("exit 3");
        assertThat(overlay.isEmpty()).isFalse();
        byte[] archive = bytes(overlay.archive(image.rootfs()));
        assertThat(new String(archive, StandardCharsets.US_ASCII))
                .contains("run-exec\0", "#!/bin/sh\nexit 3\n");
        assertThat(index(overlay).items().get("run-exec").mode())
                .isEqualTo(FileTree.REGULAR | 0755);
    }

    @Test
    void liesBehindTheImage() {
        assertThat(new Overlay().over(image).size()).isEqualTo(image.ramdisk().size());
        Overlay overlay = new Overlay().exec("true");
        byte[] all = bytes(overlay.over(image));
        byte[] second = bytes(overlay.archive(image.rootfs()));
        assertThat(Arrays.copyOfRange(all, all.length - second.length, all.length))
                .isEqualTo(second);
    }

    /** Together more than an array holds; only where it ends is looked at. */
    @Test
    void filesMayBeLargerThanJavasHeap() throws IOException {
        Path folder = Files.createDirectory(root.resolve("big"));
        long size = 3L << 30;
        for (String name : List.of("a", "b")) {
            setLength(folder.resolve(name), size / 2);
        }
        long[] end = {0};
        Ramdisk archive = new Overlay().copy(folder + ":/big").archive(image.rootfs());
        archive.writeTo(0x1000, (at, bytes, from, n) -> end[0] = Math.max(end[0], at + n));
        assertThat(archive.size()).isGreaterThan(size).isLessThan(size + 4096);
        assertThat(end[0]).isEqualTo(0x1000 + archive.size());
    }

    @Test
    void refusesAFileThatLinuxDoesNotUnpack() throws IOException {
        Path big = root.resolve("big");
        setLength(big, Integer.MAX_VALUE);
        assertThat(new Overlay().copy(big + ":/big").archive(image.rootfs()).size())
                .isGreaterThan(Integer.MAX_VALUE);
        setLength(big, 1L << 31);
        assertThatThrownBy(() -> new Overlay().copy(big + ":/big").archive(image.rootfs()))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("big: the file has 2 GiB or more");
    }

    private static void setLength(Path file, long size) throws IOException {
        try (RandomAccessFile f = new RandomAccessFile(file.toFile(), "rw")) {
            f.setLength(size);
        }
    }

    @Test
    void aFileThatChangesIsTakenAsLongAsItWas() throws IOException {
        Path file = Files.writeString(root.resolve("host/changing"), "hello");
        Ramdisk archive = new Overlay().copy(file + ":/x").archive(image.rootfs());
        Files.writeString(file, "hello, world");
        assertThat(new String(bytes(archive), StandardCharsets.US_ASCII))
                .contains("hello")
                .doesNotContain("world");
        assertThat(new String(bytes(archive.reread()), StandardCharsets.US_ASCII))
                .contains("hello, world");
        Files.writeString(file, "he");
        assertThatThrownBy(() -> bytes(archive))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("changing shrank while it was read");
    }

    @Test
    void refusesWhatCannotBeCopied() {
        assertThatThrownBy(() -> new Overlay().copy("file"))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("HOST:GUEST");
        assertThatThrownBy(() -> new Overlay().copy("a:")).hasMessageContaining("HOST:GUEST");
        assertThatThrownBy(() -> new Overlay().copy(host + ":relative"))
                .hasMessageContaining("start with a slash");
        assertThatThrownBy(() -> new Overlay().copy("/no/such:/x"))
                .hasMessage("/no/such: there is no such file or folder.");
        assertThatThrownBy(() -> new Overlay().copy("/dev/null:/x").archive(image.rootfs()))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("only files, folders and links");
    }
}
