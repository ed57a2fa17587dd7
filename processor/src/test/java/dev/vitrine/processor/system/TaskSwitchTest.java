// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.system;

import static dev.vitrine.processor.asm.Reg.*;
import static dev.vitrine.processor.system.Machine.*;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.processor.Interception;
import dev.vitrine.processor.Intercepts;
import dev.vitrine.processor.Reaction;
import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Vector;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

/** Hardware task switches. */
class TaskSwitchTest {
    private static final int TASK_CODE = 0x9000;
    private static final int TASK_STACK = 0x2C000;
    private static final String CALL_TASK2 = "9a000000005000";
    private static final String JUMP_TASK2 = "ea000000005000";

    private final Machine m = new Machine().flat32();

    TaskSwitchTest() {
        m.poke(TSS2 + 32, 4, TASK_CODE);
        m.poke(TSS2 + 36, 4, 2);
        m.poke(TSS2 + 40, 4, 0xAAAA);
        m.poke(TSS2 + 56, 4, TASK_STACK);
        for (int seg = 0; seg < 6; seg++) {
            m.poke(TSS2 + 72 + 4 * seg, 2, seg == Cpu.CS ? CODE32 : DATA0);
        }
    }

    @AfterEach
    void close() {
        m.close();
    }

    private int accessOf(int selector) {
        return (int) (m.gdt(selector) >>> 40) & 0xFF;
    }

    @Test
    void callAndIretAreNestedAndKeepEverything() {
        m.cpu.r[Cpu.RBX] = 0xB0B;
        m.code(32, a -> a.hex(CALL_TASK2).mov(ECX, 5));
        m.code(32, TASK_CODE, a -> a.mov(EDX, EAX).str(EDI).pushf().pop(ESI).hlt().iret(32));
        assertThat(m.runToHandler()).isEqualTo(-1);
        assertThat(m.cpu.r[Cpu.RDX]).isEqualTo(0xAAAA);
        assertThat(m.cpu.r[Cpu.RDI]).isEqualTo(TASK2);
        assertThat(m.cpu.r[Cpu.RSI] & Cpu.NT).isNotZero();
        assertThat(m.cpu.cr0 & Cpu.CR0_TS).isNotZero();
        assertThat(accessOf(TASK)).isEqualTo(A_TSS32 | 2);
        assertThat(accessOf(TASK2)).isEqualTo(A_TSS32 | 2);
        assertThat(m.word(TSS2)).as("link").isEqualTo(TASK);

        assertThat(m.runToHandler()).isEqualTo(-1);
        assertThat(m.cpu.r[Cpu.RCX]).isEqualTo(5);
        assertThat(m.cpu.r[Cpu.RBX]).isEqualTo(0xB0B);
        assertThat(m.cpu.r[Cpu.RSP]).isEqualTo(STACK);
        assertThat(m.cpu.tr.selector).isEqualTo(TASK);
        assertThat(m.cpu.eflags & Cpu.NT).isZero();
        assertThat(accessOf(TASK2)).as("free again").isEqualTo(A_TSS32);
        assertThat(m.dword(TSS2 + 36) & Cpu.NT).as("NT is cleared in the saved flags").isZero();
    }

    @Test
    void jumpFreesTheOldTask() {
        m.code(32, a -> a.hex(JUMP_TASK2));
        m.code(32, TASK_CODE, a -> a.hlt());
        assertThat(m.runToHandler()).isEqualTo(-1);
        assertThat(accessOf(TASK)).isEqualTo(A_TSS32);
        assertThat(accessOf(TASK2)).isEqualTo(A_TSS32 | 2);
        assertThat(m.cpu.eflags & Cpu.NT).isZero();
        assertThat(m.dword(TSS + 32)).as("saved EIP").isEqualTo(CODE + 7);
    }

    @Test
    void busyTaskIsRefused() {
        m.gdt(TASK2, descriptor(TSS2, 0x67, A_TSS32 | 2, 0));
        m.code(32, a -> a.hex(CALL_TASK2));
        assertThat(m.runToHandler()).isEqualTo(Vector.GP);
        assertThat(m.frame32(0)).isEqualTo(TASK2);
    }

