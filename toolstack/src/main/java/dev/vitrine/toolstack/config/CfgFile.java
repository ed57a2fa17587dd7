// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.config;

import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.config.CfgToken.Kind;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * An xl.cfg file as names and values, before anything is made of them (syntax: xl.cfg(5) and
 * libxlutil's grammar).
 *
 * <pre>
 * file       = { [ assignment ] ( NEWLINE | ";" ) }
 * assignment = NAME ( "=" | "+=" ) value
 * value      = STRING | NUMBER | "[" [ value { "," value } [ "," ] ] "]"
 * </pre>
 *
 * <p>Inside a list, line ends mean nothing. The last assignment to a name counts; {@code +=}
 * appends to what the name had.
 */
public final class CfgFile {
    /** Deeper lists have no meaning to xl; the limit keeps the parser's stack small. */
    private static final int MAX_DEPTH = 16;

    private final String file;
    private final Map<String, CfgSetting> settings = new LinkedHashMap<>();
    private final CfgLexer lexer;
    private CfgToken token;

    private CfgFile(String file, byte[] text) {
        this.file = file;
        this.lexer = new CfgLexer(file, text);
        this.token = lexer.next();
    }

    /**
     * Parses a file's text.
     *
     * @param file the name to use in messages
     * @throws BadInputException the text has a syntax error; the message names file and line
     */
    public static CfgFile parse(String file, byte[] text) {
        CfgFile cfg = new CfgFile(file, text);
        cfg.statements();
        return cfg;
    }

    /** Parses text, as {@link #parse(String, byte[])} does. */
    public static CfgFile parse(String file, String text) {
        return parse(file, text.getBytes(StandardCharsets.UTF_8));
    }

    /** The name that messages use for the file. */
    public String file() {
        return file;
    }

    /** The settings, in the order in which the file first names them. */
    public Collection<CfgSetting> settings() {
        return java.util.Collections.unmodifiableCollection(settings.values());
    }

    /** The setting of {@code name}, or null if the file has none. */
    public @Nullable CfgSetting find(String name) {
        return settings.get(name);
    }

    private void statements() {
        while (token.kind() != Kind.END) {
            if (token.kind() == Kind.NEWLINE || token.kind() == Kind.SEMICOLON) {
                advance();
                continue;
            }
            assignment();
            if (token.kind() != Kind.NEWLINE
                    && token.kind() != Kind.SEMICOLON
                    && token.kind() != Kind.END) {
                throw expected("the end of the line or ';'");
            }
        }
    }

    private void assignment() {
        if (token.kind() != Kind.NAME) {
            throw expected("the name of an option");
        }
        String name = token.text();
        int line = token.line();
        advance();
        boolean add = token.kind() == Kind.ADD;
        if (!add && token.kind() != Kind.ASSIGN) {
            throw expected("'=' or '+=' after '" + name + "'");
        }
        advance();
        CfgValue value = value(0);
        CfgSetting before = settings.get(name);
        if (add && before != null) {
            value = concatenate(name, before.value(), value);
        }
        settings.put(name, new CfgSetting(name, value, add, line));
    }

    private CfgValue concatenate(String name, CfgValue before, CfgValue more) {
        if (before instanceof CfgValue.Atom(String a, int line)
                && more instanceof CfgValue.Atom(String b, int ignored)) {
            return new CfgValue.Atom(a + b, line);
        }
        if (before instanceof CfgValue.Items(List<CfgValue> a, int line)
                && more instanceof CfgValue.Items(List<CfgValue> b, int ignored)) {
            List<CfgValue> both = new ArrayList<>(a);
            both.addAll(b);
            return new CfgValue.Items(both, line);
        }
        throw error(more.line(), "'+=' cannot join a list and a single value for '" + name + "'");
    }

    private CfgValue value(int depth) {
        int line = token.line();
        switch (token.kind()) {
            case STRING, NUMBER -> {
                CfgValue atom = new CfgValue.Atom(token.text(), line);
                advance();
                return atom;
            }
            case OPEN -> {
                if (depth == MAX_DEPTH) {
                    throw error(line, "lists are nested more than " + MAX_DEPTH + " deep");
                }
                advance();
                return list(depth, line);
            }
            default -> throw expected("a string, a number or a list");
        }
    }

    private CfgValue list(int depth, int line) {
        List<CfgValue> items = new ArrayList<>();
        skipNewlines();
        while (token.kind() != Kind.CLOSE) {
            items.add(value(depth + 1));
            skipNewlines();
            if (token.kind() == Kind.COMMA) {
                advance();
                skipNewlines();
            } else if (token.kind() != Kind.CLOSE) {
                throw expected("',' or ']' in the list that starts in line " + line);
            }
        }
        advance();
        return new CfgValue.Items(items, line);
    }

    private void skipNewlines() {
        while (token.kind() == Kind.NEWLINE) {
            advance();
        }
    }

    private void advance() {
        token = lexer.next();
    }

    private BadInputException expected(String what) {
        return error(token.line(), "expected " + what + ", found " + token.described());
    }

    private BadInputException error(int line, String what) {
        return new BadInputException(file + ":" + line + ": " + what + ".");
    }
}
