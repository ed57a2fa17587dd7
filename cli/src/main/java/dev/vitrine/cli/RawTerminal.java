// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import org.jline.terminal.Attributes;
import org.jline.terminal.Attributes.ControlChar;
import org.jline.terminal.Attributes.ControlFlag;
import org.jline.terminal.Attributes.InputFlag;
import org.jline.terminal.Attributes.LocalFlag;
import org.jline.terminal.Attributes.OutputFlag;
import org.jline.terminal.Size;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;

import java.io.Closeable;
import java.io.IOException;
import java.util.EnumSet;

/**
 * The user's terminal, raw: each key goes to the guest at once and unchanged, its terminal driver
 * does the rest. {@link #close} gives it back as it was, and so does the end of the process,
 * whatever causes it.
 */
final class RawTerminal implements Closeable {
    private final Terminal terminal;
    private final Attributes before;
    private final Thread hook = new Thread(this::restore, "vitrine-terminal");
    private final Attributes raw;
    private boolean restored;

    private RawTerminal(Terminal terminal) {
        this.terminal = terminal;
        this.before = terminal.getAttributes();
        this.raw = raw(before);
    }

    /** Makes the terminal of standard input raw. */
    static RawTerminal open() throws IOException {
        Terminal terminal =
                TerminalBuilder.builder().name("vitrine").system(true).dumb(false).build();
        RawTerminal raw = new RawTerminal(terminal);
        Runtime.getRuntime().addShutdownHook(raw.hook);
        raw.resume();
        return raw;
    }

    private static Attributes raw(Attributes before) {
        Attributes a = new Attributes(before);
        a.setInputFlags(
                EnumSet.of(
                        InputFlag.IGNBRK,
                        InputFlag.BRKINT,
                        InputFlag.PARMRK,
                        InputFlag.ISTRIP,
                        InputFlag.INLCR,
                        InputFlag.IGNCR,
                        InputFlag.ICRNL,
                        InputFlag.IXON),
                false);
        a.setOutputFlag(OutputFlag.OPOST, false);
        a.setLocalFlags(
                EnumSet.of(
                        LocalFlag.ECHO,
                        LocalFlag.ECHONL,
                        LocalFlag.ICANON,
                        LocalFlag.ISIG,
                        LocalFlag.IEXTEN),
                false);
        a.setControlFlag(ControlFlag.PARENB, false);
        a.setControlChar(ControlChar.VMIN, 1);
        a.setControlChar(ControlChar.VTIME, 0);
        return a;
    }

    int rows() {
        Size size = terminal.getSize();
        return size.getRows();
    }

    int columns() {
        Size size = terminal.getSize();
        return size.getColumns();
    }

    /** Gives the terminal back for a while, so that messages look right. */
    synchronized void pause() {
        terminal.setAttributes(before);
    }

    /** Makes it raw again, unless it was given back for good. */
    synchronized void resume() {
        if (!restored) {
            terminal.setAttributes(raw);
        }
    }

    private synchronized void restore() {
        if (!restored) {
            restored = true;
            pause();
        }
    }

    @Override
    public void close() {
        restore();
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // The process is about to end; the hook finds nothing to do.
        }
    }
}
