// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.system;

import static dev.vitrine.processor.asm.Reg.*;
import static dev.vitrine.processor.system.Machine.*;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.processor.asm.Mem;
import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Segment;
import dev.vitrine.processor.core.Vector;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** SYSCALL, SYSENTER and their returns; call gates and far returns of 64-bit mode; FS and GS. */
class SystemCallTest {
    private final Machine m = new Machine().long64();

    SystemCallTest() {
        m.cpu.star = (long) USER_CODE32 << 48 | (long) CODE64 << 32;
        m.cpu.lstar = 0x9000;
        m.cpu.sfmask = Cpu.IF | Cpu.TF | Cpu.DF;
    }

    @AfterEach
    void close() {
        m.close();
    }

    @Test
    void syscallAndSysret() {
        m.user();
        m.cpu.eflags |= Cpu.IF | Cpu.DF;
        m.code(64, USER_CODE, a -> a.syscall().mov(EBX, 5).ud2());
        m.code(64, 0x9000, a -> a.mov(RSI, RCX).mov(RDI, R11).mov(R8, CS).mov(R9, SS).hlt());
        assertThat(m.runToHandler()).isEqualTo(-1);
        assertThat(m.cpu.r[Cpu.RSI]).isEqualTo(USER_CODE + 2);
        assertThat(m.cpu.r[Cpu.RDI]).isEqualTo(Cpu.IF | Cpu.DF | 2);
        assertThat(m.cpu.eflags).isEqualTo(2);
        assertThat(m.cpu.r[8]).isEqualTo(CODE64);
        assertThat(m.cpu.r[9]).isEqualTo(DATA0);
        assertThat(m.cpu.cpl).isZero();
        assertThat(m.cpu.r[Cpu.RSP]).as("not switched").isEqualTo(USER_STACK);

        m.code(64, 0x9800, a -> a.sysret(64));
        m.cpu.rip = 0x9800;
        assertThat(m.runToHandler()).isEqualTo(Vector.UD);
        assertThat(m.cpu.r[Cpu.RBX]).isEqualTo(5);
        assertThat(m.frame64(1)).isEqualTo(USER_CODE64 | 3);
        assertThat(m.frame64(2)).isEqualTo(Cpu.IF | Cpu.DF | Cpu.RF | 2);
        assertThat(m.frame64(4)).isEqualTo(USER_DATA | 3);
    }

    @Test
    void syscallNeedsSceAndSixtyFourBitMode() {
        m.cpu.efer &= ~Cpu.EFER_SCE;
        m.code(64, a -> a.syscall());
        assertThat(m.runToHandler()).isEqualTo(Vector.UD);
        try (Machine n = new Machine().long64().user()) {
            n.cpu.segment[Cpu.CS].attributes = A_CODE | A_USER | F_32 << 12;
            n.cpu.modeChanged();
            n.code(32, USER_CODE, a -> a.hex("0f05"));
            assertThat(n.runToHandler()).as("compatibility mode").isEqualTo(Vector.UD);
        }
    }

    @Test
    void sysretToNonCanonicalAddressFaultsAtLevelZero() {
        m.code(64, a -> a.mov(RCX, 0x8000_0000_0000L).mov(R11, 2).sysret(64));
        assertThat(m.runToHandler()).isEqualTo(Vector.GP);
        assertThat(m.frame64(0)).isZero();
        assertThat(m.frame64(2)).as("still the kernel's CS").isEqualTo(CODE64);
        assertThat(m.frame64(4)).isEqualTo(STACK);
    }

    @Test
    void sysretToCompatibilityMode() {
        m.code(64, a -> a.mov(RCX, 0xFFFF_0000_0000_0000L + USER_CODE).mov(R11, 2).sysret(32));
        m.code(32, USER_CODE, a -> a.mov(EAX, 5).db(0x48).ud2());
        assertThat(m.runToHandler()).isEqualTo(Vector.UD);
        assertThat(m.cpu.r[Cpu.RAX]).isEqualTo(4);
        assertThat(m.frame64(1)).isEqualTo(USER_CODE32 | 3);
    }

    @Test
    void sysretFromUserCodeIsRefused() {
        m.user().code(64, USER_CODE, a -> a.sysret(64));
        assertThat(m.runToHandler()).isEqualTo(Vector.GP);
    }

    @Test
    void steppingOverSyscallStopsInUserCode() {
        m.user();
        m.cpu.eflags |= Cpu.TF;
        m.cpu.modeChanged();
        m.code(64, USER_CODE, a -> a.syscall().mov(EBX, 5));
        m.code(64, 0x9000, a -> a.inc(ESI).sysret(64));
        assertThat(m.runToHandler()).isEqualTo(Vector.DB);
        assertThat(m.cpu.r[Cpu.RSI]).isEqualTo(1);
        assertThat(m.frame64(0)).isEqualTo(USER_CODE + 2);
        assertThat(m.frame64(1)).isEqualTo(USER_CODE64 | 3);
    }

