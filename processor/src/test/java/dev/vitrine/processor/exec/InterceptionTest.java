// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import static dev.vitrine.memory.PhysicalView.READ;
import static dev.vitrine.processor.asm.Reg.*;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vitrine.memory.AlternateView;
import dev.vitrine.processor.Interception;
import dev.vitrine.processor.Interception.ControlRegisterWrite;
import dev.vitrine.processor.Interception.Cpuid;
import dev.vitrine.processor.Interception.DescriptorAccess;
import dev.vitrine.processor.Interception.DescriptorTable;
import dev.vitrine.processor.Interception.EventType;
import dev.vitrine.processor.Interception.MsrWrite;
import dev.vitrine.processor.Interception.PortAccess;
import dev.vitrine.processor.Intercepts;
import dev.vitrine.processor.Processor;
import dev.vitrine.processor.Reaction;
import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Asm.Cond;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Mem;
import dev.vitrine.processor.guest.FlatMachine;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Consumer;

/** What a processor shows before it does it, and all ways in which it goes on. */
class InterceptionTest {
    private static final long BUDGET = 10_000_000L;
    private static final int A = 0;
    private static final int B = 3;
    private static final int DATA = FlatMachine.DATA;
    private static final long LSTAR = 0xC0000082L;

    private static FlatMachine machine(Consumer<Asm> body) {
        FlatMachine m = new FlatMachine(1, 4 << 20);
        m.code(0, a -> body.accept(FlatMachine.startup(a)));
        return m;
    }

    private static void halts(FlatMachine m) {
        assertThat(m.run(0, BUDGET))
                .as(() -> String.join("\n", m.processor(0).registers()))
                .isEqualTo(Processor.Exit.HALTED);
    }

    private static List<Interception> notes(
            FlatMachine m, BiFunction<Processor, Interception, Reaction> answer) {
        List<Interception> seen = new ArrayList<>();
        m.host(0).intercepts =
                (p, what) -> {
                    seen.add(what);
                    return answer.apply(p, what);
                };
        return seen;
    }

    private static final BiFunction<Processor, Interception, Reaction> PROCEED =
            (p, what) -> Reaction.PROCEED;
    private static final BiFunction<Processor, Interception, Reaction> SKIP =
            (p, what) -> Reaction.SKIP;

    private static final Consumer<Asm> CR4_TWICE =
            a -> {
                // Sets PCE and writes the same again.
                a.bytes(new byte[] {0x0F, 0x20, (byte) 0xE0}).or(RAX, 0x100);
                a.bytes(new byte[] {0x0F, 0x22, (byte) 0xE0, 0x0F, 0x22, (byte) 0xE0});
            };

    @Test
    void showsControlRegisterWrites() {
        try (FlatMachine m = machine(CR4_TWICE)) {
            long before = m.processor(0).controlRegister(4);
            m.group.setIntercepts(Intercepts.NONE.controlRegister(4, false, 0));
            List<Interception> seen = notes(m, PROCEED);
            halts(m);
            assertThat(seen)
                    .containsExactly(
                            new ControlRegisterWrite(4, before | 0x100, before),
                            new ControlRegisterWrite(4, before | 0x100, before | 0x100));
            assertThat(m.processor(0).controlRegister(4)).isEqualTo(before | 0x100);
        }
    }

    @Test
    void leavesOutWritesThatNobodyWants() {
        try (FlatMachine m = machine(CR4_TWICE)) {
            m.group.setIntercepts(Intercepts.NONE.controlRegister(4, true, 0));
            assertThat(notes(m, PROCEED)).isEmpty();
            List<Interception> seen = notes(m, PROCEED);
            halts(m);
            assertThat(seen).hasSize(1);
        }
        try (FlatMachine m = machine(CR4_TWICE)) {
            m.group.setIntercepts(
                    Intercepts.NONE.controlRegister(4, false, 0x100).controlRegister(3, false, 0));
            List<Interception> seen = notes(m, PROCEED);
            halts(m);
            assertThat(seen).isEmpty();
            assertThat(m.processor(0).controlRegister(4) & 0x100).isNotZero();
        }
    }

