// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import static dev.vitrine.hypervisor.guest.AssembledGuest.DATA;
import static dev.vitrine.processor.asm.Reg.*;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vitrine.hypervisor.MonitorEvent.OfProcessor;
import dev.vitrine.hypervisor.MonitorResponse.GuestRegisters;
import dev.vitrine.hypervisor.guest.AssembledGuest;
import dev.vitrine.memory.PhysicalView;
import dev.vitrine.processor.Interception;
import dev.vitrine.processor.Interception.ControlRegisterWrite;
import dev.vitrine.processor.Interception.MemoryAccess;
import dev.vitrine.processor.Processor;
import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Asm.Cond;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Mem;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/** Every kind of event, and every flag of a response. */
class MonitorTest {
    private static final long GFN = DATA >>> 12;

    /** Where guests leave their results. */
    private static final int RESULT = DATA + 0x10000;

    private static final byte[] MOV_CR4_RAX = {0x0F, 0x22, (byte) 0xE0};
    private static final byte[] MOV_RAX_CR4 = {0x0F, 0x20, (byte) 0xE0};

    private final List<MonitorEvent> seen = Collections.synchronizedList(new ArrayList<>());

    /** Notes all events of a subscription, and answers them. */
    private void watch(
            AssembledGuest g, Subscription s, Function<MonitorEvent, MonitorResponse> answer) {
        g.domain
                .monitor()
                .subscribe(
                        s,
                        e -> {
                            seen.add(e);
                            return answer.apply(e);
                        });
    }

    private List<Interception> interceptions() {
        return seen.stream().map(e -> ((OfProcessor) e).what()).toList();
    }

    private static int forbid(AssembledGuest g, Access access) {
        int view = g.domain.views().create(Access.RWX);
        assertThat(g.domain.views().setAccess(view, GFN, 1, access)).isZero();
        assertThat(g.domain.views().switchAll(view)).isZero();
        return view;
    }

    private static Asm result(Asm a) {
        return a.mov(R15, RESULT).mov(Mem.base(R15), RAX);
    }

    /** RAX is what a load from DATA gives, and 7 is stored behind it. */
    private static void loadAndStore(Asm a) {
        a.mov(RBX, DATA).mov(RAX, Mem.base(RBX)).mov(ECX, 7).mov(Mem.base(RBX).disp(8), RCX);
        result(a);
    }

    // --------------------------------------------------------------- memory access

    @Test
    void memoryAccessIsEmulated() throws InterruptedException {
        try (AssembledGuest g = new AssembledGuest(MonitorTest::loadAndStore)) {
            g.domain.physical().putLong(DATA, 5);
            int view = forbid(g, Access.N);
            watch(g, Subscription.NONE.memoryAccess(), e -> MonitorResponse.NONE.emulate());
            g.runToEnd();
            assertThat(g.read(RESULT)).isEqualTo(5);
            assertThat(g.read(DATA + 8)).isEqualTo(7);
            assertThat(interceptions())
                    .containsExactly(
                            new MemoryAccess(DATA, DATA, PhysicalView.READ, 0),
                            new MemoryAccess(DATA + 8, DATA + 8, PhysicalView.WRITE, 0));
            assertThat(seen).allMatch(e -> e.view() == view && e.synchronous());
        }
    }

    @Test
    void memoryAccessIsTriedAgain() throws InterruptedException {
        try (AssembledGuest g = new AssembledGuest(MonitorTest::loadAndStore)) {
            int view = forbid(g, Access.N);
            watch(
                    g,
                    Subscription.NONE.memoryAccess(),
                    e -> {
                        g.domain.views().setAccess(view, GFN, 1, Access.RWX);
                        return MonitorResponse.NONE;
                    });
            g.runToEnd();
            assertThat(seen).hasSize(1);
            assertThat(g.read(DATA + 8)).isEqualTo(7);
        }
    }

