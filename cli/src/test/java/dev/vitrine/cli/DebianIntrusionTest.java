// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.introspection.Target;
import dev.vitrine.introspection.linux.LinuxKernel;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** What the plugins that look for intruders tell of Debian, and what they do not. */
@Timeout(value = 20, unit = TimeUnit.MINUTES)
class DebianIntrusionTest {
    @TempDir Path folder;
    private TracingImage image = TracingImage.NONE;

    @BeforeEach
    void image() {
        image = TracingImage.use();
    }

    @AfterEach
    void restore() {
        image.close();
    }

    private List<String> trace(String script, String plugins) throws IOException {
        Path programs = Files.createDirectories(folder.resolve("programs"));
        Path pages = Files.createDirectories(folder.resolve("pages"));
        GuestPrograms.write(programs);
        Path events = folder.resolve("events");
        List<String> command = new ArrayList<>(List.of("trace", "debian"));
        command.addAll(List.of("--copy", programs + ":/opt/test", "--plugins", plugins));
        if (plugins.contains("memory")) {
            command.addAll(List.of("--memory-dump", pages.toString()));
        }
        command.addAll(List.of("--output", events.toString(), "--timeout", "18m", "--exec", "sh"));
        Cli.Result r = Cli.runWithInput(script, command.toArray(String[]::new));
        assertThat(r.status()).as(r.err() + r.out()).isEqualTo(42);
        assertThat(r.err()).isEmpty();
        List<String> all = Files.readAllLines(events);
        JsonSchema schema = new JsonSchema(Files.readString(Path.of("../docs/trace.schema.json")));
        List<String> wrong = new ArrayList<>();
        for (String line : all) {
            String w = schema.check(JsonSchema.parse(line));
            if (w != null) {
                wrong.add(w + ": " + line);
            }
        }
        assertThat(wrong).isEmpty();
        return all;
    }

    private static List<Map<?, ?>> of(List<String> events, String... parts) throws IOException {
        List<Map<?, ?>> found = new ArrayList<>();
        for (String e : events) {
            if (Arrays.stream(parts).allMatch(e::contains)) {
                found.add((Map<?, ?>) JsonSchema.parse(e));
            }
        }
        return found;
    }

    @Test
    void tellWhatProgramsWriteAndExecute() throws Exception {
        List<String> all =
                trace(
                        """
                        /opt/test/unpack; echo "unpacked $?"
                        mount -t bpf none /sys/fs/bpf
                        /opt/test/bpf; sleep 2; /opt/test/bpf; sleep 2; rm /sys/fs/bpf/kept; sleep 1
                        modprobe dummy; ls -l /; dmesg >/dev/null
                        exit 42
                        """,
                        "memory,ebpf");
        List<Map<?, ?>> mapped = of(all, "\"event\":\"memory\"", "\"comm\":\"unpack\"");
        assertThat(mapped.stream().map(e -> e.get("call") + " " + e.get("changes")))
                .containsExactly(
                        // Its file, and what is zero behind it.
                        "execve [writable_and_executable]",
                        "execve [anonymous_executable, writable_and_executable]",
                        "mprotect [anonymous_executable, writable_then_executable]",
                        "mprotect [executable_then_writable, writable_and_executable]",
                        "mmap [anonymous_executable]");
        assertThat(mapped.get(2).get("old_rights")).isEqualTo("rw-p");
        assertThat(mapped.get(2).get("rights")).isEqualTo("r-xp");
        assertThat(mapped.get(4).get("path")).isEqualTo("/memfd:packed (deleted)");
        Object page = mapped.get(2).get("address");
        List<Map<?, ?>> executed =
                of(all, "memory_executed", "\"comm\":\"unpack\"", "\"address\":\"" + page + "\"");
        assertThat(executed).hasSize(2);
        for (int layer = 1; layer <= 2; layer++) {
            byte[] content = new byte[4096];
            content[0] = (byte) 0xB8;
            content[1] = (byte) layer;
            content[5] = (byte) 0xC3;
            String hash =
                    HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
            Map<?, ?> e = executed.get(layer - 1);
            assertThat(e.get("layer")).isEqualTo((long) layer);
            assertThat(e.get("instruction")).isEqualTo(page);
            assertThat(e.get("sha256")).isEqualTo(hash);
            assertThat(e.get("dump")).isEqualTo(hash + ".page");
            assertThat(folder.resolve("pages").resolve(hash + ".page")).hasBinaryContent(content);
        }
        assertThat(of(all, "memory_executed", "memfd:packed", "\"comm\":\"unpack\"")).hasSize(1);
        // Debian's own programs do nothing of the kind.
        for (String e : all) {
            assertThat(e).containsAnyOf("\"comm\":\"unpack\"", "\"comm\":\"bpf\"", "bpf_program");
        }
        programs(all);
    }

