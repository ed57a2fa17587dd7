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

/** Page walks, protection, accessed and dirty bits, cached translations. */
class PagingTest {
    private static final int PAGE = 0x50000;

    private final Machine m = new Machine();

    @AfterEach
    void close() {
        m.close();
    }

    private void expectPageFault(long address, int code) {
        assertThat(m.runToHandler()).isEqualTo(Vector.PF);
        assertThat(m.cpu.cr2).isEqualTo(address);
        long pushed = m.cpu.longMode() ? m.frame64(0) : m.frame32(0);
        assertThat(pushed).as("error code").isEqualTo(code);
    }

    // ------------------------------------------------------------- 4 levels

    @Test
    void accessedAndDirtyBitsFollowReadsAndWrites() {
        m.long64().code(64, a -> a.mov(EAX, Mem.abs(PAGE)).hlt().mov(Mem.abs(PAGE), EAX));
        m.runToHandler();
        assertThat(m.qword(pte(PAGE))).isEqualTo(PAGE | P | W | U | A);
        assertThat(m.qword(TABLES + 0x2000) & A).isEqualTo(A);
        assertThat(m.qword(TABLES + 0x1000) & A).isEqualTo(A);
        assertThat(m.qword(TABLES) & A).isEqualTo(A);
        m.runToHandler();
        assertThat(m.qword(pte(PAGE))).isEqualTo(PAGE | P | W | U | A | D);
        assertThat(m.qword(TABLES + 0x2000) & D).isZero();
    }

    @Test
    void absentPageGivesTheAddressAndTheKindOfAccess() {
        m.long64().setPte(PAGE, 0);
        m.code(64, a -> a.mov(Mem.abs(PAGE + 0x123), EAX));
        expectPageFault(PAGE + 0x123, 2);
        assertThat(m.frame64(1)).isEqualTo(CODE);
    }

    @Test
    void userAccessToSupervisorPage() {
        m.long64().setPte(PAGE, PAGE | P | W);
        m.user().code(64, USER_CODE, a -> a.mov(EAX, Mem.abs(PAGE)));
        expectPageFault(PAGE, 5);
    }

    @Test
    void userRightsAreTheMinimumOfAllLevels() {
        m.long64();
        m.poke(TABLES + 0x2000, 8, TABLES + 0x3000 | P | W); // the PDE lacks U
        m.mmu.flushAll();
        m.user();
        m.poke(TABLES + 0x2000 + 8, 8, 0x200000L | P | U | PS); // user code in the second 2 MiB
        m.code(64, 0x200000, a -> a.mov(EAX, Mem.abs(PAGE)));
        m.cpu.rip = 0x200000;
        expectPageFault(PAGE, 5);
    }

    @Test
    void writeProtectAppliesToTheSupervisorByCr0Wp() {
        m.long64().setPte(PAGE, PAGE | P);
        m.code(64, a -> a.mov(Mem.abs(PAGE), EAX));
        expectPageFault(PAGE, 3);

        try (Machine n = new Machine().long64()) {
            n.setPte(PAGE, PAGE | P);
            n.cpu.cr0 &= ~Cpu.CR0_WP;
            n.cpu.r[Cpu.RAX] = 0x77;
            n.code(64, a -> a.mov(Mem.abs(PAGE), EAX));
            assertThat(n.runToHandler()).isEqualTo(-1);
            assertThat(n.dword(PAGE)).isEqualTo(0x77);
        }
    }

    @Test
    void writeProtectAlwaysAppliesToUsers() {
        m.long64().setPte(PAGE, PAGE | P | U);
        m.cpu.cr0 &= ~Cpu.CR0_WP;
        m.user().code(64, USER_CODE, a -> a.mov(Mem.abs(PAGE), EAX));
        expectPageFault(PAGE, 7);
    }

    @Test
    void changingWriteProtectTakesEffectAtOnce() {
        m.long64().setPte(PAGE, PAGE | P | D | A);
        m.cpu.cr0 &= ~Cpu.CR0_WP;
        m.code(
                64,
                a ->
                        a.mov(Mem.abs(PAGE), EAX)
                                .mov(RAX, CR0)
                                .bts(RAX, 16)
                                .mov(CR0, RAX)
                                .mov(Mem.abs(PAGE + 8), EAX));
        expectPageFault(PAGE + 8, 3);
    }

