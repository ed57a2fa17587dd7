// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.system;

import static dev.vitrine.processor.asm.Reg.*;
import static dev.vitrine.processor.system.Machine.*;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.processor.asm.Mem;
import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Vector;
import dev.vitrine.processor.exec.Runner;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Segmentation, interrupts and far transfers in 32-bit protected mode. */
class ProtectedModeTest {
    private final Machine m = new Machine().flat32();

    @AfterEach
    void close() {
        m.close();
    }

    private void expectFault(int vector, int code) {
        assertThat(m.runToHandler()).isEqualTo(vector);
        assertThat(m.frame32(0)).as("error code").isEqualTo(code);
    }

    // -------------------------------------------------------------- interrupts

    @Test
    void sameLevelFrameHasThreeWords() {
        m.code(32, a -> a.interrupt(0x80));
        assertThat(m.runToHandler()).isEqualTo(0x80);
        assertThat(m.cpu.r[Cpu.RSP]).isEqualTo(STACK - 12);
        assertThat(m.frame32(0)).isEqualTo(CODE + 2);
        assertThat(m.frame32(1)).isEqualTo(CODE32);
        assertThat(m.frame32(2)).isEqualTo(2);
    }

    @Test
    void innerFrameHasStackOfTheTask() {
        m.user().code(32, USER_CODE, a -> a.interrupt(0x80));
        assertThat(m.runToHandler()).isEqualTo(0x80);
        assertThat(m.cpu.r[Cpu.RSP]).isEqualTo(STACK - 20);
        assertThat(m.segment(Cpu.SS).selector).isEqualTo(DATA0);
        assertThat(m.frame32(3)).isEqualTo(USER_STACK);
        assertThat(m.frame32(4)).isEqualTo(USER_DATA | 3);
        assertThat(m.cpu.cpl).isZero();
    }

    @Test
    void sixteenBitGatePushesWords() {
        m.idt32(0x33, CODE32, HANDLERS + 0x33 * 16, 0x86);
        m.code(32, a -> a.interrupt(0x33));
        assertThat(m.runToHandler()).isEqualTo(0x33);
        assertThat(m.cpu.r[Cpu.RSP]).isEqualTo(STACK - 6);
        assertThat(m.word(STACK - 6)).isEqualTo(CODE + 2);
    }

    @Test
    void badStackInTaskIsInvalidTss() {
        m.poke(TSS + 8, 2, USER_DATA | 3);
        m.idt32(Vector.TS, CODE32, HANDLERS + Vector.TS * 16, 0x8E);
        // #TS needs the same stack, so it becomes a double fault, which fails as well.
        m.user().code(32, USER_CODE, a -> a.interrupt(0x80));
        assertThat(m.run()).isEqualTo(Runner.SHUTDOWN);
        assertThat(m.cpu.rip).isEqualTo(USER_CODE);
    }

    @Test
    void invalidTssErrorCodeNamesTheStackSelector() {
        // A ring 1 handler with a bad SS1; #TS itself uses the good SS0.
        m.gdt(FREE, descriptor(0, 0xFFFFF, A_CODE | 0x20, F_32));
        m.idt32(0x34, FREE | 1, HANDLERS, 0xEE);
        m.poke(TSS + 12, 4, STACK);
        m.poke(TSS + 16, 2, DATA0 | 1); // RPL 1 but DPL 0
        m.user().code(32, USER_CODE, a -> a.interrupt(0x34));
        expectFault(Vector.TS, DATA0);
    }

    @Test
    void conformingHandlerKeepsTheLevel() {
        m.gdt(FREE, descriptor(0, 0xFFFFF, 0x9E, F_32));
        m.idt32(0x35, FREE, USER_CODE + 0x100, 0xEE);
        m.user().code(32, USER_CODE, a -> a.interrupt(0x35));
        m.code(32, USER_CODE + 0x100, a -> a.ud2());
        assertThat(m.runToHandler()).isEqualTo(Vector.UD);
        assertThat(m.frame32(1)).isEqualTo(FREE | 3);
        assertThat(m.frame32(3)).isEqualTo(USER_STACK - 12);
    }

