// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.output;

import dev.vitrine.introspection.trace.ValueWriter;

/**
 * Fields as {@code name=value}, with blanks between. Members of a field that is an object are
 * fields of their own, with a dot between the names; what is within these is JSON.
 */
final class FlatWriter implements ValueWriter {
    private final Bytes out;
    private final JsonWriter deep;
    private String prefix = "";
    private int depth;

    FlatWriter(Bytes out) {
        this.out = out;
        this.deep = new JsonWriter(out);
    }

    @Override
    public boolean brief() {
        return false;
    }

    @Override
    public void number(long n) {
        deep.number(n);
    }

    @Override
    public void unsigned(long n) {
        deep.unsigned(n);
    }

    @Override
    public void hexadecimal(long n) {
        if (depth <= 1) {
            out.hex(n);
        } else {
            deep.hexadecimal(n);
        }
    }

    @Override
    public void octal(long n) {
        if (depth <= 1) {
            out.ascii(n == 0 ? "0" : "0" + Long.toOctalString(n));
        } else {
            deep.octal(n);
        }
    }

    @Override
    public void address(long n) {
        hexadecimal(n);
    }

    @Override
    public void truth(boolean b) {
        deep.truth(b);
    }

    /** Names have no blanks, or it is a text. */
    @Override
    public void symbol(String s) {
        if (depth <= 1 && s.indexOf(' ') < 0) {
            out.ascii(s);
        } else {
            deep.symbol(s);
        }
    }

    @Override
    public void text(String s) {
        deep.text(s);
    }

    @Override
    public void text(byte[] bytes, boolean cut) {
        deep.text(bytes, cut);
    }

    @Override
    public void data(byte[] bytes, long size) {
        deep.data(bytes, size);
    }

    /** A field follows, whose value may be an object. */
    void field(String name) {
        prefix = name;
        depth = 0;
        out.add(' ').ascii(name).add('=');
        deep.fresh();
    }

    @Override
    public void beginObject() {
        if (depth++ > 0) {
            deep.beginObject();
        } else {
            // The members take the place of the field.
            out.drop(prefix.length() + 2);
        }
    }

    @Override
    public void name(String name) {
        if (depth == 1) {
            out.add(' ').ascii(prefix).add('.').ascii(name).add('=');
            deep.fresh();
        } else {
            deep.name(name);
        }
    }

    @Override
    public void endObject() {
        if (--depth > 0) {
            deep.endObject();
        }
    }

    @Override
    public void beginArray() {
        deep.beginArray();
        depth += 2;
    }

    @Override
    public void endArray() {
        depth -= 2;
        deep.endArray();
    }

    @Override
    public void more() {}
}
