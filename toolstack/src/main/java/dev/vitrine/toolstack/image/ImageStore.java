// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.image;

import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.loader.KernelImage;

import org.jspecify.annotations.Nullable;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;

/**
 * The images on this machine, under {@code ${XDG_CACHE_HOME:-~/.cache}/vitrine}.
 *
 * <pre>
 * lock                          held while an image is made
 * images/debian/current         the name of the folder with the image
 * images/debian/ID/image.json   what is in it
 * images/debian/ID/vmlinux      the kernel; vmlinuz: the same, packed
 * images/debian/ID/rootfs.cpio  the root file system
 * apt/                          package lists, where the machine's own do not do
 * </pre>
 *
 * <p>An image appears whole or not at all: it is made in a folder of its own, and then {@code
 * current} is replaced. Reading images takes no lock and no network.
 */
public final class ImageStore {
    private static final String BUSYBOX = "busybox-static";

    /** In {@code --with}: the modules of the image's own kernel. */
    public static final String MODULES = "linux-modules";

    private static final int FORMAT = 1;
    private static final ReentrantLock IN_THIS_PROCESS = new ReentrantLock();

    private final Path root;
    private final PackageSource source;

    /** A store in {@code root} whose packages come through the machine's apt. */
    public ImageStore(Path root) {
        this(root, new AptPackageSource(root.resolve("apt")));
    }

    /** A store in {@code root} whose packages come from {@code source}. */
    public ImageStore(Path root, PackageSource source) {
        this.root = root;
        this.source = source;
    }

    /** The user's store. */
    public static ImageStore ofUser() {
        return new ImageStore(defaultRoot(System.getenv(), System.getProperty("user.home", ".")));
    }

    /**
     * Where a user's store is; a relative XDG_CACHE_HOME is to be ignored (XDG base directories).
     */
    static Path defaultRoot(Map<String, String> environment, String home) {
        String cache = environment.getOrDefault("XDG_CACHE_HOME", "");
        Path base = cache.startsWith("/") ? Path.of(cache) : Path.of(home, ".cache");
        return base.resolve("vitrine");
    }

    /** The folder of the store. */
    public Path root() {
        return root;
    }

    /**
     * The image of that name, or null if it has not been pulled.
     *
     * @throws BadInputException the name is that of no image, or the image's files are damaged
     */
    public @Nullable Image find(String name) {
        Path folder = folder(ImageName.of(name));
        Path current = folder.resolve("current");
        if (!Files.exists(current)) {
            return null;
        }
        try {
            return describe(folder.resolve(Files.readString(current).strip()));
        } catch (IOException | Json.Malformed | ClassCastException e) {
            throw new BadInputException(
                    folder + ": the image is damaged; 'vitrine pull " + name + "' makes it anew.",
                    e);
        }
    }

    /** All images, by name. */
    public List<Image> list() {
        List<Image> images = new ArrayList<>();
        for (String name : ImageName.all()) {
            Image image = find(name);
            if (image != null) {
                images.add(image);
            }
        }
        return images;
    }

    /**
     * The image of that name; it is pulled if it is not there.
     *
     * @throws BadInputException it cannot be had; the message says why
     */
    public Image get(String name, Progress progress) {
        Image image = find(name);
        return image != null ? image : pull(name, List.of(), progress, true);
    }

    /**
     * Makes an image of the newest packages, in place of the one of that name that may be there.
     *
     * @param name the image's name
     * @param with packages that it holds with all they depend on; {@value #MODULES} stands for the
     *     modules of its kernel
     * @param progress is told what happens
     * @throws BadInputException it cannot be made; the message says why
     */
    public Image pull(String name, List<String> with, Progress progress) {
        return pull(name, with, progress, false);
    }

