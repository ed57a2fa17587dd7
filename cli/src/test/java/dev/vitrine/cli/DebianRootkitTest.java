// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static dev.vitrine.cli.TracedEvents.found;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.toolstack.image.Image;

import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Modules that do what rootkits do are told, each by its own event, and other code is not. */
@Timeout(value = 15, unit = TimeUnit.MINUTES)
class DebianRootkitTest {
    private static final String SYMBOLS =
            """
            cat /proc/kallsyms >/tmp/symbols
            symbol() { echo "0x$(grep " $1$" /tmp/symbols | head -n 1 | cut -d ' ' -f 1)"; }
            cd /opt/test
            """;

    private static final String INTRUDERS =
            SYMBOLS
                    + """
                    insmod victim.ko
                    echo "victim at $(grep 'victim' /proc/modules | cut -d ' ' -f 6)."
                    insmod regs.ko; rmmod regs
                    insmod calls.ko table=$(symbol sys_call_table); rmmod calls
                    insmod data.ko table=$(symbol tcp4_seq_ops); rmmod data
                    insmod gate.ko table=$(symbol idt_table); rmmod gate
                    insmod patch.ko at=$(symbol __x64_sys_sysinfo); rmmod patch
                    at=0x$(grep ' function.*victim' /proc/kallsyms | cut -d ' ' -f 1)
                    insmod neighbour.ko at=$at; rmmod neighbour
                    insmod tracer.ko; cat /etc/passwd >/dev/null; rmmod tracer
                    insmod probe.ko; cat /etc/passwd >/dev/null; rmmod probe
                    insmod alloc.ko executable=$(symbol set_memory_x); rmmod alloc
                    insmod proc.ko; cat /proc/uptime; rmmod proc
                    insmod hide.ko; grep -c hide /proc/modules
                    echo "registered $(dmesg | grep -c 'registered 0')."
                    exit 42
                    """;

    private static final String OTHERS =
            SYMBOLS
                    + """
                    insmod victim.ko; rmmod victim; insmod victim.ko
                    mount -t tracefs none /sys/kernel/tracing; cd /sys/kernel/tracing
                    echo function >current_tracer; echo nop >current_tracer
                    echo 1 >events/sched/enable; echo 0 >events/sched/enable
                    echo 1 >/proc/sys/kernel/sched_schedstats
                    echo 1 >/proc/sys/net/core/bpf_jit_enable
                    mount -t bpf none /sys/fs/bpf
                    /opt/test/bpf; ls /sys/fs/bpf
                    echo "packs $(grep -c ' 2101248 .*pages=512' /proc/vmallocinfo)."
                    rmmod victim; cat /proc/uptime
                    exit 42
                    """;

    @TempDir Path folder;

    private String printed = "";

    /** Events of a script, with the modules in /opt/test. */
    private List<Map<?, ?>> trace(String image, String script) throws IOException {
        Image kernel = KernelFile.image(image);
        Path modules = Files.createDirectory(folder.resolve("modules"));
        GuestPrograms.write(modules);
        RootkitModules.write(new KernelFile(kernel.kernel()), modules);
        Path events = folder.resolve("events");
        Cli.Result r =
                Cli.runWithInput(
                        script,
                        "trace",
                        image,
                        "--copy",
                        modules + ":/opt/test",
                        "--plugins",
                        "rootkit",
                        "--output",
                        events.toString(),
                        "--timeout",
                        "10m",
                        "--exec",
                        "sh");
        printed = r.out().replace("\r", "");
        assertThat(r.status()).as(r.err() + printed).isEqualTo(42);
        assertThat(r.err()).isEmpty();
        List<String> lines = Files.readAllLines(events);
        TracedEvents.fitTheSchema(lines);
        List<Map<?, ?>> all = new ArrayList<>();
        for (String line : lines) {
            all.add((Map<?, ?>) JsonSchema.parse(line));
        }
        return all;
    }