    @Test
    void writesAreDiscarded() throws InterruptedException {
        try (AssembledGuest g = new AssembledGuest(MonitorTest::loadAndStore)) {
            forbid(g, Access.R);
            watch(g, Subscription.NONE.memoryAccess(), e -> MonitorResponse.NONE.emulateNoWrite());
            g.runToEnd();
            assertThat(seen).hasSize(1);
            assertThat(g.read(DATA + 8)).isZero();
        }
    }

    /** Supplied data comes before discarded writes, as on Xen. */
    @Test
    void readDataIsSupplied() throws InterruptedException {
        try (AssembledGuest g =
                new AssembledGuest(a ->
                        result(
                                a.mov(RBX, DATA)
                                        .mov(ECX, 1)
                                        .add(Mem.base(RBX), RCX)
                                        .mov(RAX, Mem.base(RBX))))) {
            forbid(g, Access.N);
            watch(
                    g,
                    Subscription.NONE.memoryAccess(),
                    e -> MonitorResponse.NONE.emulateNoWrite().readData(new byte[] {1, 2, 3}));
            g.runToEnd();
            assertThat(g.read(RESULT)).isEqualTo(0x030201);
            assertThat(g.read(DATA)).isEqualTo(0x030202);
        }
    }

    @Test
    void otherInstructionIsEmulated() throws InterruptedException {
        try (AssembledGuest g = new AssembledGuest(MonitorTest::loadAndStore)) {
            forbid(g, Access.RX);
            // MOV [RBX + 16], RCX, of the same length.
            byte[] other = {0x48, (byte) 0x89, 0x4B, 0x10};
            watch(
                    g,
                    Subscription.NONE.memoryAccess(),
                    e -> MonitorResponse.NONE.instruction(other));
            g.runToEnd();
            assertThat(g.read(DATA + 8)).isZero();
            assertThat(g.read(DATA + 16)).isEqualTo(7);
        }
    }

    @Test
    void accessInPageWalkIsToldApart() throws InterruptedException {
        try (AssembledGuest g =
                new AssembledGuest(
                        a -> result(a.mov(RBX, AssembledGuest.WINDOW).mov(RAX, Mem.base(RBX))))) {
            g.window(0, GFN);
            g.domain.physical().putLong(DATA, 9);
            int view = g.domain.views().create(Access.RWX);
            g.domain.views().setAccess(view, AssembledGuest.WINDOW_PT >>> 12, 1, Access.R);
            g.domain.views().switchAll(view);
            watch(g, Subscription.NONE.memoryAccess(), e -> MonitorResponse.NONE.emulate());
            g.runToEnd();
            assertThat(g.read(RESULT)).isEqualTo(9);
            assertThat(interceptions())
                    .containsExactly(
                            new MemoryAccess(
                                    AssembledGuest.WINDOW_PT,
                                    AssembledGuest.WINDOW,
                                    PhysicalView.READ | PhysicalView.WRITE,
                                    Interception.IN_WALK));
        }
    }

    @Test
    void automaticRightsChangeThemselves() throws InterruptedException {
        try (AssembledGuest g = new AssembledGuest(MonitorTest::loadAndStore)) {
            int view = forbid(g, Access.RX2RW);
            watch(g, Subscription.NONE.memoryAccess(), e -> MonitorResponse.NONE);
            g.runToEnd();
            assertThat(seen).isEmpty();
            assertThat(g.read(DATA + 8)).isEqualTo(7);
            assertThat(g.domain.views().access(view, GFN)).isEqualTo(Access.RW);
        }
        try (AssembledGuest g = new AssembledGuest(MonitorTest::loadAndStore)) {
            int view = forbid(g, Access.N2RWX);
            watch(g, Subscription.NONE.memoryAccess(), e -> MonitorResponse.NONE.emulateNoWrite());
            g.runToEnd();
            assertThat(seen).hasSize(1).noneMatch(MonitorEvent::synchronous);
            assertThat(g.read(DATA + 8)).isEqualTo(7);
            assertThat(g.domain.views().access(view, GFN)).isEqualTo(Access.RWX);
        }
    }

