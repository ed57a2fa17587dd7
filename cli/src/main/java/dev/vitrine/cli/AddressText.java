// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import dev.vitrine.toolstack.BadInputException;

/**
 * An address on the command line: a number, a symbol, a symbol and an offset, or a physical address
 * behind {@code p:}.
 *
 * @param symbol its name, empty if there is none
 * @param value the number, or the offset
 */
record AddressText(boolean physical, String symbol, long value) {
    private static final int MAX_LENGTH = 1 << 30;

    /**
     * Reads an address.
     *
     * @throws BadInputException it is none
     */
    static AddressText of(String text) {
        boolean physical = text.startsWith("p:");
        String rest = physical ? text.substring(2) : text;
        if (rest.isEmpty()) {
            throw bad(text);
        }
        if (Character.isDigit(rest.charAt(0))) {
            return new AddressText(physical, "", number(text, rest));
        }
        if (physical) {
            throw bad(text);
        }
        int plus = rest.indexOf('+');
        return plus < 0
                ? new AddressText(false, rest, 0)
                : new AddressText(
                        false, rest.substring(0, plus), number(text, rest.substring(plus + 1)));
    }

    private static long number(String text, String digits) {
        try {
            return digits.startsWith("0x")
                    ? Long.parseUnsignedLong(digits, 2, digits.length(), 16)
                    : Long.parseUnsignedLong(digits);
        } catch (NumberFormatException e) {
            throw bad(text);
        }
    }

    private static BadInputException bad(String text) {
        return new BadInputException(
                "ADDR "
                        + Sizes.shown(text)
                        + " is no address: it is a number such as 0xffffffff81000000, a symbol, a"
                        + " symbol+offset, or p:0x100000 for a physical address.");
    }

    /**
     * Reads a length.
     *
     * @throws BadInputException it is none, or over 1 GiB
     */
    static int length(String text) {
        long n = -1;
        try {
            n =
                    text.startsWith("0x")
                            ? Long.parseLong(text, 2, text.length(), 16)
                            : Long.parseLong(text);
        } catch (NumberFormatException e) {
            // As if it were negative.
        }
        if (n < 0 || n > MAX_LENGTH) {
            throw new BadInputException(
                    "LEN "
                            + Sizes.shown(text)
                            + " is no length: it is a number of bytes up to 1 GiB.");
        }
        return (int) n;
    }
}
