// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vitrine.introspection.IntrospectionException;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

class ContentFolderTest {
    @TempDir Path temporary;

    private List<String> names(Path folder) throws IOException {
        try (Stream<Path> s = Files.list(folder)) {
            return s.map(p -> p.getFileName().toString()).sorted().toList();
        }
    }

    private static boolean add(ContentFolder f, String name, int length) {
        ContentFolder.@Nullable Part p = f.begin(length);
        if (p == null) {
            return false;
        }
        p.write(new byte[length], length);
        boolean kept = p.keep(name);
        p.drop();
        return kept;
    }

    @Test
    void whatIsKeptIsThereOnce() throws IOException {
        Path folder = temporary.resolve("a/b");
        ContentFolder f = new ContentFolder(folder, 1 << 20);
        assertThat(add(f, "one", 5)).isTrue();
        assertThat(add(f, "one", 5)).isTrue();
        ContentFolder.Part dropped = f.begin(7);
        assertThat(dropped).isNotNull();
        dropped.write(new byte[3], 3);
        assertThat(names(folder)).hasSize(2);
        dropped.drop();
        assertThat(names(folder)).containsExactly("one");
        assertThat(folder.resolve("one")).hasSize(5);
        assertThat(f.failure()).isNull();
    }

    /** What is given back can be used again; a file takes up 4096 bytes at least. */
    @Test
    void noMoreThanAllowedIsWritten() throws IOException {
        ContentFolder f = new ContentFolder(temporary, 3 * 4096);
        for (int i = 0; i < 10; i++) {
            assertThat(add(f, "equal", 1)).isTrue();
        }
        assertThat(add(f, "large", 2 * 4096 + 1)).isFalse();
        assertThat(add(f, "fits", 2 * 4096)).isTrue();
        assertThat(add(f, "empty", 0)).isFalse();
        assertThat(f.begin(Long.MAX_VALUE)).isNull();
        assertThat(names(temporary)).containsExactly("equal", "fits");
    }

    @Test
    void whatCannotBeWrittenIsSaid() throws IOException {
        Path file = Files.createFile(temporary.resolve("file"));
        assertThatThrownBy(() -> new ContentFolder(file, 1 << 20))
                .isInstanceOf(IntrospectionException.class)
                .hasMessageContaining(file.toString());
        Path folder = temporary.resolve("folder");
        ContentFolder f = new ContentFolder(folder, 1 << 20);
        Files.delete(folder);
        assertThat(add(f, "name", 1)).isFalse();
        assertThat(f.failure()).contains(folder.toString(), "1 files");
    }
}