    @Test
    void restrictionsEndWhereNobodyListens() throws InterruptedException {
        try (AssembledGuest g = new AssembledGuest(MonitorTest::loadAndStore)) {
            int view = forbid(g, Access.N);
            g.runToEnd();
            assertThat(g.read(DATA + 8)).isEqualTo(7);
            assertThat(g.domain.views().access(view, GFN)).isEqualTo(Access.RWX);
        }
        try (AssembledGuest g = new AssembledGuest(MonitorTest::loadAndStore)) {
            forbid(g, Access.N);
            g.domain.monitor().setAccessRequired(true);
            DomainStop stop = g.run();
            assertThat(stop.reason()).isEqualTo(StopReason.CRASH);
            assertThat(stop.message()).contains("200000", "nobody listens");
        }
    }

    /** Rights of the domain's own map are view 0's. */
    @Test
    void hostMapHasRights() throws InterruptedException {
        try (AssembledGuest g = new AssembledGuest(MonitorTest::loadAndStore)) {
            assertThat(g.domain.views().setAccess(Views.HOST, GFN, 1, Access.R)).isZero();
            watch(g, Subscription.NONE.memoryAccess(), e -> MonitorResponse.NONE.emulate());
            g.runToEnd();
            assertThat(seen).hasSize(1);
            assertThat(g.read(DATA + 8)).isEqualTo(7);
            assertThat(g.domain.views().access(Views.HOST, GFN)).isEqualTo(Access.R);
        }
    }

    // ------------------------------------------------------------ views and steps

    @Test
    void responseSwitchesView() throws InterruptedException {
        try (AssembledGuest g =
                new AssembledGuest(a -> {
                    a.mov(RBX, DATA).mov(RAX, Mem.base(RBX)).add(RAX, Mem.base(RBX));
                    result(a);
                })) {
            g.domain.physical().putLong(DATA, 1);
            g.domain.physical().putLong(DATA + 0x1000, 10);
            forbid(g, Access.N);
            int other = g.domain.views().create(Access.RWX);
            assertThat(g.domain.views().changeGfn(other, GFN, GFN + 1)).isZero();
            watch(g, Subscription.NONE.memoryAccess(), e -> MonitorResponse.NONE.view(other));
            g.runToEnd();
            assertThat(seen).hasSize(1);
            assertThat(g.read(RESULT)).isEqualTo(20);
            assertThat(g.domain.vcpu(0).view()).isEqualTo(other);
            assertThat(g.domain.views().destroy(other)).isEqualTo(-16);
            g.domain.views().switchAll(Views.HOST);
            assertThat(g.domain.views().destroy(other)).isZero();
            assertThat(g.domain.views().destroy(other)).isEqualTo(-22);
            assertThat(g.domain.views().switchAll(other)).isEqualTo(-22);
        }
    }

    /** The classical way over a hidden page: another view for one instruction. */
    @Test
    void fastSingleStepReturnsToItsView() throws InterruptedException {
        try (AssembledGuest g =
                new AssembledGuest(a -> {
                    Label again = a.label();
                    a.mov(RBX, DATA).xor(EAX, EAX).mov(ECX, 100).bind(again);
                    a.add(RAX, Mem.base(RBX)).dec(ECX).jcc(Cond.NZ, again);
                    result(a);
                })) {
            g.domain.physical().putLong(DATA, 3);
            int view = forbid(g, Access.X);
            watch(
                    g,
                    Subscription.NONE.memoryAccess().singleSteps(),
                    e -> MonitorResponse.NONE.view(Views.HOST).fastSingleStep(view));
            g.runToEnd();
            assertThat(g.read(RESULT)).isEqualTo(300);
            assertThat(interceptions()).hasSize(100).hasOnlyElementsOfType(MemoryAccess.class);
            assertThat(g.domain.vcpu(0).view()).isEqualTo(view);
        }
    }

