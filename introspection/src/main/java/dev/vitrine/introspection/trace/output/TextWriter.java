// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.output;

import dev.vitrine.introspection.trace.ValueWriter;

/** Values as strace shows them. */
public final class TextWriter implements ValueWriter {
    private final Bytes out;
    private boolean comma;
    private boolean named;
    private int depth;
    private boolean call;

    /** Into a text of its own. */
    public TextWriter() {
        this(new Bytes());
    }

    TextWriter(Bytes out) {
        this.out = out;
    }

    /** Makes the next object the arguments of a call: in round brackets, without names. */
    TextWriter asCall() {
        call = true;
        depth = 0;
        comma = false;
        return this;
    }

    private void begin() {
        if (comma && !named) {
            out.add(',').add(' ');
        }
        comma = true;
        named = false;
    }

    @Override
    public boolean brief() {
        return true;
    }

    @Override
    public void number(long n) {
        begin();
        out.number(n);
    }

    @Override
    public void unsigned(long n) {
        begin();
        out.ascii(Long.toUnsignedString(n));
    }

    @Override
    public void hexadecimal(long n) {
        begin();
        if (n == 0) {
            out.add('0');
        } else {
            out.hex(n);
        }
    }

    @Override
    public void octal(long n) {
        begin();
        String s = "0" + Long.toOctalString(n);
        out.ascii(s.length() < 3 ? "0".repeat(3 - s.length()) + s : s);
    }

    @Override
    public void address(long n) {
        begin();
        if (n == 0) {
            out.ascii("NULL");
        } else {
            out.hex(n);
        }
    }

    @Override
    public void truth(boolean b) {
        begin();
        out.ascii(b ? "true" : "false");
    }

    @Override
    public void symbol(String s) {
        begin();
        out.ascii(s);
    }

    @Override
    public void text(String s) {
        text(s.getBytes(java.nio.charset.StandardCharsets.UTF_8), false);
    }

    @Override
    public void text(byte[] bytes, boolean cut) {
        begin();
        out.add('"');
        for (int i = 0; i < bytes.length; i++) {
            character(bytes[i] & 0xFF, i + 1 < bytes.length ? bytes[i + 1] : 0);
        }
        out.add('"');
        if (cut) {
            out.ascii("...");
        }
    }

    /** In octal, as short as what follows allows. */
    private void character(int c, int next) {
        switch (c) {
            case '"', '\\' -> out.add('\\').add(c);
            case '\n' -> out.add('\\').add('n');
            case '\t' -> out.add('\\').add('t');
            case '\r' -> out.add('\\').add('r');
            case 0x0B -> out.add('\\').add('v');
            case 0x0C -> out.add('\\').add('f');
            default -> {
                if (c >= ' ' && c < 0x7F) {
                    out.add(c);
                    return;
                }
                out.add('\\');
                boolean digit = next >= '0' && next <= '7';
                if (digit || c >= 0100) {
                    out.add('0' + (c >> 6));
                }
                if (digit || c >= 010) {
                    out.add('0' + (c >> 3 & 7));
                }
                out.add('0' + (c & 7));
            }
        }
    }

    @Override
    public void data(byte[] bytes, long size) {
        text(bytes, bytes.length < size);
    }

    @Override
    public void beginObject() {
        begin();
        out.add(call && depth == 0 ? '(' : '{');
        depth++;
        comma = false;
    }

    @Override
    public void name(String name) {
        if (call && depth == 1) {
            if (name.endsWith("_after")) {
                out.ascii(" => ");
                comma = false;
            }
            return;
        }
        if (comma) {
            out.add(',').add(' ');
        }
        out.ascii(name).add('=');
        named = true;
    }

    @Override
    public void endObject() {
        depth--;
        out.add(call && depth == 0 ? ')' : '}');
        comma = true;
        named = false;
        call &= depth > 0;
    }

    @Override
    public void beginArray() {
        begin();
        out.add('[');
        depth++;
        comma = false;
    }

    @Override
    public void endArray() {
        out.add(']');
        depth--;
        comma = true;
        named = false;
    }

    @Override
    public void more() {
        begin();
        out.ascii("...");
    }

    @Override
    public String toString() {
        return out.toString();
    }
}
