// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** The tables can be read, and say what they are to say. */
class CallTableTest {
    private final CallTable table = new CallTable(null);

    /** Calls without a description that programs of today use none of. */
    private static final int UNDESCRIBED = 80;

    @ParameterizedTest
    @EnumSource(Abi.class)
    void everyCallIsDescribed(Abi abi) {
        List<String> without = new ArrayList<>();
        CallTable.names(abi)
                .forEach((number, name) -> {
                    Call c = table.get(abi, number);
                    assertThat(c.name()).isEqualTo(name);
                    assertThat(c.parameters()).hasSizeLessThanOrEqualTo(6);
                    if (c.parameters().length == 6 && c.parameters()[0].name().equals("a0")) {
                        without.add(name);
                    }
                });
        assertThat(without).hasSizeLessThan(UNDESCRIBED);
        assertThat(CallTable.names(abi)).hasSizeGreaterThan(350);
    }

    @Test
    void numbersAreThoseOfTheAbi() {
        assertThat(table.get(Abi.X64, 0).name()).isEqualTo("read");
        assertThat(table.get(Abi.X64, 59).name()).isEqualTo("execve");
        assertThat(table.get(Abi.X32, 520).name()).isEqualTo("execve");
        assertThat(table.get(Abi.I386, 11).name()).isEqualTo("execve");
        assertThat(table.get(Abi.I386, 3).name()).isEqualTo("read");
        assertThat(table.get(Abi.X64, -1).name()).isEqualTo("syscall_4294967295");
        assertThat(table.get(Abi.X64, 999_999).parameters()).hasSize(6);
    }

    /** Sizes that sizeof() has in C, for each ABI. */
    @Test
    void structuresAreAsLargeAsInC() {
        Object[][] sizes = {
            {"stat", 144, 144, 64},
            {"stat64", 104, 104, 96},
            {"timespec", 16, 16, 8},
            {"itimerval", 32, 32, 16},
            {"rusage", 144, 144, 72},
            {"sigaction", 32, 20, 20},
            {"sigstack", 24, 12, 12},
            {"pollfd", 8, 8, 8},
            {"epoll_event", 12, 12, 12},
            {"flock", 32, 32, 16},
            {"flock64", 32, 32, 24},
            {"utsname", 390, 390, 390},
            {"termios", 36, 36, 36},
            {"rlimit", 16, 16, 8},
            {"clone_args", 88, 88, 88},
        };
        for (Object[] s : sizes) {
            for (Abi abi : Abi.values()) {
                Layout l = Layouts.of(abi, (String) s[0]);
                assertThat(l).as(s[0] + " " + abi).isNotNull();
                assertThat(l.size()).as(s[0] + " " + abi).isEqualTo(s[1 + abi.ordinal()]);
            }
        }
    }

    /** As include/uapi/linux/net.h numbers them, with as many arguments as net/socket.c takes. */
    @Test
    void socketcallIsTheCallThatItMakes() {
        CallTable table = new CallTable(null);
        int[] counts = {3, 3, 3, 2, 3, 3, 3, 4, 4, 4, 6, 6, 2, 5, 5, 3, 3, 4, 5, 4};
        for (int i = 0; i < counts.length; i++) {
            Call c = Objects.requireNonNull(table.socketCall(i + 1));
            assertThat(c.parameterCount()).as(c.name()).isEqualTo(counts[i]);
            assertThat(c.number()).isEqualTo(CallTable.SOCKETCALL);
            assertThat(table.socketCall(i + 1)).isSameAs(c);
        }
        assertThat(Objects.requireNonNull(table.socketCall(10)).name()).isEqualTo("recv");
        assertThat(table.socketCall(0)).isNull();
        assertThat(table.socketCall(21)).isNull();
        assertThat(table.socketCall(-1)).isNull();
        assertThat(table.get(Abi.I386, CallTable.SOCKETCALL).name()).isEqualTo("socketcall");
    }
}