    @Test
    void deniesWrites() {
        try (FlatMachine m =
                machine(a -> {
                    CR4_TWICE.accept(a);
                    a.mov(ECX, LSTAR).mov(EAX, 5).xor(EDX, EDX).wrmsr().rdmsr();
                    a.mov(RBX, RAX);
                })) {
            long before = m.processor(0).controlRegister(4);
            m.group.setIntercepts(
                    Intercepts.NONE.controlRegister(4, false, 0).msr((int) LSTAR, false));
            List<Interception> seen = notes(m, SKIP);
            long retired = m.processor(0).retired();
            halts(m);
            assertThat(seen).hasSize(3).last().isEqualTo(new MsrWrite((int) LSTAR, 5, 0));
            assertThat(m.processor(0).controlRegister(4)).isEqualTo(before);
            assertThat(m.processor(0).gpr(B)).isZero();
            // LGDT and LIDT, four of the first part, six of the second, HLT.
            assertThat(m.processor(0).retired() - retired).isEqualTo(2 + 4 + 6 + 1);
        }
    }

    @Test
    void showsAllWaysToControlRegisters() {
        try (FlatMachine m =
                machine(a -> {
                    a.bytes(new byte[] {0x0F, 0x20, (byte) 0xD8}); // mov rax, cr3
                    a.bytes(new byte[] {0x0F, 0x22, (byte) 0xD8}); // mov cr3, rax
                    a.smsw(EAX).or(EAX, 8).lmsw(EAX).clts();
                    a.xor(ECX, ECX).xor(EDX, EDX).mov(EAX, 3).xsetbv();
                })) {
            m.group.setIntercepts(
                    Intercepts.NONE
                            .controlRegister(0, true, 0)
                            .controlRegister(3, false, 0)
                            .controlRegister(Interception.XCR0, false, 0));
            List<Interception> seen = notes(m, PROCEED);
            halts(m);
            assertThat(seen)
                    .containsExactly(
                            new ControlRegisterWrite(3, FlatMachine.TABLES, FlatMachine.TABLES),
                            new ControlRegisterWrite(0, 0x80010019L, 0x80010011L),
                            new ControlRegisterWrite(0, 0x80010011L, 0x80010019L),
                            new ControlRegisterWrite(Interception.XCR0, 3, 1));
        }
    }

    /** What would fault anyway is not shown. */
    @Test
    void leavesFaultsToTheGuest() {
        try (FlatMachine m =
                machine(a -> {
                    a.mov(RAX, -1).bytes(new byte[] {0x0F, 0x22, (byte) 0xE0}).inc(EBX);
                    a.mov(ECX, 0x12345).wrmsr().inc(EBX);
                })) {
            m.assemble(0x180000, a -> a.inc(R8).add(RSP, 8).add(Mem.base(RSP).q(), 3).iret(64));
            m.gate(13, 0x180000);
            m.group.setIntercepts(Intercepts.NONE.controlRegister(4, false, 0).msr(0x12345, false));
            List<Interception> seen = notes(m, PROCEED);
            m.run(0, 12);
            assertThat(seen).isEmpty();
            assertThat(m.processor(0).gpr(8)).isPositive();
        }
    }

    @Test
    void showsCpuidPortsAndDescriptorTables() {
        try (FlatMachine m =
                machine(a -> {
                    a.mov(EAX, 7).mov(ECX, 1).cpuid();
                    a.in(AL, 0x60).out(0x61, EAX).mov(EDX, 0x3F8);
                    a.mov(EDI, DATA).mov(ECX, 2).rep().ins(8);
                    a.mov(EDI, DATA).sgdt(Mem.base(RDI)).sldt(Mem.base(RDI).w());
                    a.sidt(Mem.base(RDI)).str(Mem.base(RDI).w());
                    a.xor(EAX, EAX).lldt(EAX);
                })) {
            m.group.setIntercepts(
                    Intercepts.NONE.with(
                            Intercepts.CPUID | Intercepts.PORT | Intercepts.DESCRIPTOR));
            List<Interception> seen = notes(m, PROCEED);
            halts(m);
            assertThat(seen)
                    .containsExactly(
                            new DescriptorAccess(DescriptorTable.GDTR, true, FlatMachine.POINTERS),
                            new DescriptorAccess(
                                    DescriptorTable.IDTR, true, FlatMachine.POINTERS + 16),
                            new Cpuid(7, 1, 2),
                            new PortAccess(0x60, 1, true, false),
                            new PortAccess(0x61, 4, false, false),
                            new PortAccess(0x3F8, 1, true, true),
                            new PortAccess(0x3F8, 1, true, true),
                            new DescriptorAccess(DescriptorTable.GDTR, false, DATA),
                            new DescriptorAccess(DescriptorTable.LDTR, false, 0),
                            new DescriptorAccess(DescriptorTable.IDTR, false, DATA),
                            new DescriptorAccess(DescriptorTable.TR, false, 0),
                            new DescriptorAccess(DescriptorTable.LDTR, true, 0));
        }
    }

