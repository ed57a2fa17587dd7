// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.system;

import static dev.vitrine.processor.asm.Reg.*;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.processor.asm.Asm.Cond;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Mem;
import dev.vitrine.processor.core.Cpu;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What two address spaces share of the soft TLB: global pages of the supervisor, and nothing else.
 */
class GlobalPagesTest {
    private static final int PAGE = 0x150000;
    private static final long P = 1;
    private static final long W = 2;
    private static final long U = 4;
    private static final long G = 0x100;

    private final Machine m = new Machine();
    private int other;

    @BeforeEach
    void twoAddressSpaces() {
        m.long64();
        other = m.otherAddressSpace();
        m.cpu.cr4 |= Cpu.CR4_PGE | Cpu.CR4_SMEP | Cpu.CR4_SMAP;
        for (int la = 0; la < 0x200000; la += 4096) {
            map(la, la, la, P | W | G);
        }
        m.poke(PAGE, 4, 1);
        m.poke(PAGE + 0x1000, 4, 2);
    }

    @AfterEach
    void close() {
        m.close();
    }

    /** Maps a page in both address spaces. */
    private void map(int la, long frame, long otherFrame, long rights) {
        m.poke(Machine.pte(la), 8, frame | rights);
        m.poke(other + 0x3000 + (la >> 12) * 8, 8, otherFrame | rights);
        m.mmu.flushAll();
    }

    private void expect(long first, long second, long third) {
        assertThat(m.runToHandler()).isEqualTo(-1);
        assertThat(m.cpu.r[Cpu.RAX]).isEqualTo(first);
        assertThat(m.cpu.r[Cpu.RBX]).isEqualTo(second);
        assertThat(m.cpu.r[Cpu.RSI]).isEqualTo(third);
    }

    @Test
    void globalPageOutlivesACr3AndEndsWithInvlpg() {
        // No sane system maps a global page differently; it shows what is cached.
        map(PAGE, PAGE, PAGE + 0x1000, P | W | G);
        m.code(
                64,
                a ->
                        a.mov(EAX, Mem.abs(PAGE))
                                .mov(ECX, other)
                                .mov(CR3, RCX)
                                .mov(EBX, Mem.abs(PAGE))
                                .invlpg(Mem.abs(PAGE))
                                .mov(ESI, Mem.abs(PAGE)));
        expect(1, 1, 2);
    }

    @Test
    void changingPgeEndsGlobalPages() {
        map(PAGE, PAGE, PAGE + 0x1000, P | W | G);
        long with = m.cpu.cr4;
        m.code(
                64,
                a ->
                        a.mov(EAX, Mem.abs(PAGE))
                                .mov(ECX, other)
                                .mov(CR3, RCX)
                                .mov(EBX, Mem.abs(PAGE))
                                .mov(ECX, (int) (with & ~Cpu.CR4_PGE))
                                .mov(CR4, RCX)
                                .mov(ECX, (int) with)
                                .mov(CR4, RCX)
                                .mov(ESI, Mem.abs(PAGE)));
        expect(1, 1, 2);
    }

    @Test
    void supervisorPageThatIsNotGlobalIsOfOneAddressSpace() {
        map(PAGE, PAGE, PAGE + 0x1000, P | W);
        m.code(64, a -> readInBoth(a, false));
        expect(1, 2, 1);
    }

    private static final int APART = PAGE + 0x2000;

    /** Reads a page that is not global so often, and then a global one in both address spaces. */
    private void touchApart(int times) {
        map(PAGE, PAGE, PAGE + 0x1000, P | W | G);
        map(APART, APART, APART, P | W);
        m.code(
                64,
                a -> {
                    Label again = a.label();
                    a.mov(EAX, Mem.abs(PAGE))
                            .mov(EDX, times)
                            .bind(again)
                            .mov(EBX, Mem.abs(APART))
                            .dec(EDX)
                            .jcc(Cond.NZ, again)
                            .mov(ECX, other)
                            .mov(CR3, RCX)
                            .mov(EBX, Mem.abs(PAGE))
                            .mov(Mem.abs(APART), ECX)
                            .mov(ECX, Machine.TABLES)
                            .mov(CR3, RCX)
                            .mov(ESI, Mem.abs(APART));
                });
    }

