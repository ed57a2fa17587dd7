// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import static dev.vitrine.processor.asm.Reg.*;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.processor.Processor;
import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Asm.Cond;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Mem;
import dev.vitrine.processor.guest.FlatMachine;

import org.junit.jupiter.api.Test;

import java.util.function.BiConsumer;
import java.util.function.Consumer;

/** A processor that writes to the code it is about to execute sees the new code at once. */
class SelfModifyingCodeTest {
    private static final int ROUNDS = 100;
    private static final int SUM = ROUNDS * (ROUNDS + 1) / 2;
    private static final int CODE = FlatMachine.CODE;

    private static void run(FlatMachine m) {
        assertThat(m.run(0, 1_000_000)).isEqualTo(Processor.Exit.HALTED);
    }

    /**
     * A loop over RCX from 100 down that patches the immediate of {@code mov eax, imm32} right
     * behind the patching instruction with ECX, and sums EAX up in RBX. R8 holds the immediate's
     * address.
     */
    private static void patchLoop(FlatMachine m, long alias, Consumer<Asm> patch) {
        m.code(
                0,
                a -> {
                    Label loop = a.label();
                    Label patched = a.label();
                    a.mov(ECX, ROUNDS).xor(EBX, EBX).mov(R8, patched);
                    a.add(R8, 1 + alias).mov(R9D, 0x11223344);
                    a.bind(loop);
                    patch.accept(a);
                    a.bind(patched).mov(EAX, 0).add(RBX, RAX);
                    a.dec(ECX).jcc(Cond.NZ, loop);
                });
        run(m);
        assertThat(m.processor(0).gpr(3)).isEqualTo(SUM);
    }

    @Test
    void storeToTheNextInstruction() {
        try (FlatMachine m = new FlatMachine(1, 4 << 20)) {
            patchLoop(m, 0, a -> a.mov(Mem.base(R8), ECX));
        }
    }

    @Test
    void byteStoreToTheNextInstruction() {
        try (FlatMachine m = new FlatMachine(1, 4 << 20)) {
            patchLoop(m, 0, a -> a.mov(Mem.base(R8), CL));
        }
    }

    @Test
    void readModifyWriteOfTheNextInstruction() {
        try (FlatMachine m = new FlatMachine(1, 4 << 20)) {
            patchLoop(m, 0, a -> a.and(Mem.base(R8).d(), 0).add(Mem.base(R8), ECX));
        }
    }

    @Test
    void lockedStoresToTheNextInstruction() {
        for (int count : new int[] {1, 2}) {
            try (FlatMachine m = new FlatMachine(count, 4 << 20)) {
                patchLoop(m, 0, a -> a.mov(EDX, ECX).xchg(Mem.base(R8), EDX));
            }
            try (FlatMachine m = new FlatMachine(count, 4 << 20)) {
                patchLoop(m, 0, a -> a.mov(EAX, Mem.base(R8)).lock().cmpxchg(Mem.base(R8), ECX));
            }
        }
    }

    @Test
    void stringStoreToTheNextInstruction() {
        try (FlatMachine m = new FlatMachine(1, 4 << 20)) {
            patchLoop(m, 0, a -> a.mov(RDI, R8).mov(EAX, ECX).cld().stos(32));
        }
    }

    @Test
    void vectorStoreToTheNextInstruction() {
        try (FlatMachine m = new FlatMachine(1, 4 << 20)) {
            m.code(
                    0,
                    a -> {
                        Label patched = a.label();
                        Label fresh = a.label();
                        Label go = a.label();
                        a.jmp(go).bind(fresh).mov(EAX, 0x1234).fill(11, 0x90).bind(go);
                        a.mov(R8, patched).mov(R9, fresh).movdqu(XMM1, Mem.base(R9));
                        a.movdqu(Mem.base(R8), XMM1);
                        a.bind(patched).fill(16, 0xF4);
                    });
            run(m);
            assertThat(m.processor(0).gpr(0)).isEqualTo(0x1234);
        }
    }

    @Test
    void storeThroughAnotherLinearAddress() {
        try (FlatMachine m = new FlatMachine(1, 4 << 20)) {
            long alias = m.window(3, CODE >>> 12);
            patchLoop(m, alias - CODE, a -> a.mov(Mem.base(R8), ECX));
        }
    }