    /** The host may answer CPUID itself, and decide where execution goes on. */
    @Test
    void goesOnWhereTheHostSays() {
        try (FlatMachine m =
                machine(a -> {
                    a.xor(EAX, EAX).cpuid().mov(RSI, RAX).mov(RDI, RBX);
                })) {
            m.group.setIntercepts(Intercepts.NONE.with(Intercepts.CPUID));
            List<Interception> seen =
                    notes(
                            m,
                            (p, what) -> {
                                p.executeCpuid();
                                p.setGpr(A, 0x1234);
                                p.setRip(p.rip() + ((Cpuid) what).length());
                                return Reaction.AGAIN;
                            });
            halts(m);
            assertThat(seen).hasSize(1);
            assertThat(m.processor(0).gpr(6)).isEqualTo(0x1234);
            assertThat(m.processor(0).gpr(7)).as("Genu").isEqualTo(0x756E6547);
        }
    }

    @Test
    void emulatesAnotherInstruction() {
        // INT3 stands for INC EAX, DIV by zero, and a jump backwards.
        byte[][] codes = {{(byte) 0xFF, (byte) 0xC0}, {(byte) 0xF7, (byte) 0xF1}, {(byte) 0x90}};
        try (FlatMachine m =
                machine(a -> {
                    a.mov(EAX, 5).xor(ECX, ECX).int3().nop().int3().nop().int3();
                })) {
            m.assemble(0x180000, a -> a.inc(R8).add(Mem.base(RSP).q(), 2).iret(64));
            m.gate(0, 0x180000);
            m.group.setIntercepts(Intercepts.NONE.with(Intercepts.BREAKPOINT));
            int[] at = new int[1];
            List<Interception> seen =
                    notes(m, (p, what) -> Reaction.emulateInstruction(codes[at[0]++]));
            halts(m);
            assertThat(seen).hasSize(3).containsOnly(new Interception.Breakpoint(1));
            assertThat(m.processor(0).gpr(A)).isEqualTo(6);
            assertThat(m.processor(0).gpr(8)).isEqualTo(1);
        }
    }

    @Test
    void discardsWrites() {
        try (FlatMachine m =
                machine(a -> {
                    a.mov(RBX, DATA).mov(EAX, 7);
                    a.mov(Mem.base(RBX), RAX).add(Mem.base(RBX), RAX);
                    a.lock().add(Mem.base(RBX), RAX).xchg(Mem.base(RBX), RAX);
                    a.movdqu(Mem.base(RBX), XMM0).mov(RDI, RBX).mov(ECX, 4).rep().stos(64);
                    a.mov(EAX, 41).xor(EDX, EDX).lock().cmpxchg8b(Mem.base(RBX));
                    a.lea(RSP, Mem.base(RBX).disp(8)).push(RAX);
                    a.mov(RSI, Mem.base(RBX)).mov(Mem.base(RBX).disp(0x1000), RSI);
                })) {
            m.ram.putLong(DATA, 41);
            AlternateView view = new AlternateView(m.map);
            view.setAccess(DATA >>> 12, READ);
            m.processor(0).setView(view);
            List<Interception> seen = notes(m, (p, what) -> Reaction.emulateDiscarding());
            halts(m);
            assertThat(m.ram.getLong(DATA)).isEqualTo(41);
            assertThat(m.ram.getLong(DATA + 8)).isZero();
            assertThat(m.processor(0).gpr(6)).isEqualTo(41);
            assertThat(m.ram.getLong(DATA + 0x1000)).isEqualTo(41);
            assertThat(m.processor(0).gpr(4)).as("PUSH has moved the stack").isEqualTo(DATA);
            assertThat(seen).hasSize(11);
        }
    }