    /**
     * @param ifMissing whether an image that is there does as well: who waited for the lock may
     *     find that the holder has made it
     */
    private Image pull(String name, List<String> with, Progress progress, boolean ifMissing) {
        ImageName wanted = ImageName.of(name);
        IN_THIS_PROCESS.lock();
        try {
            Files.createDirectories(root.resolve("images"));
            try (FileChannel channel =
                            FileChannel.open(
                                    root.resolve("lock"),
                                    StandardOpenOption.CREATE,
                                    StandardOpenOption.WRITE);
                    FileLock lock = lock(channel, progress)) {
                assert lock.isValid();
                Image made = ifMissing ? find(name) : null;
                return made != null ? made : make(wanted, with, progress);
            }
        } catch (IOException e) {
            String why =
                    e instanceof DiskFull || DiskFull.says(e.getMessage())
                            ? "no space is left on the device of " + root + "."
                            : reason(e);
            throw new BadInputException("The image '" + name + "' cannot be made: " + why, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BadInputException("Making the image '" + name + "' was interrupted.", e);
        } finally {
            IN_THIS_PROCESS.unlock();
        }
    }

    private static String reason(IOException e) {
        String message = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
        String what =
                e instanceof java.nio.file.AccessDeniedException
                        ? message + " may not be written"
                        : message;
        return what.endsWith(".") ? what : what + ".";
    }

    private static FileLock lock(FileChannel channel, Progress progress) throws IOException {
        FileLock lock = channel.tryLock();
        if (lock == null) {
            progress.say("waiting for another 'vitrine pull' to end");
            lock = channel.lock();
        }
        return lock;
    }

    private Path folder(ImageName name) {
        return root.resolve("images").resolve(name.folder());
    }

    private Image make(ImageName name, List<String> with, Progress progress)
            throws IOException, InterruptedException {
        Path images = root.resolve("images");
        // Left behind by a pull that was killed; nobody else is at work while we hold the lock.
        removeMatching(images, ".new-");
        Path work = images.resolve(".new-" + UUID.randomUUID());
        try {
            Path packages = Files.createDirectories(work.resolve("packages"));
            Path image = Files.createDirectory(work.resolve("image"));
            Selection selection = select(name, with, progress);
            Map<String, Path> files;
            try {
                files = source.download(selection.all(), packages, progress);
            } catch (PackageSource.DownloadFailed e) {
                // The machine's lists may name versions that the archive no longer has. Newer ones
                // do not make room on a full disk.
                if (DiskFull.isBehind(e, work) || !source.refresh(progress)) {
                    throw e;
                }
                remove(packages);
                Files.createDirectories(packages);
                selection = select(name, with, progress);
                files = source.download(selection.all(), packages, progress);
            }
            progress.say("unpacking");
            build(name, with, selection, files, work, image);
            return publish(name, image);
        } catch (IOException e) {
            // Asked before the files go that have filled it.
            throw DiskFull.isBehind(e, images) ? new DiskFull("no space is left", e) : e;
        } finally {
            remove(work);
        }
    }

    /** The packages to take: the kernel, and those for the root file system. */
    private record Selection(DebPackage kernel, List<DebPackage> others) {
        List<DebPackage> all() {
            List<DebPackage> all = new ArrayList<>(others);
            all.add(kernel);
            return all;
        }
    }

    private Selection select(ImageName name, List<String> with, Progress progress)
            throws IOException, InterruptedException {
        PackageIndex index = source.index(name.kernel(), progress);
        List<String> names = new ArrayList<>(List.of(BUSYBOX));
        with.stream().filter(p -> !p.equals(MODULES)).forEach(names::add);
        DebPackage kernel = kernel(index, name.kernel());
        List<DebPackage> others = new ArrayList<>(index.closure(names));
        others.remove(kernel);
        return new Selection(kernel, others);
    }

    /** The package with the kernel itself, which the meta package depends on. */
    private static DebPackage kernel(PackageIndex index, String meta) {
        DebPackage at = index.find(meta);
        for (int i = 0; i < 4 && at != null; i++) {
            if (at.name().matches("linux-image-[0-9]+[.][0-9]+[.][0-9].*")) {
                return at;
            }
            DebPackage next = null;
            for (List<String> group : at.depends()) {
                if (group.getFirst().startsWith("linux-image-")) {
                    next = index.find(group.getFirst());
                }
            }
            at = next;
        }
        throw new BadInputException(
                "This machine's package lists have no kernel package '"
                        + meta
                        + "': its apt sources have to name a Debian archive.");
    }

    private void build(
            ImageName name,
            List<String> with,
            Selection selection,
            Map<String, Path> files,
            Path work,
            Path image)
            throws IOException {
        byte[] packed = null;
        try (FileTree tree = new FileTree(work.resolve("content"));
                FileTree kernel = new FileTree(work.resolve("kernel-content"))) {
            RootFileSystem.prepare(tree);
            boolean modules = with.contains(MODULES);
            Path kernelFile = file(files, selection.kernel);
            DebFile.unpack(kernelFile, kernel, path -> path.startsWith("boot/vmlinuz-"));
            for (FileTree.Entry entry : kernel.entries()) {
                if (entry.type() == FileTree.REGULAR) {
                    packed = kernel.content(entry.path());
                }
            }
            if (modules) {
                DebFile.unpack(
                        kernelFile,
                        tree,
                        p -> p.startsWith("lib/modules/") || p.startsWith("usr/lib/modules/"));
                String version = selection.kernel.name().substring("linux-image-".length());
                KernelModules.index(tree, version);
            }
            for (DebPackage debPackage : selection.others) {
                DebFile.unpack(
                        file(files, debPackage),
                        tree,
                        path ->
                                !path.startsWith("usr/share/doc/")
                                        && !path.startsWith("usr/share/man/")
                                        && !path.startsWith("usr/share/lintian/"));
            }
            RootFileSystem.finish(tree);
            try (OutputStream out =
                    new BufferedOutputStream(
                            Files.newOutputStream(image.resolve(Image.ROOTFS)), 1 << 16)) {
                CpioWriter.write(tree, out);
            }
        }
        if (packed == null) {
            throw new IOException("the package " + selection.kernel.name() + " holds no kernel");
        }
        Files.write(image.resolve(Image.VMLINUZ), packed);
        Files.write(
                image.resolve(Image.VMLINUX), KernelImage.unpack(selection.kernel.name(), packed));
        Files.writeString(
                image.resolve(Image.DESCRIPTION), Json.write(description(name, with, selection)));
    }

    private static Path file(Map<String, Path> files, DebPackage debPackage) throws IOException {
        Path file = files.get(debPackage.name());
        if (file == null) {
            throw new IOException("the package " + debPackage.name() + " was not downloaded");
        }
        return file;
    }

    private static Map<String, Object> description(
            ImageName name, List<String> with, Selection selection) {
        Map<String, Object> map = new LinkedHashMap<>();
        map.put("format", FORMAT);
        map.put("name", name.name());
        map.put("kernelPackage", selection.kernel.name());
        map.put("kernelVersion", selection.kernel.version());
        map.put("created", Instant.now().getEpochSecond());
        map.put("with", with);
        Map<String, String> versions = new TreeMap<>();
        selection.all().forEach(p -> versions.put(p.name(), p.version()));
        map.put("versions", versions);
        return map;
    }

    private Image publish(ImageName name, Path image) throws IOException {
        Path folder = Files.createDirectories(folder(name));
        String id = UUID.randomUUID().toString();
        Files.move(image, folder.resolve(id), StandardCopyOption.ATOMIC_MOVE);
        Path next = folder.resolve("next");
        Files.writeString(next, id + "\n");
        Files.move(next, folder.resolve("current"), StandardCopyOption.ATOMIC_MOVE);
        try (Stream<Path> all = Files.list(folder)) {
            for (Path old : all.toList()) {
                if (Files.isDirectory(old) && !old.getFileName().toString().equals(id)) {
                    remove(old);
                }
            }
        }
        try {
            return describe(folder.resolve(id));
        } catch (Json.Malformed e) {
            throw new IOException(e.getMessage(), e);
        }
    }

    private static Image describe(Path folder) throws IOException, Json.Malformed {
        if (!(Json.read(Files.readString(folder.resolve(Image.DESCRIPTION)))
                instanceof Map<?, ?> map)) {
            throw new Json.Malformed("no object");
        }
        List<String> with = new ArrayList<>();
        if (map.get("with") instanceof List<?> list) {
            list.forEach(item -> with.add(String.valueOf(item)));
        }
        Map<String, String> versions = new TreeMap<>();
        if (map.get("versions") instanceof Map<?, ?> all) {
            all.forEach((p, v) -> versions.put(String.valueOf(p), String.valueOf(v)));
        }
        long size = 0;
        for (String file : List.of(Image.VMLINUX, Image.VMLINUZ, Image.ROOTFS)) {
            size += Files.size(folder.resolve(file));
        }
        return new Image(
                text(map, "name"),
                folder,
                text(map, "kernelPackage"),
                text(map, "kernelVersion"),
                with,
                versions,
                map.get("created") instanceof Long created ? created : 0,
                size);
    }

    private static String text(Map<?, ?> map, String name) throws Json.Malformed {
        if (map.get(name) instanceof String text) {
            return text;
        }
        throw new Json.Malformed("no " + name);
    }

    private static void removeMatching(Path folder, String prefix) throws IOException {
        try (Stream<Path> all = Files.list(folder)) {
            for (Path path : all.toList()) {
                if (path.getFileName().toString().startsWith(prefix)) {
                    remove(path);
                }
            }
        }
    }

    private static void remove(Path path) throws IOException {
        if (!Files.exists(path)) {
            return;
        }
        try (Stream<Path> all = Files.walk(path)) {
            for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(each);
            }
        }
    }
}
