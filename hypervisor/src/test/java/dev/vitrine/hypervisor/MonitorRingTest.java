// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import static dev.vitrine.hypervisor.guest.AssembledGuest.DATA;
import static dev.vitrine.processor.asm.Reg.*;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.hypervisor.guest.AssembledGuest;
import dev.vitrine.memory.GuestRam;
import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Asm.Cond;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Mem;
import dev.vitrine.xenabi.Errno;
import dev.vitrine.xenabi.HvmParam;
import dev.vitrine.xenabi.MonitorOp;
import dev.vitrine.xenabi.VmEvent;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;

/** A monitor that knows Xen's ABI only: domctls, and requests and responses in a shared page. */
class MonitorRingTest {
    private static final long GFN = DATA >>> 12;
    private static final int RESULT = DATA + 0x10000;
    private static final long RING_GFN = 0x3F0;

    /** A tool at the other end of the ring. */
    private static final class Tool {
        final AssembledGuest guest;
        final GuestRam ram;
        final long page;
        final List<byte[]> requests = new ArrayList<>();
        private int taken;
        private int answered;

        Tool(AssembledGuest guest) {
            this.guest = guest;
            Domain d = guest.domain;
            d.setParam(HvmParam.MONITOR_RING_PFN, RING_GFN);
            ram = d.memory().ram;
            page = d.physical().machine(RING_GFN << 12);
            ram.fill(page, 4096, (byte) 0);
            ram.putInt(page + VmEvent.RING_REQ_EVENT, 1);
            ram.putInt(page + VmEvent.RING_RSP_EVENT, 1);
            assertThat(ring(MonitorOp.RING_ENABLE)).isZero();
            // As xc_vm_event_enable: out of the guest's sight.
            assertThat(d.memory().remove(RING_GFN)).isTrue();
        }

        byte[] op(int command) {
            byte[] op = new byte[MonitorOp.SIZE];
            Bytes.putInt(op, MonitorOp.COMMAND, command);
            Bytes.putInt(op, MonitorOp.VERSION, MonitorOp.INTERFACE_VERSION);
            Bytes.putShort(op, MonitorOp.DOMAIN, guest.domain.id());
            return op;
        }

        int ring(int what) {
            byte[] op = op(MonitorOp.DOMCTL_VM_EVENT_OP);
            Bytes.putInt(op, MonitorOp.RING_OP, what);
            Bytes.putInt(op, MonitorOp.RING_MODE, MonitorOp.RING_MODE_MONITOR);
            return guest.hypervisor.domctl(op);
        }

        int monitor(int what, int event, Consumer<byte[]> options) {
            byte[] op = op(MonitorOp.DOMCTL_MONITOR_OP);
            Bytes.putInt(op, MonitorOp.OP, what);
            Bytes.putInt(op, MonitorOp.EVENT, event);
            options.accept(op);
            return guest.hypervisor.domctl(op);
        }

        void enable(int event) {
            assertThat(monitor(MonitorOp.OP_ENABLE, event, op -> {})).isZero();
        }

        /** Takes the requests that are there. */
        List<byte[]> take() {
            List<byte[]> found = new ArrayList<>();
            int produced = ram.getIntVolatile(page + VmEvent.RING_REQ_PROD);
            while (taken != produced) {
                byte[] r = new byte[VmEvent.SIZE];
                ram.read(entry(taken++), r, 0, r.length);
                found.add(r);
            }
            requests.addAll(found);
            return found;
        }

        private long entry(int n) {
            return page + VmEvent.RING_ENTRIES + n % VmEvent.RING_SIZE * (long) VmEvent.SIZE;
        }

        void respond(byte[] response) {
            ram.write(entry(answered++), response, 0, response.length);
            ram.putInt(page + VmEvent.RING_RSP_PROD, answered);
        }

        /** Answers each request with itself, changed; resumes on a thread of its own. */
        void serve(Consumer<byte[]> change) {
            LinkedBlockingQueue<Boolean> bell = new LinkedBlockingQueue<>();
            guest.domain.onMonitorRequest(() -> bell.add(true));
            Thread t =
                    new Thread(() -> {
                        try {
                            while (true) {
                                bell.take();
                                for (byte[] r : take()) {
                                    change.accept(r);
                                    respond(r);
                                }
                                ring(MonitorOp.RING_RESUME);
                            }
                        } catch (InterruptedException e) {
                            Thread.currentThread().interrupt();
                        }
                    });
            t.setDaemon(true);
            t.start();
        }
    }

