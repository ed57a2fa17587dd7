// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.x87;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.X87State;
import dev.vitrine.processor.decode.Decoder;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;
import dev.vitrine.processor.oracle.Case;
import dev.vitrine.processor.oracle.CpuImage;
import dev.vitrine.processor.oracle.InitialMemory;
import dev.vitrine.processor.oracle.NativeOracle;
import dev.vitrine.processor.oracle.OracleLayout;
import dev.vitrine.processor.oracle.Result;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/**
 * Every encoding of the x87 escape bytes, on random states with random control words, masks, tags
 * and pending exceptions: the complete state afterwards equals the host's. Transcendental results
 * may be one unit in the last place away.
 */
class X87OracleTest {
    private static final int CASES_PER_FORM = Integer.getInteger("vitrine.x87.cases", 120);
    private static final long SEED = Long.getLong("vitrine.x87.seed", 1);
    private static final long DATA = OracleLayout.DATA;
    private static final int WORDS = 16;
    private static final int EBX = 1;
    private static final int FDP_ON_EXCEPTION = 6;
    private static final int NO_SELECTORS = 13;

    /** Memory operand and what surrounds it, of the case drawn last. */
    private final long[] memory = new long[WORDS];

    private final RandomOperands values = new RandomOperands(SEED);
    private final Decoder decoder = new Decoder();

    @Test
    void equalsTheHost() {
        assumeTrue(NativeOracle.available(), "needs a native oracle");
        List<String> differences = new ArrayList<>();
        int forms = 0;
        try (NativeOracle oracle = NativeOracle.start(SEED);
                X87TestMachine machine = new X87TestMachine()) {
            assumeTrue(
                    oracle.features().amd()
                            || oracle.features().has(7, 0, EBX, FDP_ON_EXCEPTION)
                                    && oracle.features().has(7, 0, EBX, NO_SELECTORS),
                    "needs a processor that keeps the x87 pointers as Intel's since Skylake do");
            machine.back(OracleLayout.DATA, 1);
            for (byte[] code : encodings()) {
                Instruction instruction = new Instruction();
                if (decoder.decode(pad(code), 0, 16, OracleLayout.CODE, 64, instruction) < 0) {
                    continue;
                }
                forms++;
                compare(oracle, machine, code, instruction, differences);
            }
        }
        assertThat(forms).isGreaterThan(400);
        assertThat(differences).isEmpty();
    }

    private static byte[] pad(byte[] code) {
        return Arrays.copyOf(code, 32);
    }

    private static List<byte[]> encodings() {
        List<byte[]> list = new ArrayList<>();
        for (int escape = 0xD8; escape <= 0xDF; escape++) {
            for (int reg = 0; reg < 8; reg++) {
                list.add(new byte[] {(byte) escape, (byte) (reg << 3 | 3)});
            }
            for (int modrm = 0xC0; modrm <= 0xFF; modrm++) {
                list.add(new byte[] {(byte) escape, (byte) modrm});
            }
        }
        for (String shortForm : new String[] {"66d923", "66d933", "66dd23", "66dd33"}) {
            list.add(HexFormat.of().parseHex(shortForm));
        }
        return list;
    }

    private void compare(
            NativeOracle oracle,
            X87TestMachine machine,
            byte[] code,
            Instruction instruction,
            List<String> differences) {
        List<Case> cases = new ArrayList<>();
        List<long[]> memories = new ArrayList<>();
        for (int n = 0; n < CASES_PER_FORM; n++) {
            cases.add(draw(oracle.initialMemory(), code, instruction));
            memories.add(memory.clone());
        }
        List<Result> results = oracle.run(cases);
        for (int n = 0; n < cases.size() && differences.size() < 20; n++) {
            Case c = cases.get(n);
            load(machine, c, memories.get(n));
            int vector = machine.execute(code, code.length);
            String difference =
                    difference(
                            machine.cpu,
                            vector,
                            results.get(n),
                            oracle.initialMemory(),
                            oracle.features().amd(),
                            instruction.op);
            if (!difference.isEmpty()) {
                differences.add(
                        instruction.op
                                + " "
                                + HexFormat.of().formatHex(code)
                                + " from "
                                + text(c.state)
                                + ":"
                                + difference);
            }
        }
    }

