// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.loader.TestKernels;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;

class ImageStoreTest {
    @TempDir Path root;

    private static byte[] content(Path archive, String path) throws IOException {
        CpioIndex.Item item = CpioIndex.read(archive).items().get(path);
        assertThat(item).as(path).isNotNull();
        byte[] all = Files.readAllBytes(archive);
        return java.util.Arrays.copyOfRange(
                all, (int) item.offset(), (int) (item.offset() + item.size()));
    }

    @Test
    void makesAnImage() throws IOException {
        TestPackages packages = TestPackages.small();
        ImageStore store = new ImageStore(root, packages);
        List<String> said = new ArrayList<>();
        assertThat(store.find("debian")).isNull();
        assertThat(store.list()).isEmpty();
        Image image = store.get("debian", said::add);
        assertThat(image.name()).isEqualTo("debian");
        assertThat(image.kernelPackage()).isEqualTo("linux-image-6.1.0-1-cloud-amd64");
        assertThat(image.kernelVersion()).isEqualTo("6.1");
        assertThat(image.versions())
                .containsOnlyKeys("linux-image-6.1.0-1-cloud-amd64", "busybox-static");
        assertThat(image.loadKernel().notes().phys32Entry()).hasValue(0x100_0010);
        assertThat(image.memoryMiB()).isEqualTo(512);
        assertThat(said).isNotEmpty();

        CpioIndex index = CpioIndex.read(image.rootfs());
        assertThat(index.link("bin")).isEqualTo("usr/bin");
        assertThat(index.link("usr/bin/cat")).isEqualTo("/usr/bin/busybox");
        assertThat(index.link("usr/sbin/poweroff")).isEqualTo("/usr/bin/busybox");
        assertThat(index.items()).containsKeys("init", "dev/console", "usr/bin/busybox", "tmp");
        assertThat(index.items()).doesNotContainKey("usr/share/doc/busybox/copyright");
        assertThat(index.items().get("init").mode()).isEqualTo(FileTree.REGULAR | 0755);
        assertThat(index.items().get("tmp").mode()).isEqualTo(FileTree.FOLDER | 01777);
        assertThat(index.items().get("dev/console").mode())
                .isEqualTo(FileTree.CHARACTER_DEVICE | 0600);
        assertThat(new String(content(image.rootfs(), "init"), StandardCharsets.UTF_8))
                .startsWith("#!/bin/sh\n")
                .contains("poweroff -f");
    }

    @Test
    void anImageThatIsThereNeedsNoPackages() throws IOException {
        TestPackages packages = TestPackages.small();
        new ImageStore(root, packages).get("debian", Progress.SILENT);
        PackageSource none =
                new PackageSource() {
                    @Override
                    public PackageIndex index(String needed, Progress progress) {
                        throw new AssertionError("asked for packages");
                    }

                    @Override
                    public Map<String, Path> download(
                            List<DebPackage> all, Path into, Progress progress) {
                        throw new AssertionError("asked for packages");
                    }
                };
        ImageStore offline = new ImageStore(root, none);
        assertThat(offline.get("debian", Progress.SILENT).name()).isEqualTo("debian");
        assertThat(offline.list()).hasSize(1);
        assertThat(packages.downloads).isEqualTo(1);
    }

    @Test
    void packagesComeWithWhatTheyNeed() throws IOException {
        TestPackages packages = TestPackages.small();
        packages.add(
                "tool",
                "2",
                List.of(List.of("nothing", "libtool"), List.of("debconf", "debconf-2.0")),
                TestPackages.deb("zst")
                        .folder("./lib/", 0755)
                        .file("./bin/tool", 04755, new byte[] {1, 2, 3})
                        .hardLink("./usr/bin/tool2", "./bin/tool")
                        .link("./bin/cat", "tool")
                        .build());
        packages.add(
                "libtool",
                "3",
                List.of(List.of("tool")),
                TestPackages.deb("").file("./lib/libtool.so", 0644, new byte[9]).build());
        packages.add("debconf", "1", List.of(), TestPackages.deb("gz").build());
        ImageStore store = new ImageStore(root, packages);
        Image image = store.pull("debian", List.of("tool"), Progress.SILENT);
        assertThat(image.with()).containsExactly("tool");
        assertThat(image.versions()).containsKeys("tool", "libtool").doesNotContainKey("debconf");
        CpioIndex index = CpioIndex.read(image.rootfs());
        assertThat(index.link("lib")).isEqualTo("usr/lib");
        assertThat(index.items().get("usr/bin/tool").mode()).isEqualTo(FileTree.REGULAR | 04755);
        assertThat(content(image.rootfs(), "usr/bin/tool2")).containsExactly(1, 2, 3);
        assertThat(index.link("usr/bin/cat")).isEqualTo("tool");
        assertThat(index.items()).containsKey("usr/lib/libtool.so");
        // The image without --with takes its place.
        assertThat(store.pull("debian", List.of(), Progress.SILENT).with()).isEmpty();
        try (Stream<Path> left = Files.list(root.resolve("images/debian"))) {
            assertThat(left).hasSize(2);
        }
    }

