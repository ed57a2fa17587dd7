// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.build;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassFile.ClassHierarchyResolverOption;
import java.lang.classfile.ClassFile.DeadCodeOption;
import java.lang.classfile.ClassFile.StackMapsOption;
import java.lang.classfile.ClassFileVersion;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeTransform;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * Gives the old class files in jars a version that the JVM's AOT cache takes.
 *
 * <p>Class files before version 50 are verified without stack maps, by inference, and HotSpot keeps
 * none of them in its cache: they are parsed and verified at each start. {@code ClassVersions DIR}
 * makes those in the jars of a folder version 51, with stack maps. Their code stays as it is, and
 * so does all else in the jars.
 *
 * <p>The launcher runs it from its source, so that it depends on nothing but the JDK.
 */
public final class ClassVersions {
    /**
     * The first version whose stack maps have to be right: inference does not stand in for them.
     */
    private static final int VERSION = ClassFile.JAVA_7_VERSION;

    private final Path jar;

    private ClassVersions(Path jar) {
        this.jar = jar;
    }

    /** A file in a jar. */
    private record Entry(ZipEntry header, byte[] bytes) {
        /** Whether it is a class that the JVM's cache does not take. */
        boolean isOld() {
            // Behind the magic number and the minor version.
            return header.getName().endsWith(".class")
                    && bytes.length > 8
                    && (bytes[6] << 8 | bytes[7] & 0xff) < ClassFile.JAVA_6_VERSION;
        }

        boolean isSignature() {
            return header.getName().matches("META-INF/[^/]*\\.SF");
        }
    }

    /**
     * Runs it.
     *
     * @param args the folder
     */
    public static void main(String[] args) throws IOException {
        if (args.length != 1) {
            System.err.println("usage: ClassVersions DIR");
            System.exit(2);
        }
        try (Stream<Path> files = Files.list(Path.of(args[0]))) {
            for (Path file : files.filter(f -> f.toString().endsWith(".jar")).sorted().toList()) {
                new ClassVersions(file).renew();
            }
        }
    }

    private void renew() throws IOException {
        List<Entry> entries = entries();
        // What is signed would not be what was signed.
        if (entries.stream().noneMatch(Entry::isOld)
                || entries.stream().anyMatch(Entry::isSignature)) {
            return;
        }
        Path next = jar.resolveSibling(jar.getFileName() + ".new");
        try (URLClassLoader loader = new URLClassLoader(new URL[] {jar.toUri().toURL()});
                ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(next))) {
            ClassFile classFile =
                    ClassFile.of(
                            StackMapsOption.GENERATE_STACK_MAPS,
                            DeadCodeOption.KEEP_DEAD_CODE,
                            ClassHierarchyResolverOption.of(
                                    ClassHierarchyResolver.ofResourceParsing(loader)));
            for (Entry entry : entries) {
                ZipEntry header = new ZipEntry(entry.header.getName());
                header.setTimeLocal(entry.header.getTimeLocal());
                zip.putNextEntry(header);
                zip.write(entry.isOld() ? renewed(classFile, entry.bytes) : entry.bytes);
                zip.closeEntry();
            }
        }
        Files.move(next, jar, StandardCopyOption.REPLACE_EXISTING);
    }

    private List<Entry> entries() throws IOException {
        List<Entry> entries = new ArrayList<>();
        try (ZipFile zip = new ZipFile(jar.toFile())) {
            for (ZipEntry header : Collections.list(zip.entries())) {
                try (InputStream in = zip.getInputStream(header)) {
                    entries.add(new Entry(header, in.readAllBytes()));
                }
            }
        }
        return entries;
    }

    private static byte[] renewed(ClassFile classFile, byte[] bytes) {
        ClassModel model = classFile.parse(bytes);
        return classFile.transformClass(
                model,
                // Code that is not taken apart keeps the stack maps that it has: none.
                ClassTransform.transformingMethodBodies(CodeTransform.ACCEPT_ALL)
                        .andThen(ClassTransform.dropping(ClassFileVersion.class::isInstance))
                        .andThen(
                                ClassTransform.endHandler(
                                        to -> to.with(ClassFileVersion.of(VERSION, 0)))));
    }
}
