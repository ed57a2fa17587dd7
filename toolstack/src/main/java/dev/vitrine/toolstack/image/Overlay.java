// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.image;

import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.PathNames;
import dev.vitrine.toolstack.builder.Ramdisk;
import dev.vitrine.toolstack.loader.PhysicalWriter;

import org.jspecify.annotations.Nullable;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;

/**
 * What one run adds to an image's root file system: the files of {@code --copy} and the command of
 * {@code --exec}. It becomes a second cpio archive behind the image's own, which Linux unpacks over
 * it.
 */
public final class Overlay {
    /** The script that an image's init runs instead of the shell. */
    private static final String EXEC = "run-exec";

    private static final int BUFFER = 1 << 16;

    /** Linux unpacks without O_LARGEFILE, at least up to 6.1: MAX_NON_LFS, 2 GiB less one byte. */
    private static final long MAX_FILE = Integer.MAX_VALUE;

    private record Copy(Path host, String guest) {}

    private final List<Copy> copies = new ArrayList<>();
    private @Nullable String command;

    /**
     * Adds a file or folder.
     *
     * @param spec {@code HOST:GUEST}, where the last colon counts and GUEST is absolute. If GUEST
     *     ends with a slash or is a folder of the image, the copy goes into it under its own name.
     *     If HOST is a symbolic link, what it leads to is copied; links in a folder stay links
     * @throws BadInputException the text is of another form, or there is no such file
     */
    public Overlay copy(String spec) {
        int colon = spec.lastIndexOf(':');
        if (colon <= 0 || colon == spec.length() - 1) {
            throw new BadInputException(
                    "--copy takes HOST:GUEST, a file or folder here and a path in the guest; '"
                            + spec
                            + "' is not of that form.");
        }
        String guest = spec.substring(colon + 1);
        if (!guest.startsWith("/") || guest.indexOf('\0') >= 0) {
            throw new BadInputException(
                    "--copy " + spec + ": the path in the guest has to start with a slash.");
        }
        return copy(PathNames.path("--copy", spec.substring(0, colon)), guest);
    }

    /** Adds a file or folder, as {@link #copy(String)} does. */
    public Overlay copy(Path host, String guest) {
        if (!Files.exists(host)) {
            throw new BadInputException(host + ": there is no such file or folder.");
        }
        copies.add(new Copy(host, guest));
        return this;
    }

    /** Sets the command that the guest runs instead of a shell, by {@code /bin/sh}. */
    public Overlay exec(String shellCommand) {
        command = shellCommand;
        return this;
    }

    /** Whether it adds nothing. */
    public boolean isEmpty() {
        return copies.isEmpty() && command == null;
    }

    /**
     * The image's root file system with this laid over it.
     *
     * @throws BadInputException a file cannot be read, or is of a kind that cannot be copied
     */
    public Ramdisk over(Image image) {
        return isEmpty()
                ? image.ramdisk()
                : Ramdisk.concat(List.of(image.ramdisk(), archive(image.rootfs())));
    }

    /**
     * The overlay as a cpio archive. The files are looked at now, and read when it is written to
     * the guest's memory: however large they are, they take room nowhere else.
     *
     * @param base the archive that it goes over, whose links and folders it keeps
     */
    Ramdisk archive(Path base) {
        try {
            CpioIndex index = CpioIndex.read(base);
            FileTree tree = new FileTree(index::link);
            for (Copy copy : copies) {
                add(tree, index, copy);
            }
            if (command != null) {
                tree.addFile(EXEC, 0755, "#!/bin/sh\n" + command + "\n");
            }
            return new Archive(base, tree, index, CpioWriter.size(tree, index::isFolder));
        } catch (IOException e) {
            throw cannotBePacked(e);
        }
    }

    private static BadInputException cannotBePacked(IOException e) {
        return new BadInputException(
                "The files of --copy cannot be packed: " + e.getMessage() + ".", e);
    }

    private final class Archive implements Ramdisk {
        private final Path base;
        private final FileTree tree;
        private final CpioIndex index;
        private final long size;

