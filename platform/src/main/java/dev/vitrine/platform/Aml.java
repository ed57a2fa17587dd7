// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.platform;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/** A small writer of ACPI machine language (ACPI specification, chapter 20). */
final class Aml {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    /** Scope (name) { body }; the name is a path such as "\_SB". */
    Aml scope(String path, Consumer<Aml> body) {
        Aml inner = new Aml();
        inner.name(path);
        body.accept(inner);
        out.write(0x10);
        block(inner);
        return this;
    }

    /** Processor (name, id, block address, block length) { body }. */
    Aml processor(String segment, int id, int blockAddress, int blockLength, Consumer<Aml> body) {
        Aml inner = new Aml();
        inner.name(segment);
        inner.out.write(id);
        inner.int32(blockAddress);
        inner.out.write(blockLength);
        body.accept(inner);
        out.write(0x5B);
        out.write(0x83);
        block(inner);
        return this;
    }

    /** Device (name) { body }. */
    Aml device(String segment, Consumer<Aml> body) {
        Aml inner = new Aml();
        inner.name(segment);
        body.accept(inner);
        out.write(0x5B);
        out.write(0x82);
        block(inner);
        return this;
    }

    Aml nameString(String segment, String value) {
        out.write(0x08);
        name(segment);
        out.write(0x0D);
        out.writeBytes(value.getBytes(StandardCharsets.US_ASCII));
        out.write(0);
        return this;
    }

    Aml nameInteger(String segment, int value) {
        out.write(0x08);
        name(segment);
        integer(value);
        return this;
    }

    Aml nameBuffer(String segment, byte[] value) {
        out.write(0x08);
        name(segment);
        Aml inner = new Aml();
        inner.integer(value.length);
        inner.out.writeBytes(value);
        out.write(0x11);
        block(inner);
        return this;
    }

    byte[] toByteArray() {
        return out.toByteArray();
    }

    private void integer(int v) {
        if (v == 0 || v == 1) {
            out.write(v);
        } else if ((v & ~0xFF) == 0) {
            out.write(0x0A);
            out.write(v);
        } else if ((v & ~0xFFFF) == 0) {
            out.write(0x0B);
            out.write(v);
            out.write(v >>> 8);
        } else {
            out.write(0x0C);
            int32(v);
        }
    }

    private void int32(int v) {
        for (int i = 0; i < 32; i += 8) {
            out.write(v >>> i);
        }
    }

    private void name(String path) {
        String p = path;
        if (p.startsWith("\\")) {
            out.write('\\');
            p = p.substring(1);
        }
        if (p.length() > 4) {
            throw new IllegalArgumentException("name segment " + path);
        }
        out.writeBytes((p + "____").substring(0, 4).getBytes(StandardCharsets.US_ASCII));
    }

    /** Package length (it counts itself), then the content. */
    private void block(Aml inner) {
        byte[] content = inner.toByteArray();
        int n = content.length;
        if (n + 1 < 0x40) {
            out.write(n + 1);
        } else {
            int extra = n + 2 < 1 << 12 ? 1 : n + 3 < 1 << 20 ? 2 : 3;
            int length = n + 1 + extra;
            out.write(extra << 6 | (length & 0xF));
            for (int i = 0; i < extra; i++) {
                out.write(length >>> (4 + 8 * i));
            }
        }
        out.writeBytes(content);
    }
}
