// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a guest's dmesg says of functions that have called each other. */
final class KernelLog {
    private static final Pattern PLACE =
            Pattern.compile("^ *(?:RIP: 0010:)?([^ ?]+[+]0x[0-9a-f]+)/0x[0-9a-f]+( \\[\\S+\\])?.*");

    private KernelLog() {}

    /** Lines from one that contains a text to the end of its report, without times. */
    static List<String> report(List<String> log, String text) {
        List<String> found = new ArrayList<>();
        for (String line : log) {
            String l = line.replaceFirst("^\\[ *[0-9.]+\\] ?", "");
            if (found.isEmpty() ? l.contains(text) : !l.contains("end trace")) {
                found.add(l);
                if (found.size() > 1 && l.contains("</TASK>")) {
                    break;
                }
            } else if (!found.isEmpty()) {
                break;
            }
        }
        return found;
    }

    /**
     * The functions of a report's backtrace, the one first in which it happened if it says that,
     * with offsets and modules; those left out of which it is not sure.
     */
    static List<String> backtrace(List<String> report) {
        List<String> places = new ArrayList<>();
        boolean trace = false;
        for (String line : report) {
            trace |= line.startsWith("Call Trace:");
            boolean registers = line.startsWith("RIP: 0010:");
            Matcher m = PLACE.matcher(line);
            if (registers) {
                // What comes before is of the interrupt that has found it.
                places.clear();
            }
            if (m.matches() && (trace || registers)) {
                places.add(m.group(1) + (m.group(2) == null ? "" : m.group(2)));
            } else if (line.startsWith("RIP: 0010:0x0")) {
                places.add("0x0");
            }
        }
        return places;
    }
}