        Archive(Path base, FileTree tree, CpioIndex index, long size) {
            this.base = base;
            this.tree = tree;
            this.index = index;
            this.size = size;
        }

        @Override
        public long size() {
            return size;
        }

        @Override
        public void writeTo(long address, PhysicalWriter writer) {
            OutputStream memory =
                    new OutputStream() {
                        private long at = address;

                        @Override
                        public void write(int b) {
                            write(new byte[] {(byte) b}, 0, 1);
                        }

                        @Override
                        public void write(byte[] bytes, int offset, int length) {
                            writer.write(at, bytes, offset, length);
                            at += length;
                        }
                    };
            try {
                CpioWriter.write(tree, new BufferedOutputStream(memory, BUFFER), index::isFolder);
            } catch (IOException e) {
                throw cannotBePacked(e);
            }
        }

        @Override
        public Ramdisk reread() {
            return archive(base);
        }
    }

    private static void add(FileTree tree, CpioIndex base, Copy copy) throws IOException {
        String target = copy.guest;
        String plain = FileTree.resolve(target + "/.", base::link);
        Path name = copy.host.toAbsolutePath().normalize().getFileName();
        boolean into = target.endsWith("/") || plain.isEmpty() || base.isFolder(plain);
        if (into && !Files.isDirectory(copy.host)) {
            target = target + "/" + name;
        } else if (into && !target.endsWith("/.") && name != null) {
            target = target + "/" + name;
        }
        String top = FileTree.resolve(target, base::link);
        if (!Files.isDirectory(copy.host)) {
            addFile(tree, top, copy.host);
            return;
        }
        // What is walked has to be a folder, not a link to one.
        Path start = copy.host.toRealPath();
        Files.walkFileTree(
                start,
                new SimpleFileVisitor<>() {
                    @Override
                    public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes a)
                            throws IOException {
                        String path = below(folder);
                        if (!path.isEmpty()) {
                            tree.addFolder(path, permissions(folder), seconds(a));
                        }
                        return FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult visitFile(Path file, BasicFileAttributes a)
                            throws IOException {
                        if (a.isSymbolicLink()) {
                            String to = Files.readSymbolicLink(file).toString();
                            tree.addLink(below(file), to, seconds(a));
                        } else {
                            addFile(tree, below(file), file);
                        }
                        return FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult visitFileFailed(Path file, IOException e) {
                        String what = Files.isDirectory(file) ? "folder" : "file";
                        throw new BadInputException(file + ": the " + what + " cannot be read.", e);
                    }

                    private String below(Path file) {
                        String rest = start.relativize(file).toString().replace('\\', '/');
                        return rest.isEmpty() ? top : top + "/" + rest;
                    }
                });
    }

    private static void addFile(FileTree tree, String path, Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new BadInputException(file + ": only files, folders and links can be copied.");
        }
        BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
        if (attributes.size() > MAX_FILE) {
            throw new BadInputException(
                    file
                            + ": the file has 2 GiB or more, which Linux does not unpack out of a"
                            + " ramdisk; --copy can take it in parts only.");
        }
        // Told now, and not when the guest is half made.
        try (InputStream in = Files.newInputStream(file)) {
            tree.addFile(path, permissions(file), seconds(attributes), file, attributes.size());
        } catch (java.nio.file.AccessDeniedException e) {
            throw new BadInputException(file + ": the file cannot be read.", e);
        }
    }

    private static long seconds(BasicFileAttributes attributes) {
        return Math.max(0, attributes.lastModifiedTime().toMillis() / 1000);
    }

    /** As stat(2) has them: the bits for set-user-ID, set-group-ID and sticky among them. */
    private static int permissions(Path file) throws IOException {
        if (file.getFileSystem().supportedFileAttributeViews().contains("unix")
                && Files.getAttribute(file, "unix:mode") instanceof Integer mode) {
            return mode & 07777;
        }
        return Files.isDirectory(file) || Files.isExecutable(file) ? 0755 : 0644;
    }
}
