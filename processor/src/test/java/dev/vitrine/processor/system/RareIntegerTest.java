// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.system;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Vector;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.util.HexFormat;

/** Rare integer instructions with results worked out by hand or printed in the manual. */
class RareIntegerTest {
    private static final int NO_FAULT = -1;

    private final Machine m = new Machine();
    private int place = Machine.CODE;

    @AfterEach
    void close() {
        m.close();
    }

    /** Runs bytes and a HLT; the vector if they fault, else NO_FAULT. */
    private int run(String hex) {
        byte[] code = HexFormat.of().parseHex(hex.replace(" ", "") + "f4");
        // Each at a place of its own: nothing tells the processor that the test writes code.
        m.write(place, code);
        m.cpu.rip = place;
        m.cpu.nextRip = place;
        place += 64;
        return m.runToHandler();
    }

    private long flags(int mask) {
        return m.cpu.flags() & mask;
    }

    @Test
    void decimalAdjustment() {
        m.flat32();
        m.cpu.r[Cpu.RAX] = 0x79;
        m.cpu.r[Cpu.RBX] = 0x35;
        // add al,bl; daa (the manual's example)
        assertThat(run("00d8 27")).isEqualTo(NO_FAULT);
        assertThat(m.cpu.r[Cpu.RAX]).isEqualTo(0x14);
        assertThat(flags(Cpu.CF | Cpu.AF | Cpu.PF)).isEqualTo(Cpu.CF | Cpu.AF | Cpu.PF);
    }

    @Test
    void decimalAdjustmentAfterSubtraction() {
        m.flat32();
        m.cpu.r[Cpu.RAX] = 0x35;
        m.cpu.r[Cpu.RBX] = 0x47;
        // sub al,bl; das
        assertThat(run("28d8 2f")).isEqualTo(NO_FAULT);
        assertThat(m.cpu.r[Cpu.RAX]).isEqualTo(0x88);
        assertThat(flags(Cpu.CF | Cpu.AF | Cpu.SF)).isEqualTo(Cpu.CF | Cpu.AF | Cpu.SF);
    }

    @Test
    void unpackedDecimals() {
        m.flat32();
        m.cpu.r[Cpu.RAX] = 63;
        assertThat(run("d40a")).isEqualTo(NO_FAULT);
        assertThat(m.cpu.r[Cpu.RAX]).isEqualTo(0x0603);
        m.flat32();
        assertThat(run("d50a")).isEqualTo(NO_FAULT);
        assertThat(m.cpu.r[Cpu.RAX]).isEqualTo(63);
        m.flat32();
        m.cpu.r[Cpu.RAX] = 0x0B;
        assertThat(run("37")).isEqualTo(NO_FAULT);
        assertThat(m.cpu.r[Cpu.RAX]).isEqualTo(0x0101);
        m.flat32();
        m.cpu.setArithmeticFlags(0);
        m.cpu.r[Cpu.RAX] = 0x020C;
        assertThat(run("3f")).isEqualTo(NO_FAULT);
        assertThat(m.cpu.r[Cpu.RAX]).isEqualTo(0x0106);
        m.flat32();
        assertThat(run("d400")).isEqualTo(Vector.DE);
    }

    @Test
    void boundsAndOverflow() {
        m.flat32();
        m.poke(Machine.DATA, 4, -5);
        m.poke(Machine.DATA + 4, 4, 10);
        m.cpu.r[Cpu.RBX] = Machine.DATA;
        m.cpu.r[Cpu.RAX] = 10;
        assertThat(run("6203")).isEqualTo(NO_FAULT);
        m.flat32();
        m.cpu.r[Cpu.RAX] = 11;
        assertThat(run("6203")).isEqualTo(Vector.BR);
        m.flat32();
        m.cpu.r[Cpu.RAX] = 0xFFFFFFFAL;
        assertThat(run("6203")).isEqualTo(Vector.BR);
        m.flat32();
        m.cpu.setArithmeticFlags(Cpu.OF);
        assertThat(run("ce")).isEqualTo(Vector.OF);
        m.flat32();
        m.cpu.setArithmeticFlags(0);
        assertThat(run("ce")).isEqualTo(NO_FAULT);
    }

    @Test
    void enterCopiesTheDisplay() {
        m.long64();
        m.cpu.r[Cpu.RBP] = 0x22000;
        m.poke(0x22000 - 8, 8, 0x1111);
        // enter 16,2
        assertThat(run("c8100002")).isEqualTo(NO_FAULT);
        assertThat(m.qword(0x1FFF8)).isEqualTo(0x22000);
        assertThat(m.qword(0x1FFF0)).isEqualTo(0x1111);
        assertThat(m.qword(0x1FFE8)).isEqualTo(0x1FFF8);
        assertThat(m.cpu.r[Cpu.RBP]).isEqualTo(0x1FFF8);
        assertThat(m.cpu.r[Cpu.RSP]).isEqualTo(0x1FFD8);
    }

