// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.config;

/** A word of an xl.cfg file. {@code text} is the name, the digits, or the string without quotes. */
record CfgToken(Kind kind, String text, int line) {
    enum Kind {
        NAME("a name"),
        NUMBER("a number"),
        STRING("a string"),
        ASSIGN("'='"),
        ADD("'+='"),
        OPEN("'['"),
        CLOSE("']'"),
        COMMA("','"),
        SEMICOLON("';'"),
        NEWLINE("the end of the line"),
        END("the end of the file");

        final String described;

        Kind(String described) {
            this.described = described;
        }
    }

    String described() {
        return switch (kind) {
            case NAME, NUMBER -> "'" + text + "'";
            case STRING ->
                    "the string \""
                            + (text.length() > 40 ? text.substring(0, 40) + "…" : text)
                            + "\"";
            default -> kind.described;
        };
    }
}
