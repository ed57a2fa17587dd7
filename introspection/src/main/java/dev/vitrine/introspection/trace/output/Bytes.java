// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.output;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Bytes that a line is put together of. */
final class Bytes {
    private static final byte[] HEX = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);
    private static final int FIRST = 1 << 12;

    private byte[] b = new byte[FIRST];
    private int length;

    int length() {
        return length;
    }

    void clear() {
        length = 0;
    }

    /** Takes the last bytes away. */
    void drop(int n) {
        length -= n;
    }

    /** What is there, from a place on. */
    byte[] from(int start) {
        return Arrays.copyOfRange(b, start, length);
    }

    void writeTo(OutputStream out) throws IOException {
        out.write(b, 0, length);
    }

    private void room(int n) {
        if (b.length - length < n) {
            b = Arrays.copyOf(b, Math.max(2 * b.length, length + n));
        }
    }

    Bytes add(int c) {
        room(1);
        b[length++] = (byte) c;
        return this;
    }

    Bytes add(byte[] more) {
        room(more.length);
        System.arraycopy(more, 0, b, length, more.length);
        length += more.length;
        return this;
    }

    /** Characters of ASCII. */
    Bytes ascii(String s) {
        int n = s.length();
        room(n);
        for (int i = 0; i < n; i++) {
            b[length + i] = (byte) s.charAt(i);
        }
        length += n;
        return this;
    }

    Bytes number(long n) {
        if (n < 0) {
            if (n == Long.MIN_VALUE) {
                return ascii(Long.toString(n));
            }
            add('-');
            n = -n;
        }
        int digits = 1;
        for (long rest = n; rest >= 10; rest /= 10) {
            digits++;
        }
        room(digits);
        for (int i = length + digits - 1; i >= length; i--) {
            b[i] = (byte) ('0' + n % 10);
            n /= 10;
        }
        length += digits;
        return this;
    }

    Bytes hex(long n) {
        int digits = Math.max(1, 16 - Long.numberOfLeadingZeros(n) / 4);
        room(digits + 2);
        b[length++] = '0';
        b[length++] = 'x';
        for (int i = digits - 1; i >= 0; i--) {
            b[length++] = HEX[(int) (n >>> 4 * i) & 15];
        }
        return this;
    }

    /** An escape of JSON for one UTF-16 unit. */
    Bytes unicodeEscape(int unit) {
        add('\\').add('u');
        for (int shift = 12; shift >= 0; shift -= 4) {
            add(HEX[unit >> shift & 15]);
        }
        return this;
    }

    /** A character as UTF-8. */
    Bytes codePoint(int c) {
        if (c < 0x80) {
            return add(c);
        }
        if (c < 0x800) {
            return add(0xC0 | c >> 6).add(0x80 | c & 0x3F);
        }
        if (c < 0x10000) {
            return add(0xE0 | c >> 12).add(0x80 | c >> 6 & 0x3F).add(0x80 | c & 0x3F);
        }
        return add(0xF0 | c >> 18)
                .add(0x80 | c >> 12 & 0x3F)
                .add(0x80 | c >> 6 & 0x3F)
                .add(0x80 | c & 0x3F);
    }

    @Override
    public String toString() {
        return new String(b, 0, length, StandardCharsets.UTF_8);
    }
}