    private Case draw(InitialMemory initial, byte[] code, Instruction instruction) {
        Case c = new Case().reset().code(code);
        CpuImage s = c.state;
        int control = values.control() | values.random.nextInt(2) << 12;
        int status = values.random.nextInt() & 0x7F00;
        if (values.random.nextInt(4) == 0) {
            int raised = values.random.nextInt(0x80);
            status |= values.random.nextInt(16) == 0 ? raised : raised & (control | Float80.SF);
        }
        s.fcw(control);
        s.fsw(status);
        int top = status >>> 11 & 7;
        int free = 1 << ((top + 7) & 7);
        int valid = values.random.nextInt(256);
        s.ftw(
                switch (values.random.nextInt(4)) {
                    case 0 -> valid;
                    case 1 -> 0xFF & ~free;
                    default -> (valid | 1 << top | 1 << ((top + 1) & 7)) & ~free;
                });
        boolean special = values.random.nextInt(3) == 0;
        for (int n = 0; n < 8; n++) {
            if (special) {
                values.any();
            } else {
                values.finite();
            }
            s.st(n, values.exponent, values.mantissa);
        }
        if (values.random.nextInt(6) == 0) {
            s.st(1, s.stExponent(0) ^ values.random.nextInt(2) << 15, s.stMantissa(0));
        }
        s.gpr[CpuImage.RBX] = DATA;
        s.gpr[CpuImage.RAX] = values.random.nextLong();
        s.rflags = 0x202 | values.random.nextInt() & 0x8D5;
        for (int n = 0; n < WORDS; n++) {
            memory[n] = values.random.nextLong();
        }
        operand(instruction);
        for (int n = 0; n < WORDS; n++) {
            c.word(initial, DATA + 8 * n, memory[n]);
        }
        return c;
    }

    private void operand(Instruction instruction) {
        int size = instruction.operands == 0 ? 0 : instruction.size[0];
        if (instruction.op == Op.FBLD) {
            // Digits above 9 are undefined.
            memory[0] = Long.parseLong(decimal(16), 16);
            memory[1] = Long.parseLong(decimal(2), 16) | values.random.nextLong() << 15;
        } else if (instruction.op.name().startsWith("FI")) {
            memory[0] = values.random.nextLong() >> values.random.nextInt(64);
        } else if (size == 10) {
            values.any();
            memory[0] = values.mantissa;
            memory[1] = values.exponent;
        } else if (size == 4 || size == 8) {
            values.any();
            Float80 r = new Float80();
            long bits =
                    size == 4
                            ? Float80Conversions.toSingle(
                                    r, values.mantissa, values.exponent, 0x37F)
                            : Float80Conversions.toDouble(
                                    r, values.mantissa, values.exponent, 0x37F);
            if (values.random.nextInt(4) == 0) {
                // Denormals and signalling NaNs.
                long sign = size == 4 ? 0x80000000L : Long.MIN_VALUE;
                bits = bits & sign | values.random.nextLong() >>> values.random.nextInt(12, 64);
            }
            memory[0] = bits;
        }
    }

    private String decimal(int digits) {
        StringBuilder b = new StringBuilder("0");
        for (int n = 1; n < digits; n++) {
            b.append((char) ('0' + values.random.nextInt(10)));
        }
        return b.toString();
    }

    private static void load(X87TestMachine machine, Case c, long[] words) {
        Cpu cpu = machine.cpu;
        X87State x = cpu.x87;
        CpuImage s = c.state;
        X87Environment.loadControl(x, s.fcw());
        X87Environment.loadStatus(x, s.fsw());
        x.valid = s.ftw();
        x.opcode = s.fop();
        x.instructionPointer = s.fip();
        x.dataPointer = s.fdp();
        for (int n = 0; n < 8; n++) {
            x.mantissa[(x.top + n) & 7] = s.stMantissa(n);
            x.exponent[(x.top + n) & 7] = s.stExponent(n);
        }
        cpu.r[Cpu.RAX] = s.gpr[CpuImage.RAX];
        cpu.r[Cpu.RBX] = DATA;
        cpu.setFlags(s.rflags, -1);
        cpu.rip = s.rip;
        for (int n = 0; n < WORDS; n++) {
            cpu.store(DATA + 8 * n, 8, words[n]);
        }
    }

