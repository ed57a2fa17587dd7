// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0
package dev.vitrine.processor.oracle;

import static dev.vitrine.processor.asm.Reg.*;
import static dev.vitrine.processor.oracle.OracleLayout.CODE;
import static dev.vitrine.processor.oracle.OracleLayout.CODE_SIZE;
import static dev.vitrine.processor.oracle.OracleLayout.CODE_WRITABLE;
import static dev.vitrine.processor.oracle.OracleLayout.DATA;
import static dev.vitrine.processor.oracle.OracleLayout.DATA_SIZE;
import static dev.vitrine.processor.oracle.OracleLayout.DATA_WRITABLE_SIZE;
import static dev.vitrine.processor.oracle.OracleLayout.STACK;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Mem;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** The oracle gives back what real processors are known to do. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class NativeOracleTest {
    private static final int CF = 1;
    private static final int TF = 0x100;
    private static final int OF = 0x800;
    private static final int AC = 0x4_0000;
    private static final int ARITHMETIC = 0x8d5;
    private static final long READ_ONLY = DATA + DATA_WRITABLE_SIZE;
    private static final long GUARD = DATA + DATA_SIZE;

    private NativeOracle oracle;
    private final Case c = new Case();

    @BeforeAll
    void start() {
        assumeTrue(NativeOracle.available(), NativeOracle.whyNot());
        oracle = NativeOracle.start(7);
    }

    @AfterAll
    void stop() {
        if (oracle != null) {
            oracle.close();
        }
    }

    @BeforeEach
    void reset() {
        c.reset();
    }

    private Result run(Consumer<Asm> code) {
        return run(64, code);
    }

    private Result run(int mode, Consumer<Asm> code) {
        Asm a = new Asm(mode, c.codeAddress);
        code.accept(a);
        if (mode == 32) {
            c.mode32();
        }
        return oracle.run(c.code(a.toBytes()));
    }

    @Test
    void addSetsFlagsAndRegisters() {
        c.state.gpr[0] = Long.MAX_VALUE;
        c.state.gpr[9] = 1;
        Result r = run(a -> a.add(RAX, R9));
        assertThat(r.vector).isEqualTo(Result.END);
        assertThat(r.state.rip).isEqualTo(CODE + 3);
        assertThat(r.state.gpr[0]).isEqualTo(Long.MIN_VALUE);
        assertThat(r.state.rflags & ARITHMETIC).isEqualTo(OF | 0x80 | 0x10 | 4);
        assertThat(r.lineCount).isZero();
    }

    @Test
    void everyRegisterSurvivesBothWays() {
        for (Case.Exit exit : Case.Exit.values()) {
            c.reset();
            c.exit = exit;
            for (int i = 0; i < 16; i++) {
                c.state.gpr[i] = 0x0101_0101_0101_0101L * (i + 1);
                for (int lane = 0; lane < 4; lane++) {
                    c.state.lane(
                            i,
                            lane,
                            oracle.features().avx() || lane < 2 ? 0x1111L * (4 * i + lane) : 0);
                }
            }
            c.state.fsBase = 0x1234_5678_9000L;
            c.state.gsBase = 0xffff_8000_1234_0000L;
            c.state.rflags = 0x202 | ARITHMETIC | 0x400 | AC | 0x20_0000;
            Result r = run(Asm::nop);
            assertThat(r.state.gpr).isEqualTo(c.state.gpr);
            assertThat(r.state.xsave).isEqualTo(c.state.xsave);
            assertThat(r.state.fsBase).isEqualTo(c.state.fsBase);
            assertThat(r.state.gsBase).isEqualTo(c.state.gsBase);
            assertThat(r.state.rflags).isEqualTo(c.state.rflags);
            assertThat(r.state.cs).isEqualTo(0x33);
            assertThat(r.state.ds).isEqualTo(0x2b);
            assertThat(r.vector).isEqualTo(exit == Case.Exit.JUMP ? Result.END : 3);
        }
    }

    @Test
    void divisionByZero() {
        Result r = run(a -> a.nop().div(RCX));
        assertThat(r.vector).isZero();
        assertThat(r.state.rip).isEqualTo(CODE + 1);
    }

    @Test
    void pageFaultInTheMiddleOfRepMovsb() {
        c.state.gpr[CpuImage.RCX] = 100;
        c.state.gpr[CpuImage.RSI] = DATA;
        c.state.gpr[CpuImage.RDI] = READ_ONLY - 10;
        Result r = run(a -> a.rep().movs(8));
        assertThat(r.vector).isEqualTo(14);
        assertThat(r.error).isEqualTo(7);
        assertThat(r.cr2).isEqualTo(READ_ONLY);
        assertThat(r.state.gpr[CpuImage.RCX]).isEqualTo(90);
        assertThat(r.state.rip).isEqualTo(CODE);
        assertThat(r.lineCount).isEqualTo(1);
        long expected = oracle.initialMemory().word(DATA) << 48;
        assertThat(r.word(oracle.initialMemory(), READ_ONLY - 16) & 0xffff_0000_0000_0000L)
                .isEqualTo(expected);
    }

    @Test
    void memoryIsPutBackBetweenCases() {
        c.state.gpr[CpuImage.RBX] = DATA + 64;
        c.word(oracle.initialMemory(), DATA + 72, 42);
        Result first = run(a -> a.add(Mem.base(RBX).disp(8).q(), 1));
        assertThat(first.lineCount).isEqualTo(1);
        assertThat(first.word(oracle.initialMemory(), DATA + 72)).isEqualTo(43);
        c.reset();
        c.state.gpr[CpuImage.RBX] = DATA + 64;
        Result second = run(a -> a.mov(RAX, Mem.base(RBX).disp(8)));
        assertThat(second.lineCount).isZero();
        assertThat(second.state.gpr[0]).isEqualTo(oracle.initialMemory().word(DATA + 72));
    }

    @Test
    void readFromUnmappedPage() {
        Result r = run(a -> a.mov(EAX, Mem.abs(GUARD - 2)));
        assertThat(r.vector).isEqualTo(14);
        assertThat(r.error).isEqualTo(4);
        assertThat(r.cr2).isEqualTo(GUARD);
    }

    @Test
    void codeRunsIntoUnmappedPage() {
        c.exit = Case.Exit.NONE;
        c.code((byte) 0x48, (byte) 0xff).endAt(CODE + CODE_SIZE);
        Result r = oracle.run(c);
        assertThat(r.vector).isEqualTo(14);
        assertThat(r.error & ~1).isEqualTo(0x14);
        assertThat(r.cr2).isEqualTo(CODE + CODE_SIZE);
        assertThat(r.state.rip).isEqualTo(CODE + CODE_SIZE - 2);
    }

    @Test
    void pushAtGuardPage() {
        c.state.gpr[CpuImage.RSP] = STACK;
        Result r = run(a -> a.push(RAX));
        assertThat(r.vector).isEqualTo(14);
        assertThat(r.error).isEqualTo(6);
        assertThat(r.cr2).isEqualTo(STACK - 8);
        assertThat(r.state.gpr[CpuImage.RSP]).isEqualTo(STACK);
    }

    @Test
    void nonCanonicalAddressIsProtectionFault() {
        c.state.gpr[0] = 0x8000_0000_0000L;
        Result r = run(a -> a.mov(EAX, Mem.base(RAX)));
        assertThat(r.vector).isEqualTo(13);
        assertThat(r.error).isZero();
    }

    @Test
    void x87AddsOnItsStack() {
        Result r = run(a -> a.fld1().fld1().hex("dec1")); // FADDP
        assertThat(r.vector).isEqualTo(Result.END);
        assertThat(r.state.stMantissa(0)).isEqualTo(Long.MIN_VALUE);
        assertThat(r.state.stExponent(0)).isEqualTo(0x4000);
        assertThat(r.state.ftw()).isEqualTo(0x80);
        assertThat(r.state.fsw() >> 11 & 7).isEqualTo(7);
    }

    @Test
    void unmaskedX87Exception() {
        c.state.fcw(0x037b); // division by zero unmasked
        Result r = run(a -> a.fld1().hex("d9ee").hex("def9").hex("9b")); // FLDZ, FDIVP, FWAIT
        assertThat(r.vector).isEqualTo(16);
        assertThat(r.state.rip).isEqualTo(CODE + 6);
        assertThat(r.state.fsw() & 0x84).isEqualTo(0x84);
    }

    @Test
    void unmaskedSseException() {
        c.state.mxcsr(0x1f80 & ~0x400); // overflow unmasked
        c.state.lane(0, 0, 0x7f7fffffL);
        Result r = run(a -> a.sse(0, 0x0f58, XMM0, XMM0)); // ADDPS
        assertThat(r.vector).isEqualTo(19);
        assertThat(r.state.rip).isEqualTo(CODE);
        assertThat(r.state.mxcsr() & 0x3f).isEqualTo(8);
        assertThat(r.state.lane(0, 0)).isEqualTo(0x7f7fffffL);
    }

    @Test
    void vectorsOf256Bits() {
        assumeTrue(
                oracle.features().avx() && oracle.features().has(7, 0, 1, 5),
                "the host has no AVX2");
        for (int lane = 0; lane < 4; lane++) {
            c.state.lane(1, lane, 0x01ff_0000_0000_0080L + lane);
            c.state.lane(12, lane, 0x0101_0000_0000_0080L);
        }
        Result r = run(a -> a.vex(1, 1, 0, 0xfc, YMM3, YMM1, YMM12)); // VPADDB
        for (int lane = 0; lane < 4; lane++) {
            assertThat(r.state.lane(3, lane)).isEqualTo(0x0200_0000_0000_0000L + lane);
        }
    }

    @Test
    void decimalAdjustIn32BitCode() {
        assumeTrue(oracle.features().compatibilityMode(), "the host kernel runs no 32-bit code");
        c.state.gpr[0] = 0x0b;
        Result r = run(32, a -> a.hex("37")); // AAA
        assertThat(r.vector).isEqualTo(Result.END);
        assertThat(r.state.gpr[0]).isEqualTo(0x101);
        assertThat(r.state.rflags & (CF | 0x10)).isEqualTo(CF | 0x10);
    }

    @Test
    void trapsOf32BitCode() {
        assumeTrue(oracle.features().compatibilityMode(), "the host kernel runs no 32-bit code");
        c.state.rflags |= OF;
        Result r = run(32, Asm::into);
        assertThat(r.vector).isEqualTo(4);
        assertThat(r.state.rip).isEqualTo(CODE + 1);
        assertThat(r.state.cs).isEqualTo(0x23);
        c.reset();
        c.state.gpr[CpuImage.RBX] = DATA;
        c.word(oracle.initialMemory(), DATA, 0x0000_0007_0000_0005L);
        c.state.gpr[0] = 8;
        r = run(32, a -> a.hex("6203")); // BOUND EAX, [EBX]
        assertThat(r.vector).isEqualTo(5);
        c.reset();
        r = run(32, Asm::pusha);
        assertThat(r.vector).isEqualTo(Result.END);
        assertThat(r.state.gpr[CpuImage.RSP]).isEqualTo(c.state.gpr[CpuImage.RSP] - 32);
    }

    @Test
    void singleStep() {
        c.exit = Case.Exit.INT3;
        c.state.rflags |= TF;
        Result r = run(a -> a.inc(RAX).inc(RAX));
        assertThat(r.vector).isEqualTo(1);
        assertThat(r.state.rip).isEqualTo(CODE + 3);
        assertThat(r.state.gpr[0]).isEqualTo(1);
    }

    @Test
    void alignmentCheck() {
        c.state.rflags |= AC;
        Result r = run(a -> a.mov(EAX, Mem.abs(DATA + 1)));
        assertThat(r.vector).isEqualTo(17);
        assertThat(r.error).isZero();
    }

    @Test
    void privilegedInstructionsAndSystemCallsAreCaught() {
        assertThat(run(Asm::hlt).vector).isEqualTo(13);
        assertThat(run(Asm::ud2).vector).isEqualTo(6);
        assertThat(run(a -> a.interrupt(0x21)).error).isEqualTo(0x21 * 8 + 2);
        Result r = run(Asm::syscall);
        assertThat(r.vector).isEqualTo(Result.SYSTEM_CALL);
        assertThat(r.state.rip).isEqualTo(CODE + 2);
        assertThat(run(a -> a.interrupt(0x80)).vector).isEqualTo(Result.SYSTEM_CALL);
    }

    @Test
    void endlessLoopTimesOut() {
        Result r =
                run(a -> {
                    Label loop = a.label();
                    a.bind(loop).inc(RAX).jmp(loop);
                });
        assertThat(r.vector).isEqualTo(Result.TIMEOUT);
        assertThat(r.state.gpr[0]).isGreaterThan(1000);
        assertThat(run(Asm::nop).vector).isEqualTo(Result.END);
    }

    @Test
    void codeThatChangesItself() {
        c.codeAddress = CODE_WRITABLE;
        Result r =
                run(a -> {
                    Label patched = a.label();
                    a.mov(Mem.rip(patched).b(), 0x90).bind(patched).hlt();
                });
        assertThat(r.vector).isEqualTo(Result.END);
        assertThat(r.state.rip).isEqualTo(c.codeEnd());
    }

    @Test
    void caseThatKillsTheChildIsNamedAndTheRestGoesOn() {
        // With the stack pointer near the bottom of the runner's signal stack, the kernel cannot
        // deliver a signal.
        List<Case> cases = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            cases.add(new Case().reset().code((byte) 0xf4));
        }
        cases.get(1).state.gpr[CpuImage.RSP] = OracleLayout.SIGNAL_STACK + 1024;
        List<Result> results = oracle.run(cases);
        assertThat(results).extracting(r -> r.vector).containsExactly(13, Result.KILLED, 13);
    }

    @Test
    void largeBatchesKeepTheirOrder() {
        List<Case> cases = new ArrayList<>();
        for (int i = 0; i < 10_000; i++) {
            Case one = new Case().reset().code((byte) 0x48, (byte) 0xab); // STOSQ
            one.state.gpr[CpuImage.RDI] = DATA + i % 512 * 8;
            one.state.gpr[CpuImage.RAX] = i;
            cases.add(one);
        }
        List<Result> results = oracle.run(cases);
        for (int i = 0; i < 10_000; i++) {
            assertThat(results.get(i).word(oracle.initialMemory(), DATA + i % 512 * 8))
                    .isEqualTo(i);
        }
    }
}
