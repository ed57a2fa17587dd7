// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection;

import dev.vitrine.hypervisor.Access;
import dev.vitrine.hypervisor.MonitorEvent;
import dev.vitrine.hypervisor.MonitorResponse;
import dev.vitrine.hypervisor.Subscription;
import dev.vitrine.hypervisor.Views;
import dev.vitrine.hypervisor.guest.AssembledGuest;
import dev.vitrine.introspection.Breakpoints.Mechanism;
import dev.vitrine.memory.GuestPhysical;
import dev.vitrine.platform.InstructionClock;
import dev.vitrine.processor.Interception;
import dev.vitrine.processor.Processor;

import org.jspecify.annotations.Nullable;

import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;

/**
 * Breakpoints as they are made without care, each with mistakes that tools have had: the control of
 * the red pills, which must find at least one of them. All but {@link #SLOW} are INT3 somewhere.
 */
enum Naive implements RedPill.Setter {
    /** In the guest's own memory; what is executed is what stood there when it was set. */
    INT3 {
        @Override
        public void set(AssembledGuest g, long[] addresses, Runnable hit) {
            Map<Long, byte[]> originals = insert(g, addresses);
            listen(g, p -> originals.get(physical(p)), hit, Naive::emulate);
        }
    },

    /** The same, but known by the linear address that it was set at. */
    BY_ADDRESS {
        @Override
        public void set(AssembledGuest g, long[] addresses, Runnable hit) {
            Map<Long, byte[]> originals = insert(g, addresses);
            listen(g, p -> originals.get(p.rip()), hit, Naive::emulate);
        }
    },

    /** In the guest's own memory; a NOP is left by moving RIP, all else as with {@link #INT3}. */
    MOVES_RIP {
        @Override
        public void set(AssembledGuest g, long[] addresses, Runnable hit) {
            Map<Long, byte[]> originals = insert(g, addresses);
            listen(
                    g,
                    p -> originals.get(physical(p)),
                    hit,
                    (p, original) -> {
                        if (original[0] != (byte) 0x90) {
                            return emulate(p, original);
                        }
                        p.setRip(p.rip() + 1);
                        return MonitorResponse.NONE;
                    });
        }
    },

    /**
     * In the guest's own memory; the byte is put back for one instruction, behind which the guest's
     * trap flag leads to the monitor, that then inserts INT3 again.
     */
    TRAP_FLAG {
        @Override
        public void set(AssembledGuest g, long[] addresses, Runnable hit) {
            Map<Long, byte[]> originals = insert(g, addresses);
            GuestPhysical memory = g.domain.physical();
            Map<Processor, Long> stepping = new HashMap<>();
            g.domain
                    .monitor()
                    .subscribe(
                            Subscription.NONE.debugExceptions(true),
                            e -> {
                                Processor p = ((MonitorEvent.OfProcessor) e).processor();
                                Long at = stepping.remove(p);
                                if (at == null) {
                                    return null;
                                }
                                memory.putByte(at, 0xCC);
                                p.setFlags(p.flags() & ~0x100L);
                                return MonitorResponse.NONE;
                            });
            listen(
                    g,
                    p -> originals.get(physical(p)),
                    hit,
                    (p, original) -> {
                        memory.putByte(physical(p), original[0]);
                        stepping.put(p, physical(p));
                        p.setFlags(p.flags() | 0x100);
                        return MonitorResponse.NONE;
                    });
        }
    },

    /** In copies beyond the guest's RAM that an alternate view shows to instruction fetch. */
    COPIES {
        @Override
        public void set(AssembledGuest g, long[] addresses, Runnable hit) {
            Map<Long, byte[]> originals = new HashMap<>();
            for (long a : addresses) {
                originals.put(a, g.domain.physical().read(a, LONGEST));
            }
            copy(g, addresses);
            listen(g, p -> originals.get(physical(p)), hit, Naive::emulate);
        }
    },

