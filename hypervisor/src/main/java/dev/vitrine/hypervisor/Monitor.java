// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.memory.PhysicalMap;
import dev.vitrine.memory.PhysicalView;
import dev.vitrine.processor.Interception;
import dev.vitrine.processor.Intercepts;
import dev.vitrine.processor.Processor;
import dev.vitrine.processor.Reaction;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/**
 * Tells listeners what a domain's vCPUs are about to do, and does as they answer: Xen's vm_event.
 * Only the vCPU that has an event stands still; the others run on.
 *
 * <p>An access that a view forbids while nobody listens takes the restriction away, as on Xen;
 * {@link #setAccessRequired} has it end the domain instead.
 */
public final class Monitor {
    private static final int RIGHTS = PhysicalView.READ | PhysicalView.WRITE | PhysicalView.EXECUTE;
    private static final int GENERAL_PROTECTION = 13;

    /** A listener's place among those of a domain. */
    public interface Registration extends AutoCloseable {
        /** Ends it; on another vCPU the listener may still be under way. */
        @Override
        void close();

        /** Has the listener told of other events from now on. */
        void change(Subscription wanted);
    }

    private final class Subscriber implements Registration {
        final MonitorListener listener;
        volatile Subscription wants;

        Subscriber(Subscription wants, MonitorListener listener) {
            this.wants = wants;
            this.listener = listener;
        }

        @Override
        public void close() {
            if (subscribers.remove(this)) {
                update();
            }
        }

        @Override
        public void change(Subscription wanted) {
            wants = wanted;
            update();
        }
    }

    private final Domain domain;
    private final List<Subscriber> subscribers = new CopyOnWriteArrayList<>();
    private volatile boolean accessRequired;

    Monitor(Domain domain) {
        this.domain = domain;
    }

    /**
     * Has a listener told of events from now on, behind those that have subscribed before. When
     * this returns all vCPUs look for them.
     *
     * @return what changes or ends it
     */
    public Registration subscribe(Subscription wanted, MonitorListener listener) {
        Subscriber s = new Subscriber(wanted, listener);
        subscribers.add(s);
        update();
        return s;
    }

    private void update() {
        Intercepts all = Intercepts.NONE;
        for (Subscriber s : subscribers) {
            all = all.or(s.wants.intercepts());
        }
        domain.engines().setIntercepts(all);
    }

    /** Whether the domain ends when a view forbids an access and nobody listens. */
    public void setAccessRequired(boolean required) {
        accessRequired = required;
    }

    boolean wantsRequestsByUsers() {
        for (Subscriber s : subscribers) {
            if (s.wants.wantsRequestsByUsers()) {
                return true;
            }
        }
        return false;
    }

    /**
     * Answers an event that {@link MonitorResponse#LATER} is said to, or has been. Any thread.
     *
     * @throws IllegalStateException the vCPU waits for no answer
     */
    public void answer(Vcpu vcpu, MonitorResponse response) {
        MonitorState state = vcpu.monitored;
        boolean parked;
        synchronized (state) {
            if (state.open == null || state.answer != null) {
                throw new IllegalStateException("vCPU " + vcpu.id() + " waits for no answer");
            }
            state.answer = response;
            parked = state.parked;
            state.parked = false;
        }
        if (parked) {
            vcpu.release();
        }
    }

    /** The event that a vCPU waits for an answer to; null if it does not. */
    public @Nullable MonitorEvent open(Vcpu vcpu) {
        return vcpu.monitored.open;
    }

    /**
     * Has an event given to a vCPU before its next instruction; any thread.
     *
     * @return false if another one is still to come
     */
    boolean inject(Vcpu vcpu, Consumer<Processor> injection) {
        if (!vcpu.monitored.injection.compareAndSet(null, injection)) {
            return false;
        }
        vcpu.engine().requestStop();
        vcpu.kick();
        return true;
    }

    // --------------------------------------------------------------------- events

