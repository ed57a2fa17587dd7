// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import org.jspecify.annotations.Nullable;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/**
 * Standard output, which remembers that it could not be written: a PrintStream tells nobody, and a
 * guest's console is written by a thread of its own. {@link Main} asks for it at the end.
 */
final class StandardOutput extends OutputStream {
    private final OutputStream out;
    private final boolean pipe;
    private volatile @Nullable IOException failure;

    private StandardOutput(OutputStream out, boolean pipe) {
        this.out = out;
        this.pipe = pipe;
    }

    /** The one of the process, not buffered. */
    static StandardOutput ofProcess() {
        return new StandardOutput(new FileOutputStream(FileDescriptor.out), isPipe());
    }

    /** The stream itself if it is one, else one around it. */
    static StandardOutput of(OutputStream out) {
        return out instanceof StandardOutput known ? known : new StandardOutput(out, false);
    }

    /** The first error there was, or null. */
    @Nullable IOException failure() {
        return failure;
    }

    /** Whether the error is that nobody reads any more, which is no fault of anybody's. */
    boolean readerIsGone() {
        IOException e = failure;
        return e != null
                && (pipe
                        || String.valueOf(e.getMessage())
                                .toLowerCase(Locale.ROOT)
                                .contains("broken pipe"));
    }

    /**
     * Nothing but a reader that went away makes writing to a pipe fail. The error's text would say
     * so in the user's language.
     */
    private static boolean isPipe() {
        try {
            String name = Files.readSymbolicLink(Path.of("/proc/self/fd/1")).toString();
            return name.startsWith("pipe:") || name.startsWith("socket:");
        } catch (IOException | RuntimeException e) {
            return false;
        }
    }

    @Override
    public void write(int b) throws IOException {
        write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
        try {
            out.write(bytes, offset, length);
        } catch (IOException e) {
            throw failed(e);
        }
    }

    @Override
    public void flush() throws IOException {
        try {
            out.flush();
        } catch (IOException e) {
            throw failed(e);
        }
    }

    private IOException failed(IOException e) {
        if (failure == null) {
            failure = e;
        }
        return e;
    }
}
