// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.HexFormat;

class AddressesTest {
    @ParameterizedTest
    @CsvSource({
        "00000000000000000000000000000000, ::",
        "00000000000000000000000000000001, ::1",
        "fe800000000000000000000000000001, fe80::1",
        "20010db8000000010000000000000000, 2001:db8:0:1::",
        "20010db8000000000001000000000000, 2001:db8:0:0:1::",
        "20010db8000000000001000000000001, 2001:db8::1:0:0:1",
        "20010db8000100020003000400050006, 2001:db8:1:2:3:4:5:6",
        "00010000000200030004000500060007, 1:0:2:3:4:5:6:7",
        "00000000000000000000ffff7f000001, ::ffff:127.0.0.1"
    })
    void ip6IsWrittenAsRfc5952Says(String bytes, String text) {
        assertThat(Addresses.ip6(HexFormat.of().parseHex(bytes))).isEqualTo(text);
    }
}