    /** A processor asks; on the vCPU's thread. */
    Reaction intercepted(Vcpu vcpu, Processor p, Interception what) {
        MonitorState state = vcpu.monitored;
        boolean loses = false;
        switch (what) {
            case Interception.Step s -> {
                if (state.fastSingleStepView >= 0) {
                    int view = state.fastSingleStepView;
                    state.fastSingleStepView = -1;
                    p.setStepping(false);
                    domain.views().switchVcpu(vcpu, view);
                    return Reaction.AGAIN;
                }
            }
            case Interception.MemoryAccess m -> {
                long entry = p.view().lookup(m.physical() >>> 12);
                if ((entry & PhysicalView.FIXED) != 0
                        && (p.view().unrestricted(m.physical() >>> 12) & m.rights())
                                != m.rights()) {
                    // A read-only grant.
                    p.inject(
                            GENERAL_PROTECTION, Interception.EventType.HARDWARE_EXCEPTION, 0, 0, 0);
                    return Reaction.AGAIN;
                }
                if ((entry & RIGHTS & m.rights()) != m.rights()
                        && vcpu.exceptions()
                                .inject(
                                        p,
                                        m,
                                        entry,
                                        domain.views()
                                                .isSuppressed(vcpu.view(), m.physical() >>> 12))) {
                    return Reaction.AGAIN;
                }
                Access access = Access.ofEntry(entry);
                if (access == Access.RX2RW && (m.rights() & PhysicalView.WRITE) != 0) {
                    change(p, m, Access.RW);
                    return Reaction.AGAIN;
                }
                if (access == Access.N2RWX) {
                    change(p, m, Access.RWX);
                    loses = true;
                } else if ((entry & RIGHTS & m.rights()) == m.rights()) {
                    return Reaction.AGAIN; // Somebody was faster.
                }
            }
            case Interception.Cpuid c -> p.executeCpuid();
            default -> {}
        }
        long rip = p.rip();
        for (Subscriber s : subscribers) {
            if (!s.wants.wants(what)) {
                continue;
            }
            boolean synchronous = !loses && s.wants.synchronous(what);
            MonitorEvent e = new MonitorEvent.OfProcessor(vcpu, vcpu.view(), synchronous, p, what);
            state.openRip = rip;
            state.open = synchronous ? e : null;
            MonitorResponse r = s.listener.event(e);
            if (r == MonitorResponse.LATER && synchronous) {
                r = await(vcpu);
                if (r == null) {
                    return Reaction.WAIT;
                }
            }
            state.open = null;
            if (synchronous && r != null) {
                return react(vcpu, p, what, rip, r);
            }
        }
        return unanswered(vcpu, p, what, loses);
    }

    /** Pauses a vCPU until its answer comes, or returns the answer if that was faster. */
    private static @Nullable MonitorResponse await(Vcpu vcpu) {
        MonitorState state = vcpu.monitored;
        synchronized (state) {
            MonitorResponse early = state.answer;
            if (early == null) {
                state.parked = true;
                vcpu.hold();
            }
            state.answer = null;
            return early;
        }
    }

    /** Nobody has anything to say to an event. */
    private Reaction unanswered(Vcpu vcpu, Processor p, Interception what, boolean loses) {
        if (what instanceof Interception.MemoryAccess m) {
            if (m.where() == Interception.IN_WALK
                    && subscribers.stream().anyMatch(s -> s.wants.passesWalks())) {
                return Reaction.PASS_WALK;
            }
            if (accessRequired && !loses) {
                domain.stop(
                        StopReason.CRASH,
                        vcpu.id(),
                        String.format(
                                "view %d forbids an access to guest-physical %x, and nobody"
                                        + " listens",
                                vcpu.view(), m.physical()),
                        vcpu.crashReport(),
                        null);
                return Reaction.WAIT;
            }
            if (!loses) {
                change(p, m, Access.RWX);
            }
            return Reaction.AGAIN;
        }
        if (what instanceof Interception.Step
                && subscribers.stream().noneMatch(s -> s.wants.wants(what))) {
            // Whoever toggled it on is gone.
            p.setStepping(false);
        }
        return what instanceof Interception.Cpuid ? Reaction.SKIP : Reaction.PROCEED;
    }

    private static void change(Processor p, Interception.MemoryAccess m, Access access) {
        long gfn = m.physical() >>> 12;
        switch (p.view()) {
            case PhysicalMap map -> map.setAccess(gfn, access.bits);
            case dev.vitrine.memory.AlternateView v -> v.setAccess(gfn, access.bits);
            case dev.vitrine.memory.UnrestrictedView u -> {
                // It forbids nothing that could be given.
            }
        }
    }

    // ------------------------------------------------------------------ responses

    /** What a response says of everything but the instruction. */
    private void apply(Vcpu vcpu, Processor p, MonitorResponse r) {
        if (r.view >= 0) {
            domain.views().switchVcpu(vcpu, r.view);
        }
        if (r.toggleSingleStep) {
            p.setStepping(!p.stepping());
            vcpu.monitored.fastSingleStepView = -1;
        } else if (r.fastSingleStepView >= 0 && domain.views().exists(r.fastSingleStepView)) {
            p.setStepping(true);
            vcpu.monitored.fastSingleStepView = r.fastSingleStepView;
        }
        if (r.getNextInterrupt) {
            p.showNextEvent();
        }
    }

    private static void setRegisters(
            Processor p, MonitorResponse.GuestRegisters regs, long eventRip, boolean behind) {
        for (int i = 0; i < 16; i++) {
            p.setGpr(i, regs.general()[i]);
        }
        p.setFlags(regs.rflags());
        // Behind the instruction its own address means that nobody has changed it.
        if (!behind || regs.rip() != eventRip) {
            p.setRip(regs.rip());
        }
    }

