// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import static dev.vitrine.hypervisor.guest.AssembledGuest.DATA;
import static dev.vitrine.processor.asm.Reg.*;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.hypervisor.guest.AssembledGuest;
import dev.vitrine.processor.Interception;
import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Asm.Cond;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Mem;
import dev.vitrine.xenabi.Altp2mOp;
import dev.vitrine.xenabi.HvmParam;

import org.junit.jupiter.api.Test;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicIntegerArray;

/** More views and more vCPUs than tools for Xen can have. */
class ManyViewsTest {
    private static final long GFN = DATA >>> 12;
    private static final int RESULT = DATA + 0x10000;

    /** The guest goes through them all by VMFUNC, again and again; each shows another frame. */
    @Test
    void threeHundredViews() throws InterruptedException {
        int views = 300;
        int rounds = 200;
        int frames = DATA + 0x40000;
        try (AssembledGuest g =
                new AssembledGuest(a -> {
                    Label outer = a.label();
                    Label inner = a.label();
                    a.mov(RBX, DATA).xor(EDX, EDX).mov(R8, rounds).bind(outer);
                    a.mov(ECX, views).bind(inner).xor(EAX, EAX).hex("0F01D4"); // VMFUNC
                    a.add(RDX, Mem.base(RBX)).dec(ECX).jcc(Cond.NZ, inner);
                    a.dec(R8).jcc(Cond.NZ, outer);
                    a.mov(R15, RESULT).mov(Mem.base(R15), RDX);
                })) {
            g.domain.setParam(HvmParam.ALTP2M, Altp2mOp.MODE_MIXED);
            g.domain.views().setActive(true);
            for (int v = 1; v <= views; v++) {
                assertThat(g.domain.views().create(Access.RWX)).isEqualTo(v);
                long shown = (frames >>> 12) + v;
                assertThat(g.domain.views().changeGfn(v, GFN, shown)).isZero();
                g.domain.physical().putLong(shown << 12, v);
            }
            g.runToEnd();
            assertThat(g.read(RESULT)).isEqualTo((long) rounds * views * (views + 1) / 2);
        }
    }

    /** Each has a view of its own, loads that are answered, and CPUID. */
    @Test
    void twentyVcpusWithListeners() throws InterruptedException {
        int vcpus = 20;
        int rounds = 100;
        int results = 0x100000;
        try (Hypervisor h = Hypervisor.create(4)) {
            Domain d = h.createDomain(DomainConfig.of("many", 5 << 20, vcpus));
            d.addRam(0, 1024);
            // The number of the vCPU is in EBX; vCPU 0 is the one that waits for all.
            Asm a = new Asm(32, 0x10000);
            Label again = a.label();
            Label wait = a.label();
            Label end = a.label();
            a.xor(EDI, EDI).mov(ESI, rounds).mov(EBP, EBX).bind(again);
            a.mov(EDX, DATA).add(EDI, Mem.base(EDX));
            a.xor(EAX, EAX).xor(ECX, ECX).cpuid().dec(ESI).jcc(Cond.NZ, again);
            a.mov(ECX, results).mov(Mem.base(ECX).index(EBP, 4).disp(16).d(), EDI);
            a.hex("F0FF01"); // lock inc dword [ecx]
            a.test(EBP, EBP).jcc(Cond.NZ, end).bind(wait);
            a.cmp(Mem.base(ECX).d(), vcpus).jcc(Cond.NZ, wait);
            a.mov(EAX, 29).mov(EBX, 2).mov(ECX, results + 0x800).vmcall();
            a.bind(end).cli().hlt();
            d.physical().write(0x10000, a.toBytes());
            AtomicIntegerArray loads = new AtomicIntegerArray(vcpus);
            AtomicIntegerArray cpuids = new AtomicIntegerArray(vcpus);
            for (int v = 0; v < vcpus; v++) {
                int view = d.views().create(Access.RWX);
                d.views().setAccess(view, GFN, 1, Access.X);
                d.views().switchVcpu(d.vcpu(v), view);
            }
            d.monitor()
                    .subscribe(
                            Subscription.NONE.memoryAccess().cpuid(),
                            e -> {
                                int v = e.vcpu().id();
                                assertThat(e.view()).isEqualTo(v + 1);
                                Interception what = ((MonitorEvent.OfProcessor) e).what();
                                if (what instanceof Interception.Cpuid) {
                                    cpuids.incrementAndGet(v);
                                    return MonitorResponse.NONE;
                                }
                                loads.incrementAndGet(v);
                                return MonitorResponse.NONE
                                        .emulate()
                                        .readData(
                                                ByteBuffer.allocate(4)
                                                        .order(ByteOrder.LITTLE_ENDIAN)
                                                        .putInt(1000 + v)
                                                        .array());
                            });
            d.startPvh(0x10000, 0);
            for (int v = 1; v < vcpus; v++) {
                d.vcpu(v).engine().enterPvh(0x10000, v);
                d.vcpu(v).bringUp();
            }
            d.unpause();
            assertThat(d.await(Duration.ofSeconds(60)).reason()).isEqualTo(StopReason.POWEROFF);
            for (int v = 0; v < vcpus; v++) {
                assertThat(d.physical().getInt(results + 16 + 4L * v))
                        .isEqualTo(rounds * (1000 + v));
                assertThat(loads.get(v)).as("loads of vCPU %d", v).isEqualTo(rounds);
                assertThat(cpuids.get(v)).as("CPUIDs of vCPU %d", v).isEqualTo(rounds);
            }
        }
    }
}
