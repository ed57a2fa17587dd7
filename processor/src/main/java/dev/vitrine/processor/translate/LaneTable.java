// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import dev.vitrine.processor.decode.Op;

import org.jspecify.annotations.Nullable;

import java.util.EnumMap;
import java.util.Map;

/**
 * Packed integer instructions as {@link LaneCode}. Elements are computed side by side in a long
 * wherever carries can be kept apart: by the top bits of the elements, which are added without
 * carry (H. S. Warren, Hacker's Delight, 2-18), and comparisons whose outcome is first those bits.
 */
final class LaneTable {
    /** Four bytes in the even places come together. */
    static final String SQUEEZE =
            Host.DEPOSITS
                    ? " EVEN8 & EVEN8 extract"
                    : " EVEN8 & =t t t >>>8 | EVEN16 & =t t t >>>16 | LOW32 &";

    /** The low four bytes become words. */
    static final String BYTES_TO_WORDS =
            Host.DEPOSITS
                    ? " EVEN8 deposit"
                    : " LOW32 & =t t t <<16 | EVEN16 & =t t t <<8 | EVEN8 &";

    /** The low two words become doublewords. */
    static final String WORDS_TO_DOUBLEWORDS =
            Host.DEPOSITS ? " EVEN16 deposit" : " LOW32 & =t t t <<16 | EVEN16 &";

    /** By the first source {@code a} and the last one {@code b}. */
    private static final Map<Op, LaneCode> LANES = new EnumMap<>(Op.class);

    /** Two lanes, {@code a} the lower, become half a one. */
    private static final Map<Op, LaneCode> PACKS = new EnumMap<>(Op.class);

    /** The lowest elements of {@code a} fill a lane. */
    private static final Map<Op, LaneCode> EXTENSIONS = new EnumMap<>(Op.class);

    private LaneTable() {}

    /** What an instruction does to each lane, or null. */
    static @Nullable LaneCode lane(Op op) {
        return LANES.get(op);
    }

    /** What a packing or horizontal instruction makes of two neighbouring lanes, or null. */
    static @Nullable LaneCode pack(Op op) {
        return PACKS.get(op);
    }

    /** What PMOVSXxx and PMOVZXxx make of the low elements, or null. */
    static @Nullable LaneCode extension(Op op) {
        return EXTENSIONS.get(op);
    }

    private static final String[] SIZES = {"B", "W", "D"};

    /** Ones in all of an element where its top bit is set. */
    private static String fill(int k) {
        // Masked behind the shift: HotSpot would mask a second time there.
        int bits = 8 << k;
        return " >>>" + (bits - 1) + " " + one(k) + " & =v v <<" + bits + " v -";
    }

    private static String top(int k) {
        return "HIGH" + (8 << k);
    }

    private static String rest(int k) {
        return "LOW" + ((8 << k) - 1);
    }

    private static String one(int k) {
        return "ONE" + (8 << k);
    }

    /** Ones where a is at least b, unsigned; leaves a - b with the top bits set in t. */
    private static String notBelow(int k) {
        return "a " + top(k) + " | b " + rest(k) + " & - =t b ~ a & a b ^ ~ t & |" + fill(k);
    }

    /** Ones where a is greater than b. */
    private static String greater(int k) {
        return k == 2
                ? "b i l a i l - >>>32 b >>32 a >>32 - >>63 <<32 |"
                : "b " + top(k) + " | a " + rest(k) + " & - a b ^ | ~ b a ~ & | " + fill(k);
    }

    private static void lane(String name, String text) {
        LANES.put(Op.valueOf(name), LaneCode.of(text));
    }

    static {
        for (String form : new String[] {"PAND", "ANDPS", "ANDPD"}) {
            lane(form, "a b &");
        }
        for (String form : new String[] {"PANDN", "ANDNPS", "ANDNPD"}) {
            lane(form, "a ~ b &");
        }
        for (String form : new String[] {"POR", "ORPS", "ORPD"}) {
            lane(form, "a b |");
        }
        for (String form : new String[] {"PXOR", "XORPS", "XORPD"}) {
            lane(form, "a b ^");
        }
        for (int k = 0; k < 3; k++) {
            elements(k, SIZES[k], top(k), rest(k), one(k), 8 << k);
            if (k < 2) {
                saturated(k, SIZES[k], top(k), rest(k), one(k), 8 << k);
            }
        }
        lane("PADDQ", "a b +");
        lane("PSUBQ", "a b -");
        lane("PCMPEQD", "a b ^ =t t LOW32 & 1 - >>>32 t >>>32 1 - >>63 <<32 |");
        lane("PCMPEQQ", "a b ^ =t t t neg | >>63 ~");
        lane("PCMPGTQ", "b a ~ & b a ^ ~ b a - & | >>63");
        lane(
                "PSADBW",
                notBelow(0)
                        + " a b ^ & =t b t ^ a t ^ - =t"
                        + " t EVEN8 & t >>>8 EVEN8 & + ONE16 * >>>48");
        products();
        variableShifts();
        lane("MOVSLDUP", "b LOW32 & =t t t <<32 |");
        lane("MOVSHDUP", "b >>>32 b HIGH_HALF & |");
        packs();
        extensions();
    }

