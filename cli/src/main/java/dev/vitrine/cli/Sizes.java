// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import dev.vitrine.toolstack.BadInputException;

import java.math.BigInteger;
import java.time.Duration;
import java.util.Locale;

/** Sizes and times as a user writes them. */
final class Sizes {
    private static final long MAX_MEMORY = 8L << 40;
    private static final long MAX_FILE = 1L << 50;
    private static final int MEBI = 20;
    private static final long MAX_SECONDS = 366L * 86400;

    /** In nanoseconds. */
    private static final long SECOND = 1_000_000_000;

    private Sizes() {}

    /**
     * Memory: a number with K, M, G or T, MiB without, as in xl.cfg.
     *
     * @return bytes, a multiple of 4096, from 1 MiB to 8 TiB
     * @throws BadInputException it is no such size
     */
    static long memory(String option, String text) {
        BigInteger bytes = size(option, text, MEBI);
        if (bytes.compareTo(BigInteger.valueOf(1 << 20)) < 0
                || bytes.compareTo(BigInteger.valueOf(MAX_MEMORY)) > 0) {
            throw new BadInputException(
                    option
                            + " "
                            + shown(text)
                            + " is out of range: a guest has 1M to 8T of memory.");
        }
        return bytes.longValueExact() & -4096L;
    }

    /**
     * The size of a file: a number with K, M, G or T, bytes without.
     *
     * @return bytes, from 0 to 1 PiB
     * @throws BadInputException it is no such size
     */
    static long file(String option, String text) {
        BigInteger bytes = size(option, text, 0);
        if (bytes.signum() < 0 || bytes.compareTo(BigInteger.valueOf(MAX_FILE)) > 0) {
            throw new BadInputException(
                    option + " " + shown(text) + " is out of range: it can be 0 to 1024T.");
        }
        return bytes.longValueExact();
    }

    /**
     * @param plain what a number without a letter stands for: 20 for MiB, 0 for bytes
     */
    private static BigInteger size(String option, String text, int plain) {
        String t = text.strip().toUpperCase(Locale.ROOT);
        if (!t.matches("[+-]?[0-9]{1,30}([KMGT](I?B)?)?")) {
            throw new BadInputException(
                    option + " " + shown(text) + " is not a size; write it as 512M or 2G.");
        }
        String digits = t.replaceAll("[KMGTIB]", "");
        int shift =
                t.contains("K")
                        ? 10
                        : t.contains("M")
                                ? 20
                                : t.contains("G") ? 30 : t.contains("T") ? 40 : plain;
        return new BigInteger(digits).shiftLeft(shift);
    }

    /**
     * A time: a number with ms, s, m or h, seconds without.
     *
     * @throws BadInputException it is no time, not more than 0, or more than a year
     */
    static Duration time(String option, String text) {
        String t = text.strip().toLowerCase(Locale.ROOT);
        if (!t.matches("[+-]?[0-9]{1,18}([.][0-9]{1,9})?(ms|s|m|h)?")) {
            throw new BadInputException(
                    option + " " + shown(text) + " is not a time; write it as 60s, 500ms or 5m.");
        }
        // In thousand-millionths, exactly. A BigDecimal would do, but makes tables of 10 ms first.
        String digits = t.replaceAll("[a-z]", "");
        int point = digits.indexOf('.');
        String whole = point < 0 ? digits : digits.substring(0, point);
        String fraction = point < 0 ? "" : digits.substring(point + 1);
        long unit =
                t.endsWith("ms")
                        ? 1_000_000
                        : (t.endsWith("m") ? 60 : t.endsWith("h") ? 3600 : 1) * SECOND;
        BigInteger time =
                new BigInteger(whole + (fraction + "000000000").substring(0, 9))
                        .multiply(BigInteger.valueOf(unit));
        BigInteger most =
                BigInteger.valueOf(MAX_SECONDS * SECOND).multiply(BigInteger.valueOf(SECOND));
        if (time.signum() <= 0 || time.compareTo(most) > 0) {
            throw new BadInputException(
                    option
                            + " "
                            + shown(text)
                            + " is out of range: it is more than 0, up to a year.");
        }
        return Duration.ofNanos(Math.max(1, time.divide(BigInteger.valueOf(SECOND)).longValue()));
    }

    /**
     * A whole number.
     *
     * @throws BadInputException it is none, or out of its range
     */
    static int number(String option, String text, int min, int max) {
        String t = text.strip();
        if (!t.matches("[+-]?[0-9]{1,30}")) {
            throw new BadInputException(option + " " + shown(text) + " is not a number.");
        }
        BigInteger n = new BigInteger(t);
        if (n.compareTo(BigInteger.valueOf(min)) < 0 || n.compareTo(BigInteger.valueOf(max)) > 0) {
            throw new BadInputException(
                    option
                            + " "
                            + shown(text)
                            + " is out of range: it can be "
                            + min
                            + " to "
                            + max
                            + ".");
        }
        return n.intValueExact();
    }

    /** What the user wrote, fit for a message. */
    static String shown(String text) {
        String plain = text.replaceAll("\\p{Cntrl}", "?");
        return "'" + (plain.length() <= 60 ? plain : plain.substring(0, 60) + "…") + "'";
    }
}
