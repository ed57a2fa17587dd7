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
                            + onOneLine(text.length() > 40 ? text.substring(0, 40) : text)
                            + (text.length() > 40 ? "…\"" : "\"");
            default -> kind.described;
        };
    }

    /** A message is one line, whatever a string holds. */
    private static String onOneLine(String text) {
        StringBuilder shown = new StringBuilder();
        text.chars()
                .forEach(c ->
                        shown.append(
                                Character.isISOControl(c)
                                        ? String.format("\\x%02x", c)
                                        : String.valueOf((char) c)));
        return shown.toString();
    }
}