    private static void flag(byte[] r, int flags) {
        Bytes.putInt(r, VmEvent.FLAGS, Bytes.getInt(r, VmEvent.FLAGS) | flags);
    }

    private static int reason(byte[] r) {
        return Bytes.getInt(r, VmEvent.REASON);
    }

    private static Asm result(Asm a) {
        return a.mov(R15, RESULT).mov(Mem.base(R15), RAX);
    }

    private static void loadAndStore(Asm a) {
        a.mov(RBX, DATA).mov(RAX, Mem.base(RBX)).mov(ECX, 7).mov(Mem.base(RBX).disp(8), RCX);
        result(a);
    }

    private static int forbid(AssembledGuest g) {
        int view = g.domain.views().create(Access.RWX);
        g.domain.views().setAccess(view, GFN, 1, Access.N);
        g.domain.views().switchAll(view);
        return view;
    }

    @Test
    void memoryAccessGoesThroughTheRing() throws InterruptedException {
        try (AssembledGuest g = new AssembledGuest(MonitorRingTest::loadAndStore)) {
            g.domain.physical().putLong(DATA, 5);
            int view = forbid(g);
            Tool tool = new Tool(g);
            tool.serve(r -> {
                boolean write = (Bytes.getInt(r, VmEvent.MEM_FLAGS) & VmEvent.MEM_ACCESS_W) != 0;
                flag(r, VmEvent.FLAG_EMULATE);
                flag(r, write ? VmEvent.FLAG_EMULATE_NOWRITE : 0);
            });
            g.runToEnd();
            assertThat(tool.requests).hasSize(2);
            byte[] r = tool.requests.getFirst();
            assertThat(Bytes.getInt(r, VmEvent.VERSION)).isEqualTo(7);
            assertThat(reason(r)).isEqualTo(VmEvent.REASON_MEM_ACCESS);
            assertThat(Bytes.getShort(r, VmEvent.ALTP2M_IDX)).isEqualTo(view);
            assertThat(Bytes.getLong(r, VmEvent.MEM_GFN)).isEqualTo(GFN);
            assertThat(Bytes.getLong(r, VmEvent.MEM_GLA)).isEqualTo(DATA);
            assertThat(Bytes.getInt(r, VmEvent.MEM_FLAGS))
                    .isEqualTo(
                            VmEvent.MEM_ACCESS_R
                                    | VmEvent.MEM_ACCESS_GLA_VALID
                                    | VmEvent.MEM_ACCESS_FAULT_WITH_GLA);
            assertThat(Bytes.getLong(r, VmEvent.GENERAL + 8 * 3)).as("RBX").isEqualTo(DATA);
            assertThat(Bytes.getLong(r, VmEvent.CR4)).isEqualTo(0x40620);
            assertThat(Bytes.getShort(r, VmEvent.SELECTORS)).as("CS").isEqualTo(8);
            assertThat(Bytes.getInt(r, VmEvent.SEGMENTS) >>> 20).isEqualTo(0xA9B);
            assertThat(Bytes.getInt(r, VmEvent.SEGMENTS) & 0xFFFFF).isEqualTo(0xFFFFF);
            assertThat(g.read(RESULT)).isEqualTo(5);
            assertThat(g.read(DATA + 8)).isZero();
        }
    }