    private Reaction react(Vcpu vcpu, Processor p, Interception what, long rip, MonitorResponse r) {
        apply(vcpu, p, r);
        boolean write =
                what instanceof Interception.ControlRegisterWrite
                        || what instanceof Interception.MsrWrite;
        MonitorResponse.GuestRegisters regs = r.registers;
        if (regs != null && !write) {
            setRegisters(p, regs, rip, false);
        }
        Reaction reaction = decide(p, what, rip, r);
        Runnable after = r.after;
        if (regs != null && write) {
            // The value is that of the event, whatever the registers are now.
            Runnable then = after;
            after =
                    () -> {
                        setRegisters(p, regs, rip, true);
                        if (then != null) {
                            then.run();
                        }
                    };
        }
        return after == null ? reaction : reaction.then(after);
    }

    private static Reaction decide(Processor p, Interception what, long rip, MonitorResponse r) {
        boolean moved = p.rip() != rip;
        return switch (what) {
            case Interception.MemoryAccess m -> moved || !r.emulate ? Reaction.AGAIN : emulate(r);
            case Interception.Breakpoint b -> moved || !r.emulate ? Reaction.AGAIN : emulate(r);
            case Interception.DebugException d -> Reaction.AGAIN;
            case Interception.Step s -> Reaction.AGAIN;
            case Interception.Event e -> Reaction.PROCEED;
            // The registers have the answer; also who moves behind it has had it executed.
            case Interception.Cpuid c -> {
                boolean skips = !moved || p.rip() == rip + c.length();
                yield skips ? Reaction.SKIP : Reaction.AGAIN;
            }
            case Interception.ControlRegisterWrite c -> ofWrite(r, moved);
            case Interception.MsrWrite m -> ofWrite(r, moved);
            default -> {
                if (moved) {
                    yield Reaction.AGAIN;
                }
                yield r.deny ? Reaction.SKIP : r.emulate ? emulate(r) : Reaction.PROCEED;
            }
        };
    }

    private static Reaction ofWrite(MonitorResponse r, boolean moved) {
        return moved ? Reaction.AGAIN : r.deny ? Reaction.SKIP : Reaction.PROCEED;
    }

    /** As Xen: supplied data before discarded writes before a supplied instruction. */
    private static Reaction emulate(MonitorResponse r) {
        if (r.readData != null) {
            return Reaction.emulateReading(r.readData);
        }
        if (r.emulateNoWrite) {
            return Reaction.emulateDiscarding();
        }
        return r.instruction != null
                ? Reaction.emulateInstruction(r.instruction)
                : Reaction.EMULATE;
    }

    /** Acts upon an answer that has come; on the vCPU's thread, before it runs. */
    void resume(Vcpu vcpu, Processor p) {
        MonitorState state = vcpu.monitored;
        // What is being delivered stays, unless it waits for whoever injects.
        boolean free =
                !p.delivering()
                        || (state.open instanceof MonitorEvent.OfProcessor o
                                && o.what() instanceof Interception.DebugException);
        if (free && state.injection.getPlain() != null) {
            Consumer<Processor> injection = state.injection.getAndSet(null);
            if (injection != null) {
                injection.accept(p);
            }
        }
        MonitorResponse r = state.answer;
        if (r == null) {
            return;
        }
        MonitorEvent e = state.open;
        state.open = null;
        state.answer = null;
        if (e instanceof MonitorEvent.OfProcessor o) {
            if (!p.waiting()) {
                return; // An INIT came meanwhile.
            }
            p.react(react(vcpu, p, o.what(), state.openRip, r));
        } else {
            apply(vcpu, p, r);
            if (r.registers != null) {
                setRegisters(p, r.registers, state.openRip, true);
            }
            if (r.after != null) {
                r.after.run();
            }
        }
    }

    // -------------------------------------------------------------- guest requests

    /** HVMOP_guest_request_vm_event, on the vCPU's thread, before the hypercall returns. */
    void guestRequest(Vcpu vcpu) {
        for (Subscriber s : subscribers) {
            if (!s.wants.wantsRequests()) {
                continue;
            }
            boolean synchronous = s.wants.requestsAreSynchronous();
            MonitorEvent e = new MonitorEvent.GuestRequest(vcpu, vcpu.view(), synchronous);
            MonitorState state = vcpu.monitored;
            state.openRip = vcpu.engine().instructionPointer();
            state.open = synchronous ? e : null;
            MonitorResponse r = s.listener.event(e);
            if (r == MonitorResponse.LATER && synchronous) {
                r = await(vcpu);
                if (r == null) {
                    return;
                }
            }
            if (synchronous && r != null) {
                // Acted upon behind the hypercall, which has a result to give first.
                state.answer = r;
                vcpu.engine().requestStop();
                return;
            }
            state.open = null;
        }
    }
}
