// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.MinimalPrettyPrinter;

import org.jspecify.annotations.Nullable;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** What {@code vitrine inspect} prints: lines of text, or an object of JSON on each line. */
final class InspectOutput implements AutoCloseable {
    private final OutputStream out;
    private final @Nullable JsonGenerator json;
    private boolean rows;

    InspectOutput(OutputStream to, boolean json) throws IOException {
        // Keeps errors to itself, as that of the other commands: Main looks whether all was
        // written.
        this.out = new PrintStream(new BufferedOutputStream(to, 1 << 16));
        this.json = json ? new JsonFactory().createGenerator(out) : null;
        if (this.json != null) {
            this.json.setPrettyPrinter(new MinimalPrettyPrinter("\n"));
            this.json.disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET);
        }
    }

    /** A line that is for people only. */
    void header(String text) throws IOException {
        if (json == null) {
            line(text);
        }
    }

    /**
     * One thing.
     *
     * @param text its line
     * @param members names and values by turns: numbers, truth values, texts, lists of texts.
     *     Addresses are to be texts, see {@link #address}: many readers of JSON keep 53 bits of a
     *     number.
     */
    void row(String text, Object... members) throws IOException {
        rows = true;
        JsonGenerator g = json;
        if (g == null) {
            line(text);
            return;
        }
        g.writeStartObject();
        for (int i = 0; i < members.length; i += 2) {
            g.writeFieldName((String) members[i]);
            switch (members[i + 1]) {
                case Long n -> g.writeNumber(n);
                case Integer n -> g.writeNumber(n);
                case Boolean b -> g.writeBoolean(b);
                case List<?> list -> {
                    g.writeStartArray();
                    for (Object x : list) {
                        if (x instanceof Integer n) {
                            g.writeNumber(n);
                        } else {
                            g.writeString(x.toString());
                        }
                    }
                    g.writeEndArray();
                }
                default -> g.writeString(members[i + 1].toString());
            }
        }
        g.writeEndObject();
    }

    /** An address as JSON has it. */
    static String address(long a) {
        return "0x" + Long.toHexString(a);
    }

    /**
     * Names are the guest's: control characters, which could do anything to a terminal, are written
     * in octal.
     */
    private static String harmless(String text) {
        StringBuilder s = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (Character.isISOControl(c) && c != '\t') {
                s.append(String.format("\\%03o", (int) c));
            } else {
                s.append(c);
            }
        }
        return s.toString();
    }

    private void line(String text) throws IOException {
        out.write(harmless(text).getBytes(StandardCharsets.UTF_8));
        out.write('\n');
    }

    @Override
    public void close() throws IOException {
        if (json != null) {
            json.close();
            if (rows) {
                line("");
            }
        }
        out.flush();
    }
}