    @Test
    void singleStepIsToggled() throws InterruptedException {
        try (AssembledGuest g =
                new AssembledGuest(a -> result(a.mov(EAX, 1).int3().inc(EAX).inc(EAX).nop()))) {
            watch(
                    g,
                    Subscription.NONE.softwareBreakpoints().singleSteps(),
                    e -> {
                        Processor p = ((OfProcessor) e).processor();
                        if (((OfProcessor) e).what() instanceof Interception.Breakpoint b) {
                            p.setRip(p.rip() + b.length());
                            return MonitorResponse.NONE.toggleSingleStep();
                        }
                        return p.gpr(0) == 3
                                ? MonitorResponse.NONE.toggleSingleStep()
                                : MonitorResponse.NONE;
                    });
            g.runToEnd();
            assertThat(g.read(RESULT)).isEqualTo(3);
            assertThat(interceptions())
                    .containsExactly(
                            new Interception.Breakpoint(1),
                            new Interception.Step(),
                            new Interception.Step());
        }
    }

    // -------------------------------------------------------------------- INT3, DB

    @Test
    void breakpointIsReplacedByAnInstruction() throws InterruptedException {
        try (AssembledGuest g = new AssembledGuest(a -> result(a.mov(EAX, 1).int3().nop().nop()))) {
            watch(
                    g,
                    Subscription.NONE.softwareBreakpoints(),
                    e -> MonitorResponse.NONE.instruction(new byte[] {(byte) 0xFF, (byte) 0xC0}));
            g.runToEnd();
            assertThat(g.read(RESULT)).isEqualTo(2);
        }
    }

    @Test
    void breakpointIsGivenToTheGuest() throws InterruptedException {
        try (AssembledGuest g = new AssembledGuest(a -> a.xor(EAX, EAX).int3().nop())) {
            g.handler(3, a -> result(a.mov(EAX, 77)).iret(64));
            watch(
                    g,
                    Subscription.NONE.softwareBreakpoints(),
                    e -> {
                        ((OfProcessor) e)
                                .processor()
                                .inject(3, Interception.EventType.SOFTWARE_EXCEPTION, 0, 0, 1);
                        return MonitorResponse.NONE;
                    });
            g.runToEnd();
            assertThat(seen).hasSize(1);
            assertThat(g.read(RESULT)).isEqualTo(77);
        }
    }

    @Test
    void debugExceptionsAreEvents() throws InterruptedException {
        for (boolean synchronous : new boolean[] {true, false}) {
            seen.clear();
            try (AssembledGuest g =
                    new AssembledGuest(a -> {
                        a.pushf().or(Mem.base(RSP).q(), 0x100).popf().nop().nop();
                        a.pushf().and(Mem.base(RSP).q(), ~0x100L).popf().nop();
                    })) {
                g.handler(1, a -> a.mov(RBX, RESULT).inc(Mem.base(RBX).q()).iret(64));
                watch(g, Subscription.NONE.debugExceptions(synchronous), e -> MonitorResponse.NONE);
                g.runToEnd();
                assertThat(seen).hasSize(5).allMatch(e -> e.synchronous() == synchronous);
                assertThat(((Interception.DebugException) interceptions().getFirst()).dr6())
                        .isEqualTo(0x4000);
                assertThat(g.read(RESULT)).isEqualTo(synchronous ? 0 : 5);
            }
        }
    }

    // ------------------------------------------------------------------- registers

    private static void writeCr4(Asm a) {
        a.bytes(MOV_RAX_CR4).or(RAX, 0x100).bytes(MOV_CR4_RAX).bytes(MOV_RAX_CR4);
        result(a);
    }