    @Test
    void sysenterAndSysexitInLongMode() {
        m.cpu.sysenterCs = CODE64;
        m.cpu.sysenterEsp = STACK;
        m.cpu.sysenterEip = 0x9000;
        m.user();
        m.cpu.eflags |= Cpu.IF;
        m.code(64, USER_CODE, a -> a.sysenter());
        m.code(64, 0x9000, a -> a.mov(RCX, USER_STACK).mov(RDX, USER_CODE + 64).sysexit(64));
        m.code(64, USER_CODE + 64, a -> a.ud2());
        assertThat(m.runToHandler()).isEqualTo(Vector.UD);
        assertThat(m.frame64(1)).isEqualTo(CODE64 + 32 | 3);
        assertThat(m.frame64(4)).isEqualTo(CODE64 + 40 | 3);
        assertThat(m.frame64(2) & Cpu.IF).isZero();
    }

    @Test
    void sysenterWithoutSelectorIsRefused() {
        m.code(64, a -> a.sysenter());
        assertThat(m.runToHandler()).isEqualTo(Vector.GP);
    }

    @Test
    void sysenterInProtectedModeIsFlat32() {
        try (Machine n = new Machine().flat32()) {
            n.cpu.sysenterCs = CODE32;
            n.cpu.sysenterEsp = STACK;
            n.cpu.sysenterEip = 0x9000;
            n.user().code(32, USER_CODE, a -> a.sysenter());
            n.code(32, 0x9000, a -> a.mov(EAX, CS).hlt());
            assertThat(n.runToHandler()).isEqualTo(-1);
            assertThat(n.cpu.r[Cpu.RAX]).isEqualTo(CODE32);
            assertThat(n.segment(Cpu.CS).attributes & Segment.DB).isNotZero();
            assertThat(n.cpu.r[Cpu.RSP]).isEqualTo(STACK);
        }
    }

    @Test
    void callGateOfLongModeSwitchesToRsp0() {
        m.poke(GDT + FREE, 8, gate(CODE64, 0x9000, 0xEC));
        m.poke(GDT + FREE + 8, 8, 0);
        m.poke(DATA, 8, (long) (FREE | 3) << 32);
        m.user().code(64, USER_CODE, a -> a.callFar(Mem.abs(DATA).d()).ud2());
        m.code(64, 0x9000, a -> a.mov(RAX, RSP).mov(RBX, SS).retf(64));
        assertThat(m.runToHandler()).isEqualTo(Vector.UD);
        assertThat(m.cpu.r[Cpu.RAX]).isEqualTo(STACK - 32);
        assertThat(m.cpu.r[Cpu.RBX]).isZero();
        assertThat(m.frame64(0)).isEqualTo(USER_CODE + 7);
        assertThat(m.frame64(3)).isEqualTo(USER_STACK);
    }

    @Test
    void callGateOfLongModeMustLeadToSixtyFourBitCode() {
        m.poke(GDT + FREE, 8, gate(CODE32, 0x9000, 0xEC));
        m.poke(GDT + FREE + 8, 8, 0);
        m.poke(DATA, 8, (long) FREE << 32);
        m.code(64, a -> a.callFar(Mem.abs(DATA).d()));
        assertThat(m.runToHandler()).isEqualTo(Vector.GP);
        assertThat(m.frame64(0)).isEqualTo(CODE32);
    }

    @Test
    void fsAndGsBases() {
        m.cpu.cr4 |= Cpu.CR4_FSGSBASE;
        m.poke(DATA + 8, 8, 0x77);
        m.code(
                64,
                a ->
                        a.mov(EAX, DATA)
                                .wrfsbase(RAX)
                                .mov(RBX, Mem.abs(8).seg(FS))
                                .mov(ECX, 0xC0000102)
                                .mov(EAX, 0x1000)
                                .xor(EDX, EDX)
                                .wrmsr()
                                .mov(ESI, DATA)
                                .wrgsbase(RSI)
                                .swapgs()
                                .rdgsbase(RSI)
                                .rdmsr()
                                .rdfsbase(RDI)
                                .mov(R8, 0x8000_0000_0000L)
                                .wrfsbase(R8));
        assertThat(m.runToHandler()).isEqualTo(Vector.GP);
        assertThat(m.cpu.r[Cpu.RBX]).isEqualTo(0x77);
        assertThat(m.cpu.r[Cpu.RSI]).isEqualTo(0x1000);
        assertThat(m.cpu.r[Cpu.RAX]).isEqualTo(DATA);
        assertThat(m.cpu.r[Cpu.RDI]).isEqualTo(DATA);
        assertThat(m.cpu.r[Cpu.R_SEG_BASE + Cpu.FS]).isEqualTo(DATA);
    }

    @Test
    void wrfsbaseNeedsItsControlBit() {
        m.code(64, a -> a.wrfsbase(RAX));
        assertThat(m.runToHandler()).isEqualTo(Vector.UD);
    }

    @Test
    void hypercallReachesTheHostAndGoesOn() {
        long[] seen = new long[1];
        m.onHypercall =
                c -> {
                    seen[0] = c.r[Cpu.RAX];
                    c.r[Cpu.RAX] = -38;
                };
        m.code(64, a -> a.mov(EAX, 17).vmcall().mov(RBX, RAX).vmmcall());
        assertThat(m.runToHandler()).isEqualTo(-1);
        assertThat(seen[0]).isEqualTo(-38);
        assertThat(m.cpu.r[Cpu.RBX]).isEqualTo(-38);
    }
}
