// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.xenabi.ConsoleIo;
import dev.vitrine.xenabi.DomId;
import dev.vitrine.xenabi.Errno;
import dev.vitrine.xenabi.HvmOp;
import dev.vitrine.xenabi.HypercallNumber;
import dev.vitrine.xenabi.VmAssist;

/**
 * The hypercalls of one vCPU: takes arguments from registers, by the 64- or 32-bit convention, and
 * hands on to the operations. Guest memory is copied in once, before anything is decided by it; a
 * bad pointer gives -EFAULT and never a page fault.
 */
final class Hypercalls {
    /** Entries of a list that are copied in at a time. */
    static final int CHUNK = 512;

    private static final int MAX_CALLS = 1 << 20;

    final Vcpu vcpu;
    final Domain domain;

    /** The call under way follows the 64-bit convention and layouts. */
    boolean wide;

    /** The argument structure of the call under way. */
    final byte[] buffer = new byte[256];

    /** Lists and texts. */
    final byte[] list = new byte[CHUNK * 8];

    private final byte[] calls = new byte[64];
    private boolean inMulticall;

    private final MemoryOps memoryOps;
    private final EventOps eventOps;
    private final SchedOps schedOps;
    private final VcpuOps vcpuOps;
    private final HvmOps hvmOps;
    private final VersionOps versionOps;
    private final GrantOps grantOps;

    @SuppressWarnings("this-escape")
    Hypercalls(Vcpu vcpu) {
        this.vcpu = vcpu;
        this.domain = vcpu.domain();
        memoryOps = new MemoryOps(this);
        eventOps = new EventOps(this);
        schedOps = new SchedOps(this);
        vcpuOps = new VcpuOps(this);
        hvmOps = new HvmOps(this);
        versionOps = new VersionOps(this);
        grantOps = new GrantOps(this);
    }

    /** VMCALL or VMMCALL was executed. */
    void fromGuest() {
        Engine e = vcpu.engine();
        if (e.virtual8086()
                || (e.protectedMode() && e.privilegeLevel() != 0 && !requestByUser(e))) {
            e.setGpr(Engine.RAX, -Errno.EPERM);
            return;
        }
        wide = e.codeSize() == 64;
        long result;
        if (wide) {
            result =
                    dispatch(
                            e.gpr(Engine.RAX),
                            e.gpr(Engine.RDI),
                            e.gpr(Engine.RSI),
                            e.gpr(Engine.RDX),
                            e.gpr(Engine.R10),
                            e.gpr(Engine.R8));
            e.setGpr(Engine.RAX, result);
        } else {
            result =
                    dispatch(
                            u32(e.gpr(Engine.RAX)),
                            u32(e.gpr(Engine.RBX)),
                            u32(e.gpr(Engine.RCX)),
                            u32(e.gpr(Engine.RDX)),
                            u32(e.gpr(Engine.RSI)),
                            u32(e.gpr(Engine.RDI)));
            e.setGpr(Engine.RAX, u32(result));
        }
    }

    /** The one hypercall that CPL 3 may make, if the monitor wants it. */
    private boolean requestByUser(Engine e) {
        boolean wide = e.codeSize() == 64;
        long operation = e.gpr(wide ? Engine.RDI : Engine.RBX);
        return domain.monitor().wantsRequestsByUsers()
                && e.gpr(Engine.RAX) == HypercallNumber.HVM_OP
                && operation == HvmOp.GUEST_REQUEST_VM_EVENT;
    }

    static long u32(long v) {
        return v & 0xFFFFFFFFL;
    }

    /** One hypercall; arguments of 32-bit callers are zero-extended. */
    long dispatch(long number, long a1, long a2, long a3, long a4, long a5) {
        domain.counters().called(number);
        if (number < 0 || number >= HypercallNumber.LIMIT) {
            return missing((int) number, a1);
        }
        return switch ((int) number) {
            case HypercallNumber.MEMORY_OP -> memoryOps.call(a1, a2);
            case HypercallNumber.MULTICALL -> multicall(a1, a2);
            case HypercallNumber.SET_TIMER_OP -> schedOps.setTimer(wide ? a1 : a1 | a2 << 32);
            case HypercallNumber.XEN_VERSION -> versionOps.call((int) a1, a2);
            case HypercallNumber.CONSOLE_IO -> consoleIo((int) a1, a2, a3);
            case HypercallNumber.GRANT_TABLE_OP -> grantOps.call((int) a1, a2, a3);
            case HypercallNumber.VM_ASSIST -> vmAssist((int) a1, a2);
            case HypercallNumber.VCPU_OP -> vcpuOps.call((int) a1, a2, a3);
            case HypercallNumber.SCHED_OP -> schedOps.call((int) a1, a2);
            case HypercallNumber.EVENT_CHANNEL_OP -> eventOps.call((int) a1, a2);
            case HypercallNumber.HVM_OP -> hvmOps.call(a1, a2);
            // No pirqs without an I/O APIC: Xen knows none of these for such a domain.
            case HypercallNumber.PHYSDEV_OP -> missing(HypercallNumber.PHYSDEV_OP, a1);
            case HypercallNumber.PLATFORM_OP,
                    HypercallNumber.SYSCTL,
                    HypercallNumber.DOMCTL,
                    HypercallNumber.DM_OP,
                    HypercallNumber.HYPFS_OP,
                    HypercallNumber.ARCH_1 ->
                    -Errno.EPERM;
            default -> missing((int) number, a1);
        };
    }

