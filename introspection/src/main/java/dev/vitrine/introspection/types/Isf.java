// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.types;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.linux.KernelTypes;
import dev.vitrine.introspection.linux.Member;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Volatility 3's Intermediate Symbol Format, as dwarf2json and btf2json write it (schema 4.0.0 to
 * 6.2.0): structures in {@code user_types}, sizes in {@code base_types} and {@code enums},
 * addresses in {@code symbols}.
 */
public final class Isf implements KernelTypes {
    private static final int DEPTH = 32;

    private record Type(
            String kind, String name, long count, int shift, int bits, @Nullable Type subtype) {}

    private record Field(long offset, Type type, boolean anonymous) {}

    private record Structure(long size, Map<String, Field> fields) {}

    private static final Type NO_TYPE = new Type("", "", 1, 0, 0, null);

    private final Map<String, Structure> structures = new HashMap<>();
    private final Map<String, Long> sizes = new HashMap<>();
    private final Map<String, Map<String, Long>> constants = new HashMap<>();
    private final Map<String, Long> symbols = new LinkedHashMap<>();
    private String banner = "";

    private Isf() {}

    /**
     * Reads a file.
     *
     * @throws IntrospectionException it is not in this format
     */
    public static Isf read(String name, InputStream in) throws IOException {
        Isf isf = new Isf();
        try (JsonParser p = new JsonFactory().createParser(in)) {
            if (p.nextToken() != JsonToken.START_OBJECT) {
                throw new IntrospectionException("File " + name + " is no object of JSON.");
            }
            while (p.nextToken() == JsonToken.FIELD_NAME) {
                String section = p.currentName();
                p.nextToken();
                switch (section) {
                    case "user_types" -> isf.each(p, isf::structure);
                    case "base_types", "enums" -> isf.each(p, isf::sized);
                    case "symbols" -> isf.each(p, isf::symbol);
                    default -> p.skipChildren();
                }
            }
        } catch (com.fasterxml.jackson.core.JacksonException e) {
            throw new IntrospectionException(
                    "File "
                            + name
                            + " is no symbol file: line "
                            + e.getLocation().getLineNr()
                            + " is not JSON.",
                    e);
        }
        if (isf.structures.isEmpty() && isf.symbols.isEmpty()) {
            throw new IntrospectionException(
                    "File " + name + " is JSON, but has no user_types and no symbols.");
        }
        return isf;
    }

    private interface Entry {
        void read(JsonParser p, String name) throws IOException;
    }

    /** Goes through an object; anything else is passed over. */
    private void each(JsonParser p, Entry entry) throws IOException {
        if (p.currentToken() != JsonToken.START_OBJECT) {
            p.skipChildren();
            return;
        }
        while (p.nextToken() == JsonToken.FIELD_NAME) {
            String name = p.currentName();
            p.nextToken();
            entry.read(p, name);
        }
    }

    private static long number(JsonParser p) throws IOException {
        if (p.currentToken() == JsonToken.VALUE_NUMBER_INT) {
            return p.getBigIntegerValue().longValue();
        }
        p.skipChildren();
        return 0;
    }

    private void sized(JsonParser p, String name) throws IOException {
        each(
                p,
                (q, key) -> {
                    if (key.equals("size")) {
                        sizes.put(name, number(q));
                    } else if (key.equals("constants")) {
                        Map<String, Long> all =
                                constants.computeIfAbsent(name, n -> new HashMap<>());
                        each(q, (r, constant) -> all.put(constant, number(r)));
                    } else {
                        q.skipChildren();
                    }
                });
    }

    private void symbol(JsonParser p, String name) throws IOException {
        each(
                p,
                (q, key) -> {
                    if (key.equals("address")) {
                        symbols.put(name, number(q));
                    } else if (key.equals("constant_data") && name.equals("linux_banner")) {
                        banner = decoded(q.getText());
                    } else {
                        q.skipChildren();
                    }
                });
    }

    private static String decoded(String base64) {
        try {
            return new String(Base64.getDecoder().decode(base64), StandardCharsets.ISO_8859_1)
                    .replace("\0", "")
                    .strip();
        } catch (IllegalArgumentException e) {
            return "";
        }
    }

