// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** As much of JSON Schema (draft 2020-12) as docs/trace.schema.json uses. */
final class JsonSchema {
    private final Map<?, ?> root;

    JsonSchema(String text) throws IOException {
        this.root = (Map<?, ?>) Objects.requireNonNull(parse(text));
    }

    /** A text of JSON as maps, lists, texts, Longs, Booleans and null. */
    static @Nullable Object parse(String text) throws IOException {
        try (JsonParser p = new JsonFactory().createParser(text)) {
            p.nextToken();
            Object o = value(p);
            if (p.nextToken() != null) {
                throw new IOException("there is more behind the value");
            }
            return o;
        }
    }

    private static @Nullable Object value(JsonParser p) throws IOException {
        switch (p.currentToken()) {
            case START_OBJECT -> {
                Map<String, @Nullable Object> map = new LinkedHashMap<>();
                while (p.nextToken() != JsonToken.END_OBJECT) {
                    String name = p.currentName();
                    p.nextToken();
                    if (map.containsKey(name)) {
                        throw new IOException("two members " + name);
                    }
                    map.put(name, value(p));
                }
                return map;
            }
            case START_ARRAY -> {
                List<@Nullable Object> list = new ArrayList<>();
                while (p.nextToken() != JsonToken.END_ARRAY) {
                    list.add(value(p));
                }
                return list;
            }
            case VALUE_STRING -> {
                return p.getText();
            }
            case VALUE_NUMBER_INT -> {
                return p.getBigIntegerValue().longValue();
            }
            case VALUE_TRUE, VALUE_FALSE -> {
                return p.getBooleanValue();
            }
            case VALUE_NULL -> {
                return null;
            }
            default -> throw new IOException("unexpected " + p.currentToken());
        }
    }

    /** What is wrong with a value; null if nothing is. */
    @Nullable String check(@Nullable Object value) {
        return check(root, value, "$");
    }

    private @Nullable String check(Map<?, ?> schema, @Nullable Object v, String at) {
        Object ref = schema.get("$ref");
        if (ref != null) {
            String name = ref.toString().substring("#/$defs/".length());
            Map<?, ?> defs = (Map<?, ?>) Objects.requireNonNull(root.get("$defs"));
            return check((Map<?, ?>) Objects.requireNonNull(defs.get(name)), v, at);
        }
        if (schema.containsKey("const") && !Objects.equals(schema.get("const"), v)) {
            return at + " is " + v + ", not " + schema.get("const");
        }
        if (schema.get("enum") instanceof List<?> e && !e.contains(v)) {
            return at + " is " + v + ", not one of " + e;
        }
        if (schema.get("type") != null && !type(schema.get("type"), v)) {
            return at + " is " + v + ", no " + schema.get("type");
        }
        if (schema.get("minimum") instanceof Long m && v instanceof Long n && n < m) {
            return at + " is " + n;
        }
        if (schema.get("pattern") instanceof String p && v instanceof String s && !s.matches(p)) {
            return at + " is " + s;
        }
        for (String word : new String[] {"anyOf", "oneOf"}) {
            if (schema.get(word) instanceof List<?> all) {
                String wrong = some(all, v, at, word.equals("oneOf"));
                if (wrong != null) {
                    return wrong;
                }
            }
        }
        if (v instanceof List<?> list && schema.get("items") instanceof Map<?, ?> items) {
            for (Object o : list) {
                String wrong = check(items, o, at + "[]");
                if (wrong != null) {
                    return wrong;
                }
            }
        }
        return v instanceof Map<?, ?> map ? object(schema, map, at) : null;
    }

    private @Nullable String some(List<?> all, @Nullable Object v, String at, boolean one) {
        int fits = 0;
        String reason = "";
        for (Object o : all) {
            String wrong = check((Map<?, ?>) o, v, at);
            fits += wrong == null ? 1 : 0;
            // The reason that says most is that of the right kind.
            if (wrong != null && !wrong.contains(", not ")) {
                reason = wrong;
            }
        }
        return fits == 0 || one && fits > 1 ? at + " fits " + fits + ": " + reason : null;
    }

    private @Nullable String object(Map<?, ?> schema, Map<?, ?> map, String at) {
        Map<?, ?> properties = schema.get("properties") instanceof Map<?, ?> p ? p : Map.of();
        if (schema.get("required") instanceof List<?> required) {
            for (Object name : required) {
                if (!map.containsKey(name)) {
                    return at + " has no " + name;
                }
            }
        }
        for (Map.Entry<?, ?> e : map.entrySet()) {
            Object s = properties.get(e.getKey());
            s = s != null ? s : schema.get("additionalProperties");
            if (Boolean.FALSE.equals(s)) {
                return at + " must not have " + e.getKey();
            }
            if (s instanceof Map<?, ?> inner) {
                String wrong = check(inner, e.getValue(), at + "." + e.getKey());
                if (wrong != null) {
                    return wrong;
                }
            }
        }
        return null;
    }

    private static boolean type(@Nullable Object type, @Nullable Object v) {
        if (type instanceof List<?> several) {
            return several.stream().anyMatch(t -> type(t, v));
        }
        return switch (String.valueOf(type)) {
            case "string" -> v instanceof String;
            case "integer" -> v instanceof Long;
            case "boolean" -> v instanceof Boolean;
            case "object" -> v instanceof Map;
            case "array" -> v instanceof List;
            case "null" -> v == null;
            default -> throw new IllegalArgumentException("type " + type);
        };
    }

    /** Names of the kinds that an event may be of, and their fields. */
    Map<String, List<String>> kinds() {
        Map<String, List<String>> all = new LinkedHashMap<>();
        Map<?, ?> defs = (Map<?, ?>) Objects.requireNonNull(root.get("$defs"));
        for (Map.Entry<?, ?> e : defs.entrySet()) {
            if (((Map<?, ?>) e.getValue()).get("properties") instanceof Map<?, ?> p) {
                all.put(e.getKey().toString(), p.keySet().stream().map(Object::toString).toList());
            }
        }
        return all;
    }
}