    @Test
    void storeThroughAnotherLinearAddressWhoseTranslationIsCached() {
        try (FlatMachine m = new FlatMachine(1, 4 << 20)) {
            long alias = m.window(3, CODE >>> 12);
            // A write before the code is decoded leaves a write entry, which decoding must take
            // away.
            m.assemble(
                    FlatMachine.code(1),
                    a -> a.mov(RAX, alias + 0xFF0).mov(Mem.base(RAX), RAX).jmp(CODE));
            m.processor(0).setRip(FlatMachine.code(1));
            patchLoop(m, alias - CODE, a -> a.mov(Mem.base(R8), ECX));
        }
    }

    @Test
    void pushOverTheNextInstruction() {
        try (FlatMachine m = new FlatMachine(1, 4 << 20)) {
            m.code(
                    0,
                    a -> {
                        Label patched = a.label();
                        a.mov(RSP, patched).add(RSP, 8);
                        // B8 imm32: mov eax, 0x77; three NOPs
                        a.mov(RDX, 0x9090_9000_0000_77B8L).push(RDX);
                        a.bind(patched).fill(8, 0xF4);
                    });
            run(m);
            assertThat(m.processor(0).gpr(0)).isEqualTo(0x77);
        }
    }

    @Test
    void repeatedStoreOverWhatFollows() {
        for (int size : new int[] {8, 16, 32, 64}) {
            try (FlatMachine m = new FlatMachine(1, 4 << 20)) {
                int length = 6000; // two page boundaries or one, whatever the start
                m.code(
                        0,
                        a -> {
                            Label over = a.label();
                            a.cld().xor(EBX, EBX).mov(RDI, over).mov(ECX, length * 8 / size);
                            a.mov(RAX, 0x9090909090909090L).rep().stos(size);
                            a.bind(over).fill(length, 0xF4);
                            a.mov(EBX, 1);
                        });
                run(m);
                assertThat(m.processor(0).gpr(3)).isEqualTo(1);
                assertThat(m.processor(0).gpr(1)).isZero();
            }
        }
    }

    @Test
    void repeatedMoveOverWhatFollows() {
        try (FlatMachine m = new FlatMachine(1, 4 << 20)) {
            int length = 5000;
            m.ram.fill(FlatMachine.DATA, length, (byte) 0x90);
            m.code(
                    0,
                    a -> {
                        Label over = a.label();
                        a.cld().xor(EBX, EBX).mov(RDI, over).mov(ECX, length);
                        a.mov(RSI, FlatMachine.DATA).rep().movs(8);
                        a.bind(over).fill(length, 0xF4).mov(EBX, 1);
                    });
            run(m);
            assertThat(m.processor(0).gpr(3)).isEqualTo(1);
        }
    }

    /** The loop is on a page with the counter that it increments. */
    @Test
    void dataOnThePageOfTheCode() {
        try (FlatMachine m = new FlatMachine(1, 4 << 20)) {
            m.code(
                    0,
                    a -> {
                        Label loop = a.label();
                        a.mov(ECX, 1000).mov(R8, CODE + 0x800);
                        a.bind(loop).add(Mem.base(R8).q(), 3).inc(Mem.base(R8).disp(8).d());
                        a.dec(ECX).jcc(Cond.NZ, loop);
                    });
            run(m);
            assertThat(m.ram.getLong(CODE + 0x800)).isEqualTo(3000);
            assertThat(m.ram.getInt(CODE + 0x808)).isEqualTo(1000);
        }
    }

    /**
     * Places {@code mov eax, imm32; ret} so that a page ends in it; then patches the second page.
     */
    private static void acrossPages(BiConsumer<Asm, Integer> patch, int onFirstPage) {
        try (FlatMachine m = new FlatMachine(1, 4 << 20)) {
            int function = CODE + 0x2000 - onFirstPage;
            m.assemble(function, a -> a.mov(EAX, 0).ret());
            m.code(
                    0,
                    a -> {
                        Label loop = a.label();
                        a.mov(ECX, ROUNDS).xor(EBX, EBX).mov(R8, CODE + 0x2000).mov(R9, function);
                        a.bind(loop);
                        patch.accept(a, 5 - onFirstPage);
                        a.call(R9).add(RBX, RAX).dec(ECX).jcc(Cond.NZ, loop);
                    });
            run(m);
            assertThat(m.processor(0).gpr(3)).isEqualTo(SUM);
        }
    }