    private void structure(JsonParser p, String name) throws IOException {
        long[] size = {0};
        Map<String, Field> fields = new LinkedHashMap<>();
        each(
                p,
                (q, key) -> {
                    switch (key) {
                        case "size" -> size[0] = number(q);
                        case "fields" -> each(q, (r, field) -> fields.put(field, field(r)));
                        default -> q.skipChildren();
                    }
                });
        structures.put(name, new Structure(size[0], fields));
    }

    private Field field(JsonParser p) throws IOException {
        long[] offset = {0};
        Type[] type = {NO_TYPE};
        boolean[] anonymous = {false};
        each(
                p,
                (q, key) -> {
                    switch (key) {
                        case "offset" -> offset[0] = number(q);
                        case "type" -> type[0] = type(q, 0);
                        case "anonymous" -> anonymous[0] = q.currentToken() == JsonToken.VALUE_TRUE;
                        default -> q.skipChildren();
                    }
                });
        return new Field(offset[0], type[0], anonymous[0]);
    }

    private Type type(JsonParser p, int depth) throws IOException {
        if (depth > DEPTH) {
            p.skipChildren();
            return NO_TYPE;
        }
        String[] texts = {"", ""};
        long[] numbers = {1, 0, 0};
        Type[] inner = new Type[1];
        each(
                p,
                (q, key) -> {
                    switch (key) {
                        case "kind" -> texts[0] = text(q);
                        case "name" -> texts[1] = text(q);
                        case "count" -> numbers[0] = number(q);
                        case "bit_position" -> numbers[1] = number(q);
                        case "bit_length" -> numbers[2] = number(q);
                        case "subtype", "type" -> inner[0] = type(q, depth + 1);
                        default -> q.skipChildren();
                    }
                });
        return new Type(
                texts[0],
                texts[1],
                numbers[0],
                (int) numbers[1] & 63,
                (int) numbers[2] & 63,
                inner[0]);
    }

    private static String text(JsonParser p) throws IOException {
        if (p.currentToken() == JsonToken.VALUE_STRING) {
            return p.getText();
        }
        p.skipChildren();
        return "";
    }

    /** Addresses of symbols, without the displacement of KASLR. */
    public Map<String, Long> symbols() {
        return symbols;
    }

    /** What {@code linux_banner} is to be; empty if the file does not say. */
    public String banner() {
        return banner;
    }

    @Override
    public String origin() {
        return "the symbol file";
    }

    @Override
    public long size(String structure) {
        Structure s = structures.get(structure);
        return s == null ? -1 : s.size;
    }

    @Override
    public @Nullable Member member(String structure, String path) {
        String in = structure;
        long offset = 0;
        Type type = NO_TYPE;
        for (String name : path.split("[.]", DEPTH)) {
            Field f = search(in, name, 0);
            if (f == null) {
                return null;
            }
            offset += f.offset;
            type = f.type;
            in = type.name;
        }
        return member(offset, type);
    }

    private @Nullable Field search(String structure, String name, int depth) {
        Structure s = structures.get(structure);
        if (s == null || depth > 4) {
            return null;
        }
        Field direct = s.fields.get(name);
        if (direct != null) {
            return direct;
        }
        for (Map.Entry<String, Field> e : s.fields.entrySet()) {
            Field outer = e.getValue();
            if (outer.anonymous || e.getKey().startsWith("unnamed_field")) {
                Field f = search(outer.type.name, name, depth + 1);
                if (f != null) {
                    return new Field(outer.offset + f.offset, f.type, false);
                }
            }
        }
        return null;
    }

    private Member member(long offset, Type type) {
        long count = 1;
        Type t = type;
        while (t.kind.equals("array") && t.subtype != null) {
            count *= t.count;
            t = t.subtype;
        }
        if (t.kind.equals("bitfield")) {
            long size = t.subtype == null ? 4 : sizeOf(t.subtype);
            return new Member(offset, size, 1, t.shift, t.bits);
        }
        return new Member(offset, sizeOf(t), count, 0, 0);
    }

    private long sizeOf(Type t) {
        return switch (t.kind) {
            case "pointer" -> 8;
            case "struct", "union", "class" -> Math.max(0, size(t.name));
            default -> sizes.getOrDefault(t.name, 0L);
        };
    }

    @Override
    public @Nullable Long constant(String enumeration, String name) {
        return constants.getOrDefault(enumeration, Map.of()).get(name);
    }

    @Override
    public List<String> members(String structure) {
        Structure s = structures.get(structure);
        return s == null ? List.of() : new ArrayList<>(s.fields.keySet());
    }
}
