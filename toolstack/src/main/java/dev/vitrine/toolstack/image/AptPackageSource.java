// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.image;

import dev.vitrine.toolstack.BadInputException;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Debian packages through the machine's own apt, without root.
 *
 * <p>The machine's package lists are used as they are. Where they are missing, too old to download
 * from, or for another processor, lists of Vitrine's own are made of the machine's sources, under
 * the cache folder.
 */
public final class AptPackageSource implements PackageSource {
    private static final String NO_APT =
            "Images come through apt-get, which is not on this machine: pull them on Debian, or name"
                    + " a kernel with --kernel and a ramdisk with --ramdisk.";

    /** The lines of apt's output that go into an error message. */
    private static final int KEPT_LINES = 5;

    private final Path folder;
    private boolean privateLists;
    private boolean updated;

    /**
     * @param folder where Vitrine's own lists go if they are needed
     */
    public AptPackageSource(Path folder) {
        this.folder = folder;
        // A list of this machine's packages is of no use where they are for another processor.
        this.privateLists = !List.of("amd64", "x86_64").contains(System.getProperty("os.arch"));
    }

    @Override
    public PackageIndex index(String needed, Progress progress)
            throws IOException, InterruptedException {
        if (privateLists) {
            update(progress);
        }
        progress.say("reading the package lists");
        PackageIndex index = readIndex();
        if (index.find(needed) == null && !updated) {
            privateLists = true;
            update(progress);
            index = readIndex();
        }
        if (index.isEmpty()) {
            throw new BadInputException(
                    "This machine has no package lists and none can be fetched: see that its apt"
                            + " sources can be reached.");
        }
        return index;
    }