    @Test
    void shortTaskStateIsInvalidTssInTheOldTask() {
        m.gdt(TASK2, descriptor(TSS2, 0x66, A_TSS32, 0));
        m.code(32, a -> a.hex(CALL_TASK2));
        assertThat(m.runToHandler()).isEqualTo(Vector.TS);
        assertThat(m.frame32(0)).isEqualTo(TASK2);
        assertThat(m.cpu.tr.selector).isEqualTo(TASK);
        assertThat(m.frame32(1)).isEqualTo(CODE);
    }

    @Test
    void absentTask() {
        m.gdt(TASK2, descriptor(TSS2, 0x67, 0x09, 0));
        m.code(32, a -> a.hex(JUMP_TASK2));
        assertThat(m.runToHandler()).isEqualTo(Vector.NP);
        assertThat(m.frame32(0)).isEqualTo(TASK2);
    }

    @Test
    void badSegmentFaultsInTheNewTask() {
        m.poke(TSS2 + 84, 2, 0xF8); // DS: an empty descriptor
        m.code(32, a -> a.hex(JUMP_TASK2));
        assertThat(m.runToHandler()).isEqualTo(Vector.TS);
        assertThat(m.frame32(0)).isEqualTo(0xF8);
        assertThat(m.frame32(1)).as("EIP of the new task").isEqualTo(TASK_CODE);
        assertThat(m.cpu.tr.selector).isEqualTo(TASK2);
    }

    @Test
    void doubleFaultThroughTaskGate() {
        // As XTF has it: #DF must work when the stack is gone.
        m.poke(IDT + Vector.DF * 8, 8, gate(TASK2, 0, 0x85));
        m.poke(TSS2 + 32, 4, HANDLERS + Vector.DF * 16);
        m.idt32(Vector.GP, CODE32, 0, 0x0E);
        m.code(32, a -> a.xor(EAX, EAX).mov(SS, EAX));
        assertThat(m.runToHandler()).isEqualTo(Vector.DF);
        assertThat(m.frame32(0)).isZero();
        assertThat(m.cpu.r[Cpu.RSP]).isEqualTo(TASK_STACK - 4);
        assertThat(m.word(TSS2)).isEqualTo(TASK);
        assertThat(m.dword(TSS + 32)).isEqualTo(CODE + 2);
        assertThat(m.cpu.eflags & Cpu.NT).isNotZero();
    }

    @Test
    void taskGateForExternalInterruptAndReturn() {
        m.poke(IDT + 0x40 * 8, 8, gate(TASK2, 0, 0x85));
        m.code(32, a -> a.sti().nop().mov(ECX, 5));
        m.code(32, TASK_CODE, a -> a.mov(EAX, 1).iret(32));
        m.interrupt(0x40);
        assertThat(m.runToHandler()).isEqualTo(-1);
        assertThat(m.cpu.r[Cpu.RCX]).isEqualTo(5);
        assertThat(m.cpu.eflags & Cpu.IF).isNotZero();
        assertThat(m.dword(TSS2 + 40)).as("EAX saved by IRET").isEqualTo(1);
    }

    @Test
    void taskGatePrivilegeComesFromTheGate() {
        m.gdt(FREE, gate(TASK2, 0, 0xE5));
        m.user().code(32, USER_CODE, a -> a.hex("9a000000006300").ud2());
        m.code(32, TASK_CODE, a -> a.hlt());
        assertThat(m.runToHandler()).isEqualTo(-1);
        assertThat(m.cpu.cpl).isZero();
        try (Machine n = new Machine().flat32().user()) {
            n.code(32, USER_CODE, a -> a.hex(CALL_TASK2)); // the TSS itself has DPL 0
            assertThat(n.runToHandler()).isEqualTo(Vector.GP);
            assertThat(n.frame32(0)).isEqualTo(TASK2);
        }
    }