    /** Every kind of event that can be enabled, with the response that a tool for Xen gives. */
    @Test
    void servesAllKinds() throws InterruptedException {
        try (AssembledGuest g =
                new AssembledGuest(a -> {
                    a.xor(EAX, EAX).xor(ECX, ECX).cpuid();
                    a.bytes(new byte[] {0x0F, 0x20, (byte) 0xE0}).or(RAX, 0x100);
                    a.bytes(new byte[] {0x0F, 0x22, (byte) 0xE0});
                    a.mov(ECX, 0xC0000082L).mov(EAX, 5).xor(EDX, EDX).wrmsr();
                    a.int3().in(AL, 0x60);
                    a.mov(EAX, 34).mov(EDI, 24).xor(ESI, ESI).vmcall();
                    result(a.mov(RBX, DATA).sidt(Mem.base(RBX)));
                })) {
            Tool tool = new Tool(g);
            for (int event :
                    new int[] {
                        MonitorOp.CPUID,
                        MonitorOp.SOFTWARE_BREAKPOINT,
                        MonitorOp.SINGLESTEP,
                        MonitorOp.IO,
                        MonitorOp.DESC_ACCESS,
                        MonitorOp.DEBUG_EXCEPTION,
                        MonitorOp.EMUL_UNIMPLEMENTED
                    }) {
                tool.enable(event);
            }
            assertThat(
                            tool.monitor(
                                    MonitorOp.OP_ENABLE,
                                    MonitorOp.WRITE_CTRLREG,
                                    op -> {
                                        op[MonitorOp.CR_INDEX] = VmEvent.X86_CR4;
                                        op[MonitorOp.CR_SYNC] = 1;
                                        op[MonitorOp.CR_ONCHANGEONLY] = 1;
                                        Bytes.putLong(op, MonitorOp.CR_BITMASK, ~0x100L);
                                    }))
                    .isZero();
            assertThat(
                            tool.monitor(
                                    MonitorOp.OP_ENABLE,
                                    MonitorOp.MOV_TO_MSR,
                                    op -> Bytes.putInt(op, MonitorOp.MSR, 0xC0000082)))
                    .isZero();
            assertThat(
                            tool.monitor(
                                    MonitorOp.OP_ENABLE,
                                    MonitorOp.GUEST_REQUEST,
                                    op -> op[MonitorOp.SYNC] = 1))
                    .isZero();
            tool.serve(r -> {
                switch (reason(r)) {
                    case VmEvent.REASON_CPUID -> {
                        long rip = Bytes.getLong(r, VmEvent.RIP);
                        int length = Bytes.getInt(r, VmEvent.CPUID_INSN_LENGTH);
                        Bytes.putLong(r, VmEvent.RIP, rip + length);
                        flag(r, VmEvent.FLAG_SET_REGISTERS);
                    }
                    case VmEvent.REASON_WRITE_CTRLREG, VmEvent.REASON_MOV_TO_MSR ->
                            flag(r, VmEvent.FLAG_DENY);
                    case VmEvent.REASON_SOFTWARE_BREAKPOINT -> {
                        flag(r, VmEvent.FLAG_EMULATE | VmEvent.FLAG_SET_EMUL_INSN_DATA);
                        flag(r, VmEvent.FLAG_TOGGLE_SINGLESTEP);
                        r[VmEvent.EMUL_INSN_DATA] = (byte) 0x90;
                    }
                    case VmEvent.REASON_SINGLESTEP -> flag(r, VmEvent.FLAG_TOGGLE_SINGLESTEP);
                    default -> flag(r, VmEvent.FLAG_EMULATE);
                }
            });
            g.runToEnd();
            assertThat(tool.requests.stream().map(MonitorRingTest::reason))
                    .containsExactly(
                            VmEvent.REASON_DESCRIPTOR_ACCESS, // LGDT and LIDT of the boot code
                            VmEvent.REASON_DESCRIPTOR_ACCESS,
                            VmEvent.REASON_CPUID,
                            VmEvent.REASON_WRITE_CTRLREG,
                            VmEvent.REASON_MOV_TO_MSR,
                            VmEvent.REASON_SOFTWARE_BREAKPOINT,
                            VmEvent.REASON_SINGLESTEP,
                            VmEvent.REASON_IO_INSTRUCTION,
                            VmEvent.REASON_GUEST_REQUEST,
                            VmEvent.REASON_DESCRIPTOR_ACCESS);
            assertThat(g.domain.vcpu(0).registers().cr4()).isEqualTo(0x40620);
            assertThat(g.domain.vcpu(0).registers().lstar()).isZero();
            byte[] io = tool.requests.get(7);
            assertThat(Bytes.getInt(io, VmEvent.IO_BYTES)).isEqualTo(1);
            assertThat(Bytes.getShort(io, VmEvent.IO_PORT)).isEqualTo(0x60);
            assertThat(io[VmEvent.IO_IN]).isEqualTo((byte) 1);
            byte[] sidt = tool.requests.get(9);
            assertThat(sidt[VmEvent.DESC_DESCRIPTOR]).isEqualTo((byte) VmEvent.DESC_IDTR);
            assertThat(sidt[VmEvent.DESC_IS_WRITE]).isZero();
        }
    }