    @Test
    void controlRegisterWriteIsDenied() throws InterruptedException {
        for (boolean deny : new boolean[] {true, false}) {
            seen.clear();
            try (AssembledGuest g = new AssembledGuest(MonitorTest::writeCr4)) {
                watch(
                        g,
                        Subscription.NONE.controlRegister(4, true, true, ~0x100L),
                        e -> deny ? MonitorResponse.NONE.deny() : MonitorResponse.NONE);
                g.runToEnd();
                assertThat(interceptions())
                        .containsExactly(new ControlRegisterWrite(4, 0x40720, 0x40620));
                assertThat(g.read(RESULT)).isEqualTo(deny ? 0x40620 : 0x40720);
            }
        }
    }

    /** Nobody waits: the answer does not count. */
    @Test
    void asynchronousWriteIsOnlyTold() throws InterruptedException {
        try (AssembledGuest g = new AssembledGuest(MonitorTest::writeCr4)) {
            watch(
                    g,
                    Subscription.NONE.controlRegister(4, false, true, ~0x100L),
                    e -> MonitorResponse.NONE.deny());
            g.runToEnd();
            assertThat(seen).hasSize(1).noneMatch(MonitorEvent::synchronous);
            assertThat(g.read(RESULT)).isEqualTo(0x40720);
        }
    }

    /** The value written is that of the event, and the registers are those of the response. */
    @Test
    void registersAreSetBehindTheWrite() throws InterruptedException {
        try (AssembledGuest g =
                new AssembledGuest(a -> {
                    a.bytes(MOV_RAX_CR4).or(RAX, 0x100).bytes(MOV_CR4_RAX);
                    result(a).bytes(MOV_RAX_CR4).mov(Mem.base(R15).disp(8), RAX);
                })) {
            watch(
                    g,
                    Subscription.NONE.controlRegister(4, true, true, ~0x100L),
                    e -> {
                        Processor p = ((OfProcessor) e).processor();
                        long[] general = new long[16];
                        for (int i = 0; i < 16; i++) {
                            general[i] = p.gpr(i);
                        }
                        general[0] = 0x1234;
                        return MonitorResponse.NONE.registers(
                                new GuestRegisters(general, p.rip(), p.flags()));
                    });
            g.runToEnd();
            assertThat(g.read(RESULT)).isEqualTo(0x1234);
            assertThat(g.read(RESULT + 8)).isEqualTo(0x40720);
        }
    }

    @Test
    void msrWriteIsDenied() throws InterruptedException {
        for (boolean deny : new boolean[] {true, false}) {
            seen.clear();
            try (AssembledGuest g =
                    new AssembledGuest(a -> {
                        a.mov(ECX, 0xC0000082L).mov(EAX, 5).xor(EDX, EDX).wrmsr();
                        result(a.xor(EAX, EAX).rdmsr());
                    })) {
                watch(
                        g,
                        Subscription.NONE.msr(0xC0000082, true),
                        e -> deny ? MonitorResponse.NONE.deny() : MonitorResponse.NONE);
                g.runToEnd();
                assertThat(interceptions())
                        .containsExactly(new Interception.MsrWrite(0xC0000082, 5, 0));
                assertThat(g.read(RESULT)).isEqualTo(deny ? 0 : 5);
            }
        }
    }

    @Test
    void cpuidTellsHowFastTheCounterIs() throws InterruptedException {
        try (AssembledGuest g =
                new AssembledGuest(a -> {
                    a.mov(EAX, 0x15).xor(ECX, ECX).cpuid().mov(RAX, RCX);
                    result(a);
                })) {
            g.runToEnd();
            assertThat(g.read(RESULT)).isPositive().isEqualTo(g.domain.clock().frequency());
        }
    }

