// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.linux.Member;
import dev.vitrine.introspection.linux.Symbol;
import dev.vitrine.introspection.trace.Moment;
import dev.vitrine.introspection.trace.plugin.LoadedModules.Module;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;

/**
 * Which functions of the kernel have called each other, from the registers at some place of it. How
 * to get from a function to its caller say the kernel's ORC tables
 * (Documentation/arch/x86/orc-unwinder.rst). Code without such an entry, of modules that have none
 * and code that is made while the kernel runs, is taken to keep frame pointers; what it does not
 * have the walk ends with.
 */
final class KernelStack {
    private static final int MAX_FRAMES = 64;
    private static final int POINTER = 8;
    private static final int IP = 4;

    /** How far frame pointers may lead: the size of a stack with KASAN. */
    private static final long STACK = 1 << 16;

    // ORC_REG_*: what the entry's offsets count from.
    private static final int REGISTER_PREVIOUS_SP = 1;
    private static final int REGISTER_DX = 2;
    private static final int REGISTER_DI = 3;
    private static final int REGISTER_BP = 4;
    private static final int REGISTER_SP = 5;
    private static final int REGISTER_R10 = 6;
    private static final int REGISTER_R13 = 7;
    private static final int REGISTER_BP_INDIRECT = 8;
    private static final int REGISTER_SP_INDIRECT = 9;

    /** Types of entries got three bits, and other numbers, in 6.4. */
    private static final int NEW_TYPE_BITS = 3;

    /**
     * Registers of the kernel at some place.
     *
     * @param exact the place is that of an instruction, not where a call is to return to
     */
    record Registers(
            long ip, long sp, long bp, long dx, long di, long r10, long r13, boolean exact) {}

    /** A table of entries, and of the addresses from which on they hold. */
    private record Table(long addresses, long entries, long count) {}

    private final LinuxKernel kernel;
    private final LoadedModules modules;
    private final @Nullable Table own;
    private final long from;
    private final long to;
    private final long initFrom;
    private final long initTo;
    private final int size;
    private final Member spOffset;
    private final Member bpOffset;
    private final Member spRegister;
    private final Member bpRegister;
    private final Member type;
    private final long moduleAddresses;
    private final long moduleEntries;
    private final long moduleCount;
    private final SavedRegisters.Reader saved;
    private final long savedIp;
    private final long savedSp;
    private final long savedCs;
    private final long sleepingSp;
    private final long frameBp;
    private final long frameReturn;
    private final int frameSize;

    private KernelStack(LinuxKernel k, LoadedModules modules, SavedRegisters.Reader saved) {
        kernel = k;
        this.saved = saved;
        this.modules = modules;
        from = k.resolve("_stext");
        to = k.resolve("_etext");
        initFrom = k.hasSymbol("_sinittext") ? k.resolve("_sinittext") : 0;
        initTo = k.hasSymbol("_einittext") ? k.resolve("_einittext") : 0;
        long addresses = k.resolve("__start_orc_unwind_ip");
        long count = (k.resolve("__stop_orc_unwind_ip") - addresses) / IP;
        own = new Table(addresses, k.resolve("__start_orc_unwind"), count);
        size = (int) k.types().size("orc_entry");
        spOffset = k.member("orc_entry", "sp_offset");
        bpOffset = k.member("orc_entry", "bp_offset");
        spRegister = k.member("orc_entry", "sp_reg");
        bpRegister = k.member("orc_entry", "bp_reg");
        type = k.member("orc_entry", "type");
        moduleAddresses = k.optionalOffset("module", "arch.orc_unwind_ip");
        moduleEntries = k.optionalOffset("module", "arch.orc_unwind");
        moduleCount = k.optionalOffset("module", "arch.num_orcs");
        savedIp = k.offset("pt_regs", "ip");
        savedSp = k.offset("pt_regs", "sp");
        savedCs = k.offset("pt_regs", "cs");
        sleepingSp = k.offset("task_struct", "thread.sp");
        frameBp = k.offset("inactive_task_frame", "bp");
        frameReturn = k.offset("inactive_task_frame", "ret_addr");
        frameSize = (int) k.types().size("inactive_task_frame");
    }

    /** Null if the kernel has no ORC tables: then it uses frame pointers, or nothing. */
    static @Nullable KernelStack of(
            LinuxKernel k, LoadedModules modules, SavedRegisters.Reader saved) {
        return k.hasSymbol("__start_orc_unwind_ip") && k.types().size("orc_entry") > 0
                ? new KernelStack(k, modules, saved)
                : null;
    }

    /** From where the vCPU stands. */
    List<String> here(Moment m) {
        return walk(
                m,
                new Registers(
                        m.instructionPointer(),
                        m.register(dev.vitrine.processor.Registers.RSP),
                        m.register(dev.vitrine.processor.Registers.RBP),
                        m.register(dev.vitrine.processor.Registers.RDX),
                        m.register(dev.vitrine.processor.Registers.RDI),
                        m.register(10),
                        m.register(13),
                        true));
    }

    /** From where a thread sleeps that no vCPU executes; empty if that is not in memory. */
    List<String> ofSleeping(Moment m, long task) {
        try {
            long frame = m.pointer(task + sleepingSp);
            long back = m.pointer(frame + frameReturn);
            long bp = m.pointer(frame + frameBp);
            return walk(m, new Registers(back, frame + frameSize, bp, 0, 0, 0, 0, false));
        } catch (IntrospectionException e) {
            return List.of();
        }
    }

    /** From registers that the kernel has saved; the first is where they were. */
    List<String> from(Moment m, SavedRegisters r) {
        return r.ofKernel() ? walk(m, registers(r)) : List.of();
    }