    @Test
    void stackWithoutRoomIsStackFaultWithExt() {
        m.cpu.segment[Cpu.SS].set(DATA0, 0, 0xFFF, A_DATA | 0x4000);
        m.cpu.r[Cpu.RSP] = 0x2000;
        m.cpu.modeChanged();
        m.idt32(Vector.SS, CODE32, 0, 0x85); // task gate, as the stack is broken
        m.poke(IDT + Vector.SS * 8, 8, gate(TASK2, 0, 0x85));
        m.poke(TSS2 + 32, 4, HANDLERS + Vector.SS * 16);
        m.poke(TSS2 + 56, 4, STACK);
        m.poke(TSS2 + 76, 2, CODE32);
        m.poke(TSS2 + 80, 2, DATA0);
        m.code(32, a -> a.ud2());
        expectFault(Vector.SS, 1);
        assertThat(m.cpu.tr.selector).isEqualTo(TASK2);
        assertThat(m.cpu.r[Cpu.RSP]).isEqualTo(STACK - 4);
    }

    // ------------------------------------------------------------ segmentation

    @Test
    void limitViolationsAreGeneralProtectionOrStackFault() {
        m.gdt(FREE, descriptor(0x100000, 0xFFF, A_DATA, 4));
        m.code(
                32,
                a ->
                        a.mov(EAX, FREE)
                                .mov(ES, EAX)
                                .mov(EBX, Mem.abs(0xFFC).seg(ES))
                                .mov(EBX, Mem.abs(0xFFD).seg(ES)));
        expectFault(Vector.GP, 0);
        assertThat(m.frame32(1)).isEqualTo(CODE + 5 + 2 + 7);

        try (Machine n = new Machine().flat32()) {
            n.cpu.segment[Cpu.SS].limit = STACK + 0xFFF;
            n.cpu.modeChanged();
            n.code(32, a -> a.mov(EBP, STACK + 0xFFE).mov(EAX, Mem.base(EBP)));
            assertThat(n.runToHandler()).isEqualTo(Vector.SS);
            assertThat(n.frame32(0)).isZero();
        }
    }

    @Test
    void expandDownSegment() {
        m.gdt(FREE, descriptor(0, 0xFFF, A_DATA | 4, 4));
        m.code(
                32,
                a ->
                        a.mov(EAX, FREE)
                                .mov(ES, EAX)
                                .mov(EBX, Mem.abs(0x1000).seg(ES))
                                .mov(EBX, Mem.abs(0xFFF).seg(ES)));
        expectFault(Vector.GP, 0);
        assertThat(m.frame32(1)).isEqualTo(CODE + 5 + 2 + 7);
    }

    @Test
    void nullSegmentMayBeLoadedButNotUsed() {
        m.code(32, a -> a.xor(EAX, EAX).mov(ES, EAX).mov(EBX, Mem.abs(0).seg(ES)));
        expectFault(Vector.GP, 0);
        assertThat(m.segment(Cpu.ES).unusable).isTrue();
    }

    @Test
    void nullStackSegmentIsRefused() {
        m.code(32, a -> a.xor(EAX, EAX).mov(SS, EAX));
        expectFault(Vector.GP, 0);
    }

    @Test
    void readOnlyAndExecuteOnlySegments() {
        m.gdt(FREE, descriptor(0, 0xFFFFF, 0x91, F_32));
        m.code(
                32,
                a ->
                        a.mov(EAX, FREE)
                                .mov(ES, EAX)
                                .mov(EBX, Mem.abs(DATA).seg(ES))
                                .mov(Mem.abs(DATA).seg(ES), EBX));
        expectFault(Vector.GP, 0);
        try (Machine n = new Machine().flat32()) {
            n.gdt(FREE, descriptor(0, 0xFFFFF, 0x99, F_32));
            n.code(32, a -> a.mov(EAX, FREE).mov(ES, EAX));
            assertThat(n.runToHandler()).isEqualTo(Vector.GP);
            assertThat(n.frame32(0)).isEqualTo(FREE);
        }
    }

