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

/** Exceptions and interrupts in 64-bit mode. */
class LongModeInterruptTest {
    private final Machine m = new Machine().long64();

    @AfterEach
    void close() {
        m.close();
    }

    @Test
    void faultPushesTheWholeFrameWithResumeFlag() {
        m.cpu.r[Cpu.RSP] = STACK - 4; // the frame is aligned to 16 bytes
        m.code(64, a -> a.ud2());
        assertThat(m.runToHandler()).isEqualTo(Vector.UD);
        assertThat(m.cpu.r[Cpu.RSP]).isEqualTo(STACK - 16 - 40);
        assertThat(m.frame64(0)).isEqualTo(CODE);
        assertThat(m.frame64(1)).isEqualTo(CODE64);
        assertThat(m.frame64(2)).isEqualTo(2 | Cpu.RF);
        assertThat(m.frame64(3)).isEqualTo(STACK - 4);
        assertThat(m.frame64(4)).isEqualTo(DATA0);
    }

    @Test
    void interruptFromUserSwitchesToRsp0WithNullStackSegment() {
        m.user();
        m.code(64, USER_CODE, a -> a.interrupt(0x80));
        assertThat(m.runToHandler()).isEqualTo(0x80);
        assertThat(m.cpu.cpl).isZero();
        assertThat(m.segment(Cpu.SS).selector).isZero();
        assertThat(m.segment(Cpu.SS).unusable).isTrue();
        assertThat(m.segment(Cpu.CS).selector).isEqualTo(CODE64);
        assertThat(m.cpu.r[Cpu.RSP]).isEqualTo(STACK - 40);
        assertThat(m.frame64(0)).isEqualTo(USER_CODE + 2);
        assertThat(m.frame64(1)).isEqualTo(USER_CODE64 | 3);
        assertThat(m.frame64(3)).isEqualTo(USER_STACK);
        assertThat(m.frame64(4)).isEqualTo(USER_DATA | 3);
        assertThat(m.frame64(2) & Cpu.RF).isZero();
    }

    @Test
    void istIsUsedAlsoWithoutChangeOfLevel() {
        m.idt64(Vector.UD, CODE64, HANDLERS + Vector.UD * 16, 0x8E, 1);
        m.code(64, a -> a.ud2());
        assertThat(m.runToHandler()).isEqualTo(Vector.UD);
        assertThat(m.cpu.r[Cpu.RSP]).isEqualTo(IST_STACK - 40);
        assertThat(m.frame64(4)).isEqualTo(DATA0);
        assertThat(m.segment(Cpu.SS).selector).isEqualTo(DATA0);
    }

    @Test
    void interruptGateClearsIfAndTrapGateKeepsIt() {
        m.idt64(0x30, CODE64, HANDLERS + 0x30 * 16, 0x8F, 0);
        m.idt64(0x31, CODE64, HANDLERS + 0x31 * 16, 0x8E, 0);
        m.code(64, a -> a.sti().nop().interrupt(0x30));
        assertThat(m.runToHandler()).isEqualTo(0x30);
        assertThat(m.cpu.eflags & Cpu.IF).isNotZero();
        m.cpu.rip = CODE;
        m.poke(CODE + 3, 1, 0x31);
        m.mmu.flushAll();
        m.code(64, 0x9000, a -> a.interrupt(0x31));
        m.cpu.rip = 0x9000;
        assertThat(m.runToHandler()).isEqualTo(0x31);
        assertThat(m.cpu.eflags & Cpu.IF).isZero();
    }

    @Test
    void softwareInterruptNeedsTheGatesPrivilegeAndExceptionsDoNot() {
        m.idt64(0x21, CODE64, HANDLERS + 0x21 * 16, 0x8E, 0);
        m.idt64(Vector.UD, CODE64, HANDLERS + Vector.UD * 16, 0x8E, 0);
        m.user();
        m.code(64, USER_CODE, a -> a.interrupt(0x21));
        assertThat(m.runToHandler()).isEqualTo(Vector.GP);
        assertThat(m.frame64(0)).isEqualTo(0x21 * 8 + 2); // IDT bit, EXT clear
        assertThat(m.frame64(1)).isEqualTo(USER_CODE); // the fault points at INT itself

        m.user();
        m.code(64, USER_CODE + 0x100, a -> a.ud2());
        m.cpu.rip = USER_CODE + 0x100;
        assertThat(m.runToHandler()).isEqualTo(Vector.UD);
    }

    @Test
    void absentGateIsNotPresentWithIdtAndExtBits() {
        m.idt64(0x22, CODE64, HANDLERS, 0x6E, 0);
        m.code(64, a -> a.interrupt(0x22));
        assertThat(m.runToHandler()).isEqualTo(Vector.NP);
        assertThat(m.frame64(0)).isEqualTo(0x22 * 8 + 2);

        m.idt64(Vector.UD, CODE64, HANDLERS, 0x6E, 0);
        m.code(64, 0x9000, a -> a.ud2());
        m.cpu.rip = 0x9000;
        assertThat(m.runToHandler()).isEqualTo(Vector.NP);
        assertThat(m.frame64(0)).isEqualTo(Vector.UD * 8 + 3); // raised by an exception: EXT
    }