    @Test
    void suppliesWhatIsRead() {
        try (FlatMachine m =
                machine(a -> {
                    a.mov(RBX, DATA).mov(RAX, Mem.base(RBX));
                    a.movzx(ECX, Mem.base(RBX).disp(100).b());
                    a.movdqu(XMM0, Mem.base(RBX).disp(200));
                    a.mov(R8, DATA + 0x1000).movdqu(Mem.base(R8), XMM0);
                    a.add(Mem.base(RBX), RAX).lock().add(Mem.base(RBX).disp(8), RAX);
                })) {
            m.ram.putLong(DATA, 1);
            AlternateView view = new AlternateView(m.map);
            view.setAccess(DATA >>> 12, 0);
            m.processor(0).setView(view);
            byte[] data = new byte[12];
            for (int i = 0; i < data.length; i++) {
                data[i] = (byte) (i + 1);
            }
            notes(m, (p, what) -> Reaction.emulateReading(data));
            halts(m);
            long low = 0x0807060504030201L;
            assertThat(m.processor(0).gpr(A)).isEqualTo(low);
            assertThat(m.processor(0).gpr(1)).isEqualTo(1);
            assertThat(m.ram.getLong(DATA + 0x1000)).isEqualTo(low);
            assertThat(m.ram.getLong(DATA + 0x1008)).isEqualTo(0x0C0B0A09L);
            assertThat(m.ram.getLong(DATA)).isEqualTo(2 * low);
            assertThat(m.ram.getLong(DATA + 8)).isEqualTo(2 * low);
        }
    }

    /** A step after each instruction, exceptions delivered count, interrupts wait. */
    @Test
    void showsEachInstruction() {
        long[] after = new long[1];
        try (FlatMachine m =
                machine(a -> {
                    Label again = a.label();
                    a.sti().vmcall().mov(ECX, 3).bind(again).dec(ECX).jcc(Cond.NZ, again);
                    a.bytes((byte) 0x0F, (byte) 0x0B).nop().vmcall();
                    after[0] = a.here();
                    a.nop();
                })) {
            m.assemble(0x180000, a -> a.add(Mem.base(RSP).q(), 2).iret(64));
            m.assemble(0x180100, a -> a.mov(R10, Mem.base(RSP)).iret(64));
            m.gate(6, 0x180000);
            m.gate(0x40, 0x180100);
            m.host(0).onHypercall =
                    p -> {
                        boolean first = m.host(0).hypercalls == 1;
                        p.setStepping(first);
                        if (first) {
                            m.host(0).interrupt(0x40);
                            p.requestInterruptCheck();
                        }
                    };
            List<Long> steps = new ArrayList<>();
            List<Interception> seen =
                    notes(
                            m,
                            (p, what) -> {
                                steps.add(p.rip());
                                return Reaction.AGAIN;
                            });
            halts(m);
            assertThat(seen).containsOnly(new Interception.Step());
            // MOV, six of the loop, #UD's delivery, ADD, IRET, NOP.
            assertThat(steps).hasSize(1 + 6 + 1 + 2 + 1);
            assertThat(steps.get(7)).isEqualTo(0x180000);
            assertThat(m.processor(0).gpr(10)).as("taken behind the steps").isEqualTo(after[0]);
        }
    }