    private static Registers registers(SavedRegisters r) {
        return new Registers(
                r.value("rip"),
                r.value("rsp"),
                r.value("rbp"),
                r.value("rdx"),
                r.value("rdi"),
                r.value("r10"),
                r.value("r13"),
                true);
    }

    private List<String> walk(Moment m, Registers start) {
        List<String> frames = new ArrayList<>();
        Registers r = start;
        while (r != null && frames.size() < MAX_FRAMES) {
            try {
                frames.add(place(m, r));
                r = next(m, r);
            } catch (IntrospectionException e) {
                // What has been overwritten must not keep the report from being told.
                break;
            }
        }
        return frames;
    }

    /** The function in which some registers are, as the kernel shows it, without its length. */
    private String place(Moment m, Registers r) {
        // A call may be the last instruction of its function.
        long at = r.exact ? r.ip : r.ip - 1;
        Module x = inKernel(at) ? null : modules.at(m, at);
        Symbol s = null;
        if (x != null) {
            s = modules.symbol(m, x, at);
        } else if (inKernel(at)) {
            synchronized (kernel) {
                s = kernel.kernelSymbols().at(at);
            }
        }
        String place =
                s == null
                        ? "0x" + Long.toHexString(r.ip)
                        : s.name() + "+0x" + Long.toHexString(r.ip - s.address());
        return x == null ? place : place + " [" + x.name() + "]";
    }

    private boolean inKernel(long at) {
        return at - from >= 0 && at < to || at - initFrom >= 0 && at < initTo;
    }

    /** Registers of the caller; null if there is none. */
    private @Nullable Registers next(Moment m, Registers r) {
        long at = r.exact ? r.ip : r.ip - 1;
        Module module = inKernel(at) ? null : modules.at(m, at);
        if (module == null && !inKernel(at) && r.exact) {
            // Somebody has called what is no code: where to return to is on top of the stack.
            return new Registers(m.pointer(r.sp), r.sp + POINTER, r.bp, 0, 0, 0, 0, false);
        }
        Table table = module == null ? own : table(m, module);
        long entry = table == null || module == null && !inKernel(at) ? 0 : entry(m, table, at);
        return entry == 0 ? byFramePointer(m, r) : byEntry(m, r, entry);
    }

    private @Nullable Registers byFramePointer(Moment m, Registers r) {
        if (r.bp - r.sp < 0 || r.bp - r.sp > STACK) {
            return null;
        }
        long back = m.pointer(r.bp + POINTER);
        return new Registers(back, r.bp + 2 * POINTER, m.pointer(r.bp), 0, 0, 0, 0, false);
    }

    private @Nullable Registers byEntry(Moment m, Registers r, long entry) {
        long offset = (short) m.number(entry + spOffset.offset(), 2);
        long sp =
                switch ((int) value(m, entry, spRegister)) {
                    case REGISTER_SP -> r.sp + offset;
                    case REGISTER_BP -> r.bp + offset;
                    case REGISTER_DX -> r.dx + offset;
                    case REGISTER_DI -> r.di + offset;
                    case REGISTER_R10 -> r.r10 + offset;
                    case REGISTER_R13 -> r.r13 + offset;
                    case REGISTER_BP_INDIRECT -> m.pointer(r.bp + offset);
                    case REGISTER_SP_INDIRECT -> m.pointer(r.sp) + offset;
                    default -> 0; // the first function of a stack has no caller
                };
        if (sp == 0) {
            return null;
        }
        // Before 6.4: a call, registers, some registers. Since: nothing, the end, and those three.
        int kind = (int) value(m, entry, type) - (type.bits() == NEW_TYPE_BITS ? 2 : 0);
        if (kind < 0 || kind > 2) {
            return null;
        }
        if (kind == 1) {
            SavedRegisters s = saved.at(m, sp);
            return s == null || !s.ofKernel() ? null : registers(s);
        }
        if (kind == 2) { // only those that IRET takes
            long all = sp - savedIp;
            if ((m.number(all + savedCs, 2) & 3) != 0) {
                return null;
            }
            return new Registers(
                    m.pointer(all + savedIp), m.pointer(all + savedSp), r.bp, 0, 0, 0, 0, true);
        }
        long base = (short) m.number(entry + bpOffset.offset(), 2);
        long bp =
                switch ((int) value(m, entry, bpRegister)) {
                    case REGISTER_PREVIOUS_SP -> m.pointer(sp + base);
                    case REGISTER_BP -> m.pointer(r.bp + base);
                    default -> r.bp;
                };
        long back = m.pointer(sp - POINTER);
        return back == 0 ? null : new Registers(back, sp, bp, 0, 0, 0, 0, false);
    }

    private static long value(Moment m, long entry, Member member) {
        return member.value(m.number(entry + member.offset(), (int) member.size()));
    }

    private @Nullable Table table(Moment m, Module x) {
        if (moduleAddresses < 0 || moduleEntries < 0 || moduleCount < 0) {
            return null;
        }
        long count = m.number(x.address() + moduleCount, 4);
        return count == 0
                ? null
                : new Table(
                        m.pointer(x.address() + moduleAddresses),
                        m.pointer(x.address() + moduleEntries),
                        count);
    }

    /**
     * The last entry that is not behind an address; 0 if there is none. Addresses are distances.
     */
    private long entry(Moment m, Table t, long address) {
        long low = 0;
        long high = Math.min(t.count, 1L << 24) - 1;
        while (low <= high) {
            long middle = low + high >>> 1;
            long at = t.addresses + IP * middle;
            if (at + (int) m.number(at, IP) - address <= 0) {
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        return high < 0 ? 0 : t.entries + high * size;
    }
}
