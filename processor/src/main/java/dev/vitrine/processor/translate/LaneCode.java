// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;

import java.lang.classfile.CodeBuilder;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A computation on 64-bit lanes in reverse Polish notation, to be written out as bytecode: one node
 * of HotSpot's graph for each word, and no call that it might not take in. The words are
 *
 * <ul>
 *   <li>{@code a} to {@code d}: operands; {@code t} to {@code z}: temporaries, {@code =t} sets one;
 *   <li>{@code 255}, {@code LOW7}: numbers of 64 bits, also by name; {@code #255}: one of 32 bits;
 *   <li>{@code + - * & | ^ ~ neg}: on longs; {@code << >> >>>} on a long by an int, or by a number
 *       that follows immediately ({@code >>>7});
 *   <li>{@code i}, {@code l}: to int, to long with the sign; {@code z}: to long without the sign;
 *       {@code s}, {@code y8}: an int's low 16 or 8 bits with their sign;
 *   <li>{@code i+ i- i* i& i<< i>> i>>> min max}: on ints;
 *   <li>{@code deposit}, {@code extract}: {@link Long#expand} and {@link Long#compress}.
 * </ul>
 */
final class LaneCode {
    private static final ClassDesc MATH = ClassDesc.of("java.lang.Math");
    private static final ClassDesc LONG = ClassDesc.of("java.lang.Long");
    private static final MethodTypeDesc INTS = MethodTypeDesc.of(CD_int, CD_int, CD_int);
    private static final MethodTypeDesc LONGS = MethodTypeDesc.of(CD_long, CD_long, CD_long);

    /** Numbers with a name: bits of each byte, word or doubleword. */
    private static final Map<String, Long> NUMBERS =
            Map.ofEntries(
                    Map.entry("ONE8", 0x0101_0101_0101_0101L),
                    Map.entry("ONE16", 0x0001_0001_0001_0001L),
                    Map.entry("ONE32", 0x0000_0001_0000_0001L),
                    Map.entry("HIGH8", 0x8080_8080_8080_8080L),
                    Map.entry("HIGH16", 0x8000_8000_8000_8000L),
                    Map.entry("HIGH32", 0x8000_0000_8000_0000L),
                    Map.entry("LOW7", 0x7F7F_7F7F_7F7F_7F7FL),
                    Map.entry("LOW15", 0x7FFF_7FFF_7FFF_7FFFL),
                    Map.entry("LOW31", 0x7FFF_FFFF_7FFF_FFFFL),
                    Map.entry("EVEN8", 0x00FF_00FF_00FF_00FFL),
                    Map.entry("ODD8", 0xFF00_FF00_FF00_FF00L),
                    Map.entry("EVEN16", 0x0000_FFFF_0000_FFFFL),
                    Map.entry("ODD16", 0xFFFF_0000_FFFF_0000L),
                    Map.entry("BORROW16", 0x0001_0000_0001_0000L),
                    Map.entry("LOW32", 0x0000_0000_FFFF_FFFFL),
                    Map.entry("HIGH_HALF", 0xFFFF_FFFF_0000_0000L),
                    Map.entry("WORD1", 0x0000_0000_FFFF_0000L),
                    Map.entry("SIGN8_OF_16", 0x0080_0080_0080_0080L),
                    Map.entry("ABOVE_UNSIGNED", 0x7F00_7F00_7F00_7F00L),
                    Map.entry("ABOVE_SIGNED", 0x7F80_7F80_7F80_7F80L),
                    Map.entry("LOW7_OF_16", 0x007F_007F_007F_007FL));

    private interface Step {
        void write(CodeBuilder code, Runnable[] operands);
    }

    private final List<Step> steps = new ArrayList<>();

    private LaneCode(String text) {
        for (String word : text.split(" +")) {
            if (!word.isEmpty()) {
                steps.add(step(word));
            }
        }
    }

    /** Reads a computation. */
    static LaneCode of(String text) {
        return new LaneCode(text);
    }

    /** Writes it; the operands push themselves. What it leaves on the stack is the result. */
    void write(CodeBuilder code, Runnable... operands) {
        for (Step s : steps) {
            s.write(code, operands);
        }
    }

    /** How many instructions it is. */
    int length() {
        return steps.size();
    }

    private static int temporary(char name) {
        return Locals.vectorTemp(Locals.OPERAND_TEMPS + name - 't');
    }

    private static long number(String word) {
        return word.startsWith("0x")
                ? Long.parseUnsignedLong(word.substring(2), 16)
                : Long.parseLong(word);
    }

    private static Step step(String word) {
        char first = word.charAt(0);
        if (word.length() == 1 && first >= 'a' && first <= 'd') {
            return (c, o) -> o[first - 'a'].run();
        }
        if (word.length() == 1 && first >= 't' && first <= 'y') {
            return (c, o) -> c.lload(temporary(first));
        }
        if (first == '=') {
            return (c, o) -> c.lstore(temporary(word.charAt(1)));
        }
        if (first == '#') {
            int n = Integer.parseInt(word.substring(1));
            return (c, o) -> c.loadConstant(n);
        }
        Long named = NUMBERS.get(word);
        if (named != null || Character.isDigit(first)) {
            long n = named != null ? named : number(word);
            return (c, o) -> c.loadConstant(n);
        }
        int digits = word.length();
        while (Character.isDigit(word.charAt(digits - 1))) {
            digits--;
        }
        if (digits < word.length() && !word.equals("y8")) {
            int n = Integer.parseInt(word.substring(digits));
            Step shift = operation(word.substring(0, digits));
            return (c, o) -> {
                c.loadConstant(n);
                shift.write(c, o);
            };
        }
        return operation(word);
    }

    private static Step operation(String word) {
        return switch (word) {
            case "+" -> (c, o) -> c.ladd();
            case "-" -> (c, o) -> c.lsub();
            case "*" -> (c, o) -> c.lmul();
            case "&" -> (c, o) -> c.land();
            case "|" -> (c, o) -> c.lor();
            case "^" -> (c, o) -> c.lxor();
            case "~" -> (c, o) -> c.loadConstant(-1L).lxor();
            case "neg" -> (c, o) -> c.lneg();
            case "<<" -> (c, o) -> c.lshl();
            case ">>" -> (c, o) -> c.lshr();
            case ">>>" -> (c, o) -> c.lushr();
            case "i" -> (c, o) -> c.l2i();
            case "l" -> (c, o) -> c.i2l();
            case "z" -> (c, o) -> c.i2l().loadConstant(0xFFFF_FFFFL).land();
            case "s" -> (c, o) -> c.i2s();
            case "y8" -> (c, o) -> c.i2b();
            case "i+" -> (c, o) -> c.iadd();
            case "i-" -> (c, o) -> c.isub();
            case "i*" -> (c, o) -> c.imul();
            case "i&" -> (c, o) -> c.iand();
            case "i|" -> (c, o) -> c.ior();
            case "i<<" -> (c, o) -> c.ishl();
            case "i>>" -> (c, o) -> c.ishr();
            case "i>>>" -> (c, o) -> c.iushr();
            case "min" -> (c, o) -> c.invokestatic(MATH, "min", INTS);
            case "max" -> (c, o) -> c.invokestatic(MATH, "max", INTS);
            case "deposit" -> (c, o) -> c.invokestatic(LONG, "expand", LONGS);
            case "extract" -> (c, o) -> c.invokestatic(LONG, "compress", LONGS);
            default -> throw new IllegalArgumentException(word);
        };
    }
}
