// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0
package dev.vitrine.processor.oracle;

import static dev.vitrine.processor.asm.Asm.Cond.NZ;
import static dev.vitrine.processor.asm.Reg.*;
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
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestInstance;

import java.util.function.Consumer;
import java.util.stream.Stream;

/** Sequences that random cases rarely make, on both processors. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HandPickedTest {
    private static final int TF = 0x100;
    private static final int DF = 0x400;
    private static final int AC = 0x4_0000;

    private NativeOracle oracle;
    private SoftwareProcessor software;

    @BeforeAll
    void start() {
        assumeTrue(NativeOracle.available(), NativeOracle.whyNot());
        oracle = NativeOracle.start(11);
        software = new SoftwareProcessor(oracle.initialMemory());
    }

    @AfterAll
    void stop() {
        if (oracle != null) {
            oracle.close();
        }
        if (software != null) {
            software.close();
        }
    }

    private DynamicTest same(String name, int bits, Consumer<Case> setup, Consumer<Asm> code) {
        return DynamicTest.dynamicTest(
                name,
                () -> {
                    assumeTrue(
                            bits == 64 || oracle.features().compatibilityMode(),
                            "no 32-bit code on this host");
                    Case c = new Case().reset();
                    c.exit = Case.Exit.INT3;
                    if (bits == 32) {
                        c.mode32();
                    }
                    setup.accept(c);
                    Asm a = new Asm(bits, c.codeAddress);
                    code.accept(a);
                    c.code(a.toBytes());
                    Result real = oracle.run(c);
                    Result ours = new Result();
                    software.run(c, ours);
                    String text =
                            Comparison.differences(c, real, ours, 0, Comparison.Tolerance.EXACT);
                    if (!text.isEmpty()) {
                        text =
                                HostDifference.remaining(
                                        oracle.features(),
                                        oracle.initialMemory(),
                                        c,
                                        null,
                                        real,
                                        ours,
                                        0,
                                        Comparison.Tolerance.EXACT,
                                        HostDifference.noCounts());
                        assumeTrue(text != null, "the host's vendor defines this differently");
                    }
                    assertThat(text).as(DifferentialRun.describe(c, 0)).isEmpty();
                });
    }

    private DynamicTest same(String name, Consumer<Case> setup, Consumer<Asm> code) {
        return same(name, 64, setup, code);
    }

    private static void registers(Case c, long rcx, long rsi, long rdi) {
        c.state.gpr[CpuImage.RCX] = rcx;
        c.state.gpr[CpuImage.RSI] = rsi;
        c.state.gpr[CpuImage.RDI] = rdi;
    }

    @TestFactory
    Stream<DynamicTest> strings() {
        return Stream.of(
                same(
                        "rep movsb, one byte apart, forwards",
                        c -> registers(c, 200, DATA, DATA + 1),
                        a -> a.rep().movs(8)),
                same(
                        "rep movsq, overlapping, backwards",
                        c -> {
                            registers(c, 50, DATA + 808, DATA + 800);
                            c.state.rflags |= DF;
                        },
                        a -> a.rep().movs(64)),
                same(
                        "rep movsb over two pages",
                        c -> registers(c, 5000, DATA, DATA + 3000),
                        a -> a.rep().movs(8)),
                same(
                        "rep movsd into the read-only page",
                        c -> registers(c, 100, DATA, DATA + DATA_WRITABLE_SIZE - 42),
                        a -> a.rep().movs(32)),
                same(
                        "rep movsd out of the last page",
                        c -> registers(c, 100, DATA + DATA_SIZE - 42, DATA),
                        a -> a.rep().movs(32)),
                same(
                        "rep stosw, odd, to the end",
                        c -> registers(c, 100, 0, DATA + DATA_WRITABLE_SIZE - 31),
                        a -> a.rep().stos(16)),
                same(
                        "rep movsb with nothing to do at a bad address",
                        c -> registers(c, 0, 1, 1),
                        a -> a.rep().movs(8)),
                same(
                        "rep movsb, single step",
                        c -> {
                            registers(c, 5, DATA, DATA + 64);
                            c.state.rflags |= TF;
                        },
                        a -> a.rep().movs(8)),
                same(
                        "rep stosb with a huge count",
                        c -> registers(c, -1, 0, DATA + 4096),
                        a -> a.rep().stos(8)),
                same(
                        "rep lodsb with 32-bit addresses",
                        c -> registers(c, 0x1_0000_0003L, DATA | 0x55L << 40, 0),
                        a -> a.hex("67f3ac")),
                same("repe cmpsb", c -> registers(c, 64, DATA + 8, DATA + 8), a -> a.rep().cmps(8)),
                same("repne scasb", c -> registers(c, 4000, 0, DATA), a -> a.repne().scas(8)));
    }

    @TestFactory
    Stream<DynamicTest> controlFlow() {
        return Stream.of(
                same(
                        "loop with call, push and pop",
                        c -> c.state.gpr[CpuImage.RCX] = 20,
                        a -> {
                            Label loop = a.label();
                            Label function = a.label();
                            Label end = a.label();
                            a.bind(loop)
                                    .push(RCX)
                                    .call(function)
                                    .pop(RCX)
                                    .dec(RCX)
                                    .jcc(NZ, loop)
                                    .jmp(end);
                            a.bind(function).add(RAX, Mem.base(RSP).disp(8)).ret();
                            a.bind(end);
                        }),
                same(
                        "recursion to the guard page",
                        c -> {},
                        a -> {
                            Label self = a.label();
                            a.bind(self).call(self);
                        }),
                same(
                        "single step over a taken jump",
                        c -> c.state.rflags |= TF,
                        a -> a.hex("eb00")),
                same(
                        "popf sets TF",
                        c -> {},
                        a -> a.pushf().or(Mem.base(RSP).d(), TF).popf().nop().nop()),
                same(
                        "trap after mov to ss is held back",
                        c -> {
                            c.state.rflags |= TF;
                            c.state.gpr[0] = OracleLayout.DATA_SELECTOR;
                        },
                        a -> a.mov(SS, EAX).nop().nop()),
                same("int 3 in two bytes", c -> {}, a -> a.hex("cd03")),
                same("int 4 and int 5", c -> {}, a -> a.hex("cd04cd05")),
                same(
                        "jump out of the canonical range",
                        c -> c.state.gpr[0] = 1L << 47,
                        a -> a.jmp(RAX)),
                same(
                        "ret to a non-canonical address",
                        c -> {},
                        a -> a.mov(RAX, 1L << 60).push(RAX).ret()),
                same("jump into data", c -> c.state.gpr[0] = DATA, a -> a.jmp(RAX)),
                same("fifteen bytes", c -> {}, a -> a.hex("66666666666666666666666666 40 90")),
                same("sixteen bytes", c -> {}, a -> a.hex("66666666666666666666666666 66 40 90")),
                same(
                        "into without overflow, single step",
                        32,
                        c -> c.state.rflags |= TF,
                        a -> a.into().nop()),
                same(
                        "far jump to 64-bit code and back",
                        32,
                        c -> {},
                        a -> {
                            Label wide = a.label();
                            a.jmpFar(OracleLayout.CODE64_SELECTOR, wide, 32)
                                    .bits(64)
                                    .bind(wide)
                                    .inc(RAX);
                            a.push(OracleLayout.CODE32_SELECTOR)
                                    .mov(RDX, OracleLayout.CODE + 0x30)
                                    .push(RDX)
                                    .retf(64);
                            a.org(OracleLayout.CODE + 0x30).bits(32).hex("40"); // INC EAX
                        }));
    }

    @TestFactory
    Stream<DynamicTest> selfModification() {
        return Stream.of(
                same(
                        "code patches its own next instruction",
                        c -> c.codeAddress = CODE_WRITABLE + 64,
                        a -> {
                            Label patched = a.label();
                            a.mov(Mem.rip(patched).b(), 0x90).bind(patched).hlt().inc(RAX);
                        }),
                same(
                        "a loop that changes its own immediate each round",
                        c -> {
                            c.codeAddress = CODE_WRITABLE + 4090;
                            c.state.gpr[CpuImage.RCX] = 50;
                        },
                        a -> {
                            Label loop = a.label();
                            Label value = a.label();
                            a.bind(loop)
                                    .hex("05")
                                    .bind(value)
                                    .dd(1)
                                    .add(Mem.rip(value).d(), 3)
                                    .dec(RCX)
                                    .jcc(NZ, loop);
                        }),
                same(
                        "a loop that overwrites its own branch",
                        c -> c.codeAddress = CODE_WRITABLE,
                        a -> {
                            Label loop = a.label();
                            Label branch = a.label();
                            a.bind(loop)
                                    .inc(RAX)
                                    .cmp(RAX, 7)
                                    .mov(EDX, 0x9090)
                                    .hex("7509"); // JNE over the store
                            a.mov(Mem.rip(branch).w(), 0x9090 - 0x1_0000)
                                    .bind(branch)
                                    .jmpShort(loop);
                        }));
    }

    @TestFactory
    Stream<DynamicTest> stackAndSegments() {
        return Stream.of(
                same("push rsp, pop rsp", c -> {}, a -> a.push(RSP).pop(RSP)),
                same("pop into memory by rsp", c -> {}, a -> a.pop(Mem.base(RSP).disp(16))),
                same("push memory by rsp", c -> {}, a -> a.push(Mem.base(RSP).disp(8))),
                same(
                        "enter with nesting",
                        c -> c.state.gpr[CpuImage.RBP] = STACK + 0x900,
                        a -> a.enter(32, 4)),
                same("leave to a bad frame", c -> c.state.gpr[CpuImage.RBP] = 0x1234, Asm::leave),
                same("16-bit push and pop", c -> {}, a -> a.push(AX).pop(CX)),
                same(
                        "pusha and popa",
                        32,
                        c -> c.state.gpr[CpuImage.RBX] = 5,
                        a -> a.pusha().popa()),
                same(
                        "null selector in fs clears its base",
                        c -> {
                            c.state.fsBase = DATA;
                            c.state.gpr[0] = 0;
                        },
                        a -> a.mov(FS, EAX).mov(RBX, Mem.abs(0).seg(FS))),
                same("kernel selector", c -> c.state.gpr[0] = 0x10, a -> a.mov(DS, EAX)),
                same("write through cs", 32, c -> {}, a -> a.mov(Mem.abs(DATA).seg(CS).d(), 1)),
                same(
                        "null ds",
                        32,
                        c -> c.state.gpr[0] = 0,
                        a -> a.mov(DS, EAX).mov(EAX, Mem.abs(DATA))),
                same(
                        "alignment check, across pages",
                        c -> c.state.rflags |= AC,
                        a -> a.mov(RAX, Mem.abs(DATA + 4093))));
    }

    @TestFactory
    Stream<DynamicTest> floatingPoint() {
        return Stream.of(
                same(
                        "x87 stack overflow",
                        c -> {},
                        a -> a.fld1().fld1().fld1().fld1().fld1().fld1().fld1().fld1().fld1()),
                same("x87 stack underflow", c -> {}, a -> a.hex("dec1")),
                same(
                        "unmasked exception is reported by the next instruction",
                        c -> c.state.fcw(0x37e),
                        a -> a.hex("d9eed9eed8f1 90 d9e8")),
                same("emms after mmx", c -> {}, a -> a.hex("0fefc0 0f77")),
                same(
                        "fld of a signalling nan",
                        c -> {
                            c.state.gpr[0] = DATA;
                            c.word(oracle.initialMemory(), DATA, 0x7ff0_0000_0000_0001L);
                        },
                        a -> a.hex("dd00")),
                same("fsincos, fpatan, fyl2x", c -> {}, a -> a.hex("d9eb d9fb d9f3 d9e8 d9f1")),
                same(
                        "denormal operand, unmasked",
                        c -> {
                            c.state.mxcsr(0x1f80 & ~0x100);
                            c.state.lane(1, 0, 1);
                        },
                        a -> a.sse(0xf2, 0x0f58, XMM0, XMM1)),
                same(
                        "flush to zero",
                        c -> {
                            c.state.mxcsr(0x9f80);
                            c.state.lane(0, 0, 0x0010_0000_0000_0000L);
                            c.state.lane(1, 0, 0x3fe0_0000_0000_0000L);
                        },
                        a -> a.sse(0xf2, 0x0f59, XMM0, XMM1)));
    }
}