    @Test
    void showsDebugExceptions() {
        for (boolean pass : new boolean[] {true, false}) {
            try (FlatMachine m =
                    machine(a -> {
                        a.pushf().or(Mem.base(RSP).q(), 0x100).popf().nop();
                        a.pushf().and(Mem.base(RSP).q(), ~0x100L).popf().int1().nop();
                    })) {
                m.assemble(0x180000, a -> a.inc(R8).iret(64));
                m.gate(1, 0x180000);
                m.group.setIntercepts(Intercepts.NONE.with(Intercepts.DEBUG_EXCEPTION));
                List<Interception> seen =
                        notes(
                                m,
                                (p, what) ->
                                        pass
                                                ? Reaction.PROCEED
                                                : p.rip() != 0 ? skipInt1(p, what) : null);
                halts(m);
                // NOP, PUSHF, AND, POPF.
                assertThat(seen).hasSize(5);
                assertThat(seen.getFirst())
                        .isEqualTo(
                                new Interception.DebugException(
                                        0x4000, EventType.HARDWARE_EXCEPTION, 0));
                assertThat(seen.getLast())
                        .isEqualTo(
                                new Interception.DebugException(
                                        0, EventType.PRIVILEGED_SOFTWARE_EXCEPTION, 1));
                assertThat(m.processor(0).gpr(8)).isEqualTo(pass ? 5 : 0);
            }
        }
    }

    private static Reaction skipInt1(Processor p, Interception what) {
        return ((Interception.DebugException) what).length() > 0 ? Reaction.SKIP : Reaction.AGAIN;
    }

    @Test
    void showsTheNextEvent() {
        try (FlatMachine m = machine(a -> a.sti().vmcall().nop().nop().nop())) {
            m.assemble(0x180000, a -> a.inc(R8).iret(64));
            m.gate(0x40, 0x180000);
            m.gate(0x41, 0x180000);
            m.host(0).onHypercall =
                    p -> {
                        p.showNextEvent();
                        m.host(0).interrupt(0x40);
                        m.host(0).interrupt(0x41);
                        p.requestInterruptCheck();
                    };
            List<Interception> seen = notes(m, PROCEED);
            halts(m);
            assertThat(seen)
                    .containsExactly(
                            new Interception.Event(0x40, EventType.EXTERNAL_INTERRUPT, 0, 0));
            assertThat(m.processor(0).gpr(8)).isEqualTo(2);
        }
    }

    /** The guest's own INT3 is given back to it by injection, as if nobody had looked. */
    @Test
    void injectsEvents() {
        try (FlatMachine m = machine(a -> a.int3().nop())) {
            m.assemble(0x180000, a -> a.mov(R8, Mem.base(RSP)).iret(64));
            m.assemble(
                    0x180100,
                    a -> a.pop(R9).bytes(new byte[] {0x41, 0x0F, 0x20, (byte) 0xD2}).iret(64));
            m.gate(3, 0x180000);
            m.gate(14, 0x180100);
            m.group.setIntercepts(Intercepts.NONE.with(Intercepts.BREAKPOINT));
            int at = FlatMachine.startup(new Asm(64, FlatMachine.CODE)).toBytes().length;
            notes(
                    m,
                    (p, what) -> {
                        p.inject(3, EventType.SOFTWARE_EXCEPTION, 0, 0, 1);
                        return Reaction.AGAIN;
                    });
            assertThat(m.run(0, 5)).isEqualTo(Processor.Exit.BUDGET);
            assertThat(m.processor(0).gpr(8)).isEqualTo(FlatMachine.CODE + at + 1);
            m.processor(0).inject(14, EventType.HARDWARE_EXCEPTION, 6, 0x123456, 0);
            halts(m);
            assertThat(m.processor(0).gpr(9)).isEqualTo(6);
            assertThat(m.processor(0).gpr(10)).isEqualTo(0x123456);
        }
    }

    @Test
    void showsUnknownInstructions() {
        try (FlatMachine m =
                machine(a -> a.bytes(new byte[] {0x0F, 0x01, (byte) 0xC2}).nop().ud2().nop())) {
            m.assemble(0x180000, a -> a.inc(R8).add(Mem.base(RSP).q(), 2).iret(64));
            m.gate(6, 0x180000);
            m.group.setIntercepts(Intercepts.NONE.with(Intercepts.UNKNOWN));
            List<Interception> seen =
                    notes(
                            m,
                            (p, what) -> {
                                p.setRip(p.rip() + 3);
                                return Reaction.AGAIN;
                            });
            halts(m);
            assertThat(seen).containsExactly(new Interception.UnknownInstruction());
            assertThat(m.processor(0).gpr(8)).as("UD2 is known").isEqualTo(1);
        }
    }

