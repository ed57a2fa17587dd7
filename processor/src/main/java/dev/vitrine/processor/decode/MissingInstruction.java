// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.decode;

import org.jspecify.annotations.Nullable;

import java.util.Locale;
import java.util.Map;

/**
 * Names of instructions that processors have and this one lacks, so that statistics can tell what a
 * guest missed. Encodings without a name here are called by their opcode.
 */
final class MissingInstruction {
    /** Opcodes (map, byte) that ModRM does not divide further. */
    private static final Map<Integer, String> BY_OPCODE =
            Map.ofEntries(
                    Map.entry(0x10E, "femms"),
                    Map.entry(0x10F, "3dnow"),
                    Map.entry(0x137, "getsec"),
                    Map.entry(0x178, "vmread"),
                    Map.entry(0x179, "vmwrite"),
                    Map.entry(0x1AA, "rsm"),
                    Map.entry(0x280, "invept"),
                    Map.entry(0x281, "invvpid"),
                    Map.entry(0x2CF, "gf2p8mulb"),
                    Map.entry(0x2DC, "aesenc128kl"),
                    Map.entry(0x2F5, "wruss"),
                    Map.entry(0x2F6, "wrss"),
                    Map.entry(0x2F8, "movdir64b"),
                    Map.entry(0x2F9, "movdiri"),
                    Map.entry(0x3CE, "gf2p8affineqb"),
                    Map.entry(0x3CF, "gf2p8affineinvqb"));

    /** Second bytes of 0F 01. */
    private static final Map<Integer, String> GROUP_7 =
            Map.ofEntries(
                    Map.entry(0xC0, "enclv"),
                    Map.entry(0xC2, "vmlaunch"),
                    Map.entry(0xC3, "vmresume"),
                    Map.entry(0xC4, "vmxoff"),
                    Map.entry(0xC5, "pconfig"),
                    Map.entry(0xC8, "monitor"),
                    Map.entry(0xC9, "mwait"),
                    Map.entry(0xCF, "encls"),
                    Map.entry(0xD4, "vmfunc"),
                    Map.entry(0xD5, "xend"),
                    Map.entry(0xD6, "xtest"),
                    Map.entry(0xD7, "enclu"),
                    Map.entry(0xD8, "vmrun"),
                    Map.entry(0xDA, "vmload"),
                    Map.entry(0xDB, "vmsave"),
                    Map.entry(0xDC, "stgi"),
                    Map.entry(0xDD, "clgi"),
                    Map.entry(0xDF, "invlpga"),
                    Map.entry(0xE8, "serialize"),
                    Map.entry(0xEE, "rdpkru"),
                    Map.entry(0xEF, "wrpkru"),
                    Map.entry(0xFA, "monitorx"),
                    Map.entry(0xFB, "mwaitx"),
                    Map.entry(0xFC, "clzero"),
                    Map.entry(0xFD, "rdpru"));

    private static final String[] PREFIX = {"", "66 ", "f3 ", "f2 "};
    private static final String[] MAP = {"", "0f ", "0f 38 ", "0f 3a "};

    private MissingInstruction() {}

    /**
     * A name for statistics: a mnemonic or an opcode.
     *
     * @param vex whether a VEX prefix came
     * @param map 0 to 3
     * @param prefix 0 none, 1 66, 2 F3, 3 F2
     * @param modrm the byte behind the opcode, or -1 if it was not read
     */
    static String name(boolean vex, int map, int prefix, int opcode, int modrm) {
        if (vex) {
            return vexName(map, prefix, opcode);
        }
        if (map == 0) {
            if (opcode == 0x62) {
                return "evex";
            }
            if (opcode == 0x8F) {
                return "xop";
            }
            if (modrm == 0xF8 && (opcode == 0xC6 || opcode == 0xC7)) {
                return opcode == 0xC6 ? "xabort" : "xbegin";
            }
        } else {
            String name = map == 1 ? groups(prefix, opcode, modrm) : null;
            if (name == null) {
                name = BY_OPCODE.get(map << 8 | opcode);
            }
            if (name != null) {
                return name;
            }
        }
        String text = PREFIX[prefix] + MAP[map] + hex(opcode);
        return modrm < 0 ? text : text + " /" + (modrm >> 3 & 7);
    }

    private static @Nullable String groups(int prefix, int opcode, int modrm) {
        int reg = modrm >> 3 & 7;
        boolean memory = modrm < 0xC0;
        if (opcode == 0x01) {
            return GROUP_7.get(modrm);
        }
        if (opcode == 0xC7 && memory && reg == 6) {
            return prefix == 1 ? "vmclear" : prefix == 2 ? "vmxon" : "vmptrld";
        }
        if (opcode == 0xC7 && reg >= 6) {
            return memory ? "vmptrst" : "senduipi";
        }
        if (opcode == 0xAE && reg >= 4) {
            if (reg == 4 && prefix == 2) {
                return "ptwrite";
            }
            if (reg == 6 && !memory) {
                return prefix == 1 ? "tpause" : prefix == 2 ? "umonitor" : "umwait";
            }
            return reg == 5 && prefix == 2 ? "incssp" : null;
        }
        return null;
    }

    private static String vexName(int map, int prefix, int opcode) {
        boolean mask =
                map == 1
                                && (opcode >= 0x41 && opcode <= 0x4B
                                        || opcode >= 0x90 && opcode <= 0x93
                                        || opcode == 0x98
                                        || opcode == 0x99)
                        || map == 3 && opcode >= 0x30 && opcode <= 0x33;
        if (mask) {
            return "avx512 mask " + MAP[map] + hex(opcode);
        }
        if (map == 2 && opcode >= 0xDC && opcode <= 0xDF) {
            return "vaes";
        }
        if (map == 3 && opcode == 0x44) {
            return "vpclmulqdq";
        }
        if (map == 2 && opcode >= 0x50 && opcode <= 0x53) {
            return "avx-vnni";
        }
        if (map == 2 && opcode == 0xCF || map == 3 && (opcode == 0xCE || opcode == 0xCF)) {
            return "gfni";
        }
        if (map == 3 && (opcode >= 0x5C && opcode <= 0x7F || opcode == 0x48 || opcode == 0x49)) {
            return "fma4";
        }
        return "vex " + PREFIX[prefix] + MAP[map] + hex(opcode);
    }

    private static String hex(int value) {
        return String.format(Locale.ROOT, "%02x", value);
    }
}