    @Test
    void cpuidIsAnsweredByTheMonitor() throws InterruptedException {
        try (AssembledGuest g =
                new AssembledGuest(a -> {
                    a.xor(EAX, EAX).xor(ECX, ECX).cpuid().mov(RAX, RBX);
                    result(a);
                })) {
            watch(
                    g,
                    Subscription.NONE.cpuid(),
                    e -> {
                        Processor p = ((OfProcessor) e).processor();
                        assertThat(p.gpr(3)).isEqualTo(0x756E6547);
                        long[] general = new long[16];
                        for (int i = 0; i < 16; i++) {
                            general[i] = p.gpr(i);
                        }
                        general[3] = 42;
                        // As a tool for Xen does it: behind the instruction.
                        return MonitorResponse.NONE.registers(
                                new GuestRegisters(general, p.rip() + 2, p.flags()));
                    });
            g.runToEnd();
            assertThat(interceptions()).containsExactly(new Interception.Cpuid(0, 0, 2));
            assertThat(g.read(RESULT)).isEqualTo(42);
        }
    }

    @Test
    void portsAndDescriptorTablesAreEvents() throws InterruptedException {
        try (AssembledGuest g =
                new AssembledGuest(a -> {
                    a.mov(RBX, DATA).sidt(Mem.base(RBX)).mov(EAX, 0x77);
                    result(a.in(AL, 0x60));
                })) {
            watch(
                    g,
                    Subscription.NONE.ports().descriptors(),
                    e ->
                            ((OfProcessor) e).what() instanceof Interception.PortAccess
                                    ? MonitorResponse.NONE.deny()
                                    : MonitorResponse.NONE.emulate());
            g.runToEnd();
            assertThat(interceptions())
                    .contains(
                            new Interception.DescriptorAccess(
                                    Interception.DescriptorTable.IDTR, false, DATA),
                            new Interception.PortAccess(0x60, 1, true, false));
            assertThat(g.read(RESULT)).as("the port was not read").isEqualTo(0x77);
            assertThat(g.read(DATA) & 0xFFFF).isEqualTo(0xFFF);
        }
    }

    @Test
    void unimplementedInstructionIsAnEvent() throws InterruptedException {
        try (AssembledGuest g =
                new AssembledGuest(a -> {
                    a.xor(EAX, EAX).bytes(new byte[] {0x0F, 0x01, (byte) 0xC2});
                    result(a);
                })) {
            watch(
                    g,
                    Subscription.NONE.unimplemented(),
                    e ->
                            MonitorResponse.NONE.instruction(
                                    new byte[] {0x48, (byte) 0xFF, (byte) 0xC0}));
            g.runToEnd();
            assertThat(interceptions()).containsExactly(new Interception.UnknownInstruction());
            assertThat(g.read(RESULT)).isEqualTo(1);
        }
    }

    @Test
    void nextInterruptIsAnEvent() throws InterruptedException {
        try (AssembledGuest g =
                new AssembledGuest(a -> {
                    // x2APIC: a self-IPI of vector 0x40.
                    a.mov(ECX, 0x1B).rdmsr().or(EAX, 0xC00).wrmsr();
                    a.mov(ECX, 0x80F).mov(EAX, 0x1FF).xor(EDX, EDX).wrmsr();
                    a.int3().mov(ECX, 0x83F).mov(EAX, 0x40).wrmsr().sti().nop().nop();
                })) {
            g.handler(0x40, a -> result(a.mov(EAX, 40)).iret(64));
            watch(
                    g,
                    Subscription.NONE.softwareBreakpoints().interrupts(),
                    e -> {
                        Processor p = ((OfProcessor) e).processor();
                        if (((OfProcessor) e).what() instanceof Interception.Breakpoint) {
                            p.setRip(p.rip() + 1);
                            return MonitorResponse.NONE.getNextInterrupt();
                        }
                        return MonitorResponse.NONE;
                    });
            g.runToEnd();
            assertThat(interceptions())
                    .containsExactly(
                            new Interception.Breakpoint(1),
                            new Interception.Event(
                                    0x40, Interception.EventType.EXTERNAL_INTERRUPT, 0, 0));
            assertThat(g.read(RESULT)).isEqualTo(40);
        }
    }

    // -------------------------------------------------------------- guest requests

    private static void request(Asm a) {
        result(a.mov(EAX, 34).mov(EDI, 24).xor(ESI, ESI).vmcall());
    }

