// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.system;

import static dev.vitrine.processor.asm.Reg.*;
import static dev.vitrine.processor.system.Machine.*;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Mem;
import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Vector;
import dev.vitrine.processor.exec.Runner;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Real mode, virtual-8086 mode, and the ways from one mode to another. */
class ModeTest {
    private final Machine m = new Machine();

    @AfterEach
    void close() {
        m.close();
    }

    // --------------------------------------------------------------- real mode

    @Test
    void realModeInterruptAndReturn() {
        m.real();
        m.code(16, 0x6900, a -> a.mov(BX, 7).iret(16));
        m.poke(0x21 * 4, 4, 0x6900);
        m.cpu.eflags |= Cpu.IF;
        m.code(16, a -> a.interrupt(0x21).mov(CX, 8));
        assertThat(m.run()).isEqualTo(Runner.HALTED);
        assertThat(m.cpu.r[Cpu.RBX]).isEqualTo(7);
        assertThat(m.cpu.r[Cpu.RCX]).isEqualTo(8);
        assertThat(m.cpu.r[Cpu.RSP]).isEqualTo(0x7000);
        assertThat(m.word(0x6FFA)).isEqualTo(CODE + 2);
        assertThat(m.word(0x6FFE) & Cpu.IF).isNotZero();
        assertThat(m.cpu.eflags & Cpu.IF).isNotZero();
    }

    @Test
    void realModeExceptionsPushNoErrorCode() {
        m.real().code(16, a -> a.mov(BX, 0xFFFF).mov(AX, Mem.base(BX)));
        assertThat(m.runToHandler()).isEqualTo(Vector.GP);
        assertThat(m.cpu.r[Cpu.RSP]).isEqualTo(0x7000 - 6);
        assertThat(m.word(0x7000 - 6)).isEqualTo(CODE + 3);
    }

    @Test
    void realModeAddressesReachBeyondOneMegabyte() {
        m.real();
        m.poke(0x10FFE0, 2, 0x55AA);
        m.code(16, a -> a.mov(AX, 0xFFFF).mov(ES, AX).mov(BX, Mem.abs(0xFFF0).seg(ES)));
        assertThat(m.run()).isEqualTo(Runner.HALTED);
        assertThat(m.cpu.r[Cpu.RBX]).isEqualTo(0x55AA);
    }

    @Test
    void realModeVectorBeyondTheTableEndsInShutdown() {
        m.real().code(16, a -> a.interrupt(0x80));
        m.cpu.idtLimit = 3; // not even #GP or #DF
        assertThat(m.run()).isEqualTo(Runner.SHUTDOWN);
    }

    @Test
    void protectedModeInstructionsAreUndefined() {
        for (String code :
                new String[] {"0f00c0", "0f00d0", "0f02c0", "0f03c0", "0f00e0", "63c0"}) {
            try (Machine n = new Machine().real()) {
                n.code(16, a -> a.hex(code));
                assertThat(n.runToHandler()).as(code).isEqualTo(Vector.UD);
            }
        }
    }

    // -------------------------------------------------------- through all modes

    @Test
    void realToProtectedToLongToCompatibilityAndBack() {
        m.long64(); // builds the tables; the guest takes the way itself
        m.poke(0x7C00, 2, 0xFF);
        m.poke(0x7C02, 4, GDT);
        m.real();
        m.cpu.cr3 = 0;
        m.cpu.cr4 = 0;
        m.cpu.efer = 0;
        m.cpu.gdtLimit = 0;
        m.cpu.modeChanged();
        m.code(
                16,
                CODE,
                a -> {
                    Label protectedMode = a.label("protected");
                    Label longMode = a.label("long");
                    Label compatibility = a.label("compatibility");
                    Label sixteen = a.label("sixteen");
                    Label real = a.label("real");
                    a.mov(ECX, ESP);
                    a.lgdt32(Mem.abs(0x7C00));
                    a.mov(EAX, CR0).or(EAX, 1).mov(CR0, EAX);
                    a.jmpFar(CODE32, protectedMode, 32);
                    a.bits(32).bind(protectedMode);
                    a.mov(EAX, DATA0).mov(DS, EAX).mov(SS, EAX).mov(ES, EAX);
                    a.mov(EAX, Cpu.CR4_PAE).mov(CR4, EAX);
                    a.mov(EAX, TABLES).mov(CR3, EAX);
                    a.mov(ECX, 0xC0000080).rdmsr().or(EAX, Cpu.EFER_LME).wrmsr();
                    a.mov(EAX, CR0).or(EAX, Cpu.CR0_PG).mov(CR0, EAX);
                    a.rdmsr().mov(EBP, EAX); // LMA is set, in compatibility mode
                    a.jmpFar(CODE64, longMode, 32);
                    a.bits(64).bind(longMode);
                    a.mov(RBX, 0x1122334455667788L);
                    a.mov(RSI, RBX);
                    a.push(CODE32);
                    a.push(compatibility);
                    a.retf(64);
                    a.bits(32).bind(compatibility);
                    a.mov(EDI, ESI);
                    a.mov(EAX, CR0).btr(EAX, 31).mov(CR0, EAX); // leaves long mode
                    a.mov(ECX, 0xC0000080).rdmsr().mov(EDX, EAX);
                    a.jmpFar(CODE16, sixteen, 32);
                    a.bits(16).bind(sixteen);
                    a.mov(AX, DATA16).mov(DS, AX).mov(SS, AX).mov(ES, AX);
                    a.mov(EAX, CR0).btr(EAX, 0).mov(CR0, EAX);
                    a.jmpFar(0, real, 16);
                    a.bits(16).bind(real);
                    a.xor(AX, AX).mov(SS, AX).mov(DS, AX).mov(CX, 0x77);
                    a.hlt();
                });
        assertThat(m.run()).as(() -> Long.toHexString(m.cpu.rip)).isEqualTo(Runner.HALTED);
        assertThat(m.cpu.r[Cpu.RCX] & 0xFFFF).isEqualTo(0x77);
        assertThat(m.cpu.r[Cpu.RBX]).as("kept by other modes").isEqualTo(0x1122334455667788L);
        assertThat(m.cpu.r[Cpu.RDI]).isEqualTo(0x55667788L);
        assertThat(m.cpu.r[Cpu.RBP]).isEqualTo(Cpu.EFER_LME | Cpu.EFER_LMA);
        assertThat(m.cpu.r[Cpu.RDX] & Cpu.EFER_LMA).isZero();
        assertThat(m.cpu.realMode()).isTrue();
        assertThat(m.segment(Cpu.DS).limit).isEqualTo(0xFFFF);
    }