    @Test
    void codeSegmentsAreNotWritable() {
        m.code(32, a -> a.mov(Mem.abs(DATA).seg(CS), EAX));
        expectFault(Vector.GP, 0);
    }

    @Test
    void absentSegmentsGiveNotPresentAndStackFault() {
        m.gdt(FREE, descriptor(0, 0xFFFFF, 0x13, F_32));
        m.code(32, a -> a.mov(EAX, FREE).mov(ES, EAX));
        expectFault(Vector.NP, FREE);
        try (Machine n = new Machine().flat32()) {
            n.gdt(FREE, descriptor(0, 0xFFFFF, 0x13, F_32));
            n.code(32, a -> a.mov(EAX, FREE).mov(SS, EAX));
            assertThat(n.runToHandler()).isEqualTo(Vector.SS);
            assertThat(n.frame32(0)).isEqualTo(FREE);
        }
    }

    @Test
    void privilegeOfDataSegments() {
        m.user().code(32, USER_CODE, a -> a.mov(EAX, DATA0 | 3).mov(ES, EAX));
        expectFault(Vector.GP, DATA0);
    }

    @Test
    void selectorBeyondTheTableAndWithoutLdt() {
        m.code(32, a -> a.mov(EAX, 0x103).mov(ES, EAX));
        expectFault(Vector.GP, 0x100);
        try (Machine n = new Machine().flat32()) {
            n.code(32, a -> a.mov(EAX, 0xC).mov(ES, EAX));
            assertThat(n.runToHandler()).isEqualTo(Vector.GP);
            assertThat(n.frame32(0)).isEqualTo(0xC); // TI is part of the code
        }
    }

    @Test
    void loadingSetsTheAccessedBitAndLdtWorks() {
        m.gdt(LDT, descriptor(DATA, 0xFF, A_LDT, 0));
        m.poke(DATA + 8, 8, descriptor(0x1000, 0xFFFF, 0x92, 4));
        m.code(32, a -> a.mov(EAX, LDT).lldt(AX).mov(EAX, 0xC).mov(FS, EAX).sldt(EBX));
        assertThat(m.runToHandler()).isEqualTo(-1);
        assertThat(m.peek(DATA + 8 + 5, 1)).isEqualTo(0x93);
        assertThat(m.cpu.r[Cpu.R_SEG_BASE + Cpu.FS]).isEqualTo(0x1000);
        assertThat(m.cpu.r[Cpu.RBX]).isEqualTo(LDT);
    }

    @Test
    void larLslVerrVerw() {
        m.gdt(FREE, descriptor(0, 0xFFF, 0x91, 0));
        m.code(
                32,
                a ->
                        a.mov(ECX, FREE)
                                .lar(EAX, ECX)
                                .lsl(EBX, ECX)
                                .verr(CX)
                                .set(dev.vitrine.processor.asm.Asm.Cond.Z, DL)
                                .verw(CX)
                                .set(dev.vitrine.processor.asm.Asm.Cond.Z, DH)
                                .mov(ECX, 0x400)
                                .lar(ESI, ECX)
                                .set(dev.vitrine.processor.asm.Asm.Cond.Z, CL));
        m.cpu.r[Cpu.RDX] = 0;
        m.cpu.r[Cpu.RSI] = 99;
        assertThat(m.runToHandler()).isEqualTo(-1);
        assertThat(m.cpu.r[Cpu.RAX]).isEqualTo(0x9100);
        assertThat(m.cpu.r[Cpu.RBX]).isEqualTo(0xFFF);
        assertThat(m.cpu.r[Cpu.RDX]).isEqualTo(1);
        assertThat(m.cpu.r[Cpu.RSI]).isEqualTo(99);
        assertThat(m.cpu.r[Cpu.RCX] & 0xFF).isZero();
    }

    // ----------------------------------------------------------- far transfers