    private static void elements(
            int k, String size, String top, String rest, String one, int bits) {
        // The borrow into an element's top bit comes from its own rest.
        String difference = "a " + top + " | b " + rest + " & - a b ^ ~ " + top + " & ^";
        lane(
                "PADD" + size,
                k == 2
                        ? "a HIGH_HALF & b HIGH_HALF & + a b + LOW32 & |"
                        : "a " + rest + " & b " + rest + " & + a b ^ " + top + " & ^");
        lane("PSUB" + size, k == 2 ? "a HIGH_HALF & b HIGH_HALF & - a b - LOW32 & |" : difference);
        String differs = " " + rest + " & " + rest + " + ";
        if (k < 2) {
            lane("PCMPEQ" + size, "a b ^ =t t" + differs + "t | ~" + fill(k));
        }
        lane("PCMPGT" + size, greater(k));
        if (k < 2) {
            lane("PMINU" + size, notBelow(k) + " a b ^ & a ^");
            lane("PMAXU" + size, notBelow(k) + " a b ^ & b ^");
            lane("PMINS" + size, greater(k) + " a b ^ & a ^");
            lane("PMAXS" + size, greater(k) + " a b ^ & b ^");
        } else {
            for (String most : new String[] {"min", "max"}) {
                String name = most.equals("min") ? "PMIN" : "PMAX";
                String pair = "x i y i " + most + " z x >>32 i y >>32 i " + most + " l <<32 |";
                lane(name + "SD", "a =x b =y " + pair);
                lane(name + "UD", "a HIGH32 ^ =x b HIGH32 ^ =y " + pair + " HIGH32 ^");
            }
        }
        String sign = " >>>" + (bits - 1) + " " + one + " & =t t <<" + bits + " t - ";
        lane("PABS" + size, "b" + sign + "b ^ t +");
        lane(
                "PSIGN" + size,
                "b"
                        + sign
                        + "a ^ =u u "
                        + rest
                        + " & t + u "
                        + top
                        + " & ^"
                        + " b"
                        + differs
                        + "b |"
                        + fill(k)
                        + " &");
    }

    private static void saturated(
            int k, String size, String top, String rest, String one, int bits) {
        String sum = "a " + rest + " & b " + rest + " & + =t a b ^ =u ";
        String difference = "a " + top + " | b " + rest + " & - =t a b ^ =u ";
        lane("PADDUS" + size, sum + "a b & a b | t & |" + fill(k) + " t u " + top + " & ^ |");
        lane(
                "PSUBUS" + size,
                difference + "b ~ a & u ~ t & |" + fill(k) + " t u ~ " + top + " & ^ &");
        // Where it overflows: the largest value, and one more if a is negative.
        String limit = fill(k) + " a >>>" + (bits - 1) + " " + one + " & " + rest + " + t ^ & t ^";
        lane("PADDS" + size, sum + "u " + top + " & t ^ =t u ~ a t ^ &" + limit);
        lane("PSUBS" + size, difference + "u ~ " + top + " & t ^ =t u a t ^ &" + limit);
        lane("PAVG" + size, "a b | a b ^ >>>1 " + rest + " & -");
    }

    /** Pushes word n of an operand, with its sign, as an int. */
    private static String word(String operand, int n) {
        return operand
                + switch (n) {
                    case 0 -> " i s";
                    case 1 -> " i i>>16";
                    case 2 -> " >>>32 i s";
                    default -> " >>48 i";
                }
                + " ";
    }

    private static String product(int n) {
        return word("a", n) + word("b", n) + "i* ";
    }

    private static void products() {
        lane(
                "PMULLW",
                "a b * 65535 & a >>>16 b >>>16 * 65535 & <<16 |"
                        + " a >>>32 b >>>32 * 65535 & <<32 | a >>>48 b >>>48 * <<48 |");
        lane(
                "PMULHW",
                product(0)
                        + "i>>>16 l "
                        + product(1)
                        + "#-65536 i& z | "
                        + product(2)
                        + "i>>>16 l <<32 | "
                        + product(3)
                        + "#-65536 i& l <<32 |");
        lane(
                "PMULHUW",
                "a 65535 & b 65535 & * >>>16"
                        + " a >>>16 65535 & b >>>16 65535 & * WORD1 & |"
                        + " a >>>32 65535 & b >>>32 65535 & * >>>16 <<32 |"
                        + " a >>>48 b >>>48 * >>>16 <<48 |");
        String rounded = "i>>14 #1 i+ i>>1 l ";
        lane(
                "PMULHRSW",
                product(0)
                        + rounded
                        + "65535 & "
                        + product(1)
                        + rounded
                        + "65535 & <<16 | "
                        + product(2)
                        + rounded
                        + "65535 & <<32 | "
                        + product(3)
                        + rounded
                        + "<<48 |");
        lane(
                "PMADDWD",
                product(0) + product(1) + "i+ z " + product(2) + product(3) + "i+ l <<32 |");
        StringBuilder sums = new StringBuilder();
        for (int n = 0; n < 8; n += 2) {
            for (int m = n; m < n + 2; m++) {
                sums.append("a >>>").append(8 * m).append(" 255 & i b >>>").append(8 * m);
                sums.append(" i y8 i* ");
            }
            sums.append("i+ #32767 min #-32768 max l 65535 & <<").append(8 * n);
            sums.append(n > 0 ? " | " : " ");
        }
        lane("PMADDUBSW", sums.toString());
        lane("PMULUDQ", "a LOW32 & b LOW32 & *");
        lane("PMULDQ", "a i l b i l *");
        lane("PMULLD", "a b * LOW32 & a >>>32 b >>>32 * <<32 |");
    }