    /** The step over a hidden page in two responses' time: another view, and back by itself. */
    @Test
    void fastSingleStepsByTheRing() throws InterruptedException {
        try (AssembledGuest g =
                new AssembledGuest(a -> {
                    Label again = a.label();
                    a.mov(RBX, DATA).xor(EAX, EAX).mov(ECX, 30).bind(again);
                    a.add(RAX, Mem.base(RBX)).dec(ECX).jcc(Cond.NZ, again);
                    result(a);
                })) {
            g.domain.physical().putLong(DATA, 3);
            int view = forbid(g);
            Tool tool = new Tool(g);
            tool.serve(r -> {
                flag(r, VmEvent.FLAG_FAST_SINGLESTEP | VmEvent.FLAG_ALTERNATE_P2M);
                Bytes.putShort(r, VmEvent.ALTP2M_IDX, 0);
                Bytes.putShort(r, VmEvent.FAST_SINGLESTEP_P2MIDX, view);
            });
            g.runToEnd();
            assertThat(tool.requests).hasSize(30);
            assertThat(g.read(RESULT)).isEqualTo(90);
        }
    }

    /** More asynchronous events than the ring has room for: the vCPU waits, and none is lost. */
    @Test
    void losesNothingWhenTheRingIsFull() throws InterruptedException {
        int writes = 5 * VmEvent.RING_SIZE;
        try (AssembledGuest g =
                new AssembledGuest(a -> {
                    Label again = a.label();
                    a.mov(RCX, writes).bytes(new byte[] {0x0F, 0x20, (byte) 0xD8});
                    a.bind(again).bytes(new byte[] {0x0F, 0x22, (byte) 0xD8});
                    a.dec(RCX).jcc(Cond.NZ, again);
                })) {
            Tool tool = new Tool(g);
            assertThat(
                            tool.monitor(
                                    MonitorOp.OP_ENABLE,
                                    MonitorOp.WRITE_CTRLREG,
                                    op -> op[MonitorOp.CR_INDEX] = VmEvent.X86_CR3))
                    .isZero();
            g.domain.unpause();
            while (g.domain.memory().ram.getIntVolatile(tool.page) < VmEvent.RING_SIZE) {
                Thread.sleep(1);
            }
            Thread.sleep(20);
            assertThat(g.domain.stopped()).isNotDone();
            while (!g.domain.stopped().isDone()) {
                for (byte[] r : tool.take()) {
                    tool.respond(r);
                }
                tool.ring(MonitorOp.RING_RESUME);
                Thread.sleep(1);
            }
            tool.take();
            // The boot code has written CR3, too.
            assertThat(tool.requests).hasSize(writes + 1);
            assertThat(Bytes.getLong(tool.requests.getLast(), VmEvent.GENERAL + 8)).isEqualTo(1);
        }
    }

    @Test
    void letsGoWhenTheToolGoes() throws InterruptedException {
        try (AssembledGuest g = new AssembledGuest(MonitorRingTest::loadAndStore)) {
            forbid(g);
            Tool tool = new Tool(g);
            g.domain.unpause();
            while (tool.take().isEmpty()) {
                Thread.sleep(1);
            }
            assertThat(tool.ring(MonitorOp.RING_ENABLE)).isEqualTo(-Errno.EBUSY);
            assertThat(tool.ring(MonitorOp.RING_DISABLE)).isZero();
            assertThat(tool.ring(MonitorOp.RING_DISABLE)).isEqualTo(-Errno.ENODEV);
            assertThat(tool.ring(MonitorOp.RING_RESUME)).isEqualTo(-Errno.ENODEV);
            assertThat(g.domain.await(java.time.Duration.ofSeconds(30)).reason())
                    .isEqualTo(StopReason.POWEROFF);
            assertThat(g.read(DATA + 8)).isEqualTo(7);
        }
    }

    /** A tool that writes nonsense to the ring harms nobody. */
    @Test
    void survivesNonsense() throws InterruptedException {
        try (AssembledGuest g = new AssembledGuest(MonitorRingTest::loadAndStore)) {
            forbid(g);
            Tool tool = new Tool(g);
            g.domain.unpause();
            while (tool.take().isEmpty()) {
                Thread.sleep(1);
            }
            int[] producers = {-1, 1 << 20, Integer.MIN_VALUE};
            for (int p : producers) {
                tool.ram.putInt(tool.page + VmEvent.RING_RSP_PROD, p);
                assertThat(tool.ring(MonitorOp.RING_RESUME)).isZero();
            }
            assertThat(g.domain.stopped()).isNotDone();
            byte[] bad = tool.requests.getFirst().clone();
            Bytes.putInt(bad, VmEvent.VCPU_ID, 77);
            tool.respond(bad);
            assertThat(tool.ring(MonitorOp.RING_RESUME)).isZero();
            assertThat(tool.ring(MonitorOp.RING_DISABLE)).isZero();
            assertThat(g.domain.await(java.time.Duration.ofSeconds(30)).reason())
                    .isEqualTo(StopReason.POWEROFF);
        }
    }