    /** A name that begins with a version need not be that of the kernel itself. */
    @Test
    void takesTheKernelThatAMetaPackageLeadsTo() throws IOException {
        TestPackages packages = TestPackages.small();
        byte[] kernel = TestKernels.bzImage(TestKernels.pvh());
        packages.add(
                        "linux-image-6.12-cloud-amd64",
                        "2",
                        List.of(List.of("linux-image-6.12.1+deb12-cloud-amd64")),
                        TestPackages.deb("xz").build())
                .add(
                        "linux-image-6.12.1+deb12-cloud-amd64",
                        "6.12.1",
                        List.of(),
                        TestPackages.deb("xz").file("./boot/vmlinuz-6.12", 0644, kernel).build());
        Image image = new ImageStore(root, packages).get("debian:6.12", Progress.SILENT);
        assertThat(image.kernelPackage()).isEqualTo("linux-image-6.12.1+deb12-cloud-amd64");
    }

    @Test
    void refusesWhatCannotBeMade() throws IOException {
        ImageStore store = new ImageStore(root, TestPackages.small());
        assertThatThrownBy(() -> store.pull("ubuntu", List.of(), Progress.SILENT))
                .isInstanceOf(BadInputException.class)
                .hasMessage(
                        "There is no image 'ubuntu': images are debian, debian:6.12, debian:full, debian:rt.");
        assertThatThrownBy(() -> store.pull("debian", List.of("nope"), Progress.SILENT))
                .hasMessage("There is no package 'nope' in this machine's package lists.");
        assertThatThrownBy(() -> store.pull("debian:rt", List.of(), Progress.SILENT))
                .hasMessageContaining("no kernel package 'linux-image-rt-amd64'");
        assertThat(store.list()).isEmpty();
    }

    @Test
    void aPullThatFailsLeavesTheOldImage() throws IOException {
        TestPackages packages = TestPackages.small();
        ImageStore store = new ImageStore(root, packages);
        store.get("debian", Progress.SILENT);
        packages.add("broken", "1", List.of(), new byte[] {1, 2, 3});
        assertThatThrownBy(() -> store.pull("debian", List.of("broken"), Progress.SILENT))
                .isInstanceOf(BadInputException.class)
                .hasMessageStartingWith("The image 'debian' cannot be made: ");
        assertThat(store.find("debian")).isNotNull();
        try (Stream<Path> left = Files.list(root.resolve("images"))) {
            assertThat(left).hasSize(1);
        }
    }

    /** What apt says when the disk is full: new package lists would not help, and take room. */
    @Test
    void aFullDiskIsNoSignOfOldPackageLists() throws IOException {
        TestPackages packages = TestPackages.small();
        String[] failure = {"write (28: No space left on device)"};
        int[] refreshed = {0};
        PackageSource failing =
                new PackageSource() {
                    @Override
                    public PackageIndex index(String needed, Progress progress) {
                        return packages.index(needed, progress);
                    }

                    @Override
                    public Map<String, Path> download(
                            List<DebPackage> all, Path into, Progress progress) throws IOException {
                        throw new DownloadFailed(failure[0]);
                    }

                    @Override
                    public boolean refresh(Progress progress) {
                        refreshed[0]++;
                        return true;
                    }
                };
        ImageStore store = new ImageStore(root, failing);
        assertThatThrownBy(() -> store.get("debian", Progress.SILENT))
                .isInstanceOf(BadInputException.class)
                .hasMessage(
                        "The image 'debian' cannot be made: no space is left on the device of "
                                + root
                                + ".");
        assertThat(refreshed[0]).isZero();
        failure[0] = "404 Not Found";
        assertThatThrownBy(() -> store.get("debian", Progress.SILENT))
                .hasMessageContaining("404 Not Found");
        assertThat(refreshed[0]).isEqualTo(1);
    }

    @Test
    void saysThatAnImageIsDamaged() throws IOException {
        ImageStore store = new ImageStore(root, TestPackages.small());
        Image image = store.get("debian", Progress.SILENT);
        Files.writeString(image.folder().resolve("image.json"), "{\"name\": 5");
        assertThatThrownBy(() -> store.find("debian"))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("the image is damaged; 'vitrine pull debian' makes it anew");
        assertThat(store.pull("debian", List.of(), Progress.SILENT).name()).isEqualTo("debian");
    }

