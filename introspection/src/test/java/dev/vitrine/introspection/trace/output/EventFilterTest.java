// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.output;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vitrine.introspection.trace.Event;
import dev.vitrine.introspection.trace.SystemCall;
import dev.vitrine.introspection.trace.call.Samples;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.List;
import java.util.Random;

class EventFilterTest {
    private static final List<Class<? extends Event>> EVENTS = List.of(SystemCall.class);

    private static boolean matches(String expression) {
        return EventFilter.parse(expression, "guest", EVENTS).test(Samples.openFailed());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "name == openat",
                "name==\"openat\"&&pid==41",
                "event == syscall && domain == guest",
                "args.filename == /etc/shadow",
                "args.filename ~ \"/etc/*\"",
                "args.filename ~ *shad?w",
                "args.flags ~ *O_CLOEXEC*",
                "args.dfd == AT_FDCWD && args.dfd == -100",
                "result < 0 && result == -13 && error == EACCES",
                "error",
                "!(comm == sh) && comm in (cat, dog)",
                "comm != sh",
                "name == read || name == openat",
                "name == read && pid == 1 || uid >= 1000",
                "comm > bat && comm < dog",
                "time == 1500 && seq == 7 && cr3 == 0x1000",
                "executable ~ /bin/*",
                "abi in (x64)",
                "!(args.nothing == 1) && !(nr == 0)",
            })
    void chooses(String expression) {
        assertThat(matches(expression)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "name == open",
                "args.nothing == 1",
                "args.nothing != 1",
                "comm !~ c*",
                "result >= 0",
                "!error",
                "comm in (sh)",
                "name == openat && pid == 1",
                "uid < 1000",
            })
    void refuses(String expression) {
        assertThat(matches(expression)).isFalse();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "`` | 1 | missing",
                "nothing == 1 | 1 | no field nothing",
                "name = openat | 6 | '='",
                "name == | 8 | a value is missing",
                "(name == a | 11 | a ) is missing",
                "name == a b | 11 | 'b'",
                "name == \"a | 9 | no end",
                "pid in 3 | 8 | a ( is missing",
                "pid in (3 | 10 | a , or )",
                "a && | 1 | no field a",
                "name && | 8 | a field is missing",
                "name == a &| 11 | '&'",
                "pid == - | 8 | no value",
            })
    void saysWhatIsWrong(String expression, int position, String what) {
        assertThatThrownBy(() -> EventFilter.parse(expression, "guest", EVENTS))
                .isInstanceOf(FilterException.class)
                .hasMessageContaining("at character " + position + ":")
                .hasMessageContaining(what);
    }

    @Test
    void limitsItsDepth() {
        assertThatThrownBy(() -> EventFilter.parse("(".repeat(5000) + "pid", "guest", EVENTS))
                .isInstanceOf(FilterException.class);
        assertThatThrownBy(() -> EventFilter.parse("!".repeat(4000) + "pid", "guest", EVENTS))
                .isInstanceOf(FilterException.class);
    }

    /** Whatever is given is a filter or a sentence. */
    @Test
    void takesAnything() {
        String[] words = {
            "name",
            "==",
            "!=",
            "(",
            ")",
            "&&",
            "||",
            "!",
            "~",
            "\"x",
            "\"",
            "in",
            ",",
            "5",
            "pid",
            "args.flags",
            "-",
            "<",
            " ",
            "\\",
            "0x",
            "*",
            "é"
        };
        Random random = new Random(1);
        for (int n = 0; n < 20_000; n++) {
            StringBuilder s = new StringBuilder();
            for (int i = random.nextInt(8); i >= 0; i--) {
                s.append(words[random.nextInt(words.length)]);
                s.append(random.nextBoolean() ? " " : "");
            }
            try {
                EventFilter.parse(s.toString(), "guest", EVENTS).test(Samples.openFailed());
            } catch (FilterException e) {
                assertThat(e.getMessage()).contains("at character ");
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "a*, abc, true",
        "*c, abc, true",
        "a?c, abc, true",
        "a?, abc, false",
        "*, '', true",
        "a*b*c, aXbYbZc, true",
        "a*b*d, aXbYbZc, false"
    })
    void patterns(String pattern, String text, boolean fits) {
        assertThat(Glob.matches(pattern, text)).isEqualTo(fits);
    }
}