    @Test
    void guestRequestIsAnEvent() throws InterruptedException {
        try (AssembledGuest g = new AssembledGuest(MonitorTest::request)) {
            watch(g, Subscription.NONE.guestRequests(false, false), e -> MonitorResponse.NONE);
            g.runToEnd();
            assertThat(seen).hasSize(1).allMatch(e -> e instanceof MonitorEvent.GuestRequest);
            assertThat(g.read(RESULT)).isZero();
        }
        try (AssembledGuest g = new AssembledGuest(MonitorTest::request)) {
            long[] general = new long[16];
            watch(
                    g,
                    Subscription.NONE.guestRequests(true, false),
                    e -> {
                        long rip = g.domain.vcpu(0).registers().rip();
                        general[0] = 99;
                        return MonitorResponse.NONE.registers(new GuestRegisters(general, rip, 2));
                    });
            g.runToEnd();
            assertThat(g.read(RESULT)).as("behind the hypercall's result").isEqualTo(99);
        }
    }

    // --------------------------------------------------------------------- waiting

    /** One vCPU waits; the domain can be paused meanwhile, and its registers looked at. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void answersMayComeLater(boolean virtualClock) throws InterruptedException {
        DomainConfig config = DomainConfig.of("assembled", AssembledGuest.RAM + (1 << 20), 1);
        try (AssembledGuest g =
                new AssembledGuest(
                        config.withClock(
                                virtualClock ? DomainConfig.Clock.VIRTUAL : config.clock()),
                        MonitorTest::loadAndStore)) {
            g.domain.physical().putLong(DATA, 5);
            forbid(g, Access.N);
            LinkedBlockingQueue<MonitorEvent> queue = new LinkedBlockingQueue<>();
            g.domain
                    .monitor()
                    .subscribe(
                            Subscription.NONE.memoryAccess(),
                            e -> {
                                queue.add(e);
                                return MonitorResponse.LATER;
                            });
            Vcpu v = g.domain.vcpu(0);
            assertThatThrownBy(() -> g.domain.monitor().answer(v, MonitorResponse.NONE))
                    .isInstanceOf(IllegalStateException.class);
            g.domain.unpause();
            for (int i = 0; i < 2; i++) {
                MonitorEvent e = queue.poll(30, TimeUnit.SECONDS);
                assertThat(e).isNotNull();
                g.domain.pause();
                assertThat(g.domain.monitor().open(v)).isSameAs(e);
                long retired = v.retiredInstructions();
                assertThat(v.registers().general(3)).isEqualTo(DATA);
                g.domain.unpause();
                Thread.sleep(5);
                assertThat(v.retiredInstructions()).isEqualTo(retired);
                g.domain.monitor().answer(v, MonitorResponse.NONE.emulate());
            }
            assertThat(g.domain.await(java.time.Duration.ofSeconds(30)).reason())
                    .isEqualTo(StopReason.POWEROFF);
            assertThat(g.read(RESULT)).isEqualTo(5);
            assertThat(g.read(DATA + 8)).isEqualTo(7);
        }
    }

    /** Listeners are asked in turn, until one answers. */
    @Test
    void listenersTakeTurns() throws InterruptedException {
        try (AssembledGuest g = new AssembledGuest(a -> a.mov(EAX, 1).int3().cpuid().nop())) {
            g.handler(3, a -> a.iret(64));
            List<String> order = new ArrayList<>();
            Monitor.Registration first =
                    g.domain
                            .monitor()
                            .subscribe(
                                    Subscription.NONE.softwareBreakpoints().cpuid(),
                                    e -> {
                                        order.add("first");
                                        return null;
                                    });
            g.domain
                    .monitor()
                    .subscribe(
                            Subscription.NONE.cpuid(),
                            e -> {
                                order.add("second");
                                first.close();
                                return MonitorResponse.NONE;
                            });
            g.runToEnd();
            assertThat(order).containsExactly("first", "first", "second");
        }
    }
}
