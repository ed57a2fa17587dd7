// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.decode;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Reads the text of the instruction table; its head describes the columns. */
final class InstructionTableReader {
    private static final String RESOURCE = "instructions.tbl";
    private static final int COLUMNS = 7;

    private final Map<String, OperandSpec> specs = new HashMap<>();
    private final Map<String, List<OperandSpec>> operandLists = new HashMap<>();
    private final Map<String, Op> ops = new HashMap<>();
    private final Map<String, Feature> features = new HashMap<>();
    private final List<Form> forms = new ArrayList<>(1600);

    private InstructionTableReader() {
        for (Op op : Op.values()) {
            ops.put(op.name(), op);
        }
        for (Feature feature : Feature.values()) {
            features.put(feature.name(), feature);
        }
    }

    /** Reads the resource. */
    static List<Form> read() {
        try (InputStream in = InstructionTableReader.class.getResourceAsStream(RESOURCE)) {
            if (in == null) {
                throw new IllegalStateException("resource " + RESOURCE + " is missing");
            }
            return read(new String(in.readAllBytes(), StandardCharsets.ISO_8859_1));
        } catch (IOException e) {
            throw new UncheckedIOException("resource " + RESOURCE + " cannot be read", e);
        }
    }

    /** Reads a table from its text; a bad row is an IllegalArgumentException that quotes it. */
    static List<Form> read(String text) {
        InstructionTableReader reader = new InstructionTableReader();
        int at = 0;
        while (at < text.length()) {
            int end = text.indexOf('\n', at);
            if (end < 0) {
                end = text.length();
            }
            if (end > at && text.charAt(at) != '#') {
                String line = text.substring(at, end);
                try {
                    reader.row(line);
                } catch (RuntimeException e) {
                    throw new IllegalArgumentException("bad row: " + line, e);
                }
            }
            at = end + 1;
        }
        return List.copyOf(reader.forms);
    }

    private void row(String line) {
        String[] column = new String[COLUMNS];
        int at = 0;
        for (int i = 0; i < COLUMNS; i++) {
            int end = line.indexOf('|', at);
            if (end < 0) {
                end = line.length();
            }
            column[i] = at >= line.length() ? "" : line.substring(at, end).trim();
            at = end + 1;
        }
        Op op = ops.get(column[3]);
        Feature feature = features.get(column[4]);
        if (op == null || feature == null) {
            throw new IllegalArgumentException("unknown operation or feature");
        }
        List<OperandSpec> operands = operandLists.get(column[2]);
        if (operands == null) {
            operands = operands(column[2]);
            operandLists.put(column[2], operands);
        }
        Form form =
                new Form(
                        forms.size(),
                        column[0],
                        column[1],
                        operands,
                        op,
                        feature,
                        attributes(column[5]),
                        flags(column[6]));
        encoding(form);
        operandRestrictions(form);
        forms.add(form);
    }

    private static int attributes(String text) {
        int bits = 0;
        for (String word : words(text)) {
            bits |=
                    switch (word) {
                        case "lock" -> Form.LOCK;
                        case "rep" -> Form.REP;
                        case "i64" -> Form.I64;
                        case "o64" -> Form.O64;
                        case "d64" -> Form.D64;
                        case "f64" -> Form.F64;
                        case "priv" -> Form.PRIVILEGED;
                        case "anymod" -> Form.ANY_MOD;
                        case "norexb" -> Form.NO_REX_B;
                        case "unaligned" -> Form.UNALIGNED;
                        case "volatile" -> Form.VOLATILE;
                        case "undocumented" -> Form.UNDOCUMENTED;
                        default -> throw new IllegalArgumentException("attribute " + word);
                    };
        }
        return bits;
    }

    private static int flags(String text) {
        int bits = 0;
        for (int i = 0; i < text.length(); i++) {
            bits |=
                    switch (text.charAt(i)) {
                        case 'O' -> 1 << 11;
                        case 'S' -> 1 << 7;
                        case 'Z' -> 1 << 6;
                        case 'A' -> 1 << 4;
                        case 'P' -> 1 << 2;
                        case 'C' -> 1;
                        default -> throw new IllegalArgumentException("flag in " + text);
                    };
        }
        return bits;
    }

