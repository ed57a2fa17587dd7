// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.output;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.introspection.trace.TracedEvent;
import dev.vitrine.introspection.trace.call.Samples;

import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;

class EventFormatTest {
    private static String line(EventWriter.Format format, TracedEvent e) {
        Bytes b = new Bytes();
        EventFormat.of(format, "gu\"est").write(b, e);
        return b.toString();
    }

    @Test
    void json() {
        assertThat(line(EventWriter.Format.JSON, Samples.openFailed()))
                .isEqualTo(
                        """
                        {"event":"syscall","seq":7,"time":1500,"domain":"gu\\"est","vcpu":0,"cr3":"0x1000",\
                        "pid":41,"ppid":1,"tid":41,"uid":1000,"comm":"cat","executable":"/bin/cat","cgroup":"/",\
                        "mnt_ns":4026531841,"pid_ns":4026531836,"abi":"x64","nr":257,"name":"openat",\
                        "args":{"dfd":"AT_FDCWD","filename":"/etc/shadow","flags":"O_RDONLY|O_CLOEXEC"},\
                        "result":-13,"error":"EACCES","duration":300}
                        """);
    }

    @Test
    void csv() {
        Bytes b = new Bytes();
        EventFormat.of(EventWriter.Format.CSV, "g").header(b);
        assertThat(b.toString())
                .isEqualTo(
                        "event,seq,time,domain,vcpu,cr3,pid,ppid,tid,uid,comm,executable,cgroup,mnt_ns,"
                                + "pid_ns,fields\r\n");
        String line = line(EventWriter.Format.CSV, Samples.openFailed());
        assertThat(line)
                .startsWith(
                        "syscall,7,1500,\"gu\"\"est\",0,0x1000,41,1,41,1000,\"cat\",\"/bin/cat\",\"/\","
                                + "4026531841,4026531836,\"{\"\"abi\"\":\"\"x64\"\",")
                .endsWith("\"\"duration\"\":300}\"\r\n");
    }

    @Test
    void keysAndValues() {
        assertThat(line(EventWriter.Format.KV, Samples.openFailed()))
                .isEqualTo(
                        "event=syscall seq=7 time=1500 domain=\"gu\\\"est\" vcpu=0 cr3=0x1000 pid=41 ppid=1"
                                + " tid=41 uid=1000 comm=\"cat\" executable=\"/bin/cat\" cgroup=\"/\""
                                + " mnt_ns=4026531841 pid_ns=4026531836 abi=\"x64\" nr=257"
                                + " name=\"openat\" args.dfd=AT_FDCWD args.filename=\"/etc/shadow\""
                                + " args.flags=O_RDONLY|O_CLOEXEC result=-13 error=\"EACCES\""
                                + " duration=300\n");
    }

    @Test
    void text() {
        assertThat(line(EventWriter.Format.TEXT, Samples.openFailed()))
                .isEqualTo(
                        "0.000001 cat(41) openat(AT_FDCWD, \"/etc/shadow\", O_RDONLY|O_CLOEXEC) = -1"
                                + " EACCES\n");
    }

    /** Bytes that are no UTF-8 stay apart from each other, and lines stay lines. */
    @Test
    void anyBytes() {
        byte[] b = {
            'a', (byte) 0xC3, (byte) 0xA9, (byte) 0xFF, (byte) 0xC3, '\n', 0, '"', '\\', 0x7F
        };
        assertThat(line(EventWriter.Format.JSON, Samples.write(b)))
                .contains(
                        "\"buf\":{\"size\":10,\"data\":\"aé\\udcff\\udcc3\\n\\u0000\\\"\\\\\\u007f\"}")
                .endsWith("}\n");
        assertThat(line(EventWriter.Format.TEXT, Samples.write(b)))
                .contains("write(1, \"a\\303\\251\\377\\303\\n\\0\\\"\\\\\\177\", 10) = 3");
        byte[] surrogate = {(byte) 0xED, (byte) 0xA0, (byte) 0x80, (byte) 0xC0, (byte) 0x80};
        assertThat(line(EventWriter.Format.JSON, Samples.write(surrogate)))
                .contains("\"data\":\"\\udced\\udca0\\udc80\\udcc0\\udc80\"");
        byte[] emoji = "\uD83D\uDE00".getBytes(StandardCharsets.UTF_8);
        assertThat(line(EventWriter.Format.JSON, Samples.write(emoji)))
                .contains("\"data\":\"\uD83D\uDE00\"");
        for (EventWriter.Format f : EventWriter.Format.values()) {
            String line = line(f, Samples.write(new byte[] {'\n', '\r', ',', ' ', '='}));
            assertThat(line.strip()).as(f.toString()).doesNotContain("\n", "\r");
        }
    }

    @Test
    void numbers() {
        for (long n : new long[] {0, 1, -1, 9, 10, 99, 100, Long.MAX_VALUE, Long.MIN_VALUE, -10}) {
            assertThat(new Bytes().number(n).toString()).isEqualTo(Long.toString(n));
            assertThat(new Bytes().hex(n).toString()).isEqualTo("0x" + Long.toHexString(n));
        }
    }
}