    @Test
    void limitsLoadedInProtectedModeStayInRealMode() {
        m.flat32();
        m.real();
        m.cpu.segment[Cpu.ES].limit = -1; // "unreal" mode
        m.poke(DATA + 0x20000, 2, 0x4711);
        m.code(
                16,
                a ->
                        a.mov(AX, DATA >> 4 & 0xF000)
                                .mov(ES, AX)
                                .mov(EBX, DATA + 0x20000)
                                .mov(CX, Mem.base(EBX).seg(ES)));
        assertThat(m.run()).isEqualTo(Runner.HALTED);
        assertThat(m.cpu.r[Cpu.RCX]).isEqualTo(0x4711);
    }

    // -------------------------------------------------------- virtual-8086 mode

    /** Starts virtual-8086 code at 900:0 from CPL 0 by IRET. */
    private void enterVirtual(int flags, String code) {
        m.flat32();
        m.code(
                32,
                a ->
                        a.push(0x4444)
                                .push(0x3333)
                                .push(0x2222)
                                .push(0x1111)
                                .push(0x2000) // SS
                                .push(0x800)
                                .push(flags | Cpu.VM | 2)
                                .push(0x900)
                                .push(0)
                                .iret(32));
        m.code(16, 0x9000, a -> a.hex(code).ud2());
    }

    @Test
    void virtualModeEntryAndExitSaveAllSegments() {
        enterVirtual(0, "8cc8"); // MOV AX, CS
        assertThat(m.runToHandler()).isEqualTo(Vector.UD);
        assertThat(m.cpu.r[Cpu.RAX] & 0xFFFF).isEqualTo(0x900);
        assertThat(m.cpu.r[Cpu.RSP]).isEqualTo(STACK - 36);
        assertThat(m.frame32(0)).isEqualTo(2);
        assertThat(m.frame32(1)).isEqualTo(0x900);
        assertThat(m.frame32(2)).isEqualTo(Cpu.VM | Cpu.RF | 2);
        assertThat(m.frame32(3)).isEqualTo(0x800);
        assertThat(m.frame32(4)).isEqualTo(0x2000);
        assertThat(m.frame32(5)).isEqualTo(0x1111);
        assertThat(m.frame32(6)).isEqualTo(0x2222);
        assertThat(m.frame32(7)).isEqualTo(0x3333);
        assertThat(m.frame32(8)).isEqualTo(0x4444);
        assertThat(m.cpu.v86()).isFalse();
        assertThat(m.cpu.cpl).isZero();
        assertThat(m.segment(Cpu.DS).unusable).isTrue();
    }

    @Test
    void ioplSensitiveInstructionsFaultInVirtualMode() {
        for (String code : new String[] {"fa", "fb", "9c", "9d", "cf", "cd21"}) {
            try (Machine n = new Machine().flat32()) {
                n.cpu.setFlags(Cpu.VM, Cpu.VM);
                n.cpu.cpl = 3;
                for (int seg = 0; seg < 6; seg++) {
                    SegmentLoader.setReal(n.cpu, seg, seg == Cpu.CS ? 0x900 : 0x2000);
                }
                n.cpu.rip = 0;
                n.cpu.modeChanged();
                n.code(16, 0x9000, a -> a.hex(code));
                assertThat(n.runToHandler()).as(code).isEqualTo(Vector.GP);
                assertThat(n.frame32(0)).isZero();
            }
        }
    }