    private static List<String> words(String text) {
        List<String> words = new ArrayList<>(4);
        int at = 0;
        while (at < text.length()) {
            int end = text.indexOf(' ', at);
            if (end < 0) {
                end = text.length();
            }
            if (end > at) {
                words.add(text.substring(at, end));
            }
            at = end + 1;
        }
        return words;
    }

    // ------------------------------------------------------------- encodings

    private static void encoding(Form f) {
        int bytes = 0;
        for (String word : words(f.encoding)) {
            switch (word) {
                case "NP" -> f.prefixClass = Form.PREFIX_NONE;
                case "NFx" -> f.prefixClass = Form.PREFIX_NONE | Form.PREFIX_66;
                case "W0" -> f.w = 0;
                case "W1" -> f.w = 1;
                default -> {
                    char first = word.charAt(0);
                    if (word.startsWith("VEX.")) {
                        vex(f, word);
                    } else if (first == '/') {
                        modrm(f, word);
                    } else {
                        bytes = opcodeByte(f, word, bytes);
                    }
                }
            }
        }
        if (bytes == 0) {
            throw new IllegalArgumentException("no opcode");
        }
    }

    private static int opcodeByte(Form f, String word, int count) {
        int value = Integer.parseInt(word, 0, 2, 16);
        if (count == 0 && !f.vex && (value == 0x66 || value == 0xF3 || value == 0xF2)) {
            f.prefixClass =
                    value == 0x66
                            ? Form.PREFIX_66
                            : value == 0xF3 ? Form.PREFIX_F3 : Form.PREFIX_F2;
            return 0;
        }
        if (word.endsWith("+r")) {
            f.opcodeCount = 8;
        } else if (word.endsWith("+cc")) {
            f.opcodeCount = 16;
        } else if (word.length() != 2) {
            throw new IllegalArgumentException("opcode byte " + word);
        }
        if (!f.vex && count > 0) {
            if (count == 1) {
                f.map = 1;
            } else {
                f.map = f.opcode == 0x38 ? 2 : 3;
            }
        }
        f.opcode = value;
        return count + 1;
    }

    private static void vex(Form f, String word) {
        f.vex = true;
        f.map = -1;
        f.prefixClass = 0;
        int at = 4;
        while (at < word.length()) {
            int end = word.indexOf('.', at);
            if (end < 0) {
                end = word.length();
            }
            switch (word.substring(at, end)) {
                case "128", "L0" -> f.l = 0;
                case "256", "L1" -> f.l = 1;
                case "LIG" -> f.l = -1;
                case "NP" -> f.prefixClass = Form.PREFIX_NONE;
                case "66" -> f.prefixClass = Form.PREFIX_66;
                case "F3" -> f.prefixClass = Form.PREFIX_F3;
                case "F2" -> f.prefixClass = Form.PREFIX_F2;
                case "0F" -> f.map = 1;
                case "0F38" -> f.map = 2;
                case "0F3A" -> f.map = 3;
                case "W0" -> f.w = 0;
                case "W1" -> f.w = 1;
                default -> throw new IllegalArgumentException("VEX " + word);
            }
            at = end + 1;
        }
        if (f.map < 0 || f.prefixClass == 0) {
            throw new IllegalArgumentException("VEX without map or prefix");
        }
    }

    private static void modrm(Form f, String word) {
        int end = word.indexOf(':');
        String kind = word.substring(1, end < 0 ? word.length() : end);
        if (end >= 0) {
            f.memory = false;
        }
        if (kind.equals("r")) {
            f.modrm = Form.MODRM_ANY;
        } else if (kind.length() == 1) {
            f.modrm = Form.MODRM_DIGIT;
            f.digit = kind.charAt(0) - '0';
        } else {
            f.modrm = Form.MODRM_FIXED;
            f.fixedModrm = Integer.parseInt(kind, 16);
            f.digit = f.fixedModrm >> 3 & 7;
            f.memory = false;
        }
    }

