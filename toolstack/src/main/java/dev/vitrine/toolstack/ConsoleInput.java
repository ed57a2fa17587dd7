// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack;

import dev.vitrine.toolstack.console.GuestConsole;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;

/**
 * Bytes for a guest's console, read by a thread of their own. It may outlive a {@link Machine}:
 * what one guest has not taken, the next one gets, as after a reboot.
 */
public final class ConsoleInput {
    /** Read ahead as far as this: enough that a run of a script does not depend on its writer. */
    private static final int READ_AHEAD = 1 << 20;

    private final InputStream in;
    private final boolean terminal;

    // Guarded by this.
    private byte[] buffer = new byte[4096];
    private int start;
    private int end;

    /** Where the bytes begin that {@link #next} has not given out yet. */
    private int unread;

    private boolean ended;
    private boolean started;
    private int last = '\n';
    private @Nullable Runnable listener;

    /**
     * @param in where the bytes come from
     * @param terminal whether that is a terminal; else the guest is told of the end by Ctrl-D
     */
    public ConsoleInput(InputStream in, boolean terminal) {
        this.in = in;
        this.terminal = terminal;
    }

    /** Whether the bytes come from a terminal. */
    public boolean terminal() {
        return terminal;
    }

    /**
     * Begins to read. The listener is called, by the reading thread, when there is more. What was
     * given out and not taken is given out once more.
     */
    void connect(@Nullable Runnable newListener) {
        synchronized (this) {
            listener = newListener;
            unread = start;
            if (started || newListener == null) {
                return;
            }
            started = true;
        }
        Thread reader = new Thread(this::readAll, "vitrine-console-input");
        reader.setDaemon(true);
        reader.start();
    }

    /** Waits until all input has been read ahead, but no longer than a time. */
    synchronized void awaitEnd(long nanos) throws InterruptedException {
        long deadline = System.nanoTime() + nanos;
        while (!ended && end - start < READ_AHEAD) {
            long left = deadline - System.nanoTime();
            if (left <= 0) {
                return;
            }
            TimeUnit.NANOSECONDS.timedWait(this, left);
        }
    }

    /** The bytes that have come since the last call. They stay here until they are taken. */
    synchronized byte[] next() {
        byte[] more = Arrays.copyOfRange(buffer, unread, end);
        unread = end;
        return more;
    }

    /** Takes the first {@code n} bytes, which were given out. */
    synchronized void take(int n) {
        start += n;
        if (start == end) {
            start = 0;
            end = 0;
            unread = 0;
        }
        notifyAll();
    }

    private void readAll() {
        byte[] chunk = new byte[4096];
        try {
            for (int n = in.read(chunk); n >= 0; n = in.read(chunk)) {
                add(chunk, n, false);
            }
        } catch (IOException e) {
            // A terminal that went away, or a file that cannot be read: the end, either way.
        } catch (InterruptedException e) {
            return;
        }
        try {
            // In a line that is not complete, Ctrl-D only ends the line.
            byte[] eof = {GuestConsole.END_OF_INPUT, GuestConsole.END_OF_INPUT};
            add(eof, terminal ? 0 : last == '\n' ? 1 : 2, true);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void add(byte[] bytes, int length, boolean atEnd) throws InterruptedException {
        Runnable tell;
        synchronized (this) {
            while (end - start >= READ_AHEAD) {
                wait();
            }
            if (end + length > buffer.length) {
                byte[] room =
                        end - start + length > buffer.length / 2
                                ? new byte[2 * (end - start + length)]
                                : buffer;
                System.arraycopy(buffer, start, room, 0, end - start);
                end -= start;
                unread -= start;
                start = 0;
                buffer = room;
            }
            System.arraycopy(bytes, 0, buffer, end, length);
            end += length;
            if (length > 0) {
                last = bytes[length - 1];
            }
            tell = listener;
            notifyAll();
        }
        if (tell != null) {
            tell.run();
        }
        if (atEnd) {
            // Last: whoever waits for the end starts a guest that this thread then leaves alone.
            synchronized (this) {
                ended = true;
                notifyAll();
            }
        }
    }
}