    @Test
    void farJumpChecks() {
        m.code(32, a -> a.hex("ea009000000000"));
        expectFault(Vector.GP, 0);
        try (Machine n = new Machine().flat32()) {
            n.code(32, a -> a.hex("ea009000001000")); // a data segment
            assertThat(n.runToHandler()).isEqualTo(Vector.GP);
            assertThat(n.frame32(0)).isEqualTo(DATA0);
        }
        try (Machine n = new Machine().flat32()) {
            n.gdt(FREE, descriptor(0, 0xFFF, A_CODE, 4));
            n.code(32, a -> a.hex("ea009000006000")); // beyond the limit
            assertThat(n.runToHandler()).isEqualTo(Vector.GP);
            assertThat(n.frame32(0)).isZero();
            assertThat(n.frame32(1)).isEqualTo(CODE);
        }
    }

    @Test
    void callGateSwitchesStacksAndCopiesParameters() {
        m.gdt(FREE, gate(CODE32, 0x9000, 0xEC) | 2L << 32); // two parameters
        m.code(
                32,
                0x9000,
                a ->
                        a.mov(EAX, Mem.base(ESP).disp(8))
                                .mov(EBX, Mem.base(ESP).disp(12))
                                .mov(ECX, ESP)
                                .hex("ca0800")); // RETF 8
        m.user().code(32, USER_CODE, a -> a.push(0x22).push(0x11).hex("9a000000006300").ud2());
        assertThat(m.runToHandler()).isEqualTo(Vector.UD);
        assertThat(m.cpu.r[Cpu.RAX]).isEqualTo(0x11);
        assertThat(m.cpu.r[Cpu.RBX]).isEqualTo(0x22);
        assertThat(m.cpu.r[Cpu.RCX]).isEqualTo(STACK - 4 * 6);
        // Both stacks released the parameters.
        assertThat(m.frame32(3)).isEqualTo(USER_STACK);
        assertThat(m.frame32(1)).isEqualTo(USER_CODE32 | 3);
        assertThat(m.frame32(0)).isEqualTo(USER_CODE + 4 + 7);
    }

    @Test
    void callGatePrivilege() {
        m.gdt(FREE, gate(CODE32, 0x9000, 0x8C)); // DPL 0
        m.user().code(32, USER_CODE, a -> a.hex("9a000000006300"));
        expectFault(Vector.GP, FREE);
        assertThat(m.frame32(1)).isEqualTo(USER_CODE);
    }

    @Test
    void jumpThroughCallGateMustKeepTheLevel() {
        m.gdt(FREE, gate(CODE32, 0x9000, 0xEC));
        m.user().code(32, USER_CODE, a -> a.hex("ea000000006300"));
        expectFault(Vector.GP, CODE32);
    }

    @Test
    void farReturnToOuterLevelDropsSegments() {
        m.code(
                32,
                a ->
                        a.push(USER_DATA | 3)
                                .push(USER_STACK)
                                .push(USER_CODE32 | 3)
                                .push(USER_CODE)
                                .retf(32));
        m.code(32, USER_CODE, a -> a.ud2());
        assertThat(m.runToHandler()).isEqualTo(Vector.UD);
        assertThat(m.frame32(3)).isEqualTo(USER_STACK);
        assertThat(m.segment(Cpu.ES).unusable).isTrue();
    }

    @Test
    void farReturnToInnerLevelIsRefused() {
        m.user().code(32, USER_CODE, a -> a.push(CODE32).push(CODE).retf(32));
        expectFault(Vector.GP, CODE32);
    }

    @Test
    void returnToSixteenBitStackKeepsTheUpperHalf() {
        m.gdt(FREE, descriptor(0x10000, 0xFFFF, A_DATA | A_USER, 0));
        m.code(
                32,
                a ->
                        a.push(FREE | 3)
                                .push(0x00017000)
                                .push(2)
                                .push(USER_CODE32 | 3)
                                .push(USER_CODE)
                                .iret(32));
        m.code(32, USER_CODE, a -> a.mov(EAX, ESP).ud2());
        assertThat(m.runToHandler()).isEqualTo(Vector.UD);
        assertThat(m.cpu.r[Cpu.RAX]).isEqualTo((STACK - 20) & 0xFFFF0000L | 0x7000);
    }

    // ------------------------------------------------------ flags and I/O rights