    /** Shifts by a count for each element: zero, or signs only, where it is too large. */
    private static void variableShifts() {
        String low = "b LOW32 & =t ";
        String high = "b >>>32 =t ";
        String small = " t 32 - >>63 & ";
        lane(
                "VPSLLVD",
                low
                        + "a LOW32 & t i <<"
                        + small
                        + "LOW32 & "
                        + high
                        + "a >>>32 t i <<"
                        + small
                        + "<<32 |");
        lane(
                "VPSRLVD",
                low + "a LOW32 & t i >>>" + small + high + "a >>>32 t i >>>" + small + "<<32 |");
        String count = "t i 31 t - >>63 i i| ";
        lane(
                "VPSRAVD",
                low + "a i " + count + "i>> z " + high + "a >>32 i " + count + "i>> l <<32 |");
        String all = " b 63 ~ & =t t t neg | >>63 ~ &";
        lane("VPSLLVQ", "a b i <<" + all);
        lane("VPSRLVQ", "a b i >>>" + all);
    }

    private static void packs() {
        String negative = "x HIGH16 &" + fill(1);
        String unsigned =
                negative
                        + " ~ x & =t t ABOVE_UNSIGNED & ABOVE_UNSIGNED + HIGH16 & =v"
                        + " v >>>7 v >>>15 - t |"
                        + SQUEEZE;
        String signed =
                negative
                        + " =u x u ^ =t t ABOVE_SIGNED & ABOVE_SIGNED + HIGH16 & =v"
                        + " v >>>8 v >>>15 - t | LOW7_OF_16 & u ^"
                        + SQUEEZE;
        pack("PACKUSWB", "a =x " + unsigned + " b =x " + unsigned + " <<32 |");
        pack("PACKSSWB", "a =x " + signed + " b =x " + signed + " <<32 |");
        pack("PACKSSDW", words("#32767 min #-32768 max l 65535 &"));
        pack("PACKUSDW", words("#65535 min #0 max l"));
        pack("PHADDD", "a a >>>32 + LOW32 & b b >>>32 + <<32 |");
        pack("PHSUBD", "a a >>>32 - LOW32 & b b >>>32 - <<32 |");
        String gather = " =t t 65535 & t >>>16 WORD1 & |";
        for (String sign : new String[] {"+", "-"}) {
            String low = sign.equals("-") ? " BORROW16 |" : "";
            String each = "x EVEN16 &" + low + " x >>>16 EVEN16 & " + sign + gather;
            pack(
                    sign.equals("+") ? "PHADDW" : "PHSUBW",
                    "a =x " + each + " b =x " + each + " <<32 |");
        }
    }

    private static String words(String clamp) {
        return "a i "
                + clamp
                + " a >>32 i "
                + clamp
                + " <<16 |"
                + " b i "
                + clamp
                + " <<32 | b >>32 i "
                + clamp
                + " <<48 |";
    }

    private static void pack(String name, String text) {
        PACKS.put(Op.valueOf(name), LaneCode.of(text));
    }

    private static void extensions() {
        extension("PMOVZXBW", "a" + BYTES_TO_WORDS);
        extension("PMOVZXWD", "a" + WORDS_TO_DOUBLEWORDS);
        extension("PMOVZXDQ", "a LOW32 &");
        extension("PMOVZXBD", "a 255 & a 65280 & <<24 |");
        extension("PMOVZXWQ", "a 65535 &");
        extension("PMOVZXBQ", "a 255 &");
        extension("PMOVSXBW", "a" + BYTES_TO_WORDS + " =t t SIGN8_OF_16 & =v v <<9 v <<1 - t |");
        extension("PMOVSXWD", "a i s z a i i>>16 l <<32 |");
        extension("PMOVSXDQ", "a i l");
        extension("PMOVSXBD", "a i y8 z a >>>8 i y8 l <<32 |");
        extension("PMOVSXWQ", "a i s l");
        extension("PMOVSXBQ", "a i y8 l");
    }

    private static void extension(String name, String text) {
        EXTENSIONS.put(Op.valueOf(name), LaneCode.of(text));
    }
}
