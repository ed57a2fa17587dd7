// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.config;

import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.config.CfgToken.Kind;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/**
 * Cuts an xl.cfg file into words, by the rules of libxlutil: names are lower case, numbers start
 * with a digit, strings stand in single or double quotes on one line, {@code #} starts a comment.
 *
 * <p>The text is bytes, one character each, because a string may hold any byte by an escape.
 */
final class CfgLexer {
    private final String file;
    private final byte[] text;
    private int at;
    private int line = 1;

    CfgLexer(String file, byte[] text) {
        this.file = file;
        this.text = text;
        // The byte order mark that some editors put before UTF-8. xl would not take it.
        if (text.length >= 3
                && (text[0] & 0xff) == 0xef
                && (text[1] & 0xff) == 0xbb
                && (text[2] & 0xff) == 0xbf) {
            at = 3;
        }
    }

    CfgToken next() {
        while (at < text.length) {
            int c = text[at] & 0xff;
            if (c == ' ' || c == '\t' || c == '\r') {
                at++;
            } else if (c == '#') {
                while (at < text.length && text[at] != '\n') {
                    at++;
                }
            } else {
                return word(c);
            }
        }
        return new CfgToken(Kind.END, "", line);
    }

    private CfgToken word(int c) {
        if (c == '\n') {
            at++;
            return new CfgToken(Kind.NEWLINE, "", line++);
        }
        if (c >= 'a' && c <= 'z') {
            return run(Kind.NAME);
        }
        if (c >= '0' && c <= '9') {
            return run(Kind.NUMBER);
        }
        return switch (c) {
            case '"', '\'' -> string(c);
            case '=' -> single(Kind.ASSIGN);
            case '[' -> single(Kind.OPEN);
            case ']' -> single(Kind.CLOSE);
            case ',' -> single(Kind.COMMA);
            case ';' -> single(Kind.SEMICOLON);
            case '+' -> {
                if (at + 1 < text.length && text[at + 1] == '=') {
                    at += 2;
                    yield new CfgToken(Kind.ADD, "+=", line);
                }
                throw unexpected(c);
            }
            default -> throw unexpected(c);
        };
    }

    private CfgToken single(Kind kind) {
        at++;
        return new CfgToken(kind, "", line);
    }

    private CfgToken run(Kind kind) {
        int start = at;
        while (at < text.length && belongs(kind, text[at])) {
            at++;
        }
        String word = new String(text, start, at - start, StandardCharsets.ISO_8859_1);
        return new CfgToken(kind, word, line);
    }

    private static boolean belongs(Kind kind, byte c) {
        boolean digit = c >= '0' && c <= '9';
        if (kind == Kind.NUMBER) {
            return digit || (c >= 'a' && c <= 'f') || c == 'x';
        }
        return digit || (c >= 'a' && c <= 'z') || c == '_' || c == '.';
    }

    private CfgToken string(int quote) {
        int start = at++;
        ByteArrayOutputStream value = new ByteArrayOutputStream();
        while (true) {
            if (at >= text.length || text[at] == '\n') {
                throw error("the string that starts with " + shown(start) + " is not closed");
            }
            int c = text[at++] & 0xff;
            if (c == quote) {
                String bytes = value.toString(StandardCharsets.UTF_8);
                return new CfgToken(Kind.STRING, bytes, line);
            }
            value.write(c == '\\' ? escape() : c);
        }
    }

    private int escape() {
        if (at >= text.length) {
            throw error("a backslash ends the file");
        }
        int c = text[at++] & 0xff;
        return switch (c) {
            case '"', '\'', '\\' -> c;
            case 'a' -> 7;
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case 'v' -> 11;
            case 'x' -> {
                if (at + 2 > text.length || digit(at) < 0 || digit(at + 1) < 0) {
                    throw error("\\x in a string needs two hexadecimal digits");
                }
                int value = digit(at) * 16 + digit(at + 1);
                at += 2;
                yield notNul(value);
            }
            case '0', '1', '2', '3', '4', '5', '6', '7' -> {
                int value = c - '0';
                for (int n = 1; n < 3 && at < text.length && digit(at) >= 0 && digit(at) < 8; n++) {
                    value = value * 8 + digit(at++);
                }
                if (value > 255) {
                    throw error("the octal escape in a string is larger than \\377");
                }
                yield notNul(value);
            }
            default -> throw error("'\\" + printable(c) + "' is not an escape that xl knows");
        };
    }

    private int notNul(int value) {
        if (value == 0) {
            throw error("a string cannot hold a NUL character");
        }
        return value;
    }

    private int digit(int index) {
        return Character.digit((char) (text[index] & 0xff), 16);
    }

    private String shown(int from) {
        int to = from;
        while (to < text.length && to < from + 24 && text[to] != '\n' && text[to] != '\r') {
            to++;
        }
        StringBuilder out = new StringBuilder();
        for (int i = from; i < to; i++) {
            out.append(printable(text[i] & 0xff));
        }
        return out.toString();
    }

    private static String printable(int c) {
        return c >= 0x20 && c < 0x7f ? String.valueOf((char) c) : String.format("\\x%02x", c);
    }

    private BadInputException unexpected(int c) {
        String hint =
                c >= 'A' && c <= 'Z'
                        ? " (names are lower case, strings stand in quotes)"
                        : c == '-' ? " (a negative number stands in quotes)" : "";
        return error("'" + printable(c) + "' has no meaning here" + hint);
    }

    private BadInputException error(String what) {
        return new BadInputException(file + ":" + line + ": " + what + ".");
    }
}
