// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack;

import dev.vitrine.toolstack.console.ConsoleRing;
import dev.vitrine.toolstack.console.ExecStatusFilter;

import org.jspecify.annotations.Nullable;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * The back end of a PV console.
 *
 * <p>The ring is served on the thread of the vCPU that sent the event, so that under the virtual
 * clock it happens at the same instruction in each run. The bytes go through a buffer to a thread
 * that writes them, since a slow reader of the output must not hold up a vCPU; when the buffer is
 * full, they stay in the guest's ring, which is how the guest learns to wait. Under the virtual
 * clock the vCPU does wait: its time stands still meanwhile.
 */
final class ConsoleBackend {
    private static final int BUFFER = 64 << 10;

    /** What a guest may print on other ways than the ring before the rest is lost. */
    private static final int LIMIT = 1 << 20;

    private final Runnable notifyGuest;
    private final Consumer<byte[]> post;
    private final @Nullable ConsoleInput input;
    private final OutputStream out;
    private final @Nullable ExecStatusFilter filter;
    private final boolean virtualTime;
    private final Runnable onOutputClosed;
    private final byte[] chunk = new byte[2048];

    /** Held while input is passed on, so that its order stays. */
    private final Object inputOrder = new Object();

    // Guarded by this.
    private final ByteQueue given = new ByteQueue();
    private @Nullable ConsoleRing ring;
    private ByteArrayOutputStream pending = new ByteArrayOutputStream();
    private ByteArrayOutputStream writing = new ByteArrayOutputStream();
    private boolean writerBusy;
    private boolean finished;
    private boolean closed;
    private @Nullable Thread writer;

    /**
     * @param input what the guest gets to read, or null
     * @param filter what takes init's messages out of the output; null for a guest without such an
     *     init
     * @param virtualTime whether the guest's time stands still while a vCPU waits
     * @param post passes input on, which comes back by {@link #give} when the guest may have it
     * @param notifyGuest sends the guest an event on the console's port
     * @param onOutputClosed called when nobody takes the output any more
     */
    ConsoleBackend(
            OutputStream out,
            @Nullable ConsoleInput input,
            @Nullable ExecStatusFilter filter,
            boolean virtualTime,
            Consumer<byte[]> post,
            Runnable notifyGuest,
            Runnable onOutputClosed) {
        this.post = post;
        this.out = out;
        this.input = input;
        this.filter = filter;
        this.virtualTime = virtualTime;
        this.notifyGuest = notifyGuest;
        this.onOutputClosed = onOutputClosed;
    }

    void start(ConsoleRing newRing) {
        synchronized (this) {
            ring = newRing;
            writer = new Thread(this::write, "vitrine-console-output");
            writer.setDaemon(true);
            writer.start();
        }
        if (input != null) {
            input.connect(this::inputCame);
            inputCame();
        }
    }

    /** Waits for input that is about to come, so that it does not depend on its writer's speed. */
    void awaitInput(long nanos) throws InterruptedException {
        if (input != null && !input.terminal()) {
            input.awaitEnd(nanos);
        }
    }

    /** The guest sent an event. */
    void serve() {
        if (pump()) {
            notifyGuest.run();
        }
    }

    private void inputCame() {
        synchronized (inputOrder) {
            byte[] more = input == null ? new byte[0] : input.next();
            if (more.length > 0) {
                post.accept(more);
            }
        }
    }

    /** The guest may have these bytes of input from now on. */
    void give(byte[] bytes) {
        synchronized (this) {
            given.add(bytes);
        }
        serve();
    }

    /** Text that comes on other ways than the ring (CONSOLEIO_write, port 0xE9). */
    synchronized void print(byte[] bytes, int offset, int length) {
        awaitRoom();
        // Past the filter, which follows the bytes of the ring.
        if (!closed && pending.size() < LIMIT) {
            pending.write(bytes, offset, length);
            notifyAll();
        }
    }

    /** Moves bytes both ways; returns whether the guest has to be told. */
    private synchronized boolean pump() {
        ConsoleRing r = ring;
        if (r == null) {
            return false;
        }
        boolean moved = false;
        while (true) {
            awaitRoom();
            if (pending.size() >= BUFFER) {
                break;
            }
            int n = r.readOutput(chunk, 0, chunk.length);
            if (n == 0) {
                break;
            }
            take(chunk, 0, n);
            moved = true;
        }
        return giveInput(r) || moved;
    }

    private boolean giveInput(ConsoleRing r) {
        // An image's init says when it is ready; before that, the input might get lost.
        if (finished || (filter != null && !filter.ready())) {
            return false;
        }
        boolean moved = false;
        while (given.size() > 0) {
            int n = r.writeInput(given.bytes(), given.start(), given.size());
            if (n == 0) {
                break;
            }
            given.take(n);
            if (input != null) {
                input.take(n);
            }
            moved = true;
        }
        return moved;
    }

    private void take(byte[] bytes, int offset, int length) {
        if (closed) {
            return;
        }
        try {
            if (filter != null) {
                filter.filter(bytes, offset, length, pending);
            } else {
                pending.write(bytes, offset, length);
            }
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        notifyAll();
    }

    private void awaitRoom() {
        while (virtualTime && pending.size() >= BUFFER && !finished && !closed) {
            try {
                wait();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    /** The guest's domain is no longer there: nothing waits for room, nothing touches the ring. */
    synchronized void disconnect() {
        finished = true;
        notifyAll();
        if (input != null) {
            input.connect(null);
        }
    }

    /**
     * Writes what is left.
     *
     * @param drain whether the ring may still be read
     * @param nanos how long to wait for the reader of the output if it does not take any of it
     */
    void finish(boolean drain, long nanos) throws InterruptedException {
        disconnect();
        synchronized (this) {
            ConsoleRing r = ring;
            ring = null;
            for (int n = 1; drain && r != null && n > 0; ) {
                n = r.readOutput(chunk, 0, chunk.length);
                take(chunk, 0, n);
            }
            if (filter != null) {
                try {
                    filter.finish(pending);
                } catch (IOException e) {
                    throw new IllegalStateException(e);
                }
            }
            notifyAll();
            long deadline = System.nanoTime() + nanos;
            while (!closed && writer != null && (pending.size() > 0 || writerBusy)) {
                long left = deadline - System.nanoTime();
                if (left <= 0) {
                    break;
                }
                TimeUnit.NANOSECONDS.timedWait(this, left);
            }
            writer = null;
            notifyAll();
        }
    }

    /** Whether nobody takes the output any more. */
    synchronized boolean outputClosed() {
        return closed;
    }

    /** The status that the guest's init has told, if any. */
    synchronized OptionalInt status() {
        return filter == null ? OptionalInt.empty() : filter.status();
    }

    private void write() {
        while (true) {
            ByteArrayOutputStream bytes;
            boolean wasFull;
            synchronized (this) {
                writerBusy = false;
                notifyAll();
                while (pending.size() == 0) {
                    if (writer != Thread.currentThread()) {
                        return;
                    }
                    try {
                        wait();
                    } catch (InterruptedException e) {
                        return;
                    }
                }
                bytes = pending;
                pending = writing;
                writing = bytes;
                wasFull = bytes.size() >= BUFFER;
                writerBusy = true;
            }
            try {
                bytes.writeTo(out);
                out.flush();
            } catch (IOException e) {
                synchronized (this) {
                    closed = true;
                    writerBusy = false;
                    pending.reset();
                    notifyAll();
                }
                onOutputClosed.run();
                return;
            }
            bytes.reset();
            if (wasFull && !virtualTime) {
                serve();
            }
        }
    }
}