    @Test
    void gateToWrongCodeIsGeneralProtectionWithSelector() {
        m.idt64(0x23, CODE32, HANDLERS, 0x8E, 0); // not 64-bit code
        m.code(64, a -> a.interrupt(0x23));
        assertThat(m.runToHandler()).isEqualTo(Vector.GP);
        assertThat(m.frame64(0)).isEqualTo(CODE32);
    }

    @Test
    void gateToNullSelectorIsGeneralProtectionZero() {
        m.idt64(0x23, 0, HANDLERS, 0x8E, 0);
        m.code(64, a -> a.interrupt(0x23));
        assertThat(m.runToHandler()).isEqualTo(Vector.GP);
        assertThat(m.frame64(0)).isZero();
    }

    @Test
    void shortTaskStateIsInvalidTss() {
        // The limit spares RSP0 but not IST1, which #TS itself needs not.
        m.cpu.tr.limit = 0x23 + 7 - 1;
        m.idt64(0x24, CODE64, HANDLERS, 0x8E, 1);
        m.code(64, a -> a.interrupt(0x24));
        assertThat(m.runToHandler()).isEqualTo(Vector.TS);
        assertThat(m.frame64(0)).isEqualTo(TASK);
    }

    @Test
    void nonCanonicalInnerStackIsStackFault() {
        m.poke(TSS + 36, 8, 0x8000_0000_0000_0000L);
        m.idt64(0x24, CODE64, HANDLERS, 0x8E, 1);
        m.code(64, a -> a.interrupt(0x24));
        assertThat(m.runToHandler()).isEqualTo(Vector.SS);
        assertThat(m.frame64(0)).isZero();
    }

    @Test
    void contributoryPairIsDoubleFault() {
        m.idt64(Vector.GP, CODE64, HANDLERS, 0x6E, 0);
        m.code(64, a -> a.mov(EAX, 1).mov(ECX, 0xDEAD).wrmsr());
        assertThat(m.runToHandler()).isEqualTo(Vector.DF);
        assertThat(m.frame64(0)).isZero();
        assertThat(m.frame64(1)).isEqualTo(CODE + 10);
    }

    @Test
    void pageFaultDuringPageFaultIsDoubleFaultOnIst() {
        m.idt64(Vector.DF, CODE64, HANDLERS + Vector.DF * 16, 0x8E, 1);
        m.setPte(0x1F000, 0); // the kernel stack
        m.setPte(0x50000, 0);
        m.code(64, a -> a.mov(EAX, Mem.abs(0x50000)));
        assertThat(m.runToHandler()).isEqualTo(Vector.DF);
        assertThat(m.cpu.cr2).isEqualTo(STACK - 8);
        assertThat(m.cpu.r[Cpu.RSP]).isEqualTo(IST_STACK - 48);
        assertThat(m.frame64(4)).isEqualTo(STACK);
    }

    @Test
    void benignThenFaultIsSerial() {
        // #UD cannot be delivered because its gate is absent: #NP, no double fault.
        m.idt64(Vector.UD, CODE64, HANDLERS, 0x6E, 0);
        m.code(64, a -> a.ud2());
        assertThat(m.runToHandler()).isEqualTo(Vector.NP);
    }

    @Test
    void tripleFaultShutsDown() {
        m.cpu.idtLimit = 0;
        m.code(64, a -> a.ud2());
        assertThat(m.run()).isEqualTo(Runner.SHUTDOWN);
        assertThat(m.cpu.rip).isEqualTo(CODE);
    }

    @Test
    void iretqReturnsToUserAndDropsPrivilegedSegments() {
        m.code(
                64,
                a ->
                        a.push(USER_DATA | 3)
                                .push(USER_STACK)
                                .push(0x246)
                                .push(USER_CODE64 | 3)
                                .push(USER_CODE)
                                .iret(64));
        m.code(64, USER_CODE, a -> a.ud2());
        assertThat(m.runToHandler()).isEqualTo(Vector.UD);
        assertThat(m.frame64(0)).isEqualTo(USER_CODE);
        assertThat(m.frame64(1)).isEqualTo(USER_CODE64 | 3);
        assertThat(m.frame64(2)).isEqualTo(0x246 | Cpu.RF);
        assertThat(m.frame64(3)).isEqualTo(USER_STACK);
        assertThat(m.segment(Cpu.DS).unusable).isTrue();
        assertThat(m.segment(Cpu.DS).selector).isZero();
    }

