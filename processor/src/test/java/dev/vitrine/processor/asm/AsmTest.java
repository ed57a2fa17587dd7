// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0
package dev.vitrine.processor.asm;

import static dev.vitrine.processor.asm.Reg.*;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import java.util.HexFormat;
import java.util.function.Consumer;

/** Encodings that a disassembler confirmed, one for each rule of the encoder. */
class AsmTest {

    private static String hex(int mode, Consumer<Asm> code) {
        Asm a = new Asm(mode, 0x1000);
        code.accept(a);
        return HexFormat.of().formatHex(a.toBytes());
    }

    private static String hex(Consumer<Asm> code) {
        return hex(64, code);
    }

    @Test
    void registersAndSizes() {
        assertThat(hex(a -> a.add(RAX, R9))).isEqualTo("4c01c8");
        assertThat(hex(a -> a.add(EAX, ECX))).isEqualTo("01c8");
        assertThat(hex(a -> a.add(AX, CX))).isEqualTo("6601c8");
        assertThat(hex(a -> a.mov(SIL, AL))).isEqualTo("4088c6");
        assertThat(hex(a -> a.mov(AH, BL))).isEqualTo("88dc");
        assertThat(hex(16, a -> a.add(EAX, ECX))).isEqualTo("6601c8");
        assertThat(hex(16, a -> a.add(AX, CX))).isEqualTo("01c8");
        assertThatThrownBy(() -> hex(a -> a.mov(AH, SIL)))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> hex(32, a -> a.mov(R8D, EAX)))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void memoryOperands() {
        assertThat(hex(a -> a.mov(RAX, Mem.base(RBX).index(RCX, 8).disp(16))))
                .isEqualTo("488b44cb10");
        assertThat(hex(a -> a.mov(EAX, Mem.base(R13)))).isEqualTo("418b4500");
        assertThat(hex(a -> a.mov(EAX, Mem.base(R12)))).isEqualTo("418b0424");
        assertThat(hex(a -> a.mov(EAX, Mem.abs(0x1234)))).isEqualTo("8b042534120000");
        assertThat(hex(a -> a.mov(EAX, Mem.base(EBX).seg(FS)))).isEqualTo("64678b03");
        assertThat(hex(32, a -> a.mov(EAX, Mem.abs(0x1234)))).isEqualTo("8b0534120000");
        assertThat(hex(16, a -> a.mov(AX, Mem.base(BX).index(SI, 1).disp(2)))).isEqualTo("8b4002");
        assertThat(hex(16, a -> a.mov(AX, Mem.base(BP)))).isEqualTo("8b4600");
        assertThat(hex(16, a -> a.mov(AX, Mem.base(EBX)))).isEqualTo("678b03");
        assertThat(hex(a -> a.lea(RAX, Mem.abs(0).index(R9, 4)))).isEqualTo("4a8d048d00000000");
    }

    @Test
    void labels() {
        assertThat(
                        hex(a -> {
                            Label end = a.label();
                            a.jmpShort(end).cmp(Mem.rip(end).b(), 5).bind(end).ret();
                        }))
                .isEqualTo("eb07803d0000000005c3");
        assertThatThrownBy(() -> hex(a -> a.jmp(a.label())))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void farJumpsAcrossModes() {
        Asm a = new Asm(16, 0x7c00);
        Label protectedMode = a.label();
        a.jmpFar(8, protectedMode, 32).bits(32).bind(protectedMode).hlt();
        assertThat(HexFormat.of().formatHex(a.toBytes())).isEqualTo("66ea087c00000800f4");
    }

    @Test
    void systemInstructions() {
        assertThat(hex(a -> a.mov(CR3, RAX).mov(RAX, CR0).mov(CR8, RAX)))
                .isEqualTo("0f22d80f20c0440f22c0");
        assertThat(hex(a -> a.lgdt(Mem.base(RAX)).lidt(Mem.base(RAX)).ltr(AX)))
                .isEqualTo("0f01100f01180f00d8");
        assertThat(hex(a -> a.iret(64).sysret(64).retf(64))).isEqualTo("48cf480f0748cb");
        assertThat(hex(a -> a.mov(DS, EAX).mov(EAX, DS).push(FS).pop(GS)))
                .isEqualTo("8ed88cd80fa00fa9");
        assertThat(hex(32, a -> a.push(DS).pop(ES))).isEqualTo("1e07");
        assertThat(hex(a -> a.in(AL, 0x60).outDx(EAX))).isEqualTo("e460ef");
        assertThat(hex(a -> a.invlpg(Mem.base(RDI)).wrfsbase(R9))).isEqualTo("0f013ff3490faed1");
    }

    @Test
    void immediates() {
        assertThat(hex(a -> a.mov(RAX, 1))).isEqualTo("b801000000");
        assertThat(hex(a -> a.mov(RAX, -1))).isEqualTo("48c7c0ffffffff");
        assertThat(hex(a -> a.mov(RAX, 1L << 40))).isEqualTo("48b80000000000010000");
        assertThat(hex(a -> a.add(RAX, 1).add(RAX, 1000))).isEqualTo("4883c0014881c0e8030000");
        assertThat(hex(a -> a.shl(EAX, 1).shl(EAX, 4))).isEqualTo("d1e0c1e004");
        assertThat(hex(a -> a.test(AL, 1).push(-1).push(1000))).isEqualTo("f6c0016aff68e8030000");
    }

    @Test
    void prefixesAndVectors() {
        assertThat(hex(a -> a.lock().xadd(Mem.base(RDI), ECX))).isEqualTo("f00fc10f");
        assertThat(hex(a -> a.rep().movs(64))).isEqualTo("f348a5");
        assertThat(hex(a -> a.popcnt(R8, RAX))).isEqualTo("f34c0fb8c0");
        assertThat(hex(a -> a.sse(0x66, 0x0ffc, XMM9, Mem.base(R8)))).isEqualTo("66450ffc08");
        assertThat(hex(a -> a.vex(1, 1, 0, 0xfc, YMM3, YMM1, YMM12))).isEqualTo("c4c175fcdc");
    }
}
