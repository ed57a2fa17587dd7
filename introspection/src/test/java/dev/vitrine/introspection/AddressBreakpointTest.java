// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection;

import static dev.vitrine.hypervisor.guest.AssembledGuest.*;
import static dev.vitrine.introspection.RedPill.*;
import static dev.vitrine.processor.asm.Reg.*;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.hypervisor.guest.AssembledGuest;
import dev.vitrine.introspection.Breakpoints.Mechanism;
import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Asm.Cond;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Mem;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/** Breakpoints at addresses that come and go, and where functions return. */
class AddressBreakpointTest {
    /** Runs a guest with breakpoints of both mechanisms; it must find what it finds alone. */
    private static List<Long> log(
            Consumer<AssembledGuest> prepare,
            Consumer<Asm> code,
            BiConsumer<Breakpoints, Log> setter)
            throws InterruptedException {
        RedPill pill = new RedPill(prepare, code);
        Run alone = pill.alone();
        List<Long> first = null;
        for (Mechanism m : Mechanism.values()) {
            List<Long> seen = new ArrayList<>();
            Run with =
                    pill.run((g, at, hit) ->
                            setter.accept(Breakpoints.of(g.domain, m), new Log(space(g), seen)));
            assertThat(with.result()).as("findings with %s", m).isEqualTo(alone.result());
            assertThat(with.memory()).as("memory with %s", m).isEqualTo(alone.memory());
            assertThat(with.retired()).as("time with %s", m).isEqualTo(alone.retired());
            if (first != null) {
                assertThat(seen).as("events with %s", m).isEqualTo(first);
            }
            first = seen;
        }
        return first;
    }

    private record Log(AddressSpace space, List<Long> seen) {}

    /** Maps a frame at the window's first page, or takes it away. */
    private static Asm map(Asm a, long frame) {
        a.mov(RBX, WINDOW_PT).mov(RAX, frame == 0 ? 0 : frame | 7).mov(Mem.base(RBX), RAX);
        return a.mov(R8, WINDOW).invlpg(Mem.base(R8));
    }

    /** Functions that add 1, 10, 100 to RSI, and a second address space. */
    private static void functions(AssembledGuest g) {
        for (int i = 0; i < 3; i++) {
            int by = (int) Math.pow(10, i);
            g.assemble(TARGET + i * 4096, a -> a.nop().add(RSI, by).ret());
        }
        var m = g.domain.physical();
        for (int i = 0; i < 4; i++) {
            m.write(DATA + 0xA000 + i * 4096, m.read(0x1000 + i * 4096, 4096));
        }
        m.putLong(DATA + 0xA000, DATA + 0xB007);
        m.putLong(DATA + 0xB008, DATA + 0xC007);
        m.putLong(DATA + 0xC000, DATA + 0xD007);
        m.putLong(DATA + 0xD000, TARGET + 0x1007);
    }

    private static void comesAndGoes(Asm a) {
        a.mov(R15, RESULT).xor(ESI, ESI);
        for (int round = 0; round < 3; round++) {
            for (int i = 0; i < 3; i++) {
                map(a, TARGET + i * 4096);
                call(call(a, WINDOW), WINDOW);
                // By its own address it is not at the breakpoint's.
                call(a, TARGET + i * 4096);
                map(a, 0);
            }
            // In the other address space the second function is there all the time.
            a.mov(RAX, DATA + 0xA000L).mov(CR3, RAX);
            call(a, WINDOW);
            a.mov(EAX, 0x1000).mov(CR3, RAX);
            // Copied on writing: another frame with the same content, changed there.
            a.mov(ESI, TARGET).mov(EDI, 0x300000).mov(ECX, 512).rep().movs(64).xor(ESI, ESI);
            map(a, 0x300000);
            a.mov(Mem.base(R8).disp(4).b(), 5);
            note(call(a, WINDOW).mov(RAX, RSI));
            map(a, 0);
        }
        noteTime(a);
    }

    @Test
    void waitForTheirPage() throws InterruptedException {
        List<Long> seen =
                log(
                        AddressBreakpointTest::functions,
                        AddressBreakpointTest::comesAndGoes,
                        (points, log) ->
                                points.setPending(log.space, WINDOW, p -> log.seen.add(p.gpr(6))));
        assertThat(seen).hasSize(3 * 7).startsWith(0L, 1L, 3L, 13L, 33L, 133L, 0L);
    }

