// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.console;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

class ExecStatusFilterTest {
    private final ExecStatusFilter filter = new ExecStatusFilter("abc");
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    /** What the user sees of {@code text}, which comes in pieces of {@code size} bytes. */
    private String filtered(String text, int size) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        for (int at = 0; at < bytes.length; at += size) {
            filter.filter(bytes, at, Math.min(size, bytes.length - at), out);
        }
        filter.finish(out);
        return out.toString(StandardCharsets.ISO_8859_1);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7, 1000})
    void takesMessagesOutOfTheStream(int size) throws IOException {
        String text = "a\033]vitrine;abc;ready\007b\033[1mc\n\033]vitrine;abc;exit;7\007d";
        assertThat(filtered(text, size)).isEqualTo("ab\033[1mc\nd");
        assertThat(filter.ready()).isTrue();
        assertThat(filter.status()).hasValue(7);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\033]vitrine;abd;exit;7\007",
                "\033]vitrine;abc;exit;1234\007",
                "\033]vitrine;abc;exit;\007",
                "\033]vitrine;abc;hello\007",
                "\033]vitrine;abc;exit;7",
                "\033]vitrine;abc;exit;7                     \007",
                "\033\033]vitrine;\033]x",
                "\033]0;title\007 \303\274\000\377",
            })
    void leavesAllElseAsItIs(String text) throws IOException {
        assertThat(filtered("<" + text + ">", 1)).isEqualTo("<" + text + ">");
        assertThat(filter.status()).isEmpty();
        assertThat(filter.ready()).isFalse();
    }

    @Test
    void findsAMessageBehindTheStartOfAnother() throws IOException {
        assertThat(filtered("\033]vitrine;abc;ex\033]vitrine;abc;exit;0\007", 1))
                .isEqualTo("\033]vitrine;abc;ex");
        assertThat(filter.status()).hasValue(0);
    }

    @Test
    void tellsInitAboutTheConsole() {
        assertThat(GuestConsole.pipe().withToken("t").cmdline())
                .isEqualTo("vitrine.token=t vitrine.console=pipe");
        assertThat(GuestConsole.terminal(24, 80, "xterm").withToken("t").cmdline())
                .isEqualTo(
                        "vitrine.token=t vitrine.console=tty vitrine.rows=24 vitrine.cols=80"
                                + " vitrine.term=xterm");
        assertThat(GuestConsole.terminal(0, 0, "x y").withToken("t").cmdline())
                .isEqualTo("vitrine.token=t vitrine.console=tty");
        assertThat(GuestConsole.pipe().token()).isNotEqualTo(GuestConsole.pipe().token());
    }
}
