// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.util.HexFormat;
import java.util.Random;

class PacketSummaryTest {
    private static final String IP4 = "4500003c1c4640004006b1e6ac100a63ac100a0cd3c0115c00000000";
    private static final String IP6 =
            "6000000000140611"
                    + "20010db8000000000000000000000001"
                    + "fe800000000000000000000000000002"
                    + "00358235";

    private static PacketSummary of(String hex, int type) {
        return PacketSummary.of(HexFormat.of().parseHex(hex), 0, type);
    }

    @Test
    void addressesAndPorts() {
        assertThat(of(IP4, 0x800))
                .isEqualTo(new PacketSummary("tcp", "172.16.10.99:54208", "172.16.10.12:4444"));
        assertThat(of(IP6, 0x86DD))
                .isEqualTo(new PacketSummary("tcp", "[2001:db8::1]:53", "[fe80::2]:33333"));
        // A fragment that is not the first has no ports.
        assertThat(of(IP4.replace("4000400", "2001400"), 0x800).source()).isEqualTo("172.16.10.99");
        assertThat(of(IP4.replace("4006b1", "4059b1"), 0x800).protocol()).isEqualTo("89");
        assertThat(of(IP4, 0x806).protocol()).isEmpty();
        assertThat(of(IP4, 0x86DD).protocol()).isEmpty();
    }

    @Test
    void anyBytesWillDo() {
        Random random = new Random(7);
        for (int i = 0; i < 100_000; i++) {
            byte[] b = new byte[random.nextInt(80)];
            random.nextBytes(b);
            if (b.length > 0) {
                b[0] = (byte) (b[0] & 15 | (random.nextBoolean() ? 0x40 : 0x60));
            }
            int at = random.nextInt(20);
            assertThat(PacketSummary.of(b, at, random.nextBoolean() ? 0x800 : 0x86DD)).isNotNull();
        }
    }
}
