// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.access;

import dev.vitrine.hypervisor.MonitorTool;
import dev.vitrine.introspection.Hold;
import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.PhysicalRange;
import dev.vitrine.introspection.Target;
import dev.vitrine.introspection.inject.CallArgument;
import dev.vitrine.introspection.inject.Injector;

import org.jspecify.annotations.Nullable;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/**
 * The server's end of one connection. Whatever the client sends, it gets an answer or is let go.
 */
public final class ControlConnection implements Runnable {
    private static final int HOLDS = 64;

    /** Requests that bytes follow. */
    private static final Set<String> FOLLOWED =
            Set.of(
                    "write",
                    "exec",
                    "call",
                    "read-file",
                    "write-file",
                    "domctl",
                    "altp2m",
                    "mem-access");

    /** An hour. */
    private static final int MAX_MILLIS = 3_600_000;

    /** Bytes of a path or of a program's arguments. */
    private static final int MAX_TEXT = 1 << 16;

    private final @Nullable SocketChannel channel;
    private final InputStream in;
    private final OutputStream out;
    private final Target target;
    private final @Nullable Injector injector;
    private final @Nullable MonitorService monitor;
    private final Consumer<ControlConnection> onEnd;
    private final Deque<Hold> holds = new ArrayDeque<>();

    /** While the connection has the monitor. */
    private volatile MonitorService.@Nullable Session session;

    public ControlConnection(
            SocketChannel channel,
            Target target,
            @Nullable Injector injector,
            @Nullable MonitorService monitor,
            Consumer<ControlConnection> onEnd) {
        this.channel = channel;
        this.in = new BufferedInputStream(Channels.newInputStream(channel));
        this.out = Channels.newOutputStream(channel);
        this.target = target;
        this.injector = injector;
        this.monitor = monitor;
        this.onEnd = onEnd;
    }

    ControlConnection(InputStream in, OutputStream out, Target target) {
        this.channel = null;
        this.in = in;
        this.out = out;
        this.target = target;
        this.injector = null;
        this.monitor = null;
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
        MonitorService.Session s = session;
        if (s != null) {
            s.hangUp();
        }
    }

    /** Answers one request; false if the stream makes no sense any more. */
    private boolean serve(String line) throws IOException {
        String[] words = line.strip().split(" +", 8);
        try {
            switch (words[0]) {
                case "info" -> ok("domain " + target.name() + "\nvcpus " + target.vcpus() + "\n");
                case "ranges" -> ranges();
                case "registers" -> registers(words);
                case "read" -> read(words);
                case "write" -> {
                    return write(words);
                }
                case "exec", "call", "read-file", "write-file" -> inject(words);
                case "pause" -> pause();
                case "resume" -> resume();
                case "monitor" -> {
                    monitor(words);
                    return false;
                }
                case "domctl", "altp2m", "mem-access" -> {
                    return call(words);
                }
                case "populate", "depopulate" -> frame(words);
                case "inject-event" -> injectEvent(words);
                default -> error("no such request");
            }
            return true;
        } catch (IntrospectionException | IllegalArgumentException e) {
            error(String.valueOf(e.getMessage()));
            return !FOLLOWED.contains(words[0]);
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

    /** All have the process, the time limit, and the length of what follows. */
    private void inject(String[] words) throws IOException {
        boolean file = words[0].endsWith("-file");
        expect(words, file ? 6 : 5);
        int process = (int) Math.min(number(words[1]) & Long.MAX_VALUE, Integer.MAX_VALUE);
        Duration limit = Duration.ofMillis(length(words[2], MAX_MILLIS));
        int size = length(words[3], MAX_TEXT);
        long argument = number(words[4]);
        int count = file ? length(words[5]) : 0;
        List<String> texts = texts(ControlProtocol.bytes(in, size));
        byte[] content = ControlProtocol.bytes(in, words[0].equals("write-file") ? count : 0);
        try {
            inject(words[0], process, limit, texts, argument, count, content);
        } catch (IntrospectionException | IllegalArgumentException e) {
            // All that belongs to the request has been read: the next one can follow.
            error(String.valueOf(e.getMessage()));
        }
    }

    private void inject(
            String what,
            int process,
            Duration limit,
            List<String> texts,
            long argument,
            int count,
            byte[] content)
            throws IOException {
        Injector i = injector;
        if (i == null) {
            throw new IntrospectionException("Nothing can be injected here.");
        }
        if (!holds.isEmpty()) {
            throw new IntrospectionException("The vCPUs are paused by this connection.");
        }
        switch (what) {
            case "exec" -> ok(Integer.toString(i.exec(texts, argument != 0, process, limit)));
            case "call" -> {
                List<CallArgument> arguments =
                        texts.stream().skip(1).map(CallArgument::decode).toList();
                ok(Long.toString(i.call(texts.getFirst(), arguments, process, limit)));
            }
            case "read-file" -> ok(i.read(path(texts), argument, count, process, limit));
            default -> {
                i.write(path(texts), argument, content, process, limit);
                ok("");
            }
        }
    }

    /** Texts with a zero byte behind each. */
    private static List<String> texts(byte[] b) {
        if (b.length == 0 || b[b.length - 1] != 0) {
            throw new IllegalArgumentException("a text ends with a zero byte");
        }
        String all = new String(b, 0, b.length - 1, StandardCharsets.UTF_8);
        return List.of(all.split("\0", -1));
    }

    private static String path(List<String> texts) {
        if (texts.size() != 1) {
            throw new IllegalArgumentException("one path is wanted");
        }
        return texts.getFirst();
    }

    // ---------------------------------------------------------------------- the monitor

    private MonitorService service() {
        MonitorService m = monitor;
        if (m == null) {
            throw new IntrospectionException("There is no monitor here.");
        }
        return m;
    }

    /** From here on the connection carries bells only, and ends with this. */
    private void monitor(String[] words) throws IOException {
        expect(words, 1);
        SocketChannel c = channel;
        if (c == null) {
            throw new IntrospectionException("There is no monitor here.");
        }
        try (MonitorService.Session s = service().open(c)) {
            session = s;
            ok(s.path().toString());
            s.serve();
        } finally {
            session = null;
        }
    }

    /** One of Xen's calls, whose structure and lists follow. */
    private boolean call(String[] words) throws IOException {
        expect(words, 2);
        int length = length(words[1]);
        int least = MonitorService.size(words[0]);
        if (length < least) {
            throw new IllegalArgumentException(words[0] + " is followed by " + least + " bytes");
        }
        byte[] content = ControlProtocol.bytes(in, length);
        try {
            ok(service().call(words[0], content));
        } catch (IntrospectionException e) {
            error(String.valueOf(e.getMessage()));
        }
        return true;
    }

    private void frame(String[] words) throws IOException {
        expect(words, 2);
        long gfn = number(words[1]);
        MonitorTool tool = service().open();
        ok(
                Integer.toString(
                        words[0].equals("populate") ? tool.populate(gfn) : tool.depopulate(gfn)));
    }

    private void injectEvent(String[] words) throws IOException {
        expect(words, 7);
        MonitorTool tool = service().open();
        ok(
                Integer.toString(
                        tool.inject(
                                length(words[1]),
                                length(words[2], 255),
                                length(words[3]),
                                (int) number(words[4]),
                                number(words[5]),
                                length(words[6], 15))));
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
        return length(word, ControlProtocol.BLOCK);
    }

    private static int length(String word, int most) {
        long n = number(word);
        if (n < 0 || n > most) {
            throw new IllegalArgumentException("a length is 0 to " + most);
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
