// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import static dev.vitrine.hypervisor.guest.AssembledGuest.DATA;
import static dev.vitrine.processor.asm.Reg.*;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.hypervisor.guest.AssembledGuest;
import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Asm.Cond;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Mem;
import dev.vitrine.xenabi.Altp2mOp;
import dev.vitrine.xenabi.HvmParam;
import dev.vitrine.xenabi.VeInfo;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** A guest that has its own forbidden accesses as #VE, and switches its own views by VMFUNC. */
class VirtualizationExceptionsTest {
    private static final long GFN = DATA >>> 12;
    private static final int RESULT = DATA + 0x10000;
    private static final int INFO = DATA + 0x20000;

    /** Where the structures of the guest's hypercalls are. */
    private static final int OPS = DATA + 0x30000;

    /** What the handlers count in. */
    private static final int EXCEPTIONS = RESULT + 0x100;

    private final List<MonitorEvent> seen = new ArrayList<>();

    /** Puts the structure of a hypercall into memory, and has the guest make it. */
    private static int op(AssembledGuest g, int n, int command, Consumer<byte[]> fields) {
        byte[] op = new byte[Altp2mOp.SIZE];
        Bytes.putInt(op, Altp2mOp.VERSION, Altp2mOp.INTERFACE_VERSION);
        Bytes.putInt(op, Altp2mOp.COMMAND, command);
        Bytes.putShort(op, Altp2mOp.DOMAIN, 0x7FF0);
        fields.accept(op);
        g.domain.physical().write(OPS + 0x100L * n, op);
        return n;
    }

    /** HVMOP_altp2m; what it returns is kept behind RESULT. */
    private static void call(Asm a, int n) {
        a.mov(EAX, 34).mov(EDI, 25).mov(ESI, OPS + 0x100 * n).vmcall();
        a.mov(R15, RESULT + 0x200 + 8L * n).mov(Mem.base(R15), RAX);
    }

    private static void vmfunc(Asm a, int function, int view) {
        a.mov(EAX, function).mov(ECX, view).hex("0F01D4");
    }

    /** A load that view 1 forbids, and the counting of what it came to. */
    private static void setUpAndLoad(Asm a) {
        for (int n = 0; n < 5; n++) {
            call(a, n);
        }
        vmfunc(a, 0, 1);
        a.mov(RBX, DATA).mov(RAX, Mem.base(RBX).disp(8));
        a.mov(R15, RESULT).mov(Mem.base(R15), RAX);
    }

    private AssembledGuest guest(int suppress, Consumer<Asm> code) {
        AssembledGuest g = new AssembledGuest(code);
        g.domain.setParam(HvmParam.ALTP2M, Altp2mOp.MODE_MIXED);
        g.domain.physical().putLong(DATA + 8, 0x1234);
        op(g, 0, Altp2mOp.SET_DOMAIN_STATE, o -> o[Altp2mOp.STATE] = 1);
        op(
                g,
                1,
                Altp2mOp.VCPU_ENABLE_NOTIFY,
                o -> Bytes.putLong(o, Altp2mOp.NOTIFY_GFN, INFO >>> 12));
        op(g, 2, Altp2mOp.CREATE_P2M, o -> Bytes.putShort(o, Altp2mOp.ACCESS, 7));
        op(
                g,
                3,
                Altp2mOp.SET_MEM_ACCESS,
                o -> {
                    Bytes.putShort(o, Altp2mOp.VIEW, 1);
                    Bytes.putShort(o, Altp2mOp.ACCESS, Access.X.ordinal());
                    Bytes.putLong(o, Altp2mOp.GFN, GFN);
                });
        op(
                g,
                4,
                Altp2mOp.SET_SUPPRESS_VE,
                o -> {
                    Bytes.putShort(o, Altp2mOp.VIEW, 1);
                    o[Altp2mOp.SUPPRESS] = (byte) suppress;
                    Bytes.putLong(o, Altp2mOp.GFN, GFN);
                });
        // Counts, goes back to the domain's own map, and lets the access be tried again.
        g.handler(
                20,
                a -> {
                    a.push(RAX).push(RCX).push(R15);
                    a.mov(R15, EXCEPTIONS).inc(Mem.base(R15).q());
                    a.mov(RAX, Mem.base(RSP).disp(24)).mov(Mem.base(R15).disp(8), RAX);
                    vmfunc(a, 0, 0);
                    a.pop(R15).pop(RCX).pop(RAX).iret(64);
                });
        g.domain
                .monitor()
                .subscribe(
                        Subscription.NONE.memoryAccess(),
                        e -> {
                            seen.add(e);
                            return MonitorResponse.NONE.emulate();
                        });
        return g;
    }