    /** -ENOSYS, counted. */
    long missing(int number, long operation) {
        domain.counters().missing(number, operation);
        return -Errno.ENOSYS;
    }

    // -------------------------------------------------------------------- guest memory

    /** Copies an argument structure into {@link #buffer}. */
    boolean in(long pointer, int length) {
        return vcpu.engine().read(address(pointer), buffer, 0, length);
    }

    /** Copies part of {@link #buffer} back to where it came from. */
    boolean out(long pointer, int offset, int length) {
        return vcpu.engine().write(address(pointer + offset), buffer, offset, length);
    }

    boolean read(long pointer, byte[] target, int length) {
        return vcpu.engine().read(address(pointer), target, 0, length);
    }

    boolean write(long pointer, byte[] source, int length) {
        return vcpu.engine().write(address(pointer), source, 0, length);
    }

    private long address(long pointer) {
        return wide ? pointer : u32(pointer);
    }

    int u16(int at) {
        return Bytes.getShort(buffer, at);
    }

    int i32(int at) {
        return Bytes.getInt(buffer, at);
    }

    long u32(int at) {
        return Bytes.getInt(buffer, at) & 0xFFFFFFFFL;
    }

    long u64(int at) {
        return Bytes.getLong(buffer, at);
    }

    void put16(int at, int v) {
        Bytes.putShort(buffer, at, v);
    }

    void put32(int at, int v) {
        Bytes.putInt(buffer, at, v);
    }

    void put64(int at, long v) {
        Bytes.putLong(buffer, at, v);
    }

    /** A long or pointer of the caller's ABI in {@link #buffer}: at one place in each layout. */
    long word(int at64, int at32) {
        return wide ? u64(at64) : u32(at32);
    }

    int wordSize() {
        return wide ? 8 : 4;
    }

    /** Element of a list of longs in {@link #list}. */
    long listWord(int i) {
        return wide ? Bytes.getLong(list, i * 8) : Bytes.getInt(list, i * 4) & 0xFFFFFFFFL;
    }

    void putListWord(int i, long v) {
        if (wide) {
            Bytes.putLong(list, i * 8, v);
        } else {
            Bytes.putInt(list, i * 4, (int) v);
        }
    }

    boolean isSelf(int domid) {
        return domid == DomId.SELF || domid == domain.id();
    }

    /** For long loops: the domain is going away, so give up. */
    boolean mustStop() {
        return domain.isStopping();
    }

    // ------------------------------------------------------------------ small hypercalls

    private long multicall(long pointer, long count) {
        if (inMulticall) {
            return -Errno.EINVAL;
        }
        long n = u32(count);
        if (n > MAX_CALLS) {
            return -Errno.EINVAL;
        }
        int size = wide ? 64 : 32;
        int word = wordSize();
        inMulticall = true;
        try {
            for (long i = 0; i < n && !mustStop(); i++) {
                long at = pointer + i * size;
                if (!read(at, calls, size)) {
                    return -Errno.EFAULT;
                }
                long op = call(0);
                long result = dispatch(op, call(2), call(3), call(4), call(5), call(6));
                if (wide) {
                    Bytes.putLong(calls, 0, result);
                } else {
                    Bytes.putInt(calls, 0, (int) result);
                }
                if (!write(at + word, calls, word)) {
                    return -Errno.EFAULT;
                }
            }
        } finally {
            inMulticall = false;
        }
        return 0;
    }

    private long call(int i) {
        return wide ? Bytes.getLong(calls, i * 8) : Bytes.getInt(calls, i * 4) & 0xFFFFFFFFL;
    }

    private long consoleIo(int operation, long count, long pointer) {
        long n = u32(count);
        if (n > Integer.MAX_VALUE) {
            return -Errno.E2BIG;
        }
        switch (operation) {
            case ConsoleIo.WRITE -> {
                long done = 0;
                while (done < n && !mustStop()) {
                    int part = (int) Math.min(list.length, n - done);
                    // Up to the end of the page, so that what can be read is also shown.
                    part = (int) Math.min(part, 4096 - (address(pointer + done) & 4095));
                    if (!read(pointer + done, list, part)) {
                        return -Errno.EFAULT;
                    }
                    domain.debugConsole().write(list, 0, part);
                    done += part;
                }
                return 0;
            }
            case ConsoleIo.READ -> {
                return 0; // nobody types on this console
            }
            default -> {
                return missing(HypercallNumber.CONSOLE_IO, operation);
            }
        }
    }

    private long vmAssist(int command, long type) {
        boolean on;
        switch (command) {
            case VmAssist.CMD_ENABLE -> on = true;
            case VmAssist.CMD_DISABLE -> on = false;
            default -> {
                return missing(HypercallNumber.VM_ASSIST, command);
            }
        }
        if (u32(type) != VmAssist.TYPE_RUNSTATE_UPDATE_FLAG) {
            return -Errno.EINVAL;
        }
        domain.setRunstateUpdateFlag(on);
        return 0;
    }
}
