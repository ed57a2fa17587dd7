// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace;

/**
 * Takes a value piece by piece: the events of all plugins are written through it, in whatever
 * format. Between {@link #beginObject} and {@link #endObject} each value follows its {@link #name}.
 */
public interface ValueWriter {
    /** Whether only what matters most is to be written, as in a line of text. */
    boolean brief();

    /** A number. */
    void number(long n);

    /** A number without sign. */
    void unsigned(long n);

    /** A number in hexadecimal. */
    void hexadecimal(long n);

    /** A number in octal, such as a file's mode. */
    void octal(long n);

    /** An address; 0 is none. */
    void address(long n);

    void truth(boolean b);

    /** A name that stands for a number, such as O_RDONLY, or several with bars between. */
    void symbol(String s);

    /** A text. */
    void text(String s);

    /**
     * A guest's text, which may not be UTF-8.
     *
     * @param cut whether there is more of it
     */
    void text(byte[] bytes, boolean cut);

    /**
     * The beginning of a buffer.
     *
     * @param size of all of it, in bytes
     */
    void data(byte[] bytes, long size);

    void beginObject();

    void name(String name);

    void endObject();

    void beginArray();

    void endArray();

    /** In an object or array: there is more that is not written. */
    void more();
}