    /** Page walks through hidden tables pass unseen; the access that they are for does not. */
    @Test
    void leavesOutPageWalks() throws InterruptedException {
        try (AssembledGuest g =
                new AssembledGuest(a -> {
                    a.mov(RBX, AssembledGuest.WINDOW).mov(RAX, Mem.base(RBX));
                    a.add(RAX, Mem.base(RBX).disp(8));
                    result(a);
                })) {
            g.window(0, GFN);
            g.domain.physical().putLong(DATA, 5);
            g.domain.physical().putLong(DATA + 8, 6);
            int view = forbid(g);
            long table = AssembledGuest.WINDOW_PT >>> 12;
            g.domain.views().setAccess(view, table, 1, Access.X);
            Tool tool = new Tool(g);
            tool.enable(MonitorOp.INGUEST_PAGEFAULT);
            tool.serve(r -> flag(r, VmEvent.FLAG_EMULATE));
            g.runToEnd();
            assertThat(g.read(RESULT)).isEqualTo(11);
            assertThat(tool.requests)
                    .extracting(r -> Bytes.getLong(r, VmEvent.MEM_GFN))
                    .containsExactly(GFN, GFN);
            assertThat(g.domain.views().access(view, table)).isEqualTo(Access.X);
        }
    }

    @Test
    void refusesWhatThereIsNot() {
        try (AssembledGuest g = new AssembledGuest(MonitorRingTest::loadAndStore)) {
            Tool tool = new Tool(g);
            Consumer<byte[]> none = op -> {};
            assertThat(tool.monitor(MonitorOp.OP_ENABLE, MonitorOp.PRIVILEGED_CALL, none))
                    .isEqualTo(-Errno.EOPNOTSUPP);
            assertThat(tool.monitor(MonitorOp.OP_ENABLE, MonitorOp.VMEXIT, none))
                    .isEqualTo(-Errno.EOPNOTSUPP);
            assertThat(tool.monitor(MonitorOp.OP_ENABLE, 32, none)).isEqualTo(-Errno.EINVAL);
            assertThat(tool.monitor(MonitorOp.OP_DISABLE, MonitorOp.CPUID, none))
                    .isEqualTo(-Errno.EEXIST);
            tool.enable(MonitorOp.CPUID);
            assertThat(tool.monitor(MonitorOp.OP_ENABLE, MonitorOp.CPUID, none))
                    .isEqualTo(-Errno.EEXIST);
            assertThat(tool.monitor(MonitorOp.OP_DISABLE, MonitorOp.CPUID, none)).isZero();
            assertThat(
                            tool.monitor(
                                    MonitorOp.OP_ENABLE,
                                    MonitorOp.WRITE_CTRLREG,
                                    op -> op[MonitorOp.CR_PAD1] = 1))
                    .isEqualTo(-Errno.EINVAL);
            Consumer<byte[]> noBitmap = op -> Bytes.putInt(op, MonitorOp.MSR, 0x40002000);
            assertThat(tool.monitor(MonitorOp.OP_ENABLE, MonitorOp.MOV_TO_MSR, noBitmap))
                    .isEqualTo(-Errno.EINVAL);
            // With the ring goes all that has been enabled.
            tool.enable(MonitorOp.CPUID);
            assertThat(tool.ring(MonitorOp.RING_DISABLE)).isZero();
            assertThat(tool.monitor(MonitorOp.OP_DISABLE, MonitorOp.CPUID, none))
                    .isEqualTo(-Errno.EEXIST);
            assertThat(tool.monitor(MonitorOp.OP_ENABLE, MonitorOp.MOV_TO_MSR, none))
                    .isEqualTo(-Errno.ENXIO);
            byte[] op = tool.op(MonitorOp.DOMCTL_VM_EVENT_OP);
            Bytes.putInt(op, MonitorOp.RING_OP, MonitorOp.RING_GET_VERSION);
            assertThat(g.hypervisor.domctl(op)).isZero();
            assertThat(Bytes.getInt(op, MonitorOp.RING_PORT)).isEqualTo(7);
            Bytes.putInt(op, MonitorOp.VERSION, 1);
            assertThat(g.hypervisor.domctl(op)).isEqualTo(-Errno.EACCES);
            assertThat(g.hypervisor.domctl(new byte[8])).isEqualTo(-Errno.EFAULT);
        }
    }
}
