// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.build;

import com.google.googlejavaformat.java.Formatter;
import com.google.googlejavaformat.java.FormatterException;
import com.google.googlejavaformat.java.ImportOrderer;
import com.google.googlejavaformat.java.JavaFormatterOptions;
import com.google.googlejavaformat.java.JavaFormatterOptions.Style;
import com.google.googlejavaformat.java.RemoveUnusedImports;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Formats the sources of all modules, or checks that they are formatted.
 *
 * <p>{@code Format check DIR} exits with 1 and names the files that are not as {@code Format write
 * DIR} would leave them: in google-java-format's AOSP style, below the licence header.
 */
public final class Format {

    private static final String HEADER =
            """
            // Copyright 2026 The Vitrine authors
            // SPDX-License-Identifier: Apache-2.0
            """;

    private final Formatter formatter =
            new Formatter(JavaFormatterOptions.builder().style(Style.AOSP).build());

    private Format() {}

    /** What is wrong with one file. */
    private record Finding(Path file, String what) {}

    public static void main(String[] args) throws IOException {
        if (args.length != 2 || !(args[0].equals("check") || args[0].equals("write"))) {
            System.err.println("usage: Format check|write DIR");
            System.exit(2);
        }
        boolean write = args[0].equals("write");
        Path root = Path.of(args[1]).toRealPath();
        Format format = new Format();
        List<Finding> findings =
                sources(root).parallelStream()
                        .flatMap(file -> format.visit(file, write).stream())
                        .toList();
        for (Finding finding : findings) {
            System.err.println(root.relativize(finding.file()) + ": " + finding.what());
        }
        if (!findings.isEmpty()) {
            if (!write) {
                System.err.println("To format all files: mvn -q -f build-tools");
            }
            System.exit(1);
        }
    }

    /** Every Java file below {@code <module>/src}, in a fixed order. */
    private static List<Path> sources(Path root) throws IOException {
        List<Path> files = new ArrayList<>();
        try (Stream<Path> modules = Files.list(root)) {
            for (Path src : modules.map(m -> m.resolve("src")).sorted().toList()) {
                if (Files.isDirectory(src)) {
                    try (Stream<Path> walk = Files.walk(src)) {
                        walk.filter(f -> f.toString().endsWith(".java"))
                                .sorted()
                                .forEach(files::add);
                    }
                }
            }
        }
        return files;
    }

    private List<Finding> visit(Path file, boolean write) {
        try {
            String text = Files.readString(file);
            String formatted = format(text.startsWith(HEADER) ? text : HEADER + "\n" + text);
            if (formatted.equals(text)) {
                return List.of();
            }
            if (!write) {
                return List.of(new Finding(file, "is not formatted"));
            }
            Files.writeString(file, formatted);
            return List.of();
        } catch (FormatterException e) {
            return List.of(new Finding(file, "cannot be parsed: " + e.getMessage()));
        } catch (IOException e) {
            throw new UncheckedIOException(file.toString(), e);
        }
    }

    private String format(String text) throws FormatterException {
        String imports = ImportOrderer.reorderImports(text, Style.AOSP);
        return formatter.formatSource(RemoveUnusedImports.removeUnusedImports(imports));
    }
}
