// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vitrine.introspection.trace.Event;
import dev.vitrine.introspection.trace.EventShape;
import dev.vitrine.introspection.trace.TracePlugin;
import dev.vitrine.toolstack.BadInputException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.StringWriter;
import java.lang.module.ModuleFinder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

class TracePluginsTest {
    private static final List<String> NAMES =
            List.of(
                    "syscalls",
                    "processes",
                    "files",
                    "network",
                    "modules",
                    "ptrace",
                    "crashes",
                    "memory",
                    "ebpf",
                    "rootkit");

    @TempDir Path folder;

    @Test
    void allAreFoundAndDescribed() {
        List<TracePlugin> all = TracePlugins.choose(NAMES, List.of());
        assertThat(all).extracting(TracePlugin::name).containsExactlyElementsOf(NAMES);
        String help = Cli.run("trace", "--help").out();
        for (TracePlugin p : all) {
            assertThat(help).contains("  " + p.name() + " ").contains(p.summary());
        }
        assertThatThrownBy(() -> TracePlugins.choose(List.of("mind"), List.of()))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("syscalls");
    }

    /** The module's descriptor and the list for the class path name the same classes. */
    @Test
    void bothListsAreTheSame() throws IOException {
        Path classes = Path.of("../introspection/target/classes");
        List<String> provided =
                ModuleFinder.of(classes).findAll().stream()
                        .flatMap(m -> m.descriptor().provides().stream())
                        .flatMap(p -> p.providers().stream())
                        .sorted()
                        .toList();
        List<String> listed =
                Files.readAllLines(
                        classes.resolve("META-INF/services/" + TracePlugin.class.getName()));
        assertThat(listed.stream().sorted()).containsExactlyElementsOf(provided);
        assertThat(listed).hasSameSizeAs(NAMES);
    }

    /** The schema has the kinds of events that there are, with their fields. */
    @Test
    void schemaHasAllFields() throws IOException {
        Map<String, List<String>> kinds =
                new JsonSchema(Files.readString(Path.of("../docs/trace.schema.json"))).kinds();
        List<List<String>> shapes = new ArrayList<>();
        for (TracePlugin p : TracePlugins.choose(NAMES, List.of())) {
            for (Class<? extends Event> e : p.events()) {
                shapes.add(EventShape.of(e).names());
            }
        }
        assertThat(kinds.values().stream().map(f -> f.subList(f.indexOf("pid_ns") + 1, f.size())))
                .containsExactlyInAnyOrderElementsOf(shapes);
    }

    /** The plugin that docs/plugins.md builds can be compiled, is found, and has events. */
    @Test
    void theOneOfTheDocumentation() throws IOException {
        String page = Files.readString(Path.of("../docs/plugins.md"));
        int from = page.indexOf("```java\n") + 8;
        String code = page.substring(from, page.indexOf("```", from));
        assertThat(code.lines().filter(l -> !l.isBlank()).count()).isLessThanOrEqualTo(45);
        Path source = folder.resolve("TroublePlugin.java");
        Files.writeString(source, code);
        Path services = Files.createDirectories(folder.resolve("out/META-INF/services"));
        Files.writeString(services.resolve(TracePlugin.class.getName()), "example.TroublePlugin\n");
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StringWriter messages = new StringWriter();
        String path =
                String.join(
                        System.getProperty("path.separator"),
                        System.getProperty("java.class.path"),
                        System.getProperty("jdk.module.path", ""),
                        "../introspection/target/classes",
                        "../processor/target/classes",
                        "../memory/target/classes");
        try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null)) {
            boolean compiled =
                    compiler.getTask(
                                    messages,
                                    files,
                                    null,
                                    List.of("-d", folder.resolve("out").toString(), "-cp", path),
                                    null,
                                    files.getJavaFileObjects(source))
                            .call();
            assertThat(compiled).as(messages.toString()).isTrue();
        }
        List<TracePlugin> chosen =
                TracePlugins.choose(List.of("trouble"), List.of(folder.resolve("out").toString()));
        assertThat(chosen).hasSize(1);
        for (Class<? extends Event> e : chosen.getFirst().events()) {
            assertThat(EventShape.of(e).names()).isNotEmpty();
        }
    }

    @Test
    void badPaths() {
        assertThatThrownBy(() -> TracePlugins.choose(NAMES, List.of("/no/such.jar")))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("/no/such.jar");
    }
}