    @Test
    void enterNeedsRoomForItsLocals() {
        m.long64();
        m.setPte(Machine.STACK - 0x2000, 0);
        m.cpu.r[Cpu.RBP] = 0x1234;
        assertThat(run("c8101000")).isEqualTo(Vector.PF);
        assertThat(m.cpu.r[Cpu.RBP]).isEqualTo(0x1234);
        assertThat(m.cpu.cr2).isEqualTo(Machine.STACK - 8 - 0x1010);
    }

    @Test
    void allRegistersPushedAndPopped() {
        m.flat32();
        for (int r = 0; r < 8; r++) {
            if (r != Cpu.RSP) {
                m.cpu.r[r] = 0x1000 + r;
            }
        }
        // pusha; xor every register but esp; popa
        assertThat(run("60 31c0 31c9 31d2 31db 31ed 31f6 31ff 61")).isEqualTo(NO_FAULT);
        for (int r = 0; r < 8; r++) {
            assertThat(m.cpu.r[r]).isEqualTo(r == Cpu.RSP ? Machine.STACK : 0x1000 + r);
        }
        assertThat(m.dword(Machine.STACK - 4)).isEqualTo(0x1000);
        assertThat(m.dword(Machine.STACK - 20)).isEqualTo(Machine.STACK);
        assertThat(m.dword(Machine.STACK - 32)).isEqualTo(0x1007);
    }

    @Test
    void exchangeOfEightBytes() {
        m.long64();
        m.poke(Machine.DATA, 8, 0x1122334455667788L);
        m.cpu.r[Cpu.RDI] = Machine.DATA;
        m.cpu.r[Cpu.RDX] = 0x11223344;
        m.cpu.r[Cpu.RAX] = 0x55667788;
        m.cpu.r[Cpu.RCX] = 0xAAAA;
        m.cpu.r[Cpu.RBX] = 0xBBBB;
        assertThat(run("f0 0fc70f")).isEqualTo(NO_FAULT);
        assertThat(flags(Cpu.ZF)).isEqualTo(Cpu.ZF);
        assertThat(m.qword(Machine.DATA)).isEqualTo(0xAAAA0000BBBBL);
        m.long64();
        assertThat(run("0fc70f")).isEqualTo(NO_FAULT);
        assertThat(flags(Cpu.ZF)).isZero();
        assertThat(m.cpu.r[Cpu.RDX]).isEqualTo(0xAAAA);
        assertThat(m.cpu.r[Cpu.RAX]).isEqualTo(0xBBBB);
    }

    @Test
    void exchangeOfSixteenBytes() {
        m.long64();
        m.poke(Machine.DATA, 8, 1);
        m.poke(Machine.DATA + 8, 8, 2);
        m.cpu.r[Cpu.RDI] = Machine.DATA;
        m.cpu.r[Cpu.RAX] = 1;
        m.cpu.r[Cpu.RDX] = 2;
        m.cpu.r[Cpu.RBX] = 3;
        m.cpu.r[Cpu.RCX] = 4;
        assertThat(run("f0 480fc70f")).isEqualTo(NO_FAULT);
        assertThat(flags(Cpu.ZF)).isEqualTo(Cpu.ZF);
        assertThat(m.qword(Machine.DATA)).isEqualTo(3);
        assertThat(m.qword(Machine.DATA + 8)).isEqualTo(4);
        m.long64();
        assertThat(run("f0 480fc70f")).isEqualTo(NO_FAULT);
        assertThat(flags(Cpu.ZF)).isZero();
        assertThat(m.cpu.r[Cpu.RAX]).isEqualTo(3);
        assertThat(m.cpu.r[Cpu.RDX]).isEqualTo(4);
        m.long64();
        m.cpu.r[Cpu.RDI] = Machine.DATA + 8;
        assertThat(run("f0 480fc70f")).isEqualTo(Vector.GP);
    }

    @Test
    void crcOfTheCheckString() {
        m.long64();
        byte[] text = "123456789".getBytes(java.nio.charset.StandardCharsets.US_ASCII);
        m.write(Machine.DATA, text);
        m.cpu.r[Cpu.RAX] = 0xFFFFFFFFL;
        m.cpu.r[Cpu.RSI] = Machine.DATA;
        // crc32 rax,[rsi]; crc32 eax,byte [rsi+8]; not eax
        assertThat(run("f2480f38f106 f20f38f04608 f7d0")).isEqualTo(NO_FAULT);
        assertThat(m.cpu.r[Cpu.RAX]).isEqualTo(0xE3069283L);
    }

