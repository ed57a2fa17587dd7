// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.output;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.introspection.trace.Content;
import dev.vitrine.introspection.trace.Event;
import dev.vitrine.introspection.trace.TracedEvent;
import dev.vitrine.introspection.trace.call.Samples;

import org.junit.jupiter.api.Test;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

class EventWriterTest {
    private static void tell(EventWriter w, int size) {
        TracedEvent e = Samples.openFailed();
        w.accept(e.time(), e.vcpu(), e.cr3(), e.task(), e.event(), size);
    }

    /** Events of several vCPUs, of which each is larger than the queue may be: all are there. */
    @Test
    void dropsNothing() throws InterruptedException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        EventWriter w = new EventWriter("g", EventWriter.Format.JSON, null, out);
        List<Thread> vcpus = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            Thread t =
                    new Thread(() -> {
                        for (int n = 0; n < 500; n++) {
                            tell(w, n % 10 == 0 ? 64 << 20 : 100);
                        }
                    });
            t.start();
            vcpus.add(t);
        }
        for (Thread t : vcpus) {
            t.join();
        }
        w.close();
        List<String> lines = out.toString(StandardCharsets.UTF_8).lines().toList();
        assertThat(lines).hasSize(2000);
        for (int i = 0; i < lines.size(); i++) {
            assertThat(lines.get(i)).contains("\"seq\":" + i + ",");
        }
        assertThat(w.written()).isEqualTo(2000);
        assertThat(w.failure()).isNull();
    }

    /** A disk that is full from some place on. */
    @Test
    void countsWhatCannotBeWritten() {
        OutputStream full =
                new OutputStream() {
                    private int left = 200_000;

                    @Override
                    public void write(int b) throws IOException {
                        throw new IOException("unused");
                    }

                    @Override
                    public void write(byte[] b, int from, int length) throws IOException {
                        left -= length;
                        if (left < 0) {
                            throw new IOException("No space left on device");
                        }
                    }
                };
        EventWriter w = new EventWriter("g", EventWriter.Format.JSON, null, full);
        for (int i = 0; i < 3000; i++) {
            tell(w, 100);
        }
        w.close();
        assertThat(w.failure()).isEqualTo("No space left on device");
        assertThat(w.written()).isPositive();
        assertThat(w.written() + w.lost()).isEqualTo(3000);
    }

    /** A plugin whose event cannot be written does not keep others from being so. */
    @Test
    void oneBadEventIsLostAlone() {
        record Bad(Content content) implements Event {
            @Override
            public String kind() {
                return "bad";
            }
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        EventWriter w = new EventWriter("g", EventWriter.Format.JSON, null, out);
        TracedEvent e = Samples.openFailed();
        tell(w, 100);
        Content none =
                v -> {
                    throw new IllegalStateException("nothing to tell");
                };
        w.accept(e.time(), e.vcpu(), e.cr3(), e.task(), new Bad(none), 100);
        tell(w, 100);
        w.close();
        assertThat(out.toString(StandardCharsets.UTF_8).lines())
                .hasSize(2)
                .allMatch(l -> l.startsWith("{\"event\":\"syscall\"") && l.endsWith("}"));
        assertThat(w.lost()).isEqualTo(1);
        assertThat(w.failure()).isEqualTo("nothing to tell");
    }

    @Test
    void writesWhatTheFilterChooses() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        EventFilter filter =
                EventFilter.parse(
                        "seq in (1, 3)",
                        "g",
                        List.of(dev.vitrine.introspection.trace.SystemCall.class));
        EventWriter w = new EventWriter("g", EventWriter.Format.KV, filter, out);
        for (int i = 0; i < 5; i++) {
            tell(w, 100);
        }
        w.close();
        assertThat(out.toString(StandardCharsets.UTF_8).lines())
                .hasSize(2)
                .allMatch(l -> l.contains(" seq=1 ") || l.contains(" seq=3 "));
    }
}