    @Test
    void areInAllAddressSpaces() throws InterruptedException {
        List<Long> seen =
                log(
                        AddressBreakpointTest::functions,
                        AddressBreakpointTest::comesAndGoes,
                        (points, log) -> {
                            points.setPendingAnywhere(WINDOW, p -> log.seen.add(p.gpr(6)));
                            points.setPendingAnywhere(WINDOW + 5, p -> log.seen.add(-1L));
                        });
        assertThat(seen).hasSize(3 * 8 * 2).contains(333L);
    }

    /** More frames than a breakpoint has hooks in, in turn. */
    @Test
    void moveFromFrameToFrame() throws InterruptedException {
        int frames = 300;
        List<Long> seen =
                log(
                        g -> {
                            for (int i = 0; i < frames; i++) {
                                g.assemble(0x240000 + i * 4096, a -> a.nop().inc(RSI).ret());
                            }
                        },
                        a -> {
                            a.mov(R15, RESULT).xor(ESI, ESI).mov(EBP, 3);
                            Label round = a.label();
                            Label next = a.label();
                            a.bind(round).mov(R10, 0x240007L).bind(next).mov(RBX, WINDOW_PT);
                            a.mov(Mem.base(RBX), R10).mov(R8, WINDOW).invlpg(Mem.base(R8));
                            call(a, WINDOW).add(R10, 4096);
                            a.cmp(R10, 0x240007 + frames * 4096).jcc(Cond.NZ, next);
                            a.dec(EBP).jcc(Cond.NZ, round);
                            note(a.mov(RAX, RSI));
                        },
                        (points, log) ->
                                points.setPendingAnywhere(WINDOW, p -> log.seen.add(p.gpr(6))));
        assertThat(seen).hasSize(3 * frames).startsWith(0L, 1L, 2L).endsWith(3L * frames - 1);
    }

    /** One is set, and taken away, where the vCPU is: in a loop on that very page. */
    @Test
    void areSetFromWithin() throws InterruptedException {
        List<Long> seen =
                log(
                        g ->
                                g.assemble(
                                        TARGET,
                                        a -> {
                                            Label again = a.label();
                                            a.nop().mov(ECX, 10).bind(again).nop().dec(ECX);
                                            a.jcc(Cond.NZ, again).ret();
                                        }),
                        a -> call(call(a.mov(R15, RESULT), TARGET), TARGET),
                        (points, log) ->
                                points.set(
                                        log.space,
                                        TARGET,
                                        p ->
                                                points.setPendingAnywhere(
                                                        TARGET + 6, q -> log.seen.add(q.gpr(1)))));
        assertThat(seen).hasSize(10 + 20).startsWith(10L, 9L, 8L);
    }

    private static final int DEPTH = 20;

    /** A recursion, at each depth of which the function is entered by the same call. */
    private static void recursion(AssembledGuest g) {
        g.assemble(
                TARGET,
                a -> {
                    Label end = a.label();
                    Label self = a.label();
                    a.bind(self).dec(RBX).jcc(Cond.Z, end).call(self).inc(RSI).bind(end).ret();
                });
    }

