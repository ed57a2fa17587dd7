// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import picocli.CommandLine;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.Attribute;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.MethodModel;
import java.lang.classfile.attribute.CodeAttribute;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/** What the launcher's build does to old class files, with picocli's. */
@Timeout(120)
class ClassVersionsTest {
    @TempDir static Path folder;

    private static Path jar;
    private static Map<String, byte[]> before;
    private static Map<String, byte[]> after;

    @BeforeAll
    static void renew() throws Exception {
        Path original =
                Path.of(
                        CommandLine.class
                                .getProtectionDomain()
                                .getCodeSource()
                                .getLocation()
                                .toURI());
        jar = Files.copy(original, folder.resolve("picocli.jar"));
        before = read(jar);
        run();
        after = read(jar);
    }

    private static void run() throws IOException, InterruptedException {
        Path program = Path.of("../build-tools/src/main/java/dev/vitrine/build/ClassVersions.java");
        Process process =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                program.toString(),
                                folder.toString())
                        .redirectErrorStream(true)
                        .start();
        process.getOutputStream().close();
        assertThat(new String(process.getInputStream().readAllBytes())).isEmpty();
        assertThat(process.waitFor()).isZero();
    }

    private static Map<String, byte[]> read(Path jar) throws IOException {
        Map<String, byte[]> entries = new LinkedHashMap<>();
        try (ZipFile zip = new ZipFile(jar.toFile())) {
            for (ZipEntry entry : Collections.list(zip.entries())) {
                try (InputStream in = zip.getInputStream(entry)) {
                    entries.put(entry.getName() + " of " + entry.getTimeLocal(), in.readAllBytes());
                }
            }
        }
        return entries;
    }

    @Test
    void allEntriesAreThereAndNoClassIsOld() {
        assertThat(after.keySet()).containsExactlyElementsOf(before.keySet());
        int old = 0;
        for (String name : before.keySet()) {
            byte[] was = before.get(name);
            byte[] is = after.get(name);
            if (name.contains(".class ") && was[7] < ClassFile.JAVA_6_VERSION) {
                assertThat(is[7]).as(name).isEqualTo((byte) ClassFile.JAVA_7_VERSION);
                old++;
            } else {
                assertThat(is).as(name).isEqualTo(was);
            }
        }
        assertThat(old).isGreaterThan(200);
    }

    /** All but stack maps and the order of attributes. */
    @Test
    void classesSayWhatTheySaid() {
        for (String name : before.keySet()) {
            if (name.contains(".class ")) {
                assertThat(content(after.get(name))).as(name).isEqualTo(content(before.get(name)));
            }
        }
    }

    private static List<String> content(byte[] bytes) {
        ClassModel model = ClassFile.of().parse(bytes);
        List<String> lines = new ArrayList<>();
        lines.add(model.flags().flags() + " " + model.thisClass() + " " + model.superclass());
        lines.add(model.interfaces().toString());
        lines.addAll(attributes(model.attributes()));
        model.fields()
                .forEach(f -> {
                    lines.add("field " + f.flags().flags() + f.fieldName() + f.fieldType());
                    lines.addAll(attributes(f.attributes()));
                });
        for (MethodModel m : model.methods()) {
            lines.add("method " + m.flags().flags() + m.methodName() + m.methodType());
            lines.addAll(attributes(m.attributes()));
            m.findAttribute(Attributes.code()).ifPresent(code -> lines.addAll(code(code)));
        }
        return lines;
    }

    private static List<String> code(CodeAttribute code) {
        List<String> lines = new ArrayList<>();
        lines.add(code.maxStack() + " " + code.maxLocals());
        // Constants keep their numbers, so that code which is the same is so byte by byte.
        lines.add(java.util.HexFormat.of().formatHex(code.codeArray()));
        code.exceptionHandlers()
                .forEach(h ->
                        lines.add(
                                code.labelToBci(h.tryStart())
                                        + " "
                                        + code.labelToBci(h.tryEnd())
                                        + " "
                                        + code.labelToBci(h.handler())
                                        + " "
                                        + h.catchType()));
        code.findAttribute(Attributes.lineNumberTable())
                .ifPresent(t ->
                        t.lineNumbers()
                                .forEach(l -> lines.add(l.startPc() + ": " + l.lineNumber())));
        return lines;
    }

    private static List<String> attributes(List<Attribute<?>> attributes) {
        return attributes.stream().map(a -> a.attributeName().stringValue()).sorted().toList();
    }

    /** Verified by their stack maps: of version 51 on, nothing else does. */
    @Test
    void allOfThemVerify() throws IOException, ClassNotFoundException {
        try (URLClassLoader loader =
                new URLClassLoader(
                        new URL[] {jar.toUri().toURL()}, ClassLoader.getPlatformClassLoader())) {
            for (String entry : after.keySet()) {
                String name = entry.substring(0, entry.indexOf(' '));
                if (name.startsWith("picocli/") && name.endsWith(".class")) {
                    String type = name.substring(0, name.length() - 6).replace('/', '.');
                    assertThat(Class.forName(type, true, loader).getClassLoader()).isSameAs(loader);
                }
            }
        }
    }

    @Test
    void whatIsNotOldOrIsSignedStays() throws IOException, InterruptedException {
        byte[] renewed = Files.readAllBytes(jar);
        Path signed = folder.resolve("signed.jar");
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(signed))) {
            zip.putNextEntry(new ZipEntry("META-INF/SIGNER.SF"));
            zip.putNextEntry(new ZipEntry("Old.class"));
            zip.write(
                    before.entrySet().stream()
                            .filter(e -> e.getKey().startsWith("picocli/CommandLine.class"))
                            .findFirst()
                            .orElseThrow()
                            .getValue());
        }
        byte[] was = Files.readAllBytes(signed);
        run();
        assertThat(Files.readAllBytes(signed)).isEqualTo(was);
        assertThat(Files.readAllBytes(jar)).isEqualTo(renewed);
        Files.delete(signed);
    }
}