    private static String difference(
            Cpu cpu, int vector, Result real, InitialMemory initial, boolean amd, Op op) {
        StringBuilder b = new StringBuilder();
        X87State x = cpu.x87;
        CpuImage s = real.state;
        check(b, "vector", real.vector == Result.END ? X87TestMachine.NONE : real.vector, vector);
        boolean transcendental =
                switch (op) {
                    case F2XM1, FYL2X, FYL2XP1, FPTAN, FPATAN, FSIN, FCOS, FSINCOS -> true;
                    default -> false;
                };
        // The direction of rounding follows from digits that only the exact result determines.
        int ignored = transcendental ? Float80.C1 : 0;
        for (int n = 0; n < 2 && transcendental; n++) {
            // So does whether a result next to the least normal number is tiny.
            int e = x.exponent[(x.top + n) & 7];
            if ((s.stExponent(n) ^ e) == 1 && (e & Float80.MAX_EXPONENT) <= 1) {
                ignored |= Float80.UE;
            }
        }
        check(b, "fcw", s.fcw(), x.control);
        check(b, "fsw", s.fsw() & ~ignored, X87Environment.statusWord(x) & ~ignored);
        check(b, "ftw", s.ftw(), x.valid);
        // AMD's processors show the pointers only while an unmasked exception is pending: see
        // HostDifference.
        if (!amd || (s.fsw() & Float80.ES) != 0) {
            check(b, "fop", s.fop(), x.opcode);
            check(b, "fip", s.fip(), x.instructionPointer);
            check(b, "fdp", s.fdp(), x.dataPointer);
        }
        for (int n = 0; n < 8; n++) {
            long m = x.mantissa[(x.top + n) & 7];
            int e = x.exponent[(x.top + n) & 7];
            if (!transcendental || !near(s.stMantissa(n), s.stExponent(n), m, e)) {
                check(b, "st" + n + " mantissa", s.stMantissa(n), m);
                check(b, "st" + n + " exponent", s.stExponent(n), e);
            }
        }
        check(b, "rax", s.gpr[CpuImage.RAX], cpu.r[Cpu.RAX]);
        check(b, "rflags", s.rflags & 0x8D5, cpu.flags() & 0x8D5);
        for (int n = 0; n < WORDS; n++) {
            check(b, "word " + n, real.word(initial, DATA + 8 * n), cpu.load(DATA + 8 * n, 8));
        }
        return b.toString();
    }

    private static boolean near(long ma, int ea, long mb, int eb) {
        if (ea == eb || (ea ^ eb) == 1 && (ea & Float80.MAX_EXPONENT) <= 1) {
            // Denormals, of exponent 0, go on where the numbers of exponent 1 end.
            return Math.abs(ma - mb) <= 1;
        }
        // Across a power of two: 0.111...1 and 1.000...0.
        return eb == ea + 1 && ma == -1L && mb == Long.MIN_VALUE
                || ea == eb + 1 && mb == -1L && ma == Long.MIN_VALUE;
    }

    private static void check(StringBuilder b, String what, long real, long ours) {
        if (real != ours) {
            b.append(String.format(" %s real %x ours %x;", what, real, ours));
        }
    }

    private static String text(CpuImage s) {
        return String.format(
                "fcw %04x fsw %04x ftw %02x st0 %016x:%04x st1 %016x:%04x",
                s.fcw(),
                s.fsw(),
                s.ftw(),
                s.stMantissa(0),
                s.stExponent(0),
                s.stMantissa(1),
                s.stExponent(1));
    }
}