    @Test
    void pageThatIsNotGlobalLetsOthersBeSharedWhereItIsSeldomTouched() {
        touchApart(10);
        expect(1, 1, other);
    }

    @Test
    void supervisorWithPagesThatAreNotGlobalSharesNothing() {
        touchApart(1000);
        expect(1, 2, other);
    }

    @Test
    void userPageReadBySupervisorIsOfOneAddressSpace() {
        map(PAGE, PAGE, PAGE + 0x1000, P | W | U | G);
        m.code(64, a -> readInBoth(a, true));
        expect(1, 2, 1);
    }

    private void readInBoth(dev.vitrine.processor.asm.Asm a, boolean user) {
        if (user) {
            a.stac();
        }
        a.mov(EAX, Mem.abs(PAGE))
                .mov(ECX, other)
                .mov(CR3, RCX)
                .mov(EBX, Mem.abs(PAGE))
                .mov(ECX, Machine.TABLES)
                .mov(CR3, RCX)
                .mov(ESI, Mem.abs(PAGE));
    }

    @Test
    void codeOnPageThatIsNotGlobalIsOfOneAddressSpace() {
        map(PAGE, PAGE, PAGE + 0x1000, P);
        m.code(64, PAGE, a -> a.mov(EDX, 1).ret());
        m.code(64, PAGE + 0x1000, a -> a.mov(EDX, 2).ret());
        m.code(
                64,
                a ->
                        a.mov(R8, PAGE)
                                .call(R8)
                                .mov(EAX, EDX)
                                .mov(ECX, other)
                                .mov(CR3, RCX)
                                .call(R8)
                                .mov(EBX, EDX)
                                .mov(ECX, Machine.TABLES)
                                .mov(CR3, RCX)
                                .call(R8)
                                .mov(ESI, EDX));
        expect(1, 2, 1);
    }

    /** What a function on the page returns, called twice from one place before and after. */
    private void callAroundChange(dev.vitrine.processor.asm.Asm a, int invalidatedBefore) {
        Label loop = a.label();
        Label end = a.label();
        a.mov(R8, PAGE).mov(ECX, 4);
        a.bind(loop).call(R8).mov(EAX, EBX).mov(EBX, EDX).dec(ECX).jcc(Cond.Z, end);
        a.cmp(ECX, 2).jcc(Cond.NZ, loop);
        a.invlpg(Mem.abs(invalidatedBefore));
        // Nothing looks for the function here: what was found before goes on to be used.
        a.mov(ESI, EBX).mov(RDX, PAGE + 0x1000 | P | G).mov(Mem.abs(Machine.pte(PAGE)), RDX);
        a.invlpg(Mem.abs(PAGE)).jmp(loop);
        a.bind(end);
    }

    private void functionsOnThePages() {
        map(PAGE, PAGE, PAGE, P | G);
        m.code(64, PAGE, a -> a.mov(EDX, 1).ret());
        m.code(64, PAGE + 0x1000, a -> a.mov(EDX, 2).ret());
    }

    @Test
    void invlpgOfSupervisorCodeIsHeeded() {
        functionsOnThePages();
        m.code(64, a -> callAroundChange(a, PAGE + 0x8000));
        expect(2, 2, 1);
    }

    @Test
    void invlpgOfUserCodeLetsThatOfSupervisorCodeBeHeeded() {
        functionsOnThePages();
        int user = PAGE + 0x4000;
        map(user, user, user, P | U);
        m.cpu.cpl = 3;
        m.mmu.contextChanged();
        assertThat(m.mmu.fetch(user)).isNotNegative();
        m.cpu.cpl = 0;
        m.mmu.contextChanged();
        m.code(64, a -> callAroundChange(a, user));
        expect(2, 2, 1);
    }
}