    @Test
    void fireWhenFunctionsReturn() throws InterruptedException {
        List<Long> seen =
                log(
                        AddressBreakpointTest::recursion,
                        a -> {
                            a.mov(R15, RESULT);
                            for (int i = 0; i < 3; i++) {
                                a.mov(EBX, DEPTH).xor(ESI, ESI);
                                note(call(a, TARGET).mov(RAX, RSI));
                            }
                            noteTime(a);
                        },
                        (points, log) ->
                                points.set(
                                        log.space,
                                        TARGET,
                                        p -> {
                                            long depth = p.gpr(3);
                                            points.setReturn(
                                                    p, q -> log.seen.add(q.gpr(6) << 8 | depth));
                                        }));
        // The innermost returns first.
        List<Long> expected = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            for (long d = 1; d <= DEPTH; d++) {
                // RSI counts what has gone on behind the call.
                expected.add(d - 1 << 8 | d);
            }
        }
        assertThat(seen).isEqualTo(expected);
    }

    /**
     * Two threads on stacks of their own are in the same function, called at the same place, and
     * return in the other order; calls left by longjmp do not return, and others in their place do.
     */
    @Test
    void tellThreadsApart() throws InterruptedException {
        Consumer<AssembledGuest> prepare =
                g -> {
                    // Changes stacks while RBX is not 0, then returns.
                    g.assemble(
                            TARGET,
                            a -> {
                                Label out = a.label();
                                a.nop().test(RBX, RBX).jcc(Cond.Z, out);
                                a.xchg(RSP, R12).bind(out).ret();
                            });
                    // The one place that calls it.
                    g.assemble(TARGET + 0x100, a -> call(a, TARGET).inc(RSI).ret());
                };
        Consumer<Asm> code =
                a -> {
                    Label other = a.label();
                    Label ready = a.label();
                    Label done = a.label();
                    a.mov(R15, RESULT).xor(ESI, ESI).xor(EBX, EBX);
                    // The other thread's stack: entered as though it had been left in the function.
                    a.jmp(ready).bind(other);
                    a.mov(R13, 2).mov(EBX, 1);
                    // As thread 2: calls, comes back to thread 1.
                    call(a, TARGET + 0x100);
                    a.ud2();
                    a.bind(ready).mov(R12, DATA + 0xF00L).lea(RAX, Mem.rip(other));
                    a.mov(Mem.base(R12), RAX).mov(EBX, 1);
                    // Thread 1 calls; the change of stacks "returns" to the other thread's start,
                    // which calls and changes back to thread 1's return.
                    a.mov(R13, 1);
                    call(a, TARGET + 0x100);
                    note(a.mov(RAX, RSI));
                    // longjmp: the call is left by restoring the stack pointer, several times.
                    a.mov(RBP, RSP);
                    for (int i = 0; i < 3; i++) {
                        Label away = a.label();
                        a.xor(EBX, EBX).lea(RAX, Mem.rip(away)).push(RAX).mov(R13, 7);
                        a.mov(R14, TARGET).jmp(R14).bind(away).mov(RSP, RBP);
                        note(a.mov(RAX, RSI));
                    }
                    a.mov(R13, 9);
                    call(a, TARGET + 0x100).bind(done);
                    note(a.mov(RAX, RSI));
                };
        List<Long> seen =
                log(
                        prepare,
                        code,
                        (points, log) ->
                                points.set(
                                        log.space,
                                        TARGET,
                                        p -> {
                                            long who = p.gpr(13);
                                            log.seen.add(who);
                                            points.setReturn(p, q -> log.seen.add(-who));
                                        }));
        // 1 is entered, 2 is, which never returns; then 1 does, with thread 2 as the last caller.
        assertThat(seen).containsExactly(1L, 2L, -1L, 7L, -7L, 7L, -7L, 7L, -7L, 9L, -9L);
    }

    /** A call that is left for good, and another with its return address in the same place. */
    @Test
    void forgetCallsThatDoNotReturn() throws InterruptedException {
        Consumer<AssembledGuest> prepare =
                g -> {
                    // Goes back to the caller's caller, as longjmp does, if RBX says so.
                    g.assemble(
                            TARGET,
                            a -> {
                                Label ret = a.label();
                                a.nop().test(RBX, RBX).jcc(Cond.Z, ret).mov(RSP, RBP).jmp(R12);
                                a.bind(ret).ret();
                            });
                };
        Consumer<Asm> code =
                a -> {
                    a.mov(R15, RESULT).xor(ESI, ESI).mov(RBP, RSP);
                    for (int i = 0; i < 20; i++) {
                        Label away = a.label();
                        a.mov(R13, i).mov(EBX, i % 3 == 0 ? 1 : 0).lea(R12, Mem.rip(away));
                        if (i % 2 == 0) {
                            a.push(i);
                        }
                        call(a, TARGET).inc(RSI).bind(away).mov(RSP, RBP);
                    }
                    note(a.mov(RAX, RSI));
                };
        List<Long> seen =
                log(
                        prepare,
                        code,
                        (points, log) ->
                                points.set(
                                        log.space,
                                        TARGET,
                                        p -> {
                                            long who = p.gpr(13);
                                            points.setReturn(p, q -> log.seen.add(who));
                                        }));
        List<Long> expected = new ArrayList<>();
        for (long i = 0; i < 20; i++) {
            if (i % 3 != 0) {
                expected.add(i);
            }
        }
        assertThat(seen).isEqualTo(expected);
    }
}
