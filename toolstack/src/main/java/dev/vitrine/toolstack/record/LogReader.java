// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.record;

import dev.vitrine.toolstack.BadInputException;

import org.jspecify.annotations.Nullable;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * Reads a log, entry by entry. A log that ends within an entry was cut off, and ends before it;
 * anything else that is not as it was written is damage.
 */
final class LogReader implements AutoCloseable {
    private final Path file;
    private final InputStream in;
    private final int manifest;
    private long position = LogFormat.HEADER;
    private long lastPoint;
    private long lastInstructions;
    private boolean cutOff;
    private boolean ended;

    /**
     * @throws BadInputException there is no log, or it is none of this version
     */
    LogReader(Path file) {
        this(file, open(file));
    }

    private static InputStream open(Path file) {
        try {
            return new BufferedInputStream(Files.newInputStream(file), 1 << 16);
        } catch (IOException e) {
            throw unreadable(file, e);
        }
    }

    /**
     * @param file its name, for messages
     * @throws BadInputException it is no log, or none of this version
     */
    LogReader(Path file, InputStream opened) {
        this.file = file;
        this.in = opened;
        try {
            byte[] header = opened.readNBytes(LogFormat.HEADER);
            if (header.length < LogFormat.HEADER) {
                throw new BadInputException(file + ": the recording was cut off before it began.");
            }
            ByteBuffer b = ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN);
            byte[] magic = new byte[LogFormat.MAGIC.length];
            b.get(magic);
            int version = b.getInt();
            if (!java.util.Arrays.equals(magic, LogFormat.MAGIC)) {
                throw new BadInputException(file + ": this is no log of a recording.");
            }
            if (version != LogFormat.VERSION) {
                throw new BadInputException(
                        file
                                + ": the recording has format "
                                + Integer.toUnsignedString(version)
                                + "; this Vitrine reads "
                                + LogFormat.VERSION
                                + ".");
            }
            manifest = b.getInt();
        } catch (IOException e) {
            throw unreadable(file, e);
        } catch (BadInputException e) {
            close(opened);
            throw e;
        }
    }

    private static BadInputException unreadable(Path file, IOException e) {
        return new BadInputException(
                e instanceof NoSuchFileException
                        ? file + ": there is no such file, so that this is no recording."
                        : file + ": the log cannot be read.",
                e);
    }

    private static void close(InputStream in) {
        try {
            in.close();
        } catch (IOException e) {
            // It was only read.
        }
    }

    /** CRC of the manifest that belongs to it. */
    int manifest() {
        return manifest;
    }

    /** Whether the log ended within an entry, or without its last one. */
    boolean cutOff() {
        return cutOff || !ended;
    }

    /**
     * The next entry; null behind the last one.
     *
     * @throws BadInputException it is damaged
     */
    @Nullable LogEntry next() {
        if (cutOff) {
            return null;
        }
        try {
            byte[] frame = in.readNBytes(LogFormat.FRAME);
            if (frame.length < LogFormat.FRAME) {
                cutOff = frame.length > 0;
                return null;
            }
            ByteBuffer b = ByteBuffer.wrap(frame).order(ByteOrder.LITTLE_ENDIAN);
            int length = b.getInt();
            int crc = b.getInt();
            if (!LogFormat.isFrame(frame)) {
                if (onlyZerosFollow()) {
                    // Room that the file system had for an entry, which did not arrive.
                    cutOff = true;
                    return null;
                }
                throw damaged("an entry has another length or checksum than was written");
            }
            if (length <= 0 || length > LogFormat.MAX_ENTRY) {
                throw damaged("an entry of " + Integer.toUnsignedString(length) + " bytes");
            }
            byte[] content = in.readNBytes(length);
            if (content.length < length) {
                cutOff = true;
                return null;
            }
            if (LogFormat.crc(content) != crc) {
                if (content[length - 1] == 0 && onlyZerosFollow()) {
                    // The same, of which a part did.
                    cutOff = true;
                    return null;
                }
                throw damaged("its checksum is another one");
            }
            LogEntry entry = LogCodec.decode(content);
            if (ended
                    || entry.point() < lastPoint
                    || entry.instructions() < lastInstructions
                    || entry.point() == Long.MAX_VALUE) {
                throw damaged("an entry that cannot come there");
            }
            lastPoint = entry.point();
            lastInstructions = entry.instructions();
            ended = entry instanceof LogEntry.End;
            position += LogFormat.FRAME + length;
            return entry;
        } catch (IOException e) {
            throw unreadable(file, e);
        } catch (LogCodec.Malformed e) {
            throw damaged(e.getMessage());
        }
    }

    private boolean onlyZerosFollow() throws IOException {
        byte[] chunk = new byte[1 << 16];
        for (int n = in.read(chunk); n >= 0; n = in.read(chunk)) {
            for (int i = 0; i < n; i++) {
                if (chunk[i] != 0) {
                    return false;
                }
            }
        }
        return true;
    }

    private BadInputException damaged(@Nullable String what) {
        return new BadInputException(
                file + ": the recording is damaged at byte " + position + ": " + what + ".");
    }

    @Override
    public void close() {
        close(in);
    }
}
