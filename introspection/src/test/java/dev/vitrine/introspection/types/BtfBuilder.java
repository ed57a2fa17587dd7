// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.types;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Writes BTF. Types are numbered from 1 in the order in which they are added. */
public final class BtfBuilder {
    private final ByteArrayOutputStream types = new ByteArrayOutputStream();
    private final ByteArrayOutputStream strings = new ByteArrayOutputStream();
    private int count;

    public BtfBuilder() {
        strings.write(0);
    }

    private int string(String s) {
        if (s.isEmpty()) {
            return 0;
        }
        int at = strings.size();
        strings.writeBytes(s.getBytes(StandardCharsets.UTF_8));
        strings.write(0);
        return at;
    }

    private void word(ByteArrayOutputStream out, int value) {
        for (int i = 0; i < 4; i++) {
            out.write(value >>> 8 * i);
        }
    }

    /** A type without members: size or type stands in the third word. */
    public int type(int kind, String name, int sizeOrType, int... more) {
        word(types, string(name));
        word(types, kind << 24);
        word(types, sizeOrType);
        for (int m : more) {
            word(types, m);
        }
        return ++count;
    }

    public int integer(String name, int size) {
        return type(1, name, size, size * 8);
    }

    public int pointer(int type) {
        return type(2, "", type);
    }

    public int array(int type, int elements) {
        return type(3, "", 0, type, 1, elements);
    }

    public int typedef(String name, int type) {
        return type(8, name, type);
    }

    /** An enumeration, whose constants are 0, 1 and so on. */
    public int enumeration(String name, String... constants) {
        word(types, string(name));
        word(types, 6 << 24 | constants.length);
        word(types, 4);
        for (int i = 0; i < constants.length; i++) {
            word(types, string(constants[i]));
            word(types, i);
        }
        return ++count;
    }

    /** A structure's member. */
    public record Field(String name, int type, int bit, int bits) {
        public static Field at(int offset, String name, int type) {
            return new Field(name, type, 8 * offset, 0);
        }
    }

    /** A structure, or a union. */
    public int structure(String name, int size, Field... fields) {
        return compound(4, name, size, fields);
    }

    public int compound(int kind, String name, int size, Field... fields) {
        boolean bitfields = java.util.Arrays.stream(fields).anyMatch(f -> f.bits != 0);
        word(types, string(name));
        word(types, kind << 24 | fields.length | (bitfields ? 1 << 31 : 0));
        word(types, size);
        for (Field f : fields) {
            word(types, string(f.name));
            word(types, f.type);
            word(types, f.bit | f.bits << 24);
        }
        return ++count;
    }

    public byte[] build() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        word(out, 0x0001_EB9F);
        word(out, 24);
        word(out, 0);
        word(out, types.size());
        word(out, types.size());
        word(out, strings.size());
        out.writeBytes(types.toByteArray());
        out.writeBytes(strings.toByteArray());
        return out.toByteArray();
    }
}