    @Test
    void iretqToCompatibilityModeRunsThirtyTwoBitCode() {
        m.code(
                64,
                a ->
                        a.push(USER_DATA | 3)
                                .push(USER_STACK)
                                .push(2)
                                .push(USER_CODE32 | 3)
                                .push(USER_CODE)
                                .iret(64));
        // 32-bit code: 48 is DEC EAX.
        m.code(32, USER_CODE, a -> a.mov(EAX, 5).db(0x48).ud2());
        assertThat(m.runToHandler()).isEqualTo(Vector.UD);
        assertThat(m.cpu.r[Cpu.RAX]).isEqualTo(4);
        assertThat(m.frame64(1)).isEqualTo(USER_CODE32 | 3);
    }

    @Test
    void iretqWithNonCanonicalAddressFaultsInTheKernel() {
        m.code(
                64,
                a ->
                        a.mov(RAX, 0x8000_0000_0000L)
                                .push(USER_DATA | 3)
                                .push(USER_STACK)
                                .push(2)
                                .push(USER_CODE64 | 3)
                                .push(RAX)
                                .iret(64));
        assertThat(m.runToHandler()).isEqualTo(Vector.GP);
        assertThat(m.frame64(0)).isZero();
        assertThat(m.frame64(2)).isEqualTo(CODE64);
    }

    @Test
    void iretqWithNestedTaskFlagIsGeneralProtection() {
        m.cpu.eflags |= Cpu.NT;
        m.code(64, a -> a.iret(64));
        assertThat(m.runToHandler()).isEqualTo(Vector.GP);
        assertThat(m.frame64(3) & Cpu.NT).isNotZero();
        assertThat(m.cpu.eflags & Cpu.NT).isZero();
    }

    @Test
    void iretqToNullStackIsAllowedInTheKernelOnly() {
        m.code(64, a -> a.push(0).push(STACK - 0x100).push(2).push(CODE64).push(0x9000).iret(64));
        m.code(64, 0x9000, a -> a.hlt());
        assertThat(m.run()).isEqualTo(Runner.HALTED);
        assertThat(m.cpu.rip).isEqualTo(0x9001);
        assertThat(m.segment(Cpu.SS).unusable).isTrue();

        m.long64();
        m.code(
                64,
                0x9100,
                a ->
                        a.push(3)
                                .push(USER_STACK)
                                .push(2)
                                .push(USER_CODE64 | 3)
                                .push(USER_CODE)
                                .iret(64));
        m.cpu.rip = 0x9100;
        assertThat(m.runToHandler()).isEqualTo(Vector.GP);
        assertThat(m.frame64(0)).isZero();
    }

    @Test
    void externalInterruptWakesFromHaltAndWaitsForIf() {
        m.code(64, a -> a.sti().hlt().mov(EBX, 7));
        assertThat(m.run()).isEqualTo(Runner.HALTED);
        m.interrupt(0x40);
        assertThat(m.runner.run(1000)).isEqualTo(Runner.HALTED);
        assertThat((m.cpu.rip - 1 - HANDLERS) / 16).isEqualTo(0x40);
        assertThat(m.frame64(0)).isEqualTo(CODE + 2);
        assertThat(m.frame64(2) & Cpu.IF).isNotZero();
    }

    @Test
    void stiHoldsInterruptsBackForOneInstruction() {
        m.interrupt(0x41);
        m.code(64, a -> a.sti().mov(EBX, 7).mov(ECX, 8));
        assertThat(m.runToHandler()).isEqualTo(0x41);
        assertThat(m.cpu.r[Cpu.RBX]).isEqualTo(7);
        assertThat(m.cpu.r[Cpu.RCX]).isNotEqualTo(8);
        assertThat(m.frame64(0)).isEqualTo(CODE + 6);
    }

    @Test
    void movSsHoldsInterruptsBackForOneInstruction() {
        m.cpu.eflags |= Cpu.IF;
        m.cpu.r[Cpu.RAX] = DATA0;
        // The interrupt is requested by the MOV SS's predecessor, an OUT.
        m.code(64, a -> a.mov(SS, EAX).mov(EBX, 7).mov(ECX, 8));
        m.cpu.shadow = Cpu.SHADOW_MOV_SS;
        m.interrupt(0x42);
        assertThat(m.runToHandler()).isEqualTo(0x42);
        assertThat(m.cpu.r[Cpu.RBX]).isEqualTo(7);
        assertThat(m.frame64(0)).isEqualTo(CODE + 7);
    }

    @Test
    void nmiIsBlockedUntilIret() {
        m.code(64, a -> a.nop().nop().nop().hlt());
        m.code(64, HANDLERS + 2 * 16, a -> a.inc(EBX).iret(64));
        m.cpu.request(Cpu.REQUEST_NMI);
        assertThat(m.runToHandler()).isEqualTo(-1);
        assertThat(m.cpu.r[Cpu.RBX]).isEqualTo(1);
        assertThat(m.cpu.nmiBlocked).isFalse();
        Interrupts.deliverNmi(m.cpu);
        assertThat(m.cpu.nmiBlocked).isTrue();
    }
}
