// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.output;

import dev.vitrine.introspection.trace.ValueWriter;

/**
 * Values as JSON. Addresses, and what else is best read in hexadecimal or octal, are strings, since
 * many readers keep 53 bits of a number. A byte of the guest's that is no UTF-8 is a lone
 * surrogate, U+DC80 to U+DCFF, as Python's "surrogateescape" has it, so that no two texts become
 * one.
 */
public final class JsonWriter implements ValueWriter {
    private static final int SURROGATE = 0xDC00;

    private final Bytes out;
    private boolean comma;

    /** Into a text of its own. */
    public JsonWriter() {
        this(new Bytes());
    }

    JsonWriter(Bytes out) {
        this.out = out;
    }

    /** A value follows that has nothing to do with those before. */
    void fresh() {
        comma = false;
    }

    private void begin() {
        if (comma) {
            out.add(',');
        }
        comma = true;
    }

    @Override
    public boolean brief() {
        return false;
    }

    @Override
    public void number(long n) {
        begin();
        out.number(n);
    }

    @Override
    public void unsigned(long n) {
        begin();
        if (n < 0) {
            out.ascii(Long.toUnsignedString(n));
        } else {
            out.number(n);
        }
    }

    @Override
    public void hexadecimal(long n) {
        begin();
        out.add('"').hex(n).add('"');
    }

    @Override
    public void octal(long n) {
        begin();
        out.ascii(n == 0 ? "\"0" : "\"0" + Long.toOctalString(n)).add('"');
    }

    @Override
    public void address(long n) {
        hexadecimal(n);
    }

    @Override
    public void truth(boolean b) {
        begin();
        out.ascii(b ? "true" : "false");
    }

    @Override
    public void symbol(String s) {
        text(s);
    }

    @Override
    public void text(String s) {
        begin();
        out.add('"');
        for (int i = 0; i < s.length(); ) {
            int c = s.codePointAt(i);
            i += Character.charCount(c);
            character(c);
        }
        out.add('"');
    }

    private void character(int c) {
        if (c >= ' ' && c != '"' && c != '\\' && c != 0x7F && c < 0xD800) {
            out.codePoint(c);
            return;
        }
        switch (c) {
            case '"', '\\' -> out.add('\\').add(c);
            case '\n' -> out.add('\\').add('n');
            case '\r' -> out.add('\\').add('r');
            case '\t' -> out.add('\\').add('t');
            default -> {
                if (c < ' ' || c == 0x7F || c >= 0xD800 && c < 0xE000) {
                    out.unicodeEscape(c);
                } else {
                    out.codePoint(c);
                }
            }
        }
    }

    @Override
    public void text(byte[] bytes, boolean cut) {
        begin();
        out.add('"');
        for (int i = 0; i < bytes.length; ) {
            int n = Utf8.length(bytes, i);
            if (n == 0) {
                out.unicodeEscape(SURROGATE | bytes[i++] & 0xFF);
            } else if (n == 1) {
                character(bytes[i++]);
            } else {
                while (n-- > 0) {
                    out.add(bytes[i++]);
                }
            }
        }
        out.add('"');
    }

    @Override
    public void data(byte[] bytes, long size) {
        beginObject();
        name("size");
        unsigned(size);
        name("data");
        text(bytes, false);
        endObject();
    }

    @Override
    public void beginObject() {
        begin();
        out.add('{');
        comma = false;
    }

    @Override
    public void name(String name) {
        text(name);
        out.add(':');
        comma = false;
    }

    @Override
    public void endObject() {
        out.add('}');
        comma = true;
    }

    @Override
    public void beginArray() {
        begin();
        out.add('[');
        comma = false;
    }

    @Override
    public void endArray() {
        out.add(']');
        comma = true;
    }

    @Override
    public void more() {}

    @Override
    public String toString() {
        return out.toString();
    }
}