    @Test
    void cliAndPopfRespectIopl() {
        m.user().code(32, USER_CODE, a -> a.cli());
        expectFault(Vector.GP, 0);
        try (Machine n = new Machine().flat32().user()) {
            // POPF at CPL 3 leaves IF and IOPL alone, silently.
            n.code(32, USER_CODE, a -> a.push(0x3202).popf().pushf().pop(EAX).ud2());
            assertThat(n.runToHandler()).isEqualTo(Vector.UD);
            assertThat(n.cpu.r[Cpu.RAX]).isEqualTo(2);
        }
        try (Machine n = new Machine().flat32().user()) {
            n.cpu.eflags |= Cpu.IOPL;
            n.code(32, USER_CODE, a -> a.sti().pushf().pop(EAX).ud2());
            assertThat(n.runToHandler()).isEqualTo(Vector.UD);
            assertThat(n.cpu.r[Cpu.RAX]).isEqualTo(0x3202);
        }
    }

    @Test
    void portsNeedIoplOrTheBitmap() {
        m.user().code(32, USER_CODE, a -> a.in(AL, 0x60));
        expectFault(Vector.GP, 0);

        try (Machine n = new Machine().flat32()) {
            n.cpu.tr.limit = 0x67 + 33;
            n.poke(TSS + 0x68, 8, -1L);
            n.poke(TSS + 0x68 + 0x60 / 8, 1, 0xFC); // ports 60 and 61
            n.poke(TSS + 0x68 + 8, 4, 0xFFFFFFFC);
            n.poke(TSS + 0x68 + 12, 1, 0xFC);
            n.portValue = 0xABCD;
            n.user().code(32, USER_CODE, a -> a.in(AX, 0x60).out(0x61, AL).in(AX, 0x61));
            assertThat(n.runToHandler()).isEqualTo(Vector.GP);
            assertThat(n.frame32(1)).isEqualTo(USER_CODE + 3 + 2);
            assertThat(n.cpu.r[Cpu.RAX] & 0xFFFF).isEqualTo(0xABCD);
            assertThat(n.ports).containsExactly("in2 60", "out1 61 cd");
        }
    }

    @Test
    void umipHidesSystemRegistersFromUsers() {
        m.cpu.cr4 |= Cpu.CR4_UMIP;
        m.user().code(32, USER_CODE, a -> a.sgdt(Mem.abs(DATA)));
        expectFault(Vector.GP, 0);
        try (Machine n = new Machine().flat32().user()) {
            n.code(32, USER_CODE, a -> a.sgdt(Mem.abs(DATA)).smsw(EAX).str(EBX).ud2());
            assertThat(n.runToHandler()).isEqualTo(Vector.UD);
            assertThat(n.word(DATA)).isEqualTo(0xFF);
            assertThat(n.dword(DATA + 2)).isEqualTo(GDT);
            assertThat(n.cpu.r[Cpu.RAX]).isEqualTo(0x11);
            assertThat(n.cpu.r[Cpu.RBX]).isEqualTo(TASK);
        }
    }

    @Test
    void privilegedInstructionsFaultForUsers() {
        String[] instructions = {
            "f4", // HLT
            "0f06", // CLTS
            "0f08", // INVD
            "0f09", // WBINVD
            "0f20c0", // MOV EAX, CR0
            "0f22d8", // MOV CR3, EAX
            "0f21c0", // MOV EAX, DR0
            "0f32", // RDMSR
            "0f30", // WRMSR
            "0f33", // RDPMC
            "0f0100", // SGDT is allowed; see below
            "0f0110", // LGDT
            "0f0118", // LIDT
            "0f01f0", // LMSW AX
            "0f0138", // INVLPG
            "0f00d0", // LLDT AX
            "0f00d8", // LTR AX
            "0f35", // SYSEXIT
        };
        for (String code : instructions) {
            try (Machine n = new Machine().flat32().user()) {
                n.cpu.r[Cpu.RAX] = DATA;
                n.cpu.sysenterCs = 8;
                n.code(32, USER_CODE, a -> a.hex(code).ud2());
                int expected = code.equals("0f0100") ? Vector.UD : Vector.GP;
                assertThat(n.runToHandler()).as(code).isEqualTo(expected);
            }
        }
    }
}
