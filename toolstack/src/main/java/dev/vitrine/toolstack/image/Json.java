// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.image;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** As much JSON as an image's description needs: objects, arrays, strings and whole numbers. */
final class Json {
    private static final int MAX_DEPTH = 32;

    private final String text;
    private int at;

    private Json(String text) {
        this.text = text;
    }

    /** The text is no JSON. */
    static final class Malformed extends Exception {
        private static final long serialVersionUID = 1L;

        Malformed(String message) {
            super(message, null, false, false);
        }
    }

    /** Reads a value: Map, List, String, Long or Boolean. */
    static Object read(String text) throws Malformed {
        Json json = new Json(text);
        Object value = json.value(0);
        json.blanks();
        if (json.at != text.length()) {
            throw json.malformed("more text behind the value");
        }
        return value;
    }

    /** Writes maps, lists, and what else is there by its text: numbers bare, the rest in quotes. */
    static String write(Object value) {
        StringBuilder out = new StringBuilder();
        write(value, "\n", out);
        return out.append('\n').toString();
    }

    private static void write(Object value, String indent, StringBuilder out) {
        switch (value) {
            case Map<?, ?> map -> {
                String inner = indent + "  ";
                String separator = "{";
                for (Map.Entry<?, ?> entry : map.entrySet()) {
                    out.append(separator).append(inner);
                    quote(String.valueOf(entry.getKey()), out);
                    out.append(": ");
                    write(entry.getValue(), inner, out);
                    separator = ",";
                }
                out.append(map.isEmpty() ? "{}" : indent + "}");
            }
            case List<?> list -> {
                String inner = indent + "  ";
                String separator = "[";
                for (Object item : list) {
                    out.append(separator).append(inner);
                    write(item, inner, out);
                    separator = ",";
                }
                out.append(list.isEmpty() ? "[]" : indent + "]");
            }
            case Number number -> out.append(number);
            case Boolean bool -> out.append(bool);
            default -> quote(value.toString(), out);
        }
    }

    private static void quote(String text, StringBuilder out) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < 0x20) {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        out.append('"');
    }

    private Object value(int depth) throws Malformed {
        blanks();
        if (depth > MAX_DEPTH) {
            throw malformed("too deep");
        }
        if (at >= text.length()) {
            throw malformed("a value is missing");
        }
        char c = text.charAt(at);
        if (c == '{') {
            return object(depth);
        }
        if (c == '[') {
            return array(depth);
        }
        if (c == '"') {
            return string();
        }
        int start = at;
        while (at < text.length() && "-0123456789truefalse".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
        String word = text.substring(start, at);
        if (word.equals("true") || word.equals("false")) {
            return word.equals("true");
        }
        if (word.matches("-?[0-9]{1,18}")) {
            return Long.parseLong(word);
        }
        throw malformed("an unknown value");
    }

    private Map<String, Object> object(int depth) throws Malformed {
        Map<String, Object> map = new LinkedHashMap<>();
        at++;
        blanks();
        if (accept('}')) {
            return map;
        }
        do {
            blanks();
            String name = string();
            blanks();
            expect(':');
            map.put(name, value(depth + 1));
            blanks();
        } while (accept(','));
        expect('}');
        return map;
    }

    private List<Object> array(int depth) throws Malformed {
        List<Object> list = new ArrayList<>();
        at++;
        blanks();
        if (accept(']')) {
            return list;
        }
        do {
            list.add(value(depth + 1));
            blanks();
        } while (accept(','));
        expect(']');
        return list;
    }

    private String string() throws Malformed {
        expect('"');
        StringBuilder out = new StringBuilder();
        while (at < text.length()) {
            char c = text.charAt(at++);
            if (c == '"') {
                return out.toString();
            }
            if (c != '\\') {
                out.append(c);
                continue;
            }
            if (at >= text.length()) {
                break;
            }
            char escaped = text.charAt(at++);
            switch (escaped) {
                case '"', '\\', '/' -> out.append(escaped);
                case 'n' -> out.append('\n');
                case 't' -> out.append('\t');
                case 'r' -> out.append('\r');
                case 'b' -> out.append('\b');
                case 'f' -> out.append('\f');
                case 'u' -> {
                    if (at + 4 > text.length()
                            || !text.substring(at, at + 4).matches("[0-9a-fA-F]{4}")) {
                        throw malformed("a bad escape");
                    }
                    out.append((char) Integer.parseInt(text.substring(at, at + 4), 16));
                    at += 4;
                }
                default -> throw malformed("a bad escape");
            }
        }
        throw malformed("a string has no end");
    }

    private void blanks() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    private boolean accept(char c) {
        if (at < text.length() && text.charAt(at) == c) {
            at++;
            return true;
        }
        return false;
    }

    private void expect(char c) throws Malformed {
        if (!accept(c)) {
            throw malformed("'" + c + "' is missing");
        }
    }

    private Malformed malformed(String what) {
        return new Malformed(what + " at character " + at);
    }
}