    @Test
    void bitPermutations() {
        m.long64();
        m.cpu.r[Cpu.RBX] = 0x12345678;
        m.cpu.r[Cpu.RCX] = 0xFF00FFF0L;
        // pext eax,ebx,ecx; pdep edx,eax,ecx
        assertThat(run("c4e262f5c1 c4e27bf5d1")).isEqualTo(NO_FAULT);
        assertThat(m.cpu.r[Cpu.RAX]).isEqualTo(0x00012567);
        assertThat(m.cpu.r[Cpu.RDX]).isEqualTo(0x12005670);
    }

    @Test
    void wideProduct() {
        m.long64();
        m.cpu.r[Cpu.RDX] = -1;
        m.cpu.r[Cpu.RCX] = -1;
        m.cpu.setArithmeticFlags(Cpu.CF | Cpu.OF);
        // mulx rax,rbx,rcx; mulx rsi,rsi,rcx
        assertThat(run("c4e2e3f6c1 c4e2cbf6f1")).isEqualTo(NO_FAULT);
        assertThat(m.cpu.r[Cpu.RAX]).isEqualTo(-2);
        assertThat(m.cpu.r[Cpu.RBX]).isEqualTo(1);
        assertThat(m.cpu.r[Cpu.RSI]).isEqualTo(-2);
        assertThat(flags(Cpu.ARITHMETIC)).isEqualTo(Cpu.CF | Cpu.OF);
    }

    @Test
    void twoCarryChains() {
        m.long64();
        m.cpu.r[Cpu.RAX] = -1;
        m.cpu.r[Cpu.RBX] = 1;
        m.cpu.r[Cpu.RCX] = 5;
        m.cpu.setArithmeticFlags(Cpu.ZF);
        // adcx rax,rbx; adox rcx,rbx; adcx rcx,rbx
        assertThat(run("66480f38f6c3 f3480f38f6cb 66480f38f6cb")).isEqualTo(NO_FAULT);
        assertThat(m.cpu.r[Cpu.RAX]).isZero();
        assertThat(m.cpu.r[Cpu.RCX]).isEqualTo(8);
        assertThat(flags(Cpu.ARITHMETIC)).isEqualTo(Cpu.ZF);
    }

    @Test
    void bitFields() {
        m.long64();
        m.cpu.r[Cpu.RBX] = 0x123456789ABCDEF0L;
        m.cpu.r[Cpu.RCX] = 0x1008;
        // bextr rax,rbx,rcx; bzhi rdx,rbx,rcx
        assertThat(run("c4e2f0f7c3 c4e2f0f5d3")).isEqualTo(NO_FAULT);
        assertThat(m.cpu.r[Cpu.RAX]).isEqualTo(0xBCDE);
        assertThat(m.cpu.r[Cpu.RDX]).isEqualTo(0xF0);
        assertThat(flags(Cpu.CF | Cpu.ZF | Cpu.OF)).isZero();
        m.long64();
        m.cpu.r[Cpu.RCX] = 64;
        assertThat(run("c4e2f0f5d3")).isEqualTo(NO_FAULT);
        assertThat(m.cpu.r[Cpu.RDX]).isEqualTo(0x123456789ABCDEF0L);
        assertThat(flags(Cpu.CF)).isEqualTo(Cpu.CF);
    }

    @Test
    void swappedBytesAndTables() {
        m.long64();
        m.poke(Machine.DATA, 8, 0x1122334455667788L);
        m.cpu.r[Cpu.RBX] = Machine.DATA;
        m.cpu.r[Cpu.RDX] = 0xFFFF_FFFF_FFFF_FFFFL;
        m.cpu.r[Cpu.RAX] = 0xFF00 | 3;
        // movbe rcx,[rbx]; movbe dx,[rbx]; xlat
        assertThat(run("480f38f00b 660f38f013 d7")).isEqualTo(NO_FAULT);
        assertThat(m.cpu.r[Cpu.RCX]).isEqualTo(0x8877665544332211L);
        assertThat(m.cpu.r[Cpu.RDX]).isEqualTo(0xFFFF_FFFF_FFFF_8877L);
        assertThat(m.cpu.r[Cpu.RAX]).isEqualTo(0xFF55);
    }

    @Test
    void randomNumbersComeFromTheHost() {
        m.long64();
        m.cpu.setArithmeticFlags(Cpu.ARITHMETIC);
        // rdrand rax; rdseed rbx
        assertThat(run("480fc7f0 480fc7fb")).isEqualTo(NO_FAULT);
        assertThat(m.cpu.r[Cpu.RAX]).isNotEqualTo(m.cpu.r[Cpu.RBX]);
        assertThat(flags(Cpu.ARITHMETIC)).isEqualTo(Cpu.CF);
    }

    @Test
    void vexIsUndefinedInRealMode() {
        m.real();
        // mulx eax,ebx,ecx
        assertThat(run("c4e263f6c1")).isEqualTo(Vector.UD);
    }
}
