// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.record;

import dev.vitrine.hypervisor.Domain;
import dev.vitrine.toolstack.BadInputException;

import org.jspecify.annotations.Nullable;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;

/**
 * A folder that holds what is needed to run a guest again as it ran once: a manifest, which says
 * what was run, and a log of what came from outside. docs/record.md has the formats.
 */
public final class Recording {
    private static final String MANIFEST = "manifest";
    private static final String LOG = "log";
    private static final long MAX_MANIFEST = 1 << 20;

    private final Path folder;
    private final Map<String, String> manifest;

    private Recording(Path folder, Map<String, String> manifest) {
        this.folder = folder;
        this.manifest = Map.copyOf(manifest);
    }

    /** What was run, by name. */
    public Map<String, String> manifest() {
        return manifest;
    }

    public Path folder() {
        return folder;
    }

    /**
     * Makes the folder of a new recording.
     *
     * @throws BadInputException there is something in it already, or it cannot be written
     */
    public static Recording create(Path folder, Map<String, String> manifest) {
        StringBuilder text = new StringBuilder();
        new TreeMap<>(manifest)
                .forEach((k, v) -> text.append(k).append(" = ").append(escaped(v)).append('\n'));
        byte[] bytes = text.toString().getBytes(StandardCharsets.US_ASCII);
        try {
            Files.createDirectories(folder);
            try (var there = Files.list(folder)) {
                if (there.findAny().isPresent()) {
                    throw new BadInputException(
                            folder
                                    + ": the folder is not empty; a recording needs one of its own.");
                }
            }
            // The log holds all that is typed: it is the user's alone.
            restrict(folder, "rwx------");
            Files.write(folder.resolve(MANIFEST), bytes, StandardOpenOption.CREATE_NEW);
            try (LogWriter log = openLog(folder, bytes)) {
                IOException e = log.failure();
                if (e != null) {
                    throw e;
                }
            }
            return new Recording(folder, manifest);
        } catch (FileAlreadyExistsException | DirectoryNotEmptyException e) {
            throw new BadInputException(folder + ": this is no folder for a recording.", e);
        } catch (IOException e) {
            throw new BadInputException(folder + ": a recording cannot be written there.", e);
        }
    }

    private static void restrict(Path path, String permissions) throws IOException {
        if (path.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(permissions));
        }
    }

    private static LogWriter openLog(Path folder, byte[] manifest) throws IOException {
        return new LogWriter(
                Files.newOutputStream(
                        folder.resolve(LOG),
                        StandardOpenOption.CREATE,
                        StandardOpenOption.TRUNCATE_EXISTING,
                        StandardOpenOption.WRITE),
                LogFormat.crc(manifest));
    }

    /** As java.util.Properties reads it. */
    private static String escaped(String value) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c == '\\' || (c == ' ' && i == 0)) {
                out.append('\\').append(c);
            } else if (c < ' ' || c > '~') {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        return out.toString();
    }

    /**
     * Opens a recording.
     *
     * @throws BadInputException it is none, or what it is made of does not belong together
     */
    public static Recording open(Path folder) {
        Path file = folder.resolve(MANIFEST);
        byte[] bytes;
        try {
            if (Files.size(file) > MAX_MANIFEST) {
                throw new BadInputException(file + ": this is no manifest of a recording.");
            }
            bytes = Files.readAllBytes(file);
        } catch (NoSuchFileException e) {
            throw new BadInputException(
                    folder + ": this is no recording: there is no manifest in it.", e);
        } catch (IOException e) {
            throw new BadInputException(file + ": the recording cannot be read.", e);
        }
        try (LogReader log = new LogReader(folder.resolve(LOG))) {
            if (log.manifest() != LogFormat.crc(bytes)) {
                throw new BadInputException(
                        file + ": the manifest is not the one that was recorded; it was changed.");
            }
        }
        Properties properties = new Properties();
        try {
            properties.load(new ByteArrayInputStream(bytes));
        } catch (IOException | IllegalArgumentException e) {
            throw new BadInputException(file + ": this is no manifest of a recording.", e);
        }
        Map<String, String> map = new TreeMap<>();
        properties.forEach((k, v) -> map.put((String) k, (String) v));
        return new Recording(folder, map);
    }

    /**
     * Begins to record a domain, which must be new.
     *
     * @throws BadInputException the log cannot be written
     */
    public Recorder record(Domain domain) {
        try {
            return new Recorder(
                    domain, openLog(folder, Files.readAllBytes(folder.resolve(MANIFEST))));
        } catch (IOException e) {
            throw new BadInputException(folder + ": a recording cannot be written there.", e);
        }
    }

    /**
     * Begins to replay to a domain, which must be new and made as the recorded one was.
     *
     * @throws BadInputException the log is damaged; all of it is looked at before anything runs
     */
    public Replayer replay(Domain domain, Replayer.Until until) {
        checkLog();
        return new Replayer(domain, new LogReader(folder.resolve(LOG)), until);
    }

    /**
     * Reads all of the log.
     *
     * @throws BadInputException it is damaged
     */
    public void checkLog() {
        try (LogReader log = new LogReader(folder.resolve(LOG))) {
            LogEntry e;
            do {
                e = log.next();
            } while (e != null);
        }
    }

    /** A value of the manifest. */
    public @Nullable String get(String name) {
        return manifest.get(name);
    }

    /**
     * A value of the manifest.
     *
     * @throws BadInputException it is not there
     */
    public String need(String name) {
        String value = manifest.get(name);
        if (value == null) {
            throw new BadInputException(
                    folder.resolve(MANIFEST) + ": the manifest does not say " + name + ".");
        }
        return value;
    }
}
