// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import dev.vitrine.hypervisor.Domain;
import dev.vitrine.toolstack.Machine;
import dev.vitrine.toolstack.Outcome;

import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** The text of {@code --stats}. */
final class MachineStatistics {
    /** Beginnings of counters' names, each of which gets a paragraph of its own. */
    private static final List<String> GROUPS =
            List.of("hypercall ", "not implemented: ", "unknown instruction ");

    private static final List<String> TITLES =
            List.of("hypercalls", "hypercalls not implemented", "unknown instructions");

    private static final double NANOS = 1e9;

    private MachineStatistics() {}

    static void print(Machine machine, Outcome outcome, PrintStream err) {
        Domain domain = machine.domain();
        Map<String, Long> counters = new TreeMap<>(machine.statistics());
        double elapsed = outcome.elapsed().toNanos() / NANOS;
        long instructions = counters.getOrDefault("instructions", 0L);
        counters.remove("instructions");
        err.println("statistics");
        line(err, "JVM start to first instruction", seconds(startUp(outcome)));
        line(err, "time of the guest", seconds(elapsed));
        boolean virtual = domain.clock().isVirtual();
        if (virtual) {
            line(err, "time in the guest (virtual)", seconds(domain.clock().now() / NANOS));
        }
        double running = 0;
        for (int i = 0; i < domain.vcpuCount(); i++) {
            double time = domain.vcpu(i).runningTime() / NANOS;
            running += time;
            line(
                    err,
                    "vCPU " + i + " running" + (virtual ? " (virtual)" : ""),
                    seconds(time)
                            + "  "
                            + number(domain.vcpu(i).retiredInstructions())
                            + " instructions");
        }
        line(err, "instructions", number(instructions));
        double busy = virtual || running == 0 ? elapsed : running;
        line(
                err,
                "MIPS while running",
                String.format(Locale.ROOT, "%17.1f", instructions / busy / 1e6));
        counters.forEach((name, value) -> {
            if (GROUPS.stream().noneMatch(name::startsWith)) {
                line(err, name, number(value));
            }
        });
        for (int i = 0; i < GROUPS.size(); i++) {
            group(err, TITLES.get(i), GROUPS.get(i), counters);
        }
    }

    private static void group(
            PrintStream err, String title, String prefix, Map<String, Long> counters) {
        List<Map.Entry<String, Long>> entries = new ArrayList<>();
        counters.entrySet().stream()
                .filter(e -> e.getKey().startsWith(prefix) && e.getKey().length() > prefix.length())
                .forEach(entries::add);
        if (entries.isEmpty()) {
            line(err, title, "none");
            return;
        }
        entries.sort(Comparator.comparing((Map.Entry<String, Long> e) -> -e.getValue()));
        err.println("  " + title);
        for (Map.Entry<String, Long> e : entries) {
            line(err, "  " + e.getKey().substring(prefix.length()), number(e.getValue()));
        }
    }

    private static void line(PrintStream err, String name, String value) {
        err.printf(Locale.ROOT, "  %-36s %s%n", name, value);
    }

    private static double startUp(Outcome outcome) {
        double up = ManagementFactory.getRuntimeMXBean().getUptime() / 1e3;
        return Math.max(0, up - outcome.elapsed().toNanos() / NANOS);
    }

    private static String seconds(double s) {
        return String.format(Locale.ROOT, "%15.3f s", s);
    }

    private static String number(long n) {
        return String.format(Locale.ROOT, "%,15d", n);
    }
}