    @Test
    void breakpointInVirtualModeIsNotIoplSensitive() {
        enterVirtual(0, "cc");
        assertThat(m.runToHandler()).isEqualTo(Vector.BP);
        assertThat(m.frame32(0)).isEqualTo(1);
    }

    @Test
    void interruptInVirtualModeWithIopl3UsesTheGate() {
        enterVirtual(Cpu.IOPL, "cd21");
        assertThat(m.runToHandler()).isEqualTo(0x21);
        assertThat(m.frame32(0)).isEqualTo(2);
        assertThat(m.frame32(2) & Cpu.IOPL).isEqualTo(Cpu.IOPL);
    }

    @Test
    void popfInVirtualModeCannotChangeIopl() {
        // PUSH 0; POPF; PUSHF; POP AX; UD2
        enterVirtual(Cpu.IOPL, "6a009d9c58");
        assertThat(m.runToHandler()).isEqualTo(Vector.UD);
        assertThat(m.cpu.r[Cpu.RAX] & 0xFFFF).isEqualTo(Cpu.IOPL | 2);
    }

    @Test
    void virtualModeHandlerMustBeAtLevelZero() {
        enterVirtual(Cpu.IOPL, "cd22");
        m.idt32(0x22, USER_CODE32 | 3, HANDLERS, 0xEE);
        assertThat(m.runToHandler()).isEqualTo(Vector.GP);
        assertThat(m.frame32(0)).isEqualTo(USER_CODE32);
    }

    // --------------------------------------------------------- control registers

    @Test
    void illegalControlRegisterValues() {
        // Each: CR number, value to set, with what is wrong with it.
        Object[][] cases = {
            {CR0, 0x80000010L, "PG without PE"},
            {CR0, 0x20000011L, "NW without CD"},
            {CR4, 1L << 31, "reserved"},
            {CR4, Cpu.CR4_VME, "VME is not there"},
            {CR4, Cpu.CR4_PCIDE, "PCIDE outside of long mode"},
        };
        for (Object[] c : cases) {
            try (Machine n = new Machine().flat32()) {
                n.code(
                        32,
                        a ->
                                a.mov(EAX, (Long) c[1])
                                        .mov((dev.vitrine.processor.asm.Reg) c[0], EAX));
                assertThat(n.runToHandler()).as((String) c[2]).isEqualTo(Vector.GP);
                assertThat(n.frame32(0)).isZero();
                assertThat(n.frame32(1)).isEqualTo(CODE + 5);
            }
        }
    }

    @Test
    void illegalControlRegisterValuesInLongMode() {
        Object[][] cases = {
            {CR0, 1L << 32 | Cpu.CR0_PE | Cpu.CR0_PG, "upper half of CR0"},
            {CR0, Cpu.CR0_PE, "PG cleared in 64-bit mode"},
            {CR3, 1L << 46, "beyond MAXPHYADDR"},
            {CR3, 1L << 63, "bit 63 without PCIDE"},
            {CR4, 0L, "PAE cleared in long mode"},
            {CR8, 16L, "more than four bits"},
        };
        for (Object[] c : cases) {
            try (Machine n = new Machine().long64()) {
                n.code(
                        64,
                        a ->
                                a.mov(RAX, (Long) c[1])
                                        .mov((dev.vitrine.processor.asm.Reg) c[0], RAX));
                assertThat(n.runToHandler()).as((String) c[2]).isEqualTo(Vector.GP);
            }
        }
    }

    @Test
    void enablingPagingForLongModeNeedsPae() {
        m.flat32();
        m.cpu.efer = Cpu.EFER_LME;
        m.code(32, a -> a.mov(EAX, CR0).or(EAX, Cpu.CR0_PG).mov(CR0, EAX));
        assertThat(m.runToHandler()).isEqualTo(Vector.GP);
        assertThat(m.cpu.longMode()).isFalse();
    }

    @Test
    void undefinedControlRegisters() {
        m.long64().code(64, a -> a.hex("0f20c8")); // MOV RAX, CR1
        assertThat(m.runToHandler()).isEqualTo(Vector.UD);
    }

    @Test
    void lmswSetsButNeverClearsProtection() {
        m.flat32().code(32, a -> a.mov(EAX, 8).lmsw(AX).mov(EBX, CR0).clts().mov(ECX, CR0));
        assertThat(m.runToHandler()).isEqualTo(-1);
        assertThat(m.cpu.r[Cpu.RBX]).isEqualTo(0x19);
        assertThat(m.cpu.r[Cpu.RCX]).isEqualTo(0x11);
    }

    @Test
    void cr8IsTheTaskPriority() {
        m.long64().code(64, a -> a.mov(EAX, 9).mov(CR8, RAX).mov(RBX, CR8));
        assertThat(m.runToHandler()).isEqualTo(-1);
        assertThat(m.taskPriority).isEqualTo(9);
        assertThat(m.cpu.r[Cpu.RBX]).isEqualTo(9);
    }
}