    @Test
    void switchChangesAddressSpace() {
        for (int dir : new int[] {TABLES, TABLES + 0x1000}) {
            for (int n = 0; n < 4; n++) {
                m.poke(dir + 4 * n, 4, (n << 22) | P | W | U | PS);
            }
        }
        m.poke(TABLES + 0x1000 + 3 * 4, 4, P | W | PS); // 12 MiB leads to 0 in the new task
        m.cpu.cr3 = TABLES;
        m.cpu.cr4 = Cpu.CR4_PSE;
        m.cpu.cr0 |= Cpu.CR0_PG;
        m.cpu.modeChanged();
        m.mmu.flushAll();
        m.poke(TSS2 + 28, 4, TABLES + 0x1000);
        m.poke(DATA, 4, 0x1234);
        m.code(32, a -> a.hex(JUMP_TASK2));
        m.code(
                32,
                TASK_CODE,
                a -> a.mov(EAX, dev.vitrine.processor.asm.Mem.abs((3 << 22) + DATA)).hlt());
        assertThat(m.runToHandler()).isEqualTo(-1);
        assertThat(m.cpu.r[Cpu.RAX]).isEqualTo(0x1234);
        assertThat(m.cpu.cr3).isEqualTo(TABLES + 0x1000);
    }

    @Test
    void trapBitRaisesDebugTrapInTheNewTask() {
        m.poke(TSS2 + 100, 2, 1);
        m.code(32, a -> a.hex(JUMP_TASK2));
        m.code(32, TASK_CODE, a -> a.mov(EAX, 1));
        assertThat(m.runToHandler()).isEqualTo(Vector.DB);
        assertThat(m.frame32(0)).isEqualTo(TASK_CODE);
        assertThat(m.cpu.dr[6] & DebugRegisters.BT).isNotZero();
        assertThat(m.cpu.r[Cpu.RAX]).isEqualTo(0xAAAA);
    }

    @Test
    void sixteenBitTask() {
        m.gdt(TASK2, descriptor(TSS2, 0x2B, A_TSS16, 0));
        for (int n = 0; n < 0x68; n += 4) {
            m.poke(TSS2 + n, 4, 0);
        }
        m.poke(TSS2 + 14, 2, TASK_CODE);
        m.poke(TSS2 + 16, 2, 2);
        m.poke(TSS2 + 18, 2, 0x1234);
        m.poke(TSS2 + 26, 2, 0x7000);
        m.poke(TSS2 + 34, 2, DATA16);
        m.poke(TSS2 + 36, 2, CODE16);
        m.poke(TSS2 + 38, 2, DATA16);
        m.poke(TSS2 + 40, 2, DATA16);
        m.code(32, a -> a.hex(CALL_TASK2).mov(ECX, 5));
        m.code(16, TASK_CODE, a -> a.mov(BX, AX).iret(16));
        assertThat(m.runToHandler()).isEqualTo(-1);
        assertThat(m.cpu.r[Cpu.RCX]).isEqualTo(5);
        assertThat(m.word(TSS2 + 24)).as("BX saved").isEqualTo(0x1234);
        assertThat(m.cpu.tr.selector).isEqualTo(TASK);
    }

    @Test
    void switchToVirtual8086Task() {
        m.poke(TSS2 + 36, 4, Cpu.VM | 2);
        m.poke(TSS2 + 32, 4, 0x10);
        m.poke(TSS2 + 76, 2, TASK_CODE >> 4);
        m.poke(TSS2 + 80, 2, 0x2000);
        m.poke(TSS2 + 4, 4, STACK);
        m.poke(TSS2 + 8, 2, DATA0);
        m.code(32, a -> a.hex(JUMP_TASK2));
        m.code(16, TASK_CODE + 0x10, a -> a.mov(AX, CS).ud2());
        assertThat(m.runToHandler()).isEqualTo(Vector.UD);
        assertThat(m.cpu.r[Cpu.RAX] & 0xFFFF).isEqualTo(TASK_CODE >> 4);
        assertThat(m.frame32(2) & Cpu.VM).isNotZero();
        assertThat(m.frame32(0)).isEqualTo(0x12);
    }

    @Test
    void longModeHasNoTaskGates() {
        try (Machine n = new Machine().long64()) {
            n.poke(IDT + 0x40 * 16, 8, gate(TASK2, 0, 0x85));
            n.code(64, a -> a.interrupt(0x40));
            assertThat(n.runToHandler()).isEqualTo(Vector.GP);
            assertThat(n.frame64(0)).isEqualTo(0x40 * 8 + 2);
        }
    }

    private static final int DIRECTORY = 0x50000;
    private static final int DIRECTORY2 = 0x51000;