    @Test
    void aForbiddenAccessIsAnExceptionOfTheGuest() throws InterruptedException {
        try (AssembledGuest g = guest(0, VirtualizationExceptionsTest::setUpAndLoad)) {
            g.runToEnd();
            for (int n = 0; n < 5; n++) {
                assertThat(g.read(RESULT + 0x200 + 8L * n)).as("call %d", n).isZero();
            }
            assertThat(seen).isEmpty();
            assertThat(g.read(EXCEPTIONS)).isEqualTo(1);
            assertThat(g.read(EXCEPTIONS + 8)).as("RIP").isBetween(0x100000L, 0x101000L);
            assertThat(g.read(RESULT)).isEqualTo(0x1234);
            assertThat(g.domain.vcpu(0).view()).isZero();
            assertThat(g.domain.physical().getInt(INFO + VeInfo.EXIT_REASON)).isEqualTo(48);
            assertThat(g.domain.physical().getInt(INFO + VeInfo.SEMAPHORE)).isEqualTo(-1);
            // A read, of a page that may be executed, with a linear address that has led to it.
            assertThat(g.read(INFO + VeInfo.QUALIFICATION)).isEqualTo(1 | 1 << 5 | 3 << 7);
            assertThat(g.read(INFO + VeInfo.LINEAR)).isEqualTo(DATA + 8);
            assertThat(g.read(INFO + VeInfo.PHYSICAL)).isEqualTo(DATA + 8);
            assertThat(g.domain.physical().getShort(INFO + VeInfo.VIEW)).isEqualTo((short) 1);
        }
    }

    @Test
    void aSuppressedOneIsTheMonitors() throws InterruptedException {
        try (AssembledGuest g = guest(1, VirtualizationExceptionsTest::setUpAndLoad)) {
            g.runToEnd();
            assertThat(seen).hasSize(1);
            assertThat(g.read(EXCEPTIONS)).isZero();
            assertThat(g.read(RESULT)).isEqualTo(0x1234);
            assertThat(g.domain.vcpu(0).view()).isEqualTo(1);
        }
    }

    /** As long as the guest has not cleared the semaphore no second exception comes. */
    @Test
    void aBusyAreaIsNotOverwritten() throws InterruptedException {
        try (AssembledGuest g =
                guest(
                        0,
                        a -> {
                            setUpAndLoad(a);
                            vmfunc(a, 0, 1);
                            a.mov(RBX, DATA).mov(RAX, Mem.base(RBX));
                            a.mov(RDX, INFO).mov(Mem.base(RDX).disp(4).d(), 0);
                            a.mov(RAX, Mem.base(RBX).disp(16));
                        })) {
            g.runToEnd();
            assertThat(g.read(EXCEPTIONS)).isEqualTo(2);
            assertThat(seen).hasSize(1);
            assertThat(g.read(INFO + VeInfo.LINEAR)).isEqualTo(DATA + 16);
        }
    }