    @Test
    void noExecutePage() {
        m.long64().setPte(PAGE, PAGE | P | W | NX);
        m.code(64, a -> a.mov(EAX, PAGE).jmp(RAX));
        expectPageFault(PAGE, 0x11);
        assertThat(m.frame64(1)).isEqualTo(PAGE);
    }

    @Test
    void noExecuteBitIsReservedWithoutNxe() {
        m.long64().setPte(PAGE, PAGE | P | W | NX);
        m.cpu.efer &= ~Cpu.EFER_NXE;
        m.code(64, a -> a.mov(EAX, Mem.abs(PAGE)));
        expectPageFault(PAGE, 9);
    }

    @Test
    void reservedAddressBits() {
        m.long64().setPte(PAGE, PAGE | P | W | 1L << 46);
        m.code(64, a -> a.mov(EAX, Mem.abs(PAGE)));
        expectPageFault(PAGE, 9);
    }

    @Test
    void reservedBitsOfLargePagesAndTopLevel() {
        m.long64();
        m.poke(TABLES + 0x2000 + 8, 8, 0x200000L | 1 << 13 | P | W | PS);
        m.mmu.flushAll();
        m.code(64, a -> a.mov(EAX, Mem.abs(0x200000)));
        expectPageFault(0x200000, 9);

        try (Machine n = new Machine().long64()) {
            n.poke(TABLES + 8, 8, TABLES + 0x1000 | P | W | PS); // PS in a PML4 entry
            n.code(64, a -> a.mov(RBX, 1L << 39).mov(EAX, Mem.base(RBX)));
            assertThat(n.runToHandler()).isEqualTo(Vector.PF);
            assertThat(n.frame64(0)).isEqualTo(9);
        }
    }

    @Test
    void twoMegabyteAndOneGigabytePages() {
        m.long64();
        m.poke(DATA, 4, 0xCAFE);
        m.poke(TABLES + 0x1000 + 8, 8, P | W | PS); // 1 GiB at 0 seen from 1 GiB
        m.poke(TABLES + 0x2000 + 9 * 8, 8, P | W | PS); // 2 MiB at 0 seen from 18 MiB
        m.code(
                64,
                a ->
                        a.mov(EAX, Mem.abs(0x40000000 + DATA))
                                .mov(EBX, Mem.abs((9 << 21) + DATA))
                                .mov(Mem.abs((9 << 21) + DATA), EBX));
        assertThat(m.runToHandler()).isEqualTo(-1);
        assertThat(m.cpu.r[Cpu.RAX]).isEqualTo(0xCAFE);
        assertThat(m.cpu.r[Cpu.RBX]).isEqualTo(0xCAFE);
        assertThat(m.qword(TABLES + 0x1000 + 8)).isEqualTo(P | W | PS | A);
        assertThat(m.qword(TABLES + 0x2000 + 72)).isEqualTo(P | W | PS | A | D);
        assertThat(m.mmu.walker().peek(0x40000000L + DATA)).isEqualTo(DATA);
        assertThat(m.mmu.walker().peek(0x80000000L)).isEqualTo(-1);
    }

    @Test
    void tablesOutsideOfMemoryReadAllOnesAndFaultAsReserved() {
        m.long64();
        m.poke(TABLES + 0x1000 + 8, 8, 0x7000_0000L | P | W);
        m.code(64, a -> a.mov(EAX, Mem.abs(0x40000000)));
        expectPageFault(0x40000000, 9);
    }

    @Test
    void smepStopsFetchesFromUserPages() {
        m.long64();
        m.setPte(CODE, CODE | P | W);
        m.setPte(0x6000, 0x6000 | P | W);
        m.cpu.cr4 |= Cpu.CR4_SMEP;
        m.code(64, a -> a.mov(EAX, PAGE).jmp(RAX));
        expectPageFault(PAGE, 0x11);
    }

    private void supervisorEverythingBut(int page) {
        for (int la = 0; la < 0x200000; la += 4096) {
            if (la != page) {
                m.poke(pte(la), 8, la | P | W);
            }
        }
        m.mmu.flushAll();
    }