    /** Paging with one large page, a TSS with a directory of its own, and somebody who is asked. */
    private List<Interception> watchedSwitches(Reaction answer) {
        for (int directory : new int[] {DIRECTORY, DIRECTORY2}) {
            for (int n = 0; n < 4; n++) {
                m.poke(directory + 4 * n, 4, (long) n << 22 | PS | W | P);
            }
        }
        m.poke(TSS2 + 28, 4, DIRECTORY2);
        m.poke(TSS + 28, 4, DIRECTORY);
        m.cpu.cr4 |= Cpu.CR4_PSE;
        m.cpu.cr3 = DIRECTORY;
        m.cpu.cr0 |= Cpu.CR0_PG;
        m.cpu.modeChanged();
        m.cpu.intercepts = Intercepts.NONE.controlRegister(3, true, 0);
        List<Interception> seen = new ArrayList<>();
        m.onInterception =
                what -> {
                    assertThat(m.cpu.tr.selector).as("before the switch").isIn(TASK, TASK2);
                    seen.add(what);
                    return answer;
                };
        return seen;
    }

    private static final Interception THERE =
            new Interception.ControlRegisterWrite(3, DIRECTORY2, DIRECTORY);
    private static final Interception BACK =
            new Interception.ControlRegisterWrite(3, DIRECTORY, DIRECTORY2);

    @Test
    void writesOfCr3AreShown() {
        List<Interception> seen = watchedSwitches(Reaction.PROCEED);
        m.code(32, a -> a.hex(CALL_TASK2).mov(ECX, 5));
        m.code(32, TASK_CODE, a -> a.mov(EDX, EAX).hlt().iret(32));
        assertThat(m.runToHandler()).isEqualTo(-1);
        assertThat(seen).containsExactly(THERE);
        assertThat(m.cpu.cr3).isEqualTo(DIRECTORY2);
        assertThat(m.runToHandler()).isEqualTo(-1);
        assertThat(seen).containsExactly(THERE, BACK);
        assertThat(m.cpu.cr3).isEqualTo(DIRECTORY);
        assertThat(m.cpu.r[Cpu.RCX]).isEqualTo(5);
        assertThat(m.word(TSS2)).as("link").isEqualTo(TASK);
    }

    @Test
    void aSwitchThatIsDeniedHasNotHappened() {
        List<Interception> seen = watchedSwitches(Reaction.SKIP);
        m.code(32, a -> a.hex(CALL_TASK2).mov(ECX, 5));
        assertThat(m.runToHandler()).isEqualTo(-1);
        assertThat(seen).containsExactly(THERE);
        assertThat(m.cpu.cr3).isEqualTo(DIRECTORY);
        assertThat(m.cpu.tr.selector).isEqualTo(TASK);
        assertThat(m.cpu.r[Cpu.RCX]).isEqualTo(5);
        assertThat(accessOf(TASK2)).isEqualTo(A_TSS32);
    }

    @Test
    void writesOfCr3ByAnInterruptAreShown() {
        List<Interception> seen = watchedSwitches(Reaction.PROCEED);
        m.poke(IDT + 0x40 * 8, 8, gate(TASK2, 0, 0x85));
        m.code(32, a -> a.sti().nop().mov(ECX, 5));
        m.code(32, TASK_CODE, a -> a.mov(EAX, 1).iret(32));
        m.interrupt(0x40);
        assertThat(m.runToHandler()).isEqualTo(-1);
        assertThat(seen).containsExactly(THERE, BACK);
        assertThat(m.cpu.r[Cpu.RCX]).isEqualTo(5);
        assertThat(m.dword(TSS2 + 40)).as("EAX saved by IRET").isEqualTo(1);
    }

    @Test
    void anInterruptWhoseSwitchIsDeniedIsLost() {
        List<Interception> seen = watchedSwitches(Reaction.SKIP);
        m.poke(IDT + 0x40 * 8, 8, gate(TASK2, 0, 0x85));
        m.code(32, a -> a.sti().nop().mov(ECX, 5));
        m.interrupt(0x40);
        assertThat(m.runToHandler()).isEqualTo(-1);
        assertThat(seen).containsExactly(THERE);
        assertThat(m.cpu.r[Cpu.RCX]).isEqualTo(5);
        assertThat(m.cpu.cr3).isEqualTo(DIRECTORY);
    }
}