    /**
     * The same, and the copies are made anew behind each write. What a copy has is executed: an
     * instruction that goes over a breakpoint has INT3 in it.
     */
    COPIES_THAT_FOLLOW {
        @Override
        public void set(AssembledGuest g, long[] addresses, Runnable hit) {
            GuestPhysical memory = g.domain.physical();
            Map<Long, Long> copies = copy(g, addresses);
            g.domain
                    .hooks()
                    .watchWrites(
                            copies.keySet().stream().mapToLong(gfn -> gfn).toArray(),
                            (gfn, by) -> {
                                long copy = copies.get(gfn) << 12;
                                memory.write(copy, memory.read(gfn << 12, 4096));
                                for (long a : addresses) {
                                    if (a >>> 12 == gfn) {
                                        memory.putByte(copy | a & 0xFFF, 0xCC);
                                    }
                                }
                            });
            Function<Processor, byte @Nullable []> now =
                    p -> {
                        for (long a : addresses) {
                            if (a == physical(p)) {
                                return memory.read(a, LONGEST);
                            }
                        }
                        return null;
                    };
            listen(g, now, hit, Naive::emulate);
        }
    },

    /** As good as any, but for the guest's time that each hit takes, as an exit does. */
    SLOW {
        @Override
        public void set(AssembledGuest g, long[] addresses, Runnable hit) {
            InstructionClock clock = (InstructionClock) g.domain.clock();
            Breakpoints points = Breakpoints.of(g.domain, Mechanism.ENGINE);
            for (long a : addresses) {
                points.set(
                        RedPill.space(g),
                        a,
                        p -> {
                            clock.jumpTo(clock.now() + EXIT_NANOS);
                            hit.run();
                        });
            }
        }
    };

    private static final int LONGEST = 15;

    /** What a processor with hardware virtualisation takes for an exit and what is done there. */
    private static final long EXIT_NANOS = 1500;

    private interface Answer {
        MonitorResponse to(Processor p, byte[] original);
    }

    private static Map<Long, byte[]> insert(AssembledGuest g, long[] addresses) {
        Map<Long, byte[]> originals = new HashMap<>();
        for (long a : addresses) {
            originals.put(a, g.domain.physical().read(a, LONGEST));
        }
        for (long a : addresses) {
            g.domain.physical().putByte(a, 0xCC);
        }
        return originals;
    }

    /** Guest frames of the copies by those of the pages; all vCPUs see them. */
    private static Map<Long, Long> copy(AssembledGuest g, long[] addresses) {
        Views views = g.domain.views();
        int view = views.create(Access.RWX);
        long free = RedPill.BEYOND >>> 12;
        Map<Long, Long> copies = new HashMap<>();
        for (long a : addresses) {
            long gfn = a >>> 12;
            if (!copies.containsKey(gfn)) {
                g.domain.addRam(free, 1);
                g.domain.physical().write(free << 12, g.domain.physical().read(gfn << 12, 4096));
                views.changeGfn(view, gfn, free);
                views.setAccess(view, gfn, 1, Access.X);
                copies.put(gfn, free++);
            }
            g.domain.physical().putByte(copies.get(gfn) << 12 | a & 0xFFF, 0xCC);
        }
        views.switchAll(view);
        return copies;
    }

    /**
     * Answers INT3; those that are the guest's own are given to it.
     *
     * @param originals what the instruction that a processor is at should be
     */
    private static void listen(
            AssembledGuest g,
            Function<Processor, byte @Nullable []> originals,
            Runnable hit,
            Answer answer) {
        g.domain
                .monitor()
                .subscribe(
                        Subscription.NONE.memoryAccess().softwareBreakpoints(),
                        e -> {
                            var o = (MonitorEvent.OfProcessor) e;
                            if (o.what() instanceof Interception.MemoryAccess) {
                                return MonitorResponse.NONE.emulate();
                            }
                            Processor p = o.processor();
                            byte[] original = originals.apply(p);
                            if (original == null || original[0] == (byte) 0xCC) {
                                p.inject(3, Interception.EventType.SOFTWARE_EXCEPTION, -1, 0, 1);
                                return MonitorResponse.NONE;
                            }
                            hit.run();
                            return answer.to(p, original);
                        });
    }

    private static MonitorResponse emulate(Processor p, byte[] original) {
        return MonitorResponse.NONE.instruction(original);
    }

    private static Long physical(Processor p) {
        long rip = p.rip();
        return p.translate(p.codeSize() == 64 ? rip : rip + p.segmentBase(1) & 0xFFFF_FFFFL);
    }
}