    @Test
    void smapStopsDataAccessUnlessAcIsSet() {
        m.long64();
        supervisorEverythingBut(PAGE);
        m.cpu.cr4 |= Cpu.CR4_SMAP;
        m.code(
                64,
                a -> a.stac().mov(EAX, Mem.abs(PAGE)).clac().mov(EBX, 1).mov(EAX, Mem.abs(PAGE)));
        expectPageFault(PAGE, 1);
        assertThat(m.cpu.r[Cpu.RBX]).isEqualTo(1);
    }

    @Test
    void smapAppliesToImplicitAccessesEvenWithAc() {
        m.long64();
        supervisorEverythingBut(PAGE);
        m.cpu.cr4 |= Cpu.CR4_SMAP;
        m.cpu.eflags |= Cpu.AC;
        m.cpu.ldtr.set(LDT, PAGE, 0xFF, A_LDT);
        m.poke(PAGE + 8, 8, m.gdt(DATA0));
        m.cpu.modeChanged();
        m.code(64, a -> a.mov(EAX, 8 | 4).mov(DS, EAX));
        expectPageFault(PAGE + 8, 1);
    }

    @Test
    void descriptorLoadsAreSupervisorAccesses() {
        m.long64();
        m.setPte(GDT, GDT | P | W); // no U
        m.user().code(64, USER_CODE, a -> a.mov(EAX, USER_DATA | 3).mov(ES, EAX).ud2());
        assertThat(m.runToHandler()).isEqualTo(Vector.UD);
        assertThat(m.segment(Cpu.ES).selector).isEqualTo(USER_DATA | 3);
    }

    @Test
    void nonCanonicalDataIsGeneralProtectionAndStackFault() {
        m.long64().code(64, a -> a.mov(RAX, 0x8000_0000_0000L).mov(EBX, Mem.base(RAX)));
        assertThat(m.runToHandler()).isEqualTo(Vector.GP);
        try (Machine n = new Machine().long64()) {
            n.code(64, a -> a.mov(RBP, 0x8000_0000_0000L).mov(EBX, Mem.base(RBP)));
            assertThat(n.runToHandler()).isEqualTo(Vector.SS);
            assertThat(n.frame64(0)).isZero();
        }
    }

    @Test
    void accessOverAPageEndFaultsAtTheSecondPageAndWritesNothing() {
        m.long64().setPte(PAGE + 0x1000, 0);
        m.poke(PAGE + 0xFF8, 8, 0x1111111111111111L);
        m.code(64, a -> a.mov(Mem.abs(PAGE + 0xFFC), RAX));
        expectPageFault(PAGE + 0x1000, 2);
        assertThat(m.qword(PAGE + 0xFF8)).isEqualTo(0x1111111111111111L);
    }

    // ----------------------------------------------------- cached translations

    @Test
    void invlpgForgetsOneTranslation() {
        m.long64();
        m.poke(PAGE, 4, 1);
        m.poke(PAGE + 0x1000, 4, 2);
        m.code(
                64,
                a ->
                        a.mov(EAX, Mem.abs(PAGE))
                                .mov(RDX, PAGE + 0x1000 | P | W)
                                .mov(Mem.abs(pte(PAGE)), RDX)
                                .invlpg(Mem.abs(PAGE))
                                .mov(EBX, Mem.abs(PAGE)));
        m.runToHandler();
        assertThat(m.cpu.r[Cpu.RAX]).isEqualTo(1);
        assertThat(m.cpu.r[Cpu.RBX]).isEqualTo(2);
    }

    @Test
    void invlpgIgnoresNonCanonicalAddresses() {
        m.long64().code(64, a -> a.mov(RAX, 0x8000_0000_0000L).invlpg(Mem.base(RAX)));
        assertThat(m.runToHandler()).isEqualTo(-1);
    }

