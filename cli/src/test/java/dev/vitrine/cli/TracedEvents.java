// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Helpers for tests that look at what {@code vitrine trace} has told. */
final class TracedEvents {
    private TracedEvents() {}

    /** Events that have all these parts. */
    static List<String> of(List<String> events, String... parts) {
        return events.stream().filter(e -> List.of(parts).stream().allMatch(e::contains)).toList();
    }

    /** What the first group of a pattern matches, which has to be there. */
    static String found(String pattern, String printed) {
        Matcher m = Pattern.compile(pattern).matcher(printed);
        assertThat(m.find()).as(pattern + " in " + printed).isTrue();
        return m.group(1);
    }

    /** Every event is as the schema says, and none is missing. */
    static void fitTheSchema(List<String> events) throws IOException {
        JsonSchema schema = new JsonSchema(Files.readString(Path.of("../docs/trace.schema.json")));
        List<String> wrong = new ArrayList<>();
        long next = 0;
        for (String line : events) {
            Object event = JsonSchema.parse(line);
            String w = schema.check(event);
            if (w != null) {
                wrong.add(w + ": " + line);
            }
            assertThat(((Map<?, ?>) event).get("seq")).isEqualTo(next++);
        }
        assertThat(wrong).isEmpty();
    }
}