    /** A line for an event: what, where, whose code it leads to, and who did it. */
    private static String line(Map<?, ?> e) {
        // Compilers take register_ftrace_function_nolock into its caller or do not.
        String by = String.valueOf(e.get("by")).replaceFirst("[:+].*", "").replace("_nolock", "");
        String place = String.valueOf(e.get("place"));
        place =
                switch (String.valueOf(e.get("finding"))) {
                    // An address in the module's data.
                    case "ftrace" -> "x";
                    // The first byte that is another one may be any of the eight.
                    case "kernel_data" -> place.replaceFirst("[+].*", "");
                    default -> place;
                };
        return e.get("finding") + " " + place + " " + e.get("owner") + " " + by;
    }

    @ParameterizedTest
    @ValueSource(strings = {"debian", "debian:6.12"})
    void intrudersAreTold(String image) throws IOException {
        List<Map<?, ?>> all = trace(image, INTRUDERS);
        assertThat(printed).contains("registered 2.");
        List<String> lines = new ArrayList<>(all.stream().map(DebianRootkitTest::line).toList());
        // A page may be executed at more than one place before its code is known.
        String pages = "hidden_code 0x[0-9a-f]+ null (0x[0-9a-f]+|alloc|check|hide)";
        List<String> hidden = lines.stream().filter(l -> l.matches(pages)).toList();
        assertThat(hidden).hasSizeGreaterThanOrEqualTo(2).anyMatch(l -> l.endsWith(" check"));
        lines.removeAll(hidden);
        // Put back: a no-operation of ftrace is right there, ENDBR64, which 6.12 has, is not.
        lines.remove("kernel_text __x64_sys_sysinfo null patch");
        assertThat(lines)
                .containsExactly(
                        "register CR0.WP null regs",
                        "register CR4.SMEP null regs",
                        "register CR4.SMAP null regs",
                        "register IA32_LSTAR regs regs",
                        "register IDTR null regs",
                        "register CR0.WP null calls",
                        "system_call_table sys_call_table[153] calls calls",
                        "register CR0.WP null calls",
                        "system_call_table sys_call_table[153] kernel calls",
                        "register CR0.WP null data",
                        "kernel_data tcp4_seq_ops null data",
                        "register CR0.WP null data",
                        "kernel_data tcp4_seq_ops null data",
                        "register CR0.WP null gate",
                        "interrupt_table idt_table[144] kernel gate",
                        "interrupt_table idt_table[144] gate gate",
                        "register CR0.WP null gate",
                        "interrupt_table idt_table[144] kernel gate",
                        "register CR0.WP null patch",
                        "kernel_text __x64_sys_sysinfo+0x1 null patch",
                        "kernel_text __x64_sys_sysinfo patch patch",
                        "register CR0.WP null patch",
                        "register CR0.WP null neighbour",
                        "module_text victim:+0x1 null neighbour",
                        "module_text victim:+0x0 neighbour neighbour",
                        "register CR0.WP null neighbour",
                        "module_text victim:+0x0 null neighbour",
                        "ftrace x tracer register_ftrace_function",
                        "kprobe do_sys_openat2 probe probe",
                        "function_pointer /proc/uptime:single_show proc check",
                        "function_pointer /proc/uptime:single_show kernel check",
                        "hidden_module hide null check");
        Map<?, ?> entry = all.get(3);
        assertThat(entry.get("target")).isEqualTo("regs:+0x0");
        assertThat(entry.get("now")).isNotEqualTo(entry.get("old"));
        String victim = found("victim at (0x[0-9a-f]+)[.]", printed);
        Map<?, ?> neighbour =
                all.stream().filter(e -> "module_text".equals(e.get("finding"))).toList().get(1);
        assertThat(neighbour.get("address")).isEqualTo(victim);
        assertThat(neighbour.get("target")).isEqualTo("neighbour:+0x0");
    }

    @ParameterizedTest
    @ValueSource(strings = {"debian", "debian:6.12"})
    void othersAreNot(String image) throws IOException {
        assertThat(trace(image, OTHERS)).isEmpty();
        assertThat(printed).contains("kept\n");
        // A pack of BPF's is 2 MiB, and has a guard page behind it.
        assertThat(found("packs ([0-9]+)[.]", printed)).isNotEqualTo("0");
    }
}