    @Test
    void pcidKeepsAddressSpacesApartAndBit63KeepsTheirTranslations() {
        m.long64();
        m.cpu.cr4 |= Cpu.CR4_PCIDE;
        // A second address space, in which PAGE leads to the next frame.
        int other = m.otherAddressSpace();
        int otherPte = other + 0x3000 + (PAGE >> 12) * 8;
        m.poke(otherPte, 8, PAGE + 0x1000 | P | W);
        m.poke(PAGE, 4, 1);
        m.poke(PAGE + 0x1000, 4, 2);
        m.poke(PAGE + 0x2000, 4, 3);
        m.mmu.flushAll();
        m.code(
                64,
                a ->
                        a.mov(EAX, Mem.abs(PAGE))
                                .mov(RCX, other | 5)
                                .mov(CR3, RCX)
                                .mov(EBX, Mem.abs(PAGE))
                                // Change this address space's mapping, then come back two ways.
                                .mov(RDX, PAGE + 0x2000 | P | W)
                                .mov(Mem.abs(otherPte), RDX)
                                .mov(RCX, TABLES)
                                .mov(CR3, RCX)
                                .mov(RCX, other | 5)
                                .mov(CR3, RCX)
                                .mov(ESI, Mem.abs(PAGE)));
        m.runToHandler();
        assertThat(m.cpu.r[Cpu.RAX]).isEqualTo(1);
        assertThat(m.cpu.r[Cpu.RBX]).isEqualTo(2);
        assertThat(m.cpu.r[Cpu.RSI]).as("without bit 63 the PCID is flushed").isEqualTo(3);
        assertThat(m.cpu.cr3).isEqualTo(other | 5);
    }

    @Test
    void bit63OfCr3IsNotStored() {
        m.long64();
        m.cpu.cr4 |= Cpu.CR4_PCIDE;
        m.code(64, a -> a.mov(RAX, 1L << 63 | TABLES | 7).mov(CR3, RAX).mov(RBX, CR3));
        assertThat(m.runToHandler()).isEqualTo(-1);
        assertThat(m.cpu.r[Cpu.RBX]).isEqualTo(TABLES | 7);
    }

    @Test
    void invpcidChecksItsDescriptor() {
        m.long64();
        m.poke(DATA, 8, 0x1000); // PCID beyond 12 bits
        m.code(64, a -> a.mov(EAX, 1).invpcid(RAX, Mem.abs(DATA)));
        assertThat(m.runToHandler()).isEqualTo(Vector.GP);
        try (Machine n = new Machine().long64()) {
            n.code(64, a -> a.mov(EAX, 2).invpcid(RAX, Mem.abs(DATA)).mov(EAX, 4));
            assertThat(n.runToHandler()).isEqualTo(-1);
        }
        try (Machine n = new Machine().long64()) {
            n.code(64, a -> a.mov(EAX, 4).invpcid(RAX, Mem.abs(DATA)));
            assertThat(n.runToHandler()).isEqualTo(Vector.GP);
        }
    }

    @Test
    void globalBitNeedsPge() {
        m.long64().setPte(PAGE, PAGE | P | W | G);
        PageWalker walker = m.mmu.walker();
        walker.walk(PAGE, 0, false, false);
        assertThat(walker.global).isFalse();
        m.cpu.cr4 |= Cpu.CR4_PGE;
        walker.walk(PAGE, 0, false, false);
        assertThat(walker.global).isTrue();
        assertThat(walker.physical).isEqualTo(PAGE);
        assertThat(walker.writable).as("not dirty yet").isFalse();
        walker.walk(PAGE, 1, false, false);
        assertThat(walker.writable).isTrue();
    }

    // ------------------------------------------------------------- 32-bit, PAE

    private void legacyTables() {
        // 4 MiB pages one to one, but the second 4 MiB through a page table.
        m.poke(TABLES, 4, P | W | U | PS);
        m.poke(TABLES + 4, 4, TABLES + 0x1000 | P | W | U);
        m.poke(TABLES + 8, 4, 0x800000 | P | W | U | PS);
        for (int n = 0; n < 1024; n++) {
            m.poke(TABLES + 0x1000 + 4 * n, 4, 0x400000 + (n << 12) | P | W | U);
        }
        m.cpu.cr3 = TABLES;
    }