    private static void operandRestrictions(Form f) {
        f.vector = f.op == Op.VZEROALL || f.op == Op.VZEROUPPER;
        for (OperandSpec spec : f.operands) {
            switch (spec.source) {
                case OperandSpec.MEMORY, OperandSpec.ADDRESS -> f.register = false;
                case OperandSpec.VSIB -> {
                    f.register = false;
                    f.vector = true;
                }
                case OperandSpec.RM_REGISTER, OperandSpec.MMX_RM_REGISTER, OperandSpec.ST_RM ->
                        f.memory = f.has(Form.ANY_MOD);
                case OperandSpec.XMM_RM_REGISTER -> {
                    f.memory = false;
                    f.vector = true;
                }
                case OperandSpec.XMM_REG,
                        OperandSpec.XMM_RM,
                        OperandSpec.XMM_VVVV,
                        OperandSpec.XMM_IMMEDIATE,
                        OperandSpec.XMM_FIXED ->
                        f.vector = true;
                default -> {}
            }
        }
    }

    // -------------------------------------------------------------- operands

    private List<OperandSpec> operands(String text) {
        if (text.isEmpty()) {
            return List.of();
        }
        List<OperandSpec> list = new ArrayList<>(4);
        int at = 0;
        while (at < text.length()) {
            int end = text.indexOf(',', at);
            if (end < 0) {
                end = text.length();
            }
            String token = text.substring(at, end);
            OperandSpec spec = specs.get(token);
            if (spec == null) {
                spec = spec(token);
                specs.put(token, spec);
            }
            list.add(spec);
            at = end + 1;
        }
        return List.copyOf(list);
    }

    private static OperandSpec spec(String t) {
        return switch (t) {
            case "1" -> of(t, OperandSpec.CONSTANT, 1, 1);
            case "AL" -> of(t, OperandSpec.FIXED_REGISTER, 1, 0);
            case "CL" -> of(t, OperandSpec.FIXED_REGISTER, 1, 1);
            case "AX" -> of(t, OperandSpec.FIXED_REGISTER, 2, 0);
            case "DX" -> of(t, OperandSpec.FIXED_REGISTER, 2, 2);
            case "rAX" -> of(t, OperandSpec.FIXED_REGISTER, OperandSpec.SIZE_V, 0);
            case "zAX" -> of(t, OperandSpec.FIXED_REGISTER, OperandSpec.SIZE_Z, 0);
            case "ES" -> of(t, OperandSpec.SEGMENT_FIXED, 2, 0);
            case "CS" -> of(t, OperandSpec.SEGMENT_FIXED, 2, 1);
            case "SS" -> of(t, OperandSpec.SEGMENT_FIXED, 2, 2);
            case "DS" -> of(t, OperandSpec.SEGMENT_FIXED, 2, 3);
            case "FS" -> of(t, OperandSpec.SEGMENT_FIXED, 2, 4);
            case "GS" -> of(t, OperandSpec.SEGMENT_FIXED, 2, 5);
            case "Sw" -> of(t, OperandSpec.SEGMENT_REG, 2, 0);
            case "ST0" -> of(t, OperandSpec.ST_FIXED, 10, 0);
            case "STi" -> of(t, OperandSpec.ST_RM, 10, 0);
            case "XMM0" -> of(t, OperandSpec.XMM_FIXED, 16, 0);
            case "M" -> of(t, OperandSpec.MEMORY, 0, 0);
            case "M0" -> of(t, OperandSpec.ADDRESS, 0, 0);
            case "Ap" -> of(t, OperandSpec.FAR_POINTER, OperandSpec.SIZE_P, 0);
            case "Ib" -> immediate(t, OperandSpec.IMMEDIATE, 1, 1);
            case "Ibv" -> immediate(t, OperandSpec.IMMEDIATE, OperandSpec.SIZE_V, 1);
            case "Iz" ->
                    immediate(t, OperandSpec.IMMEDIATE, OperandSpec.SIZE_V, OperandSpec.SIZE_Z);
            case "Iv" ->
                    immediate(t, OperandSpec.IMMEDIATE, OperandSpec.SIZE_V, OperandSpec.SIZE_V);
            case "Iw" -> immediate(t, OperandSpec.IMMEDIATE_UNSIGNED, 2, 2);
            case "Ub" -> immediate(t, OperandSpec.IMMEDIATE_UNSIGNED, 1, 1);
            case "Jb" -> immediate(t, OperandSpec.RELATIVE, OperandSpec.SIZE_V, 1);
            case "Jz" -> immediate(t, OperandSpec.RELATIVE, OperandSpec.SIZE_V, OperandSpec.SIZE_Z);
            default -> t.startsWith("vm") ? vsib(t) : sized(t);
        };
    }

