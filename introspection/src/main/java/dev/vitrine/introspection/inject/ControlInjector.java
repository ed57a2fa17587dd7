// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import dev.vitrine.introspection.access.ControlTarget;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;

/** Has the process that runs the domain do it; see {@code docs/introspection.md}. */
final class ControlInjector implements Injector {
    private final ControlTarget target;

    ControlInjector(ControlTarget target) {
        this.target = target;
    }

    @Override
    public int exec(List<String> command, boolean wait, int process, Duration limit) {
        Arguments.checkCommand(command);
        byte[] texts = (String.join("\0", command) + "\0").getBytes(StandardCharsets.UTF_8);
        byte[] reply = ask("exec", process, limit, texts, wait ? "1" : "0", new byte[0]);
        return Integer.parseInt(new String(reply, StandardCharsets.US_ASCII));
    }

    @Override
    public byte[] read(String path, long offset, int length, int process, Duration limit) {
        Arguments.checkPath(path);
        Arguments.checkRange(offset, length);
        return ask("read-file", process, limit, text(path), offset + " " + length, new byte[0]);
    }

    @Override
    public void write(String path, long offset, byte[] content, int process, Duration limit) {
        Arguments.checkPath(path);
        Arguments.checkRange(offset, content.length);
        ask("write-file", process, limit, text(path), offset + " " + content.length, content);
    }

    @Override
    public long call(String function, List<CallArgument> arguments, int process, Duration limit) {
        Arguments.checkCall(function, arguments);
        StringBuilder all = new StringBuilder(function).append('\0');
        for (CallArgument a : arguments) {
            all.append(a.encoded()).append('\0');
        }
        byte[] texts = all.toString().getBytes(StandardCharsets.UTF_8);
        byte[] reply = ask("call", process, limit, texts, "0", new byte[0]);
        return Long.parseLong(new String(reply, StandardCharsets.US_ASCII));
    }

    private static byte[] text(String path) {
        return (path + "\0").getBytes(StandardCharsets.UTF_8);
    }

    private byte[] ask(
            String request,
            int process,
            Duration limit,
            byte[] texts,
            String more,
            byte[] content) {
        byte[] all = new byte[texts.length + content.length];
        System.arraycopy(texts, 0, all, 0, texts.length);
        System.arraycopy(content, 0, all, texts.length, content.length);
        return target.inject(
                request + " " + process + " " + limit.toMillis() + " " + texts.length + " " + more,
                all);
    }

    @Override
    public void close() {
        target.close();
    }
}