    private static void programs(List<String> all) throws IOException {
        List<Map<?, ?>> events = of(all, "bpf_program", "\"watcher\"");
        assertThat(events.stream().map(e -> String.valueOf(e.get("operation"))))
                .containsExactly(
                        // Pinned, and kept by its name.
                        "load",
                        "attach",
                        "pin",
                        "kept",
                        // The name is taken.
                        "load",
                        "attach",
                        "pin",
                        "unload",
                        // The name is gone.
                        "unload");
        for (Map<?, ?> e : events) {
            assertThat(e.get("type")).isEqualTo("BPF_PROG_TYPE_SOCKET_FILTER");
            assertThat(e.get("instructions")).isEqualTo(2L);
            // As bpftool computes it: the first 8 bytes of the instructions' SHA-1.
            assertThat(e.get("tag")).isEqualTo("a04f5eef06a7f555");
        }
        assertThat(events.get(1).get("attach_type")).isEqualTo("SO_ATTACH_BPF");
        assertThat(events.get(2).get("path")).isEqualTo("/sys/fs/bpf/kept");
        assertThat(events.get(6).get("error")).isEqualTo("EEXIST");
        assertThat(of(all, "bpf_map", "\"seen\"", "BPF_MAP_TYPE_HASH", "\"max_entries\":16"))
                .hasSize(2);
    }

    /** The kernel patches itself, and loads and unloads modules: none of that is told. */
    @Test
    void ordinaryKernelsAreNoRootkits() throws IOException {
        List<String> all =
                trace(
                        """
                        modprobe dummy; ip link set dummy0 up; modprobe loop; modprobe overlay
                        rmmod dummy; rmmod overlay; modprobe dummy; ls -lR /proc/sys >/dev/null 2>&1
                        mount -t tracefs none /sys/kernel/tracing; cd /sys/kernel/tracing
                        echo 1 >events/sched/enable; echo 0 >events/sched/enable
                        echo function >current_tracer && echo "functions"; echo nop >current_tracer
                        echo 1 >/proc/sys/kernel/sched_schedstats
                        exit 42
                        """,
                        "rootkit");
        assertThat(all).isEmpty();
    }

    @Test
    void kprobesAreHooks() throws IOException {
        List<String> all =
                trace(
                        """
                        mount -t tracefs none /sys/kernel/tracing; cd /sys/kernel/tracing
                        echo 'p:one do_sys_openat2' >kprobe_events
                        echo 'p:two do_sys_openat2+5' >>kprobe_events; echo 1 >events/kprobes/two/enable
                        echo 1 >events/kprobes/one/enable; cat /etc/passwd >/dev/null
                        grep -c one: trace; sleep 1; grep -c two: trace; echo 0 >events/kprobes/one/enable
                        exit 42
                        """,
                        "rootkit");
        assertThat(of(all, "\"kprobe\"", "do_sys_openat2", "\"owner\":\"kernel\"")).isNotEmpty();
        assertThat(of(all, "\"rootkit\"")).hasSize(of(all, "\"kprobe\"").size());
    }

    /** Somebody who can write kernel memory changes it while the guest runs. */
    @Test
    void changesAreTold() throws Exception {
        Path events = folder.resolve("events");
        Path socket = folder.resolve("guest");
        long hangup;
        long text;
        long gate;
        try (RunningGuest g =
                new RunningGuest(
                        "trace",
                        "debian",
                        "--plugins",
                        "rootkit",
                        "--output",
                        events.toString(),
                        "--control",
                        socket.toString(),
                        "--timeout",
                        "18m",
                        "--exec",
                        "sh")) {
            g.type("echo rea''dy\n");
            g.await("ready");
            try (Target target = Target.open(socket)) {
                LinuxKernel k = LinuxKernel.attach(target, List.of());
                hangup = k.resolve("sys_call_table") + 153 * 8;
                text = k.resolve("__x64_sys_sysinfo");
                gate = k.resolve("idt_table") + 16 * 0x90;
                // Where no module is: the far end of the modules' space.
                byte[] nowhere = {0, (byte) 0xF0, (byte) 0xFF, (byte) 0xFE, -1, -1, -1, -1};
                k.write(hangup, nowhere);
                k.write(text + 6, new byte[] {(byte) 0xE9, 0x10, 0x20, 0x30, 0x00});
                byte[] handler = k.read(gate, 2);
                handler[0] ^= 1;
                k.write(gate, handler);
            }
            g.type("true; /bin/busybox true; echo do''ne\n");
            g.await("done");
            assertThat(g.finish("exit 42\n")).as(g.printed()).isEqualTo(42);
        }
        List<String> all = Files.readAllLines(events);
        JsonSchema schema = new JsonSchema(Files.readString(Path.of("../docs/trace.schema.json")));
        for (String line : all) {
            assertThat(schema.check(JsonSchema.parse(line))).as(line).isNull();
        }
        List<Map<?, ?>> calls = of(all, "\"finding\":\"system_call_table\"");
        assertThat(calls).hasSize(1);
        assertThat(calls.getFirst().get("place")).isEqualTo("sys_call_table[153]");
        assertThat(calls.getFirst().get("address")).isEqualTo("0x" + Long.toHexString(hangup));
        assertThat(calls.getFirst().get("target")).isEqualTo("0xfffffffffefff000");
        assertThat(calls.getFirst().get("owner")).isNull();
        assertThat(calls.getFirst().get("by")).isEqualTo("outside");
        List<Map<?, ?>> changed = of(all, "\"finding\":\"kernel_text\"");
        assertThat(changed).hasSize(1);
        assertThat(changed.getFirst().get("place")).isEqualTo("__x64_sys_sysinfo+0x6");
        assertThat((String) changed.getFirst().get("now")).startsWith("e910");
        List<Map<?, ?>> gates = of(all, "\"finding\":\"interrupt_table\"");
        assertThat(gates).isNotEmpty();
        assertThat(gates.getFirst().get("place")).isEqualTo("idt_table[144]");
        assertThat(all).hasSize(2 + gates.size());
    }
}