    /** The host may take its time; meanwhile the processor does not run. */
    @Test
    void waitsForTheHost() {
        try (FlatMachine m = machine(CR4_TWICE)) {
            long before = m.processor(0).controlRegister(4);
            m.group.setIntercepts(Intercepts.NONE.controlRegister(4, false, 0));
            notes(m, (p, what) -> Reaction.WAIT);
            Processor p = m.processor(0);
            assertThatThrownBy(() -> p.react(Reaction.AGAIN))
                    .isInstanceOf(IllegalStateException.class);
            for (int i = 0; i < 2; i++) {
                assertThat(m.run(0, BUDGET)).isEqualTo(Processor.Exit.WAITING);
                long retired = p.retired();
                assertThat(m.run(0, BUDGET)).isEqualTo(Processor.Exit.WAITING);
                assertThat(p.retired()).isEqualTo(retired);
                assertThat(p.controlRegister(4)).isEqualTo(i == 0 ? before : before | 0x100);
                p.react(Reaction.PROCEED);
            }
            halts(m);
        }
    }

    /** Neither an exception of the host nor INIT leaves anything open. */
    @Test
    void beginsAnew() {
        try (FlatMachine m = machine(CR4_TWICE)) {
            m.group.setIntercepts(Intercepts.NONE.controlRegister(4, true, 0));
            notes(
                    m,
                    (p, what) -> {
                        throw new IllegalStateException("enough");
                    });
            assertThatThrownBy(() -> m.run(0, BUDGET)).hasMessage("enough");
            assertThat(m.processor(0).waiting()).isFalse();
            notes(m, (p, what) -> Reaction.WAIT);
            assertThat(m.run(0, BUDGET)).isEqualTo(Processor.Exit.WAITING);
            assertThat(m.processor(0).waiting()).isTrue();
            m.processor(0).reset();
            assertThat(m.processor(0).waiting()).isFalse();
            assertThat(m.processor(0).rip()).isEqualTo(0xFFF0);
            assertThat(m.run(0, 1)).isNotEqualTo(Processor.Exit.WAITING);
        }
    }

    /**
     * An instruction under a breakpoint is intercepted once more for what it does; the second
     * answer does not undo the first.
     */
    @Test
    void addsUpAnswers() {
        try (FlatMachine m =
                machine(a -> {
                    a.xor(EAX, EAX).mov(R8, DATA).call(R8);
                })) {
            m.assemble(DATA, a -> a.cpuid().ret());
            AlternateView view = new AlternateView(m.map);
            long shadow = m.memory.allocateFrame();
            byte[] page = m.ram.read(DATA, 4096);
            byte[] patched = page.clone();
            patched[0] = (byte) 0xCC;
            m.memory.ram().write(shadow << 12, patched, 0, 4096);
            view.change(DATA >>> 12, shadow, dev.vitrine.memory.PhysicalView.EXECUTE);
            BitSet places = new BitSet();
            places.set(0);
            m.group.patch(shadow, places, page, m.map.lookup(DATA >>> 12) >>> 12, 1);
            m.processor(0).setView(view);
            m.group.setIntercepts(Intercepts.NONE.with(Intercepts.BREAKPOINT | Intercepts.CPUID));
            int[] done = new int[1];
            List<Interception> seen =
                    notes(
                            m,
                            (p, what) ->
                                    what instanceof Interception.Breakpoint
                                            ? Reaction.EMULATE.then(() -> done[0]++)
                                            : Reaction.PROCEED);
            halts(m);
            assertThat(seen).containsExactly(new Interception.Breakpoint(1), new Cpuid(0, 0x0, 2));
            assertThat(m.processor(0).gpr(B)).isEqualTo(0x756E6547);
            assertThat(done[0]).isEqualTo(1);
        }
    }