    @Override
    public Map<String, Path> download(List<DebPackage> packages, Path into, Progress progress)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("apt-get", "-q", "download"));
        for (DebPackage debPackage : packages) {
            command.add(debPackage.name() + "=" + debPackage.version());
        }
        long size = packages.stream().mapToLong(DebPackage::size).sum();
        progress.say(
                "downloading "
                        + packages.size()
                        + (packages.size() == 1 ? " package, " : " packages, ")
                        + megabytes(size));
        Output output = run(command, into, progress, size);
        if (output.status != 0) {
            throw new DownloadFailed("The packages cannot be downloaded: " + output.lastLines());
        }
        return files(into, packages);
    }

    /** Fetches lists of Vitrine's own; false if that was done before, so that it would not help. */
    @Override
    public boolean refresh(Progress progress) throws IOException, InterruptedException {
        if (updated) {
            return false;
        }
        privateLists = true;
        update(progress);
        return true;
    }

    private void update(Progress progress) throws IOException, InterruptedException {
        if (updated) {
            return;
        }
        progress.say("fetching package lists");
        for (String part : List.of("state/lists/partial", "cache/archives/partial")) {
            Files.createDirectories(folder.resolve(part));
        }
        Files.writeString(folder.resolve("status"), "");
        // The machine's hooks after an update belong to its own lists.
        Files.writeString(
                folder.resolve("apt.conf"),
                "#clear APT::Update::Pre-Invoke;\n"
                        + "#clear APT::Update::Post-Invoke;\n"
                        + "#clear APT::Update::Post-Invoke-Success;\n"
                        + "#clear APT::Architectures;\n"
                        + "APT::Architecture \"amd64\";\n"
                        + "APT::Architectures { \"amd64\"; };\n"
                        + "Acquire::Languages \"none\";\n"
                        + "Dir::State \""
                        + folder.resolve("state")
                        + "\";\n"
                        + "Dir::State::lists \""
                        + folder.resolve("state/lists")
                        + "\";\n"
                        + "Dir::State::status \""
                        + folder.resolve("status")
                        + "\";\n"
                        + "Dir::Cache \""
                        + folder.resolve("cache")
                        + "\";\n"
                        + "Dir::Cache::archives \""
                        + folder.resolve("cache/archives")
                        + "\";\n");
        Output output = run(List.of("apt-get", "-q", "update"), folder, progress, 0);
        updated = true;
        if (output.status != 0 && DiskFull.says(output.lastLines())) {
            throw new DiskFull(output.lastLines(), null);
        }
        if (output.status != 0) {
            // One source of several may be out of order; what is needed may be there all the same.
            progress.say("some package lists could not be fetched: " + output.lastLines());
        }
    }

    private PackageIndex readIndex() throws IOException, InterruptedException {
        Process process = start(List.of("apt-cache", "dumpavail"), null);
        process.getOutputStream().close();
        PackageIndex index;
        try (BufferedReader in =
                new BufferedReader(
                        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            index = PackageIndex.parse(in);
        } finally {
            process.destroy();
        }
        process.waitFor();
        return index;
    }

    private static Map<String, Path> files(Path folder, List<DebPackage> packages)
            throws IOException {
        Map<String, Path> files = new HashMap<>();
        try (Stream<Path> all = Files.list(folder)) {
            for (Path file : all.toList()) {
                String name = file.getFileName().toString();
                int end = name.indexOf('_');
                if (end > 0 && name.endsWith(".deb")) {
                    files.put(name.substring(0, end), file);
                }
            }
        }
        for (DebPackage debPackage : packages) {
            if (!files.containsKey(debPackage.name())) {
                throw new IOException("apt-get did not download " + debPackage.name() + ".");
            }
        }
        return files;
    }

    private record Output(int status, List<String> lines) {
        String lastLines() {
            List<String> errors =
                    lines.stream()
                            .filter(line -> line.startsWith("E:") || line.startsWith("Err:"))
                            .toList();
            List<String> shown = errors.isEmpty() ? lines : errors;
            int from = Math.max(0, shown.size() - KEPT_LINES);
            return shown.isEmpty()
                    ? "apt-get does not say why"
                    : String.join(" ", shown.subList(from, shown.size()));
        }
    }

    private Output run(List<String> command, Path in, Progress progress, long size)
            throws IOException, InterruptedException {
        Process process = start(command, in);
        process.getOutputStream().close();
        List<String> lines = new ArrayList<>();
        Thread reader =
                Thread.ofVirtual()
                        .start(() -> {
                            try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
                                out.lines().filter(line -> !line.isBlank()).forEach(lines::add);
                            } catch (IOException | java.io.UncheckedIOException e) {
                                lines.add(String.valueOf(e.getMessage()));
                            }
                        });
        try {
            long said = 0;
            while (!process.waitFor(2, TimeUnit.SECONDS)) {
                long done = size == 0 ? 0 : sizeOf(in);
                if (done > said) {
                    progress.say("  " + megabytes(done) + " of " + megabytes(size));
                    said = done;
                }
            }
            reader.join();
        } finally {
            process.destroy();
        }
        return new Output(process.exitValue(), List.copyOf(lines));
    }

    private Process start(List<String> command, @org.jspecify.annotations.Nullable Path in)
            throws IOException {
        List<String> all = new ArrayList<>();
        all.add(command.getFirst());
        if (privateLists) {
            all.addAll(List.of("-c", folder.resolve("apt.conf").toString()));
        }
        // Root would download as user _apt, who may not enter a private folder.
        all.addAll(List.of("-o", "APT::Sandbox::User=root"));
        all.addAll(List.of("-o", "Acquire::Retries=2", "-o", "Acquire::http::Timeout=30"));
        all.addAll(command.subList(1, command.size()));
        ProcessBuilder builder = new ProcessBuilder(all);
        builder.environment().put("LC_ALL", "C.UTF-8");
        builder.environment().put("DEBIAN_FRONTEND", "noninteractive");
        if (in != null) {
            builder.directory(in.toFile());
            builder.redirectErrorStream(true);
        } else {
            builder.redirectError(ProcessBuilder.Redirect.DISCARD);
        }
        try {
            return builder.start();
        } catch (IOException e) {
            throw new BadInputException(NO_APT, e);
        }
    }

    private static long sizeOf(Path folder) {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.mapToLong(
                            file -> {
                                try {
                                    return Files.isRegularFile(file) ? Files.size(file) : 0;
                                } catch (IOException e) {
                                    return 0;
                                }
                            })
                    .sum();
        } catch (IOException | java.io.UncheckedIOException e) {
            return 0;
        }
    }

    static String megabytes(long bytes) {
        return String.format(java.util.Locale.ROOT, "%.1f MB", bytes / 1e6);
    }
}
