// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What the machine that we run on does well. */
final class Host {
    /** From this family on AMD's processors have PDEP and PEXT in hardware. */
    private static final int ZEN_3 = 25;

    /**
     * {@link Long#expand} and {@link Long#compress} are one fast instruction each. Where that is
     * not known they are taken for slow: they may be some hundred instructions.
     */
    static final boolean DEPOSITS = deposits();

    private Host() {}

    private static boolean deposits() {
        String asked = System.getProperty("vitrine.translate.deposits", "");
        if (!asked.isEmpty()) {
            return Boolean.parseBoolean(asked);
        }
        try {
            List<String> lines =
                    Files.readAllLines(Path.of("/proc/cpuinfo")).stream()
                            .takeWhile(line -> !line.isBlank())
                            .toList();
            boolean amd = value(lines, "vendor_id").matches("AuthenticAMD|HygonGenuine");
            return (" " + value(lines, "flags") + " ").contains(" bmi2 ")
                    && (!amd || Integer.parseInt(value(lines, "cpu family")) >= ZEN_3);
        } catch (IOException | NumberFormatException e) {
            return false;
        }
    }

    private static String value(List<String> lines, String name) {
        for (String line : lines) {
            int colon = line.indexOf(':');
            if (colon >= 0 && line.substring(0, colon).strip().equals(name)) {
                return line.substring(colon + 1).strip();
            }
        }
        return "";
    }
}