    @Test
    void whatIsAskedForIsChecked() throws InterruptedException {
        try (AssembledGuest g =
                guest(
                        0,
                        a -> {
                            for (int n = 0; n < 12; n++) {
                                call(a, n);
                            }
                        })) {
            Consumer<byte[]> area = o -> Bytes.putLong(o, Altp2mOp.NOTIFY_GFN, INFO >>> 12);
            op(g, 5, Altp2mOp.VCPU_ENABLE_NOTIFY, area);
            op(g, 6, Altp2mOp.VCPU_DISABLE_NOTIFY, o -> {});
            op(
                    g,
                    7,
                    Altp2mOp.VCPU_ENABLE_NOTIFY,
                    o -> Bytes.putLong(o, Altp2mOp.NOTIFY_GFN, 1L << 33));
            op(g, 8, Altp2mOp.VCPU_ENABLE_NOTIFY, o -> Bytes.putInt(o, Altp2mOp.NOTIFY_VCPU, 9));
            op(
                    g,
                    9,
                    Altp2mOp.GET_SUPPRESS_VE,
                    o -> {
                        Bytes.putShort(o, Altp2mOp.VIEW, 1);
                        Bytes.putLong(o, Altp2mOp.GFN, GFN);
                        o[Altp2mOp.SUPPRESS] = 1;
                    });
            op(
                    g,
                    10,
                    Altp2mOp.SET_SUPPRESS_VE_MULTI,
                    o -> {
                        Bytes.putShort(o, Altp2mOp.VIEW, 1);
                        Bytes.putLong(o, Altp2mOp.FIRST_GFN, 0);
                        Bytes.putLong(o, Altp2mOp.LAST_GFN, -1);
                    });
            op(g, 11, Altp2mOp.SET_SUPPRESS_VE, o -> Bytes.putShort(o, Altp2mOp.VIEW, 7));
            g.runToEnd();
            long[] results = {0, 0, 0, 0, 0, -17, 0, -22, -22, 0, 0, -22};
            for (int n = 0; n < results.length; n++) {
                assertThat(g.read(RESULT + 0x200 + 8L * n)).as("call %d", n).isEqualTo(results[n]);
            }
            assertThat(g.domain.physical().getByte(OPS + 0x900L + Altp2mOp.SUPPRESS)).isZero();
            long multi = OPS + 0xA00L;
            assertThat(g.domain.physical().getInt(multi + Altp2mOp.FIRST_ERROR)).isEqualTo(-3);
            assertThat(g.read(multi + Altp2mOp.FIRST_ERROR_GFN)).isEqualTo(0x400);
            assertThat(g.domain.views().isSuppressed(1, 0x3FF)).isFalse();
        }
    }

    /** Hundreds of thousands of switches, as translated code makes them. */
    @Test
    void vmfuncSwitchesViews() throws InterruptedException {
        int rounds = 100_000;
        try (AssembledGuest g =
                new AssembledGuest(a -> {
                    Label again = a.label();
                    a.mov(RBX, DATA).xor(EDX, EDX).mov(R8, rounds).bind(again);
                    vmfunc(a, 0, 1);
                    a.add(RDX, Mem.base(RBX));
                    vmfunc(a, 0, 0);
                    a.add(RDX, Mem.base(RBX)).dec(R8).jcc(Cond.NZ, again);
                    a.mov(R15, RESULT).mov(Mem.base(R15), RDX);
                })) {
            g.domain.setParam(HvmParam.ALTP2M, Altp2mOp.MODE_LIMITED);
            g.domain.views().setActive(true);
            int view = g.domain.views().create(Access.RWX);
            g.domain.views().changeGfn(view, GFN, GFN + 1);
            g.domain.physical().putLong(DATA, 1);
            g.domain.physical().putLong(DATA + 4096, 1 << 20);
            g.runToEnd();
            assertThat(g.read(RESULT)).isEqualTo(rounds * (1L + (1 << 20)));
        }
    }

    @Test
    void vmfuncIsUndefinedWhereThereIsNothingToSwitchTo() throws InterruptedException {
        for (int mode = Altp2mOp.MODE_DISABLED; mode <= Altp2mOp.MODE_LIMITED; mode++) {
            try (AssembledGuest g =
                    new AssembledGuest(a -> {
                        vmfunc(a, 0, 1);
                        vmfunc(a, 0, 2); // invisible
                        vmfunc(a, 0, 3); // none
                        vmfunc(a, 1, 1);
                        vmfunc(a, 0, 0);
                    })) {
                g.domain.setParam(HvmParam.ALTP2M, mode);
                g.domain.views().setActive(true);
                g.domain.views().create(Access.RWX);
                g.domain.views().setVisible(g.domain.views().create(Access.RWX), false);
                g.handler(
                        6,
                        a -> {
                            a.mov(R15, EXCEPTIONS).inc(Mem.base(R15).q());
                            a.add(Mem.base(RSP).q(), 3).iret(64);
                        });
                g.runToEnd();
                boolean has = mode == Altp2mOp.MODE_MIXED || mode == Altp2mOp.MODE_LIMITED;
                assertThat(g.read(EXCEPTIONS)).as("mode %d", mode).isEqualTo(has ? 3 : 5);
                assertThat(g.domain.vcpu(0).view()).isZero();
            }
        }
    }
}
