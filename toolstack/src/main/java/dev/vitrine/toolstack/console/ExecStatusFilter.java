// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.console;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.OptionalInt;

/**
 * Takes the messages of a Vitrine image's init out of the console's output.
 *
 * <p>A message is {@code ESC ] vitrine;TOKEN;ready BEL}, said once the guest takes input, or {@code
 * ESC ] vitrine;TOKEN;exit;STATUS BEL}, said when the command of {@code --exec} has ended. The form
 * is that of a terminal's operating-system command, which a terminal that does not know it ignores.
 * The token is random, so that no program in the guest prints a message by accident.
 *
 * <p>All other bytes pass unchanged. Bytes that may be the start of a message are held back until
 * it is clear that they are none; {@link #finish} lets go of them.
 */
public final class ExecStatusFilter {
    private static final int MAX_BODY = 16;
    private static final int BEL = 7;

    private final byte[] start;
    private final byte[] held;
    private int heldLength;

    private boolean ready;
    private int status = -1;

    /**
     * @param token the token that init was given
     */
    public ExecStatusFilter(String token) {
        start = ("\033]vitrine;" + token + ";").getBytes(StandardCharsets.ISO_8859_1);
        held = new byte[start.length + MAX_BODY];
    }

    /** Passes the console's bytes on to {@code out}, without messages. */
    public void filter(byte[] bytes, int offset, int length, OutputStream out) throws IOException {
        int passFrom = offset;
        for (int i = offset; i < offset + length; i++) {
            byte b = bytes[i];
            if (heldLength == 0 && b != start[0]) {
                continue;
            }
            if (heldLength == 0) {
                out.write(bytes, passFrom, i - passFrom);
            }
            take(b, out);
            passFrom = i + 1;
        }
        if (heldLength == 0 && passFrom < offset + length) {
            out.write(bytes, passFrom, offset + length - passFrom);
        }
    }

    /** Passes on what was held back: no more bytes come. */
    public void finish(OutputStream out) throws IOException {
        out.write(held, 0, heldLength);
        heldLength = 0;
    }

    /** Whether the guest has said that it takes input now. */
    public boolean ready() {
        return ready;
    }

    /** The exit status of the guest's command, from 0 to 255; empty if it has not been told. */
    public OptionalInt status() {
        return status < 0 ? OptionalInt.empty() : OptionalInt.of(status);
    }

    private void take(byte b, OutputStream out) throws IOException {
        if (heldLength < start.length) {
            if (b == start[heldLength]) {
                held[heldLength++] = b;
                return;
            }
            // Nothing in the start but its first byte is an ESC, so that nothing held starts anew.
            finish(out);
            if (b == start[0]) {
                held[heldLength++] = b;
            } else {
                out.write(b);
            }
            return;
        }
        if (b == BEL) {
            String body =
                    new String(
                            held,
                            start.length,
                            heldLength - start.length,
                            StandardCharsets.ISO_8859_1);
            if (message(body)) {
                heldLength = 0;
            } else {
                finish(out);
                out.write(b);
            }
            return;
        }
        if (heldLength == held.length || b == start[0]) {
            finish(out);
            take(b, out);
            return;
        }
        held[heldLength++] = b;
    }

    private boolean message(String body) {
        if (body.equals("ready")) {
            ready = true;
            return true;
        }
        if (body.matches("exit;[0-9]{1,3}")) {
            status = Integer.parseInt(body.substring(5)) & 0xff;
            return true;
        }
        return false;
    }
}
