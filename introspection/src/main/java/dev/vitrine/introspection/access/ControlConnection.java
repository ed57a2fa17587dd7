// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.access;

import dev.vitrine.introspection.Hold;
import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.PhysicalRange;
import dev.vitrine.introspection.Target;

import org.jspecify.annotations.Nullable;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Consumer;

/**
 * The server's end of one connection. Whatever the client sends, it gets an answer or is let go.
 */
public final class ControlConnection implements Runnable {
    private static final int HOLDS = 64;

    private final @Nullable SocketChannel channel;
    private final InputStream in;
    private final OutputStream out;
    private final Target target;
    private final Consumer<ControlConnection> onEnd;
    private final Deque<Hold> holds = new ArrayDeque<>();

    public ControlConnection(
            SocketChannel channel, Target target, Consumer<ControlConnection> onEnd) {
        this.channel = channel;
        this.in = new BufferedInputStream(Channels.newInputStream(channel));
        this.out = Channels.newOutputStream(channel);
        this.target = target;
        this.onEnd = onEnd;
    }

    ControlConnection(InputStream in, OutputStream out, Target target) {
        this.channel = null;
        this.in = in;
        this.out = out;
        this.target = target;
        this.onEnd = c -> {};
    }

    /** Serves until the client goes; then lets go of what it held. */
    @Override
    public void run() {
        try {
            out.write((ControlProtocol.GREETING + "\n").getBytes(StandardCharsets.US_ASCII));
            while (true) {
                String line = ControlProtocol.line(in);
                if (line == null || !serve(line)) {
                    return;
                }
            }
        } catch (IOException e) {
            // The client is gone, or said something that has no end.
        } finally {
            close();
            while (!holds.isEmpty()) {
                holds.pop().close();
            }
            onEnd.accept(this);
        }
    }

    /** Says why, and closes. */
    public void refuse(String why) {
        try {
            out.write((ControlProtocol.GREETING + "\n").getBytes(StandardCharsets.US_ASCII));
            error(why);
        } catch (IOException e) {
            // It is refused all the same.
        }
        close();
        onEnd.accept(this);
    }

    /** Ends the connection, from any thread. */
    public void close() {
        try {
            if (channel != null) {
                channel.close();
            }
        } catch (IOException e) {
            // Closed or not, nothing comes from it any more.
        }
    }

    /** Answers one request; false if the stream makes no sense any more. */
    private boolean serve(String line) throws IOException {
        String[] words = line.strip().split(" +", 4);
        try {
            switch (words[0]) {
                case "info" -> ok("domain " + target.name() + "\nvcpus " + target.vcpus() + "\n");
                case "ranges" -> ranges();
                case "registers" -> registers(words);
                case "read" -> read(words);
                case "write" -> {
                    return write(words);
                }
                case "pause" -> pause();
                case "resume" -> resume();
                default -> error("no such request");
            }
            return true;
        } catch (IntrospectionException | IllegalArgumentException e) {
            error(String.valueOf(e.getMessage()));
            return !words[0].equals("write");
        }
    }

    private void ranges() throws IOException {
        StringBuilder s = new StringBuilder();
        for (PhysicalRange r : target.memory().ranges()) {
            s.append(Long.toHexString(r.start())).append(' ');
            s.append(Long.toHexString(r.length())).append('\n');
        }
        ok(s.toString());
    }

    private void registers(String[] words) throws IOException {
        expect(words, 2);
        long n = number(words[1]);
        if (n < 0 || n >= target.vcpus()) {
            throw new IllegalArgumentException("no such vCPU");
        }
        ok(RegistersText.format(target.registers((int) n)));
    }

    private void read(String[] words) throws IOException {
        expect(words, 3);
        byte[] b = new byte[length(words[2])];
        if (target.memory().read(number(words[1]), b, 0, b.length)) {
            ok(b);
        } else {
            error("not all of that is RAM");
        }
    }

    private boolean write(String[] words) throws IOException {
        expect(words, 3);
        long address = number(words[1]);
        byte[] b = ControlProtocol.bytes(in, length(words[2]));
        if (target.memory().write(address, b, 0, b.length)) {
            ok("");
        } else {
            error("not all of that is RAM");
        }
        return true;
    }

    private void pause() throws IOException {
        if (holds.size() >= HOLDS) {
            throw new IllegalArgumentException("paused too often");
        }
        holds.push(target.hold());
        ok("");
    }

    private void resume() throws IOException {
        if (holds.isEmpty()) {
            throw new IllegalArgumentException("not paused by this connection");
        }
        holds.pop().close();
        ok("");
    }

    private static void expect(String[] words, int count) {
        if (words.length != count) {
            throw new IllegalArgumentException(
                    words[0] + " takes " + (count - 1) + (count == 2 ? " number" : " numbers"));
        }
    }

    private static int length(String word) {
        long n = number(word);
        if (n < 0 || n > ControlProtocol.BLOCK) {
            throw new IllegalArgumentException("a length is 0 to " + ControlProtocol.BLOCK);
        }
        return (int) n;
    }

    private static long number(String word) {
        try {
            return word.startsWith("0x")
                    ? Long.parseUnsignedLong(word, 2, word.length(), 16)
                    : Long.parseUnsignedLong(word);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("a number is decimal, or hexadecimal behind 0x", e);
        }
    }

    private void ok(String text) throws IOException {
        ok(text.getBytes(StandardCharsets.UTF_8));
    }

    private void ok(byte[] content) throws IOException {
        reply("ok", content);
    }

    private void error(String text) throws IOException {
        reply("error", text.getBytes(StandardCharsets.UTF_8));
    }

    private void reply(String status, byte[] content) throws IOException {
        byte[] head = (status + " " + content.length + "\n").getBytes(StandardCharsets.US_ASCII);
        byte[] all = new byte[head.length + content.length];
        System.arraycopy(head, 0, all, 0, head.length);
        System.arraycopy(content, 0, all, head.length, content.length);
        out.write(all);
    }
}
