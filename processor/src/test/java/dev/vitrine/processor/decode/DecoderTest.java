// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.decode;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;

/** Prefixes, modes, limits and encodings that are none. */
class DecoderTest {
    private final Decoder decoder = new Decoder();
    private final Instruction out = new Instruction();

    private int decode(int codeSize, String hex) {
        byte[] code = HexFormat.of().parseHex(hex.replace(" ", ""));
        return decoder.decode(
                Arrays.copyOf(code, Math.max(16, code.length)),
                0,
                Math.max(16, code.length),
                0,
                codeSize,
                out);
    }

    @ParameterizedTest
    @CsvSource({
        // Not in 64-bit mode.
        "64, 06",
        "64, 0e",
        "64, 16",
        "64, 1f",
        "64, 27",
        "64, 2f",
        "64, 37",
        "64, 3f",
        "64, 60",
        "64, 61",
        "64, 82 c0 01",
        "64, 9a",
        "64, c4 00 00",
        "64, d4 0a",
        "64, d5 0a",
        "64, d6",
        "64, ce",
        "64, ea",
        "64, 62 f1 7c 48 10 06",
        // Only in 64-bit mode.
        "32, 0f 01 f8",
        "32, 0f 05",
        "32, 0f 07",
        "32, f3 0f ae c0",
        // LOCK where it is not allowed.
        "64, f0 01 c3",
        "64, f0 89 03",
        "64, f0 90",
        "64, f0 38 03",
        "64, f0 0f a3 03",
        "64, f0 0f c7 c8",
        "64, f0 0f 1f 00",
        "64, f0 03 03",
        "64, f0 c5 f0 58 c0",
        "64, f0 84 00",
        // VEX after a prefix that it replaces.
        "64, 66 c5 f0 58 c0",
        "64, f3 c5 f0 58 c0",
        "64, f2 c5 f0 58 c0",
        "64, 48 c5 f0 58 c0",
        // VEX fields: vvvv that must be 1111, lengths and W that no form has, unknown maps.
        "64, c5 f0 28 c1",
        "64, c5 f0 2e 00",
        "64, c4 e2 75 41 c1",
        "64, c4 e3 75 00 c1 00",
        "64, c4 e3 7d 00 c1 00",
        "64, c4 e0 70 58 c0",
        "64, c4 e4 70 58 c0",
        "64, c4 e2 74 f2 c1",
        "64, c4 e2 7d 1a c1",
        "64, c4 e2 fd 1a 00",
        // Gathers: register form, no SIB, equal registers.
        "64, c4 e2 69 90 c9",
        "64, c4 e2 69 90 08",
        "64, c4 e2 69 90 0c 08",
        "64, c4 e2 69 90 0c 10",
        "64, c4 e2 71 90 0c 10",
        // Holes.
        "64, 0f 04",
        "64, 0f 0a",
        "64, 0f 0c",
        "64, 0f 24 c0",
        "64, 0f 36",
        "64, 0f 37",
        "64, 0f 38 0f",
        "64, 0f 3a 00",
        "64, 0f a6",
        "64, 0f aa",
        "64, 0f b8 c0",
        "64, 0f ba c0 01",
        "64, 8f c8",
        "64, c6 c8 00",
        "64, c7 f8 00 00",
        "64, fe d0",
        "64, ff f8",
        "64, ff d8",
        "64, ff e8",
        "64, 0f 00 f0",
        "64, 0f 01 c0",
        "64, 0f 01 c8",
        "64, 0f 01 d5",
        "64, 0f 01 c2",
        "64, 0f 01 e8",
        "64, 0f c7 00",
        "64, 0f c7 e0",
        "64, 0f ae c0",
        "64, 66 0f ae e8",
        "64, 8d c0",
        "64, 66 0f 77",
        "64, f3 0f 28 c0",
        "64, f2 0f 38 00 c0",
        "64, f3 0f c7 f0",
        // Segment, control and debug registers that do not exist.
        "64, 8e c8",
        "64, 8e f0",
        "64, 8c f8",
        "64, 0f 20 c8",
        "64, 0f 22 e8",
        "64, 44 0f 20 c8",
        "64, 44 0f 21 c0",
        "32, 8e c8",
        "32, 62 c0",
        "32, 8d c3",
        // x87.
        "64, d9 d1",
        "64, d9 e2",
        "64, d9 e6",
        "64, d9 ef",
        "64, d9 08",
        "64, da e8",
        "64, db 20",
        "64, db 30",
        "64, db e5",
        "64, db f8",
        "64, dd 28",
        "64, dd f0",
        "64, de d8",
        "64, df e1",
        "64, df f8",
    })
    void isUndefined(int codeSize, String hex) {
        assertThat(decode(codeSize, hex)).isEqualTo(Decoder.INVALID);
        assertThat(out.op).isSameAs(Op.INVALID);
        assertThat(out.form).isSameAs(Form.INVALID);
        assertThat(out.length).isBetween(1, 15);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                // Order and repetition of prefixes do not matter; the last of a group does.
                "64 | 66 f0 01 03                | lock add WORD PTR [rbx],ax",
                "64 | f0 66 01 03                | lock add WORD PTR [rbx],ax",
                "64 | 66 66 66 90                | nop",
                "64 | 64 65 8b 00                | mov eax,DWORD PTR gs:[rax]",
                "64 | 65 64 8b 00                | mov eax,DWORD PTR fs:[rax]",
                "64 | 64 2e 3e 8b 00             | mov eax,DWORD PTR fs:[rax]",
                "64 | 36 8b 00                   | mov eax,DWORD PTR [rax]",
                "32 | 64 2e 8b 00                | mov eax,DWORD PTR cs:[eax]",
                "64 | f2 f3 0f 58 c1             | addss xmm0,xmm1",
                "64 | f3 f2 0f 58 c1             | addsd xmm0,xmm1",
                "64 | 66 f3 0f 58 c1             | addss xmm0,xmm1",
                "64 | f3 66 0f 58 c1             | addss xmm0,xmm1",
                "64 | 66 f3 0f b8 c1             | popcnt ax,cx",
                "64 | f2 66 0f 38 f1 c1          | crc32 eax,cx",
                "64 | 66 f2 48 0f 38 f1 c1       | crc32 rax,rcx",
                // REX counts only right before the opcode.
                "64 | 48 66 01 c8                | add ax,cx",
                "64 | 66 48 01 c8                | add rax,rcx",
                "64 | 4f 48 01 c8                | add rax,rcx",
                "64 | 48 f3 0f 58 c1             | addss xmm0,xmm1",
                "64 | 40 88 e0                   | mov al,spl",
                "64 | 88 e0                      | mov al,ah",
                "64 | 41 90                      | xchg r8d,eax",
                "64 | 48 90                      | nop",
                "64 | f3 90                      | pause",
                "64 | f3 49 90                   | pause",
                "64 | f3 0f 1e fa                | endbr64",
                "64 | f3 0f 1e c8                | nop eax",
                "64 | 66 0f 1f 84 00 00 00 00 00 | nop WORD PTR [rax+rax*1]",
                // Near branches in 64-bit mode ignore 66 on Intel's processors.
                "64 | 66 e9 00 00 00 00          | jmp 0x6",
                "64 | 66 0f 84 00 00 00 00       | je 0x7",
                "64 | 66 c3                      | ret",
                "32 | 66 e9 00 00                | jmp 0x4",
                "16 | 66 e9 00 00 00 00          | jmp 0x6",
                "16 | e9 fb ff                   | jmp 0xfffe",
                "64 | eb fc                      | jmp 0xfffffffffffffffe",
                "64 | 67 e3 00                   | jecxz 0x3",
                // Addressing.
                "64 | 8b 04 25 00 00 00 80       | mov eax,DWORD PTR ds:0xffffffff80000000",
                "64 | 8b 05 00 00 00 80          | mov eax,DWORD PTR [rip-0x80000000]",
                "64 | 67 8b 05 04 00 00 00       | mov eax,DWORD PTR [eip+0x4]",
                "64 | 42 8b 04 25 00 00 00 00    | mov eax,DWORD PTR [r12*1]",
                "64 | 8b 04 20                   | mov eax,DWORD PTR [rax]",
                "64 | 43 8b 44 25 00             | mov eax,DWORD PTR [r13+r12*1]",
                "64 | 41 8b 04 24                | mov eax,DWORD PTR [r12]",
                "32 | 67 8b 46 fe                | mov eax,DWORD PTR [bp-0x2]",
                "32 | 67 8b 06 34 12             | mov eax,DWORD PTR ds:0x1234",
                "16 | 67 8b 04 8d 00 00 00 00    | mov ax,WORD PTR [ecx*4]",
                "64 | 64 a1 08 00 00 00 00 00 00 00 | movabs eax,DWORD PTR fs:0x8",
                "64 | 67 a0 78 56 34 12          | mov al,BYTE PTR ds:0x12345678",
                "16 | a1 fe ff                   | mov ax,WORD PTR ds:0xfffe",
                // Immediates.
                "64 | 48 c7 c0 ff ff ff ff       | mov rax,0xffffffffffffffff",
                "64 | 66 6a ff                   | push 0xffff",
                "64 | 66 50                      | push ax",
                "64 | 48 83 c0 80                | add rax,0xffffffffffffff80",
                "64 | c8 ff ff 1f                | enter 0xffff,0x1f",
                "64 | c2 ff ff                   | ret 0xffff",
                // MOV to and from control registers ignores mod.
                "64 | 0f 20 00                   | mov rax,cr0",
                "64 | 44 0f 20 c0                | mov rax,cr8",
                "64 | 0f 22 d8                   | mov cr3,rax",
                "32 | 0f 22 d8                   | mov cr3,eax",
                // LES and LDS against VEX.
                "32 | c4 03                      | les eax,FWORD PTR [ebx]",
                "32 | c5 03                      | lds eax,FWORD PTR [ebx]",
                "32 | c5 f0 58 c1                | vaddps xmm0,xmm1,xmm1",
                "16 | c5 f0 58 c1                | vaddps xmm0,xmm1,xmm1",
                "32 | c4 c1 70 58 c1             | vaddps xmm0,xmm1,xmm1",
                "64 | c4 c1 70 58 c1             | vaddps xmm0,xmm1,xmm9",
                "64 | c5 70 58 c1                | vaddps xmm8,xmm1,xmm1",
                "64 | c5 f3 58 c1                | vaddsd xmm0,xmm1,xmm1",
                "64 | c5 f7 58 c1                | vaddsd xmm0,xmm1,xmm1",
                "64 | c4 e2 fb f6 c1             | mulx rax,rax,rcx",
                // Ends of the x87 space.
                "64 | dc d1                      | fcom st(1)",
                "64 | df c1                      | ffreep st(1)",
                "64 | db e0                      | fneni",
                "64 | 66 dd 30                   | fnsave [rax]",
                // Undocumented but real.
                "64 | f6 c8 01                   | test al,0x1",
                "64 | c1 f0 02                   | shl eax,0x2",
                "32 | d6                         | salc",
                "64 | 0f ff c1                   | ud0 eax,ecx",
                "64 | 0f b9 00                   | ud1 eax,DWORD PTR [rax]",
                "64 | 0f ae ef                   | lfence",
                "64 | 66 0f c7 f0                | rdrand ax",
                "64 | 66 63 c1                   | movsxd ax,cx",
                "64 | f3 48 a5                   | rep movsq",
                "64 | f2 a4                      | repnz movsb",
                "64 | 67 f3 aa                   | rep stosb",
            })
    void decodesTo(int codeSize, String hex, String text) {
        assertThat(decode(codeSize, hex)).isEqualTo(hex.replace(" ", "").length() / 2);
        assertThat(InstructionText.format(out)).isEqualTo(text);
    }

    @ParameterizedTest
    @CsvSource({
        "0f01d6, xtest",
        "0f01c8, monitor",
        "c7f800000000, xbegin",
        "62f17c481006, evex",
        "c5fb93c0, avx512 mask 0f 93",
        "c4e27dde00, vaes",
        "f3480faee0, ptwrite",
        "660faef0, tpause",
        "0f3801c0ff, (none)",
        "0f38c000, 0f 38 c0",
        "660f0400, 66 0f 04",
        "fff8, ff /7",
        "f001c3, illegal add",
        "8ec8, illegal mov",
        "06, 06",
        "66c5f058c0, 66 c5",
    })
    void missingInstructionsHaveNames(String hex, String name) {
        int length = decode(64, hex);
        assertThat(length > 0 ? "(none)" : out.missing).isEqualTo(name);
    }

    @Test
    void repeatIsKeptOnlyWhereItRepeats() {
        decode(64, "f3a4");
        assertThat(out.rep).isEqualTo(Instruction.REP_F3);
        decode(64, "f2ae");
        assertThat(out.rep).isEqualTo(Instruction.REP_F2);
        decode(64, "f3c3");
        assertThat(out.rep).isEqualTo(Instruction.REP_NONE);
        assertThat(out.op).isSameAs(Op.RET_NEAR);
    }

    @Test
    void stringElementsHaveASizeButNoOperands() {
        decode(64, "2665a5");
        assertThat(out.op).isSameAs(Op.MOVS);
        assertThat(out.operands).isZero();
        assertThat(out.size[0]).isEqualTo(4);
        assertThat(out.segment).isEqualTo(5);
        assertThat(out.memoryOperand()).isEqualTo(-1);
        decode(64, "486d");
        assertThat(out.op).isSameAs(Op.INS);
        assertThat(out.size[0]).isEqualTo(4);
    }

    @Test
    void stackSegmentIsTheDefaultOfItsPointers() {
        decode(32, "8b4500");
        assertThat(out.segment).isEqualTo(2);
        decode(32, "8b0424");
        assertThat(out.segment).isEqualTo(2);
        decode(32, "8b042d00000000");
        assertThat(out.segment).isEqualTo(3);
        decode(64, "418b4500");
        assertThat(out.segment).isEqualTo(3);
        decode(16, "8b02");
        assertThat(out.segment).isEqualTo(2);
    }

    @Test
    void vectorLengthIsThatOfTheForm() {
        decode(64, "c5f458c0");
        assertThat(out.vectorLength).isEqualTo(32);
        decode(64, "c5f758c0");
        assertThat(out.vectorLength).isEqualTo(16);
        decode(64, "0f58c0");
        assertThat(out.vectorLength).isEqualTo(16);
        decode(64, "c4e2f3f5c0");
        assertThat(out.vectorLength).isZero();
        decode(64, "48ffc0");
        assertThat(out.vectorLength).isZero();
    }

    @Test
    void fifteenBytesAreTheLimit() {
        assertThat(decode(64, "66".repeat(14) + "90")).isEqualTo(15);
        assertThat(decode(64, "66".repeat(15) + "90")).isEqualTo(Decoder.TOO_LONG);
        assertThat(decode(64, "2e".repeat(5) + "48c7840078563412785634"))
                .isEqualTo(Decoder.TOO_LONG);
        assertThat(decode(64, "2e2e2e48c784007856341278563412")).isEqualTo(15);
        assertThat(decode(64, "2e2e2e2e48c784007856341278563412")).isEqualTo(Decoder.TOO_LONG);
    }

    @Test
    void forcedEmulationPrefixIsAnOption() {
        byte[] code = HexFormat.of().parseHex("0f0b78656e0fa2900000000000000000");
        assertThat(decoder.decode(code, 0, 16, 0, 64, out)).isEqualTo(2);
        assertThat(out.op).isSameAs(Op.UD2);
        Decoder xen = new Decoder(true);
        assertThat(xen.decode(code, 0, 16, 0x100, 64, out)).isEqualTo(7);
        assertThat(out.op).isSameAs(Op.CPUID);
        assertThat(out.nextRip()).isEqualTo(0x107);
        assertThat(xen.decode(code, 0, 5, 0, 64, out)).isEqualTo(Decoder.NEED_MORE);
        String longest = "0f0b78656e2e2e2e48c784007856341278563412";
        code = HexFormat.of().parseHex(longest);
        assertThat(xen.decode(code, 0, Decoder.MOST_BYTES, 0, 64, out)).isEqualTo(20);
        assertThat(out.op).isSameAs(Op.MOV);
        code = HexFormat.of().parseHex(longest.replace("2e2e2e", "2e2e2e2e"));
        assertThat(xen.decode(code, 0, Decoder.MOST_BYTES, 0, 64, out)).isEqualTo(Decoder.TOO_LONG);
    }

    @Test
    void readsNothingBeyondWhatIsAvailable() {
        byte[] code = {0x48, (byte) 0x8B};
        assertThat(decoder.decode(code, 0, 2, 0, 64, out)).isEqualTo(Decoder.NEED_MORE);
        assertThat(decoder.decode(code, 1, 1, 0, 64, out)).isEqualTo(Decoder.NEED_MORE);
        assertThat(decoder.decode(code, 2, 0, 0, 64, out)).isEqualTo(Decoder.NEED_MORE);
    }

    @ParameterizedTest
    @ValueSource(ints = {16, 32, 64})
    void randomBytesAlwaysHaveAnAnswer(int codeSize) {
        Random random = new Random(42);
        byte[] code = new byte[20];
        Instruction again = new Instruction();
        for (int n = 0; n < 300_000; n++) {
            random.nextBytes(code);
            // Half of them in the spaces that random opcodes seldom reach.
            int kind = random.nextInt(8);
            if (kind == 0) {
                code[0] = (byte) (random.nextBoolean() ? 0xC4 : 0xC5);
            } else if (kind < 4) {
                code[kind - 1] = 0x0F;
            }
            int available = 1 + random.nextInt(16);
            int length = decoder.decode(code, 0, available, n, codeSize, out);
            assertThat(InstructionText.format(out)).isNotEmpty();
            assertThat(out.length).isBetween(1, 15);
            if (length > 0) {
                assertThat(length).isEqualTo(out.length).isLessThanOrEqualTo(available);
                assertThat(out.op).isNotSameAs(Op.INVALID);
                assertThat(out.form.op).isSameAs(out.op);
                // What follows an instruction has no say in it.
                Arrays.fill(code, length, 20, (byte) 0xCC);
                assertThat(decoder.decode(code, 0, 15, n, codeSize, again)).isEqualTo(length);
                assertThat(again.form).isSameAs(out.form);
            } else {
                assertThat(length).isBetween(Decoder.TOO_LONG, Decoder.NEED_MORE);
                assertThat(out.op).isSameAs(Op.INVALID);
            }
        }
    }
}
