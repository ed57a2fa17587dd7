// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.system;

import static dev.vitrine.processor.asm.Reg.*;
import static dev.vitrine.processor.system.Machine.*;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.processor.asm.Mem;
import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Vector;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Single step, breakpoints and the debug registers. */
class DebugTest {
    private final Machine m = new Machine().long64();

    @AfterEach
    void close() {
        m.close();
    }

    @Test
    void singleStepTrapsAfterTheNextInstruction() {
        m.code(64, a -> a.push(0x102).popf().mov(EBX, 1).mov(ECX, 2));
        assertThat(m.runToHandler()).isEqualTo(Vector.DB);
        assertThat(m.frame64(0)).isEqualTo(CODE + 5 + 1 + 5);
        assertThat(m.cpu.r[Cpu.RBX]).isEqualTo(1);
        assertThat(m.frame64(2) & Cpu.TF).isNotZero();
        assertThat(m.cpu.eflags & Cpu.TF).isZero();
        assertThat(m.cpu.dr[6]).isEqualTo(0xFFFF4FF0L);
    }

    @Test
    void softwareInterruptClearsTrapFlagBeforeTheTrap() {
        m.cpu.eflags |= Cpu.TF;
        m.cpu.modeChanged();
        m.code(64, a -> a.interrupt(0x80));
        assertThat(m.runToHandler()).isEqualTo(0x80);
        assertThat(m.frame64(2) & Cpu.TF).isNotZero();
        assertThat(m.cpu.dr[6] & DebugRegisters.BS).isZero();
    }

    @Test
    void movSsHoldsTheTrapBack() {
        m.cpu.eflags |= Cpu.TF;
        m.cpu.r[Cpu.RAX] = DATA0;
        m.cpu.modeChanged();
        m.code(64, a -> a.mov(SS, EAX).mov(EBX, 1).mov(ECX, 2));
        assertThat(m.runToHandler()).isEqualTo(Vector.DB);
        assertThat(m.frame64(0)).isEqualTo(CODE + 2 + 5);
    }

    @Test
    void iretStepsOneInstruction() {
        m.code(64, HANDLERS + 0x80 * 16, a -> a.hex("804c241101").iret(64)); // OR [RSP+17], 1: TF
        m.code(64, a -> a.interrupt(0x80).mov(EBX, 1).mov(ECX, 2));
        assertThat(m.runToHandler()).isEqualTo(Vector.DB);
        assertThat(m.frame64(0)).isEqualTo(CODE + 2 + 5);
    }

    @Test
    void instructionBreakpointIsAFaultAndResumeFlagPassesIt() {
        m.code(
                64,
                a ->
                        a.mov(RAX, CODE + 100)
                                .mov(DR0, RAX)
                                .mov(EAX, 0x401)
                                .mov(DR7, RAX)
                                .mov(EAX, CODE + 100)
                                .jmp(RAX));
        m.code(64, CODE + 100, a -> a.inc(EBX).hlt());
        assertThat(m.runToHandler()).isEqualTo(Vector.DB);
        assertThat(m.frame64(0)).isEqualTo(CODE + 100);
        assertThat(m.cpu.r[Cpu.RBX]).isZero();
        assertThat(m.cpu.dr[6]).isEqualTo(0xFFFF0FF1L);
        assertThat(m.frame64(2) & Cpu.RF).as("not set for instruction breakpoints").isZero();
        // The handler sets RF and returns.
        m.poke(m.cpu.r[Cpu.RSP] + 16, 4, m.frame64(2) | Cpu.RF);
        m.code(64, 0x9000, a -> a.iret(64));
        m.cpu.rip = 0x9000;
        assertThat(m.runToHandler()).isEqualTo(-1);
        assertThat(m.cpu.r[Cpu.RBX]).isEqualTo(1);
        assertThat(m.cpu.eflags & Cpu.RF).isZero();
    }

    @Test
    void writeBreakpointTrapsAfterTheWriteAndNotOnReads() {
        m.code(
                64,
                a ->
                        a.mov(EAX, DATA)
                                .mov(DR1, RAX)
                                .mov(EAX, 0x400 | 4 | 0xD << 20) // four bytes, writes, DR1
                                .mov(DR7, RAX)
                                .mov(EBX, Mem.abs(DATA))
                                .mov(Mem.abs(DATA + 3).b(), 0x55)
                                .mov(ECX, 2));
        assertThat(m.runToHandler()).isEqualTo(Vector.DB);
        assertThat(m.peek(DATA + 3, 1)).isEqualTo(0x55);
        assertThat(m.cpu.dr[6]).isEqualTo(0xFFFF0FF2L);
        assertThat(m.cpu.r[Cpu.RCX]).isNotEqualTo(2);
        assertThat(m.frame64(0)).isEqualTo(CODE + 5 + 3 + 5 + 3 + 7 + 8);
    }

