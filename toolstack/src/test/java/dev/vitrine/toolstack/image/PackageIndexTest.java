// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vitrine.toolstack.BadInputException;

import org.junit.jupiter.api.Test;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.StringReader;
import java.util.List;

class PackageIndexTest {
    private static final String LISTS =
            """
            Package: app
            Version: 1:2.0-1
            Architecture: amd64
            Pre-Depends: libc (>= 2)
            Depends: mta | mail-agent, libx (= 1) [amd64], lib-any:any,
            Description: an app
             Depends: not-this
            Size: 1234

            Package: libc
            Version: 2
            Architecture: amd64

            Package: libc
            Version: 2
            Architecture: i386
            Depends: never

            Package: exim
            Version: 4
            Architecture: amd64
            Provides: mail-agent (= 1), x

            Package: libx
            Version: 1
            Depends: app, debconf (>= 1) | debconf-2.0, gone
            Architecture: all

            Package: lib-any
            Version: 1
            Depends: mail-agent

            Package: debconf
            Version: 1

            """;

    private static PackageIndex index() throws IOException {
        return PackageIndex.parse(new BufferedReader(new StringReader(LISTS)));
    }

    @Test
    void readsPackages() throws IOException {
        DebPackage app = index().find("app");
        assertThat(app).isNotNull();
        assertThat(app.version()).isEqualTo("1:2.0-1");
        assertThat(app.size()).isEqualTo(1234);
        assertThat(app.depends())
                .containsExactly(
                        List.of("libc"),
                        List.of("mta", "mail-agent"),
                        List.of("libx"),
                        List.of("lib-any"));
    }

    @Test
    void findsAllThatIsNeeded() throws IOException {
        assertThat(index().closure(List.of("app")))
                .extracting(DebPackage::name)
                .containsExactly("app", "libc", "exim", "libx", "lib-any");
        assertThat(index().closure(List.of("debconf", "libc")))
                .extracting(DebPackage::name)
                .containsExactly("debconf", "libc");
    }

    @Test
    void refusesUnknownPackages() {
        assertThatThrownBy(() -> index().closure(List.of("nope")))
                .isInstanceOf(BadInputException.class)
                .hasMessage("There is no package 'nope' in this machine's package lists.");
        assertThatThrownBy(() -> index().closure(List.of("mail-agent")))
                .hasMessage("'mail-agent' is a virtual package; name one of exim.");
    }
}