    @Test
    void legacyPagingWithPageTablesAndFourMegabytePages() {
        m.flat32();
        legacyTables();
        m.poke(TABLES + 0x1000 + 4, 4, DATA | P | W);
        m.poke(DATA, 4, 0x1234);
        m.code(
                32,
                a ->
                        a.mov(EAX, Cpu.CR4_PSE)
                                .mov(CR4, EAX)
                                .mov(EAX, CR0)
                                .or(EAX, Cpu.CR0_PG)
                                .mov(CR0, EAX)
                                .mov(EBX, Mem.abs(0x401000))
                                .mov(Mem.abs(0x800000), EBX));
        assertThat(m.runToHandler()).isEqualTo(-1);
        assertThat(m.cpu.r[Cpu.RBX]).isEqualTo(0x1234);
        assertThat(m.dword(TABLES + 0x1004)).isEqualTo(DATA | P | W | A);
        assertThat(m.dword(TABLES + 8)).isEqualTo(0x800000 | P | W | U | PS | A | D);
        assertThat(m.dword(0x800000)).isEqualTo(0x1234);
        assertThat(m.mmu.walker().peek(0x401004)).isEqualTo(DATA + 4);
    }

    @Test
    void pse36AddressesAndTheReservedBit() {
        m.flat32();
        legacyTables();
        m.cpu.cr4 = Cpu.CR4_PSE;
        m.poke(TABLES + 12, 4, 1 << 13 | P | W | PS); // bit 32 of the address
        m.poke(TABLES + 16, 4, 1 << 21 | P | W | PS);
        m.cpu.cr0 |= Cpu.CR0_PG;
        assertThat(m.mmu.walker().peek(3 << 22)).isEqualTo(1L << 32);
        m.code(32, a -> a.mov(EAX, Mem.abs(4 << 22)));
        expectPageFault(4 << 22, 9);
    }

    @Test
    void largePageBitIsIgnoredWithoutPse() {
        m.flat32();
        legacyTables();
        m.cpu.cr0 |= Cpu.CR0_PG;
        m.poke(TABLES + 12, 4, TABLES + 0x1000 | P | W | PS);
        assertThat(m.mmu.walker().peek(3 << 22)).isEqualTo(0x400000);
    }

    private void paeTables() {
        m.poke(TABLES, 8, TABLES + 0x1000 | P);
        for (int n = 0; n < 8; n++) {
            m.poke(TABLES + 0x1000 + 8 * n, 8, (long) n << 21 | P | W | U | PS);
        }
        m.cpu.cr3 = TABLES;
    }

    @Test
    void paePagingWithNoExecute() {
        m.flat32();
        paeTables();
        m.poke(TABLES + 0x1000 + 8, 8, 0x200000L | P | W | PS | NX);
        m.cpu.efer = Cpu.EFER_NXE;
        m.code(
                32,
                a ->
                        a.mov(EAX, Cpu.CR4_PAE)
                                .mov(CR4, EAX)
                                .mov(EAX, CR0)
                                .or(EAX, Cpu.CR0_PG)
                                .mov(CR0, EAX)
                                .mov(EBX, Mem.abs(0x200000))
                                .mov(EAX, 0x200000)
                                .jmp(EAX));
        expectPageFault(0x200000, 0x11);
        assertThat(m.cpu.longMode()).isFalse();
    }

    @Test
    void paeReservesTheUpperBitsOfEntries() {
        m.flat32();
        paeTables();
        m.cpu.cr4 = Cpu.CR4_PAE;
        ControlRegisters.setCr0(m.cpu, m.cpu.cr0 | Cpu.CR0_PG);
        m.poke(TABLES + 0x1000 + 8, 8, 0x200000L | P | W | PS | 1L << 52);
        m.code(32, a -> a.mov(EAX, Mem.abs(0x200000)));
        expectPageFault(0x200000, 9);
    }

    @Test
    void pdptesAreLoadedByMovToCr3AndChecked() {
        m.flat32();
        paeTables();
        m.cpu.cr4 = Cpu.CR4_PAE;
        ControlRegisters.setCr0(m.cpu, m.cpu.cr0 | Cpu.CR0_PG);
        m.poke(TABLES + 8, 8, TABLES + 0x1000 | P | W); // W is reserved in a PDPTE
        m.code(32, a -> a.mov(EBX, Mem.abs(0)).mov(EAX, CR3).mov(CR3, EAX));
        assertThat(m.runToHandler()).isEqualTo(Vector.GP);
        assertThat(m.frame32(0)).isZero();
        assertThat(m.cpu.pdpte[1]).as("kept").isZero();
    }
}