    /** A breakpoint instruction counts where an instruction begins, and nowhere else. */
    @Test
    void decodesOverBreakpoints() {
        try (FlatMachine m =
                machine(a -> {
                    a.mov(R8, DATA).call(R8).lea(R8, Mem.base(R8).disp(1)).call(R8);
                    a.mov(R8, DATA + 0xFFE).call(R8);
                })) {
            // MOV EAX, 0xC3909090 or, from its second byte, NOP, NOP, NOP, RET.
            m.ram.write(DATA, new byte[] {(byte) 0xB8, (byte) 0x90, (byte) 0x90, (byte) 0x90});
            m.ram.write(DATA + 4, new byte[] {(byte) 0xC3, (byte) 0xC3});
            m.assemble(DATA + 0xFFE, a -> a.mov(ECX, 0x11223344).ret());
            BitSet[] places = {new BitSet(), new BitSet()};
            places[0].set(2);
            places[1].set(1);
            AlternateView view = new AlternateView(m.map);
            for (int i = 0; i < 2; i++) {
                byte[] page = m.ram.read(DATA + i * 4096L, 4096);
                byte[] patched = page.clone();
                places[i].stream().forEach(at -> patched[at] = (byte) 0xCC);
                long shadow = m.memory.allocateFrame();
                m.memory.ram().write(shadow << 12, patched, 0, 4096);
                m.group.patch(shadow, places[i], page, m.map.lookup((DATA >>> 12) + i) >>> 12, 1);
                view.change((DATA >>> 12) + i, shadow, dev.vitrine.memory.PhysicalView.EXECUTE);
            }
            m.processor(0).setView(view);
            m.group.setIntercepts(Intercepts.NONE.with(Intercepts.BREAKPOINT));
            List<Long> hits = new ArrayList<>();
            notes(
                    m,
                    (p, what) -> {
                        hits.add(p.rip());
                        return Reaction.EMULATE;
                    });
            halts(m);
            assertThat(hits).containsExactly(DATA + 2L);
            assertThat(m.processor(0).gpr(A)).isEqualTo(0xC3909090L);
            assertThat(m.processor(0).gpr(1)).isEqualTo(0x11223344);
        }
    }

    /** Whoever keeps a copy of a frame is told of each write, when it has been made. */
    @Test
    void tellsOfWritesToMirroredFrames() {
        try (FlatMachine m =
                machine(a -> {
                    Label again = a.label();
                    a.mov(RBX, DATA).mov(ECX, 5000).bind(again).mov(Mem.base(RBX), RCX);
                    a.dec(ECX).jcc(Cond.NZ, again);
                    a.lock().inc(Mem.base(RBX).disp(8).q()).movdqu(Mem.base(RBX).disp(16), XMM0);
                    a.mov(RDI, RBX).mov(EAX, 3).mov(ECX, 100).rep().stos(64);
                    a.lea(RSP, Mem.base(RBX).disp(64)).int3();
                })) {
            m.assemble(0x180000, a -> a.iret(64));
            m.gate(3, 0x180000);
            long mfn = m.map.lookup(DATA >>> 12) >>> 12;
            m.group.mirror(mfn, true);
            List<Long> values = new ArrayList<>();
            m.group.setMirrorListener((f, by) -> {
                assertThat(f).isEqualTo(mfn);
                values.add(m.ram.getLong(DATA));
            });
            halts(m);
            assertThat(values).hasSize(5000 + 4);
            assertThat(values.get(0)).isEqualTo(5000);
            assertThat(values.get(4999)).isEqualTo(1);
            assertThat(values.getLast()).isEqualTo(3);
        }
    }

    /** Code is told when it is executed first, and again when it has been written in between. */
    @Test
    void tellsOfFreshCode() {
        try (FlatMachine m =
                machine(a -> {
                    a.mov(RBX, DATA).mov(ECX, 0xC3).mov(Mem.base(RBX), RCX);
                    a.call(RBX).call(RBX).mov(ECX, 0xC390).mov(Mem.base(RBX), RCX);
                    a.call(RBX).mov(RAX, Mem.base(RBX)).call(RBX);
                })) {
            List<Long> content = new ArrayList<>();
            m.group.setFreshCode((p, linear) -> {
                if (linear == DATA) {
                    assertThat(p.rip()).isEqualTo(DATA);
                    content.add(m.ram.getLong(DATA));
                }
            });
            halts(m);
            assertThat(content).containsExactly(0xC3L, 0xC390L);
        }
    }
}
