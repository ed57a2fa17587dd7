// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.record;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vitrine.hypervisor.ExternalInput;
import dev.vitrine.hypervisor.StateSection;
import dev.vitrine.hypervisor.StopReason;
import dev.vitrine.toolstack.BadInputException;

import org.junit.jupiter.api.Test;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

class LogTest {
    static final List<LogEntry> ENTRIES =
            List.of(
                    new LogEntry.Checkpoint(
                            0,
                            0,
                            0,
                            -1,
                            new MachineState(
                                    List.of(
                                            new StateSection(
                                                    "vCPU 0",
                                                    Long.MIN_VALUE,
                                                    List.of("RAX", "RIP"),
                                                    List.of(-1L, 0xFFFFFFFF81000000L)),
                                            new StateSection(
                                                    "event channels", 7, List.of(), List.of())),
                                    new long[] {1, -2, Long.MAX_VALUE})),
                    new LogEntry.Input(
                            3,
                            200_000,
                            new ExternalInput(ExternalInput.CONSOLE, "ls\n".getBytes())),
                    new LogEntry.Input(
                            3, 200_000, new ExternalInput(ExternalInput.STORE, new byte[0])),
                    new LogEntry.Checkpoint(300, 1L << 40, 1L << 41, 99, null),
                    new LogEntry.End(301, 1L << 40, StopReason.POWEROFF, "the guest powered off"));

    static byte[] write(List<LogEntry> entries) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (LogWriter log = new LogWriter(bytes, 0x12345678)) {
            entries.forEach(log::append);
            assertThat(log.failure()).isNull();
            assertThat(log.written()).isEqualTo(bytes.size());
        }
        return bytes.toByteArray();
    }

    static List<LogEntry> read(byte[] bytes) {
        List<LogEntry> all = new ArrayList<>();
        try (LogReader log = new LogReader(Path.of("log"), new ByteArrayInputStream(bytes))) {
            for (LogEntry e = log.next(); e != null; e = log.next()) {
                all.add(e);
            }
            assertThat(log.next()).isNull();
        }
        return all;
    }

    static void same(LogEntry a, LogEntry b) {
        assertThat(a).usingRecursiveComparison().isEqualTo(b);
    }

    @Test
    void readsWhatWasWritten() {
        List<LogEntry> read = read(write(ENTRIES));
        assertThat(read).hasSameSizeAs(ENTRIES);
        for (int i = 0; i < read.size(); i++) {
            same(read.get(i), ENTRIES.get(i));
        }
    }

    /** Wherever a crash has cut it off, all entries that are complete are there. */
    @Test
    void readsACutOffLogUpToItsLastEntry() {
        byte[] whole = write(ENTRIES);
        int complete = 0;
        int end = LogFormat.HEADER;
        for (int length = LogFormat.HEADER; length < whole.length; length++) {
            if (length == end + LogFormat.FRAME + LogCodec.encode(ENTRIES.get(complete)).length) {
                end = length;
                complete++;
            }
            assertThat(read(Arrays.copyOf(whole, length))).hasSize(complete);
            // A file system may have made room already.
            byte[] room = Arrays.copyOf(Arrays.copyOf(whole, length), whole.length + 100);
            // What was missing may have been a zero.
            List<LogEntry> more = read(room);
            assertThat(more).hasSizeBetween(complete, complete + 1);
            for (int i = 0; i < more.size(); i++) {
                same(more.get(i), ENTRIES.get(i));
            }
        }
    }

    @Test
    void everyFlippedBitIsSeen() {
        byte[] whole = write(ENTRIES);
        for (int bit = 0; bit < whole.length * 8; bit++) {
            byte[] other = whole.clone();
            other[bit / 8] ^= (byte) (1 << bit % 8);
            try (LogReader log = new LogReader(Path.of("log"), new ByteArrayInputStream(other))) {
                int n = 0;
                for (LogEntry e = log.next(); e != null; e = log.next()) {
                    same(e, ENTRIES.get(n++));
                }
                // All but that of the manifest is damage, and no log that was only cut off.
                assertThat(log.manifest()).isNotEqualTo(0x12345678);
                assertThat(n).isEqualTo(ENTRIES.size());
            } catch (BadInputException e) {
                assertThat(e.getMessage()).startsWith("log: ").endsWith(".").doesNotContain("\n");
            }
        }
    }

    @Test
    void entriesInAnImpossibleOrderAreDamage() {
        for (List<LogEntry> bad :
                List.of(
                        List.of(ENTRIES.get(3), ENTRIES.get(1)),
                        List.of(ENTRIES.get(4), ENTRIES.get(4)))) {
            assertThatThrownBy(() -> read(write(bad)))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining("cannot come there");
        }
    }

    @Test
    void keepsTheFirstError() {
        OutputStream full =
                new OutputStream() {
                    private int left = 100;

                    @Override
                    public void write(int b) throws IOException {
                        if (left-- <= 0) {
                            throw new IOException("No space left on device");
                        }
                    }
                };
        try (LogWriter log = new LogWriter(full, 0)) {
            ENTRIES.forEach(log::append);
            assertThat(log.failure()).hasMessage("No space left on device");
        }
    }
}