    @Test
    void accessBreakpointTrapsOnReads() {
        m.cpu.dr[2] = DATA + 8;
        m.cpu.dr[7] = 0x400 | 0x20 | 0xBL << 24; // eight bytes, reads and writes, G2
        m.cpu.modeChanged();
        m.code(64, a -> a.mov(EBX, Mem.abs(DATA + 4)).mov(ECX, Mem.abs(DATA + 12)));
        assertThat(m.runToHandler()).isEqualTo(Vector.DB);
        assertThat(m.frame64(0)).isEqualTo(CODE + 14);
        assertThat(m.cpu.dr[6]).isEqualTo(0xFFFF0FF4L);
    }

    @Test
    void portBreakpointNeedsDebugExtensions() {
        m.cpu.dr[3] = 0x60;
        m.cpu.dr[7] = 0x400 | 0x40 | 2L << 28;
        m.cpu.modeChanged();
        m.code(64, a -> a.in(AL, 0x60).mov(RAX, CR4).bts(RAX, 3).mov(CR4, RAX).in(AL, 0x60).nop());
        assertThat(m.runToHandler()).isEqualTo(Vector.DB);
        assertThat(m.ports).hasSize(2);
        assertThat(m.cpu.dr[6]).isEqualTo(0xFFFF0FF8L);
    }

    @Test
    void breakpointHitUnderMovSsIsDelayed() {
        m.cpu.dr[0] = DATA;
        m.cpu.dr[7] = 0x400 | 1 | 3 << 16;
        m.cpu.modeChanged();
        m.poke(DATA, 2, DATA0);
        m.code(64, a -> a.mov(SS, Mem.abs(DATA)).nop().nop());
        assertThat(m.runToHandler()).isEqualTo(Vector.DB);
        assertThat(m.frame64(0)).isEqualTo(CODE + 7 + 1);
    }

    @Test
    void generalDetectProtectsTheDebugRegisters() {
        m.code(64, a -> a.mov(EAX, 0x2400).mov(DR7, RAX).mov(RBX, DR0));
        assertThat(m.runToHandler()).isEqualTo(Vector.DB);
        assertThat(m.frame64(0)).isEqualTo(CODE + 8);
        assertThat(m.cpu.dr[6]).isEqualTo(0xFFFF2FF0L);
        assertThat(m.cpu.dr[7]).as("GD is cleared on delivery").isEqualTo(0x400);
    }

    @Test
    void fixedAndReservedBits() {
        // Without GD, which would forbid the read.
        m.code(
                64,
                a ->
                        a.mov(RCX, 0xFFFFD3FFL & ~0x2000L & ~0xFFL)
                                .mov(DR7, RCX)
                                .mov(RBX, DR7)
                                .xor(EAX, EAX)
                                .mov(DR6, RAX)
                                .mov(RSI, DR6)
                                .mov(RAX, 1L << 32)
                                .mov(DR6, RAX));
        assertThat(m.runToHandler()).isEqualTo(Vector.GP);
        assertThat(m.cpu.r[Cpu.RBX]).isEqualTo(0xFFFF0700L);
        assertThat(m.cpu.r[Cpu.RSI]).isEqualTo(0xFFFF0FF0L);
    }

    @Test
    void dr4IsDr6UnlessDebugExtensionsAreOn() {
        m.code(64, a -> a.hex("0f21e3").mov(RAX, CR4).bts(RAX, 3).mov(CR4, RAX).hex("0f21e3"));
        assertThat(m.runToHandler()).isEqualTo(Vector.UD);
        assertThat(m.cpu.r[Cpu.RBX]).isEqualTo(0xFFFF0FF0L);
    }

    @Test
    void int1NeedsNoPrivilegeAndLeavesDr6() {
        m.idt64(Vector.DB, CODE64, HANDLERS + 16, 0x8E, 0);
        m.user().code(64, USER_CODE, a -> a.int1());
        assertThat(m.runToHandler()).isEqualTo(Vector.DB);
        assertThat(m.frame64(0)).isEqualTo(USER_CODE + 1);
        assertThat(m.cpu.dr[6]).isEqualTo(0xFFFF0FF0L);
    }

    @Test
    void int3NeedsTheGatesPrivilege() {
        m.idt64(Vector.BP, CODE64, HANDLERS + 48, 0x8E, 0);
        m.user().code(64, USER_CODE, a -> a.int3());
        assertThat(m.runToHandler()).isEqualTo(Vector.GP);
        assertThat(m.frame64(0)).isEqualTo(3 * 8 + 2);
    }

    @Test
    void faultingInstructionTakesNoSingleStep() {
        m.cpu.eflags |= Cpu.TF;
        m.cpu.modeChanged();
        m.code(64, a -> a.ud2());
        assertThat(m.runToHandler()).isEqualTo(Vector.UD);
        assertThat(m.cpu.dr[6] & DebugRegisters.BS).isZero();
    }
}