    @Test
    void concurrentPullsWaitForEachOther() throws Exception {
        ImageStore store = new ImageStore(root, TestPackages.small());
        List<Throwable> failures = java.util.Collections.synchronizedList(new ArrayList<>());
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            threads.add(
                    Thread.ofPlatform()
                            .start(() -> {
                                try {
                                    store.pull("debian", List.of(), Progress.SILENT);
                                } catch (Throwable e) {
                                    failures.add(e);
                                }
                            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(failures).isEmpty();
        assertThat(store.find("debian")).isNotNull();
    }

    /** Two first runs at once: each finds no image, and only one of them downloads. */
    @Test
    void whoWaitedForTheSameImageTakesIt() throws Exception {
        TestPackages packages = TestPackages.small();
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch other = new CountDownLatch(1);
        PackageSource slow =
                new PackageSource() {
                    @Override
                    public PackageIndex index(String needed, Progress progress) {
                        inside.countDown();
                        try {
                            other.await();
                        } catch (InterruptedException e) {
                            throw new IllegalStateException(e);
                        }
                        return packages.index(needed, progress);
                    }

                    @Override
                    public Map<String, Path> download(
                            List<DebPackage> all, Path into, Progress progress) throws IOException {
                        return packages.download(all, into, progress);
                    }
                };
        ImageStore store = new ImageStore(root, slow);
        List<Image> images = java.util.Collections.synchronizedList(new ArrayList<>());
        Thread first = new Thread(() -> images.add(store.get("debian", Progress.SILENT)));
        first.start();
        inside.await();
        Thread second = new Thread(() -> images.add(store.get("debian", Progress.SILENT)));
        second.start();
        // It has looked for the image in vain and waits for the lock.
        while (second.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
        other.countDown();
        first.join();
        second.join();
        assertThat(images).hasSize(2);
        assertThat(packages.downloads).isEqualTo(1);
    }

    @Test
    void findsTheUsersCache() {
        assertThat(ImageStore.defaultRoot(Map.of(), "/home/u"))
                .isEqualTo(Path.of("/home/u/.cache/vitrine"));
        assertThat(ImageStore.defaultRoot(Map.of("XDG_CACHE_HOME", "/c"), "/home/u"))
                .isEqualTo(Path.of("/c/vitrine"));
        assertThat(ImageStore.defaultRoot(Map.of("XDG_CACHE_HOME", "c"), "/home/u"))
                .isEqualTo(Path.of("/home/u/.cache/vitrine"));
    }

    @Test
    void indexesModules() throws IOException {
        TestPackages packages = TestPackages.small();
        byte[] kernel =
                dev.vitrine.toolstack.loader.TestKernels.bzImage(
                        dev.vitrine.toolstack.loader.TestKernels.pvh());
        packages.add(
                "linux-image-6.1.0-1-cloud-amd64",
                "6.1",
                List.of(),
                TestPackages.deb("xz")
                        .file("./boot/vmlinuz-6.1.0-1-cloud-amd64", 0644, kernel)
                        .file(
                                "./lib/modules/6.1.0-1-cloud-amd64/kernel/a-b.ko",
                                0644,
                                module("depends=c\0alias=pci:x*\0"))
                        .file(
                                "./lib/modules/6.1.0-1-cloud-amd64/kernel/c.ko",
                                0644,
                                module("depends=\0"))
                        .build());
        Image image =
                new ImageStore(root, packages)
                        .pull("debian", List.of(ImageStore.MODULES), Progress.SILENT);
        String folder = "usr/lib/modules/6.1.0-1-cloud-amd64/";
        assertThat(
                        new String(
                                content(image.rootfs(), folder + "modules.dep"),
                                StandardCharsets.US_ASCII))
                .isEqualTo("kernel/a-b.ko: kernel/c.ko\nkernel/c.ko:\n");
        assertThat(
                        new String(
                                content(image.rootfs(), folder + "modules.alias"),
                                StandardCharsets.US_ASCII))
                .endsWith("alias pci:x* a_b\n");
    }

    /** An ELF file with a section .modinfo. */
    private static byte[] module(String information) {
        byte[] info = information.getBytes(StandardCharsets.US_ASCII);
        byte[] names = "\0.modinfo\0".getBytes(StandardCharsets.US_ASCII);
        java.nio.ByteBuffer elf =
                java.nio.ByteBuffer.allocate(64 + 3 * 64 + names.length + info.length)
                        .order(java.nio.ByteOrder.LITTLE_ENDIAN);
        elf.put(0, new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1});
        elf.putLong(40, 64).putShort(60, (short) 3).putShort(62, (short) 1);
        int namesAt = 64 + 3 * 64;
        elf.putLong(64 + 64 + 24, namesAt).putLong(64 + 64 + 32, names.length);
        elf.putInt(64 + 128, 1);
        elf.putLong(64 + 128 + 24, namesAt + names.length).putLong(64 + 128 + 32, info.length);
        elf.put(namesAt, names).put(namesAt + names.length, info);
        return elf.array();
    }
}