    @Test
    void secondPageOfAnInstruction() {
        acrossPages((a, rest) -> a.mov(Mem.base(R8).disp(rest - 4), CL), 1);
    }

    @Test
    void storeAcrossTheBoundaryToTheSecondPageOfAnInstruction() {
        acrossPages((a, rest) -> a.mov(Mem.base(R8).disp(rest - 4), ECX), 3);
    }

    @Test
    void secondPageOfAnInstructionMappedElsewhere() {
        try (FlatMachine m = new FlatMachine(1, 4 << 20)) {
            long window = m.window(0, FlatMachine.DATA >>> 12);
            m.window(1, (FlatMachine.DATA >>> 12) + 1);
            int at = FlatMachine.DATA + 0xFFF; // B8 | imm32, C3
            m.ram.write(at, new byte[] {(byte) 0xB8, 1, 0, 0, 0, (byte) 0xC3});
            m.ram.write(FlatMachine.DATA + 0x2000, new byte[] {2, 0, 0, 0, (byte) 0xC3});
            m.code(
                    0,
                    a -> {
                        a.mov(R9, window + 0xFFF).call(R9).mov(EBX, EAX).call(R9).add(EBX, EAX);
                        a.mov(RDX, 0x4008).mov(RSI, (long) FlatMachine.DATA + 0x2007);
                        a.mov(Mem.base(RDX), RSI).mov(RDX, window + 0x1000).invlpg(Mem.base(RDX));
                        a.call(R9);
                    });
            run(m);
            assertThat(m.processor(0).gpr(3)).isEqualTo(2);
            assertThat(m.processor(0).gpr(0)).isEqualTo(2);
        }
    }

    @Test
    void writeFromOutside() {
        try (FlatMachine m = new FlatMachine(1, 4 << 20)) {
            Processor p = m.processor(0);
            for (int k = 1; k <= 20; k++) {
                int value = k;
                m.code(0, a -> a.mov(EAX, value));
                p.setRip(CODE);
                p.setHalted(false);
                run(m);
                assertThat(p.gpr(0)).isEqualTo(k);
            }
        }
    }

    @Test
    void stackOnThePageOfTheCode() {
        try (FlatMachine m = new FlatMachine(1, 4 << 20)) {
            int top = CODE + 0x1000;
            m.assemble(CODE + 0x400, a -> a.add(RBX, 5).ret());
            m.code(
                    0,
                    a -> {
                        Label loop = a.label();
                        a.mov(RSP, top).mov(ECX, 200).xor(EBX, EBX).mov(R9, CODE + 0x400);
                        a.bind(loop).push(RCX).call(R9).pop(RDX).sub(RDX, RCX).or(RSI, RDX);
                        a.pushf().popf().dec(ECX).jcc(Cond.NZ, loop);
                    });
            m.processor(0).setGpr(6, 0);
            run(m);
            assertThat(m.processor(0).gpr(3)).isEqualTo(1000);
            assertThat(m.processor(0).gpr(6)).isZero();
            assertThat(m.processor(0).gpr(4)).isEqualTo(top);
        }
    }

    /** The frame of a breakpoint is pushed over the instruction that the handler returns to. */
    @Test
    void exceptionFrameOnThePageOfTheCode() {
        try (FlatMachine m = new FlatMachine(1, 4 << 20)) {
            int handler = CODE + 0x800;
            m.assemble(handler, a -> a.inc(RBX).iret(64));
            m.gate(3, handler);
            m.code(
                    0,
                    a -> {
                        Label loop = a.label();
                        FlatMachine.startup(a).mov(RSP, CODE + 0x700).xor(EBX, EBX).mov(ECX, 50);
                        a.bind(loop).int3().dec(ECX).jcc(Cond.NZ, loop);
                    });
            run(m);
            assertThat(m.processor(0).gpr(3)).isEqualTo(50);
        }
    }
}