    private static OperandSpec of(String token, int source, int size, int value) {
        return new OperandSpec(token, source, size, size, 0, value);
    }

    private static OperandSpec immediate(String token, int source, int size, int encoded) {
        return new OperandSpec(token, source, size, size, encoded, 0);
    }

    /** vm32o/d: index of 32-bit elements in a 16-byte vector, 4-byte elements in memory. */
    private static OperandSpec vsib(String t) {
        int index = t.startsWith("vm32") ? 4 : 8;
        return new OperandSpec(t, OperandSpec.VSIB, size(t.charAt(4)), size(t.charAt(6)), 0, index);
    }

    private static OperandSpec sized(String t) {
        int source =
                switch (t.charAt(0)) {
                    case 'G' -> OperandSpec.REG;
                    case 'E' -> OperandSpec.RM;
                    case 'R' -> OperandSpec.RM_REGISTER;
                    case 'M' -> OperandSpec.MEMORY;
                    case 'B' -> OperandSpec.VVVV;
                    case 'Z' -> OperandSpec.OPCODE_REGISTER;
                    case 'C' -> OperandSpec.CONTROL_REG;
                    case 'D' -> OperandSpec.DEBUG_REG;
                    case 'O' -> OperandSpec.OFFSET;
                    case 'Y' -> OperandSpec.STRING;
                    case 'V' -> OperandSpec.XMM_REG;
                    case 'W' -> OperandSpec.XMM_RM;
                    case 'U' -> OperandSpec.XMM_RM_REGISTER;
                    case 'H' -> OperandSpec.XMM_VVVV;
                    case 'L' -> OperandSpec.XMM_IMMEDIATE;
                    case 'P' -> OperandSpec.MMX_REG;
                    case 'Q' -> OperandSpec.MMX_RM;
                    case 'N' -> OperandSpec.MMX_RM_REGISTER;
                    default -> throw new IllegalArgumentException("operand " + t);
                };
        int size = size(t.charAt(1));
        int memorySize = size;
        if (t.length() == 4 && t.charAt(2) == '/') {
            memorySize = size(t.charAt(3));
        } else if (t.length() != 2) {
            throw new IllegalArgumentException("operand " + t);
        }
        return new OperandSpec(t, source, size, memorySize, 0, 0);
    }

    private static int size(char c) {
        return switch (c) {
            case 'b' -> 1;
            case 'w' -> 2;
            case 'd' -> 4;
            case 'q' -> 8;
            case 't' -> 10;
            case 'o' -> 16;
            case 'h' -> 32;
            case 'v' -> OperandSpec.SIZE_V;
            case 'y' -> OperandSpec.SIZE_Y;
            case 'z' -> OperandSpec.SIZE_Z;
            case 'n' -> OperandSpec.SIZE_N;
            case 'p' -> OperandSpec.SIZE_P;
            case 's' -> OperandSpec.SIZE_S;
            case 'x' -> OperandSpec.SIZE_X;
            case '2' -> OperandSpec.SIZE_X2;
            case '4' -> OperandSpec.SIZE_X4;
            case '8' -> OperandSpec.SIZE_X8;
            default -> throw new IllegalArgumentException("operand size " + c);
        };
    }
}
