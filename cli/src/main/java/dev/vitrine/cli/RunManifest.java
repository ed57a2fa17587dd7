// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.builder.Ramdisk;
import dev.vitrine.toolstack.config.DomainConfig;
import dev.vitrine.toolstack.config.ShutdownAction;
import dev.vitrine.toolstack.console.GuestConsole;
import dev.vitrine.toolstack.loader.KernelSegment;
import dev.vitrine.toolstack.loader.LoadedKernel;
import dev.vitrine.toolstack.record.Recording;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32C;

/** What a recording says of what was run, and how that is run again. */
final class RunManifest {
    private RunManifest() {}

    /** What is to be known of a run. */
    static Map<String, String> of(RunPlan plan, @Nullable GuestConsole console) {
        Map<String, String> m = new TreeMap<>();
        m.put("vitrine", Version.text());
        RunSource source = plan.source();
        put(m, "image", source.image());
        put(m, "kernel.file", absolute(source.kernel()));
        put(m, "ramdisk.file", absolute(source.ramdisk()));
        put(m, "exec", source.exec());
        m.put("copies", Integer.toString(source.copies().size()));
        for (int i = 0; i < source.copies().size(); i++) {
            m.put("copy." + i, absoluteCopy(source.copies().get(i)));
        }
        m.put("name", plan.name());
        m.put("cmdline", plan.cmdline());
        m.put("memory", Long.toString(plan.memory()));
        m.put("vcpus", Integer.toString(plan.vcpus()));
        m.put("kernel.crc32c", sum(plan.kernel()));
        Ramdisk ramdisk = plan.ramdisk();
        if (ramdisk != null) {
            m.put("ramdisk.crc32c", sum(ramdisk));
        }
        if (console != null) {
            m.put("console.token", console.token());
            m.put("console.terminal", Boolean.toString(console.terminal()));
            m.put("console.rows", Integer.toString(console.rows()));
            m.put("console.columns", Integer.toString(console.columns()));
            m.put("console.term", console.term());
        }
        return m;
    }

    private static void put(Map<String, String> m, String name, @Nullable String value) {
        if (value != null) {
            m.put(name, value);
        }
    }

    private static @Nullable String absolute(@Nullable Path path) {
        return path == null ? null : path.toAbsolutePath().toString();
    }

    private static String absoluteCopy(String copy) {
        int colon = copy.lastIndexOf(':');
        return Path.of(copy.substring(0, colon)).toAbsolutePath() + copy.substring(colon);
    }

    /** The console that the recorded guest was told of. */
    static GuestConsole console(Recording r) {
        return new GuestConsole(
                r.need("console.token"),
                Boolean.parseBoolean(r.need("console.terminal")),
                (int) number(r, "console.rows", 0, Short.MAX_VALUE),
                (int) number(r, "console.columns", 0, Short.MAX_VALUE),
                r.need("console.term"));
    }

    /**
     * The plan of a recorded run.
     *
     * @throws BadInputException something is no longer what it was
     */
    static RunPlan plan(Recording r, boolean stats, @Nullable Path control, Streams streams) {
        List<String> copies = new ArrayList<>();
        for (int i = 0; i < number(r, "copies", 0, 1 << 20); i++) {
            copies.add(r.need("copy." + i));
        }
        RunSource source =
                new RunSource(
                        r.get("image"),
                        path(r, "kernel.file"),
                        path(r, "ramdisk.file"),
                        copies,
                        r.get("exec"));
        if (source.image() == null && source.kernel() == null) {
            r.need("image");
        }
        RunSource.Loaded loaded = source.load(streams);
        same(r, "kernel", r.need("kernel.crc32c"), sum(loaded.kernel()));
        Ramdisk ramdisk = loaded.ramdisk();
        if (ramdisk != null) {
            same(r, "ramdisk", r.need("ramdisk.crc32c"), sum(ramdisk));
        }
        return new RunPlan(
                source,
                r.need("name"),
                loaded.kernel(),
                ramdisk,
                r.need("cmdline"),
                number(r, "memory", 1, Long.MAX_VALUE),
                (int) number(r, "vcpus", 1, DomainConfig.MAX_VCPUS),
                true,
                false,
                stats,
                control,
                null,
                ShutdownAction.DESTROY,
                ShutdownAction.DESTROY,
                ShutdownAction.DESTROY,
                ShutdownAction.DESTROY);
    }

    private static @Nullable Path path(Recording r, String name) {
        String text = r.get(name);
        return text == null ? null : Path.of(text);
    }

    private static long number(Recording r, String name, long least, long most) {
        try {
            long n = Long.parseLong(r.need(name));
            if (n >= least && n <= most) {
                return n;
            }
        } catch (NumberFormatException e) {
            // Told below.
        }
        throw new BadInputException(r.folder() + ": the manifest's " + name + " makes no sense.");
    }

    private static void same(Recording r, String what, String was, String is) {
        if (!was.equals(is)) {
            String file = r.get(what + ".file");
            throw new BadInputException(
                    r.folder()
                            + ": the "
                            + what
                            + (file == null ? "" : " " + file)
                            + " is not the one that was recorded, so that it cannot be replayed"
                            + (what.equals("ramdisk") && !r.need("copies").equals("0")
                                    ? "; the files of --copy are part of it"
                                    : "")
                            + ".");
        }
    }

    /**
     * The sum of a kernel, as it lies in memory. It is to name what has changed; that all is as it
     * was, the initial state of the machine says.
     */
    private static String sum(LoadedKernel kernel) {
        CRC32C crc = new CRC32C();
        for (KernelSegment s : kernel.segments()) {
            String where = Long.toHexString(s.address()) + " " + s.memorySize() + "\n";
            crc.update(where.getBytes(StandardCharsets.US_ASCII));
            s.writeTo((address, bytes, offset, length) -> crc.update(bytes, offset, length));
        }
        return shown(crc, kernel.end() - kernel.start());
    }

    private static String sum(Ramdisk ramdisk) {
        CRC32C crc = new CRC32C();
        ramdisk.writeTo(0, (address, bytes, offset, length) -> crc.update(bytes, offset, length));
        return shown(crc, ramdisk.size());
    }

    private static String shown(CRC32C crc, long bytes) {
        return String.format("%08x, %d bytes", crc.getValue(), bytes);
    }
}
