// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.core;

import dev.vitrine.processor.Interception;
import dev.vitrine.processor.Intercepts;
import dev.vitrine.processor.Processor;
import dev.vitrine.processor.ProcessorHost;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Operand;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * The architectural state of one logical processor and the access paths that its units share.
 * Fields are public within the module: the package is not exported.
 *
 * <p><b>Flags.</b> The six arithmetic flags are kept as a result and a vector of carries, so that
 * an arithmetic instruction stores two longs and each flag is a shift away:
 *
 * <ul>
 *   <li>{@link #flagResult}: the result, sign-extended to 64 bits. ZF is {@code flagResult == 0}.
 *   <li>{@link #flagAux}: bit 63 CF; bit 62 CF xor OF; bit 3 AF; bit 0 inverts the sign taken from
 *       flagResult; bits 8 to 15 are xored into the result's low byte before its parity is taken.
 * </ul>
 *
 * All other flags stand in {@link #eflags}.
 */
public final class Cpu {
    // Register file indexes.
    public static final int RAX = 0;
    public static final int RCX = 1;
    public static final int RDX = 2;
    public static final int RBX = 3;
    public static final int RSP = 4;
    public static final int RBP = 5;
    public static final int RSI = 6;
    public static final int RDI = 7;

    /** Always zero: stands for an absent base, index or segment. */
    public static final int R_ZERO = 16;

    /** Segment bases, in encoding order ES CS SS DS FS GS. */
    public static final int R_SEG_BASE = 17;

    /**
     * Where translated code runs: how far from the addresses that it was made for. Addresses
     * relative to RIP have it as their base. Zero outside of translated code.
     */
    public static final int R_ORIGIN = 23;

    /** Temporaries of micro-operations; dead between guest instructions. */
    public static final int R_TEMP = 24;

    public static final int R_COUNT = 32;

    public static final int ES = 0;
    public static final int CS = 1;
    public static final int SS = 2;
    public static final int DS = 3;
    public static final int FS = 4;
    public static final int GS = 5;

    // RFLAGS.
    public static final int CF = 1;
    public static final int PF = 1 << 2;
    public static final int AF = 1 << 4;
    public static final int ZF = 1 << 6;
    public static final int SF = 1 << 7;
    public static final int TF = 1 << 8;
    public static final int IF = 1 << 9;
    public static final int DF = 1 << 10;
    public static final int OF = 1 << 11;
    public static final int IOPL = 3 << 12;
    public static final int NT = 1 << 14;
    public static final int RF = 1 << 16;
    public static final int VM = 1 << 17;
    public static final int AC = 1 << 18;
    public static final int VIF = 1 << 19;
    public static final int VIP = 1 << 20;
    public static final int ID = 1 << 21;
    public static final int ARITHMETIC = CF | PF | AF | ZF | SF | OF;

    // CR0, CR4, EFER.
    public static final long CR0_PE = 1;
    public static final long CR0_MP = 1 << 1;
    public static final long CR0_EM = 1 << 2;
    public static final long CR0_TS = 1 << 3;
    public static final long CR0_ET = 1 << 4;
    public static final long CR0_NE = 1 << 5;
    public static final long CR0_WP = 1 << 16;
    public static final long CR0_AM = 1 << 18;
    public static final long CR0_NW = 1 << 29;
    public static final long CR0_CD = 1 << 30;
    public static final long CR0_PG = 1L << 31;
    public static final long CR4_VME = 1;
    public static final long CR4_PVI = 1 << 1;
    public static final long CR4_TSD = 1 << 2;
    public static final long CR4_DE = 1 << 3;
    public static final long CR4_PSE = 1 << 4;
    public static final long CR4_PAE = 1 << 5;
    public static final long CR4_MCE = 1 << 6;
    public static final long CR4_PGE = 1 << 7;
    public static final long CR4_PCE = 1 << 8;
    public static final long CR4_OSFXSR = 1 << 9;
    public static final long CR4_OSXMMEXCPT = 1 << 10;
    public static final long CR4_UMIP = 1 << 11;
    public static final long CR4_FSGSBASE = 1 << 16;
    public static final long CR4_PCIDE = 1 << 17;
    public static final long CR4_OSXSAVE = 1 << 18;
    public static final long CR4_SMEP = 1 << 20;
    public static final long CR4_SMAP = 1 << 21;
    public static final long EFER_SCE = 1;
    public static final long EFER_LME = 1 << 8;
    public static final long EFER_LMA = 1 << 10;
    public static final long EFER_NXE = 1 << 11;

    /**
     * CPUID leaf 1 EAX, and EDX after reset: family 6, model 0x36, stepping 1. Intel's in-order
     * Atoms do not speculate, and neither does this processor: operating systems key on the model
     * to leave all their mitigations off.
     */
    public static final int SIGNATURE = 0x30661;

    /** General registers, zero, segment bases, temporaries. */
    public final long[] r = new long[R_COUNT];

    /**
     * Vector registers: register n is longs 4n (lowest) to 4n+3; 16 registers and 4 temporaries.
     */
    public final long[] v = new long[20 * 4];

    /** Address of the instruction in execution (offset in CS). Exact whenever a helper runs. */
    public long rip;

    /** Where execution goes on after the current instruction; branches in helpers set it. */
    public long nextRip;

    public long flagResult = 1;
    public long flagAux;

    /**
     * Between two regions of translated code only, else 0: what the two fields above are the
     * operands of, see {@code LazyFlags}.
     */
    public int flagKind;

    /** All flags but the arithmetic ones; bit 1 is always set. */
    public int eflags = 2;

    public final Segment[] segment = new Segment[6];
    public final Segment ldtr = new Segment();
    public final Segment tr = new Segment();
    public long gdtBase;
    public int gdtLimit;
    public long idtBase;
    public int idtLimit;

    public long cr0;
    public long cr2;
    public long cr3;
    public long cr4;
    public long xcr0 = 1;
    public long efer;
    public final long[] dr = new long[8];
    public int cpl;

    public long star;
    public long lstar;
    public long cstar;
    public long sfmask;
    public long kernelGsBase;
    public long sysenterCs;
    public long sysenterEsp;
    public long sysenterEip;
    public long tscAux;
    public long tscAdjust;
    public long pat = 0x0007_0406_0007_0406L;
    public long miscEnable = 1;

    public int mxcsr = 0x1F80;

    /** Scratch of the floating-point instruction in execution. */
    public final dev.vitrine.processor.fp.FpEnv fp = new dev.vitrine.processor.fp.FpEnv();

    public final X87State x87 = new X87State();

    /** Pending fault, valid while {@link GuestFault} is in flight. */
    public int faultVector;

    /** Its error code; meaningful if the vector has one. */
    public int faultCode;

    /** Address for CR2 of a page fault; CR2 itself changes on delivery. */
    public long faultAddress;

    /** Interrupts and debug traps are held back for the next instruction (MOV SS, POP SS, STI). */
    public int shadow;

    public static final int SHADOW_NONE = 0;
    public static final int SHADOW_STI = 1;
    public static final int SHADOW_MOV_SS = 2;

    /** Something outside of the instruction stream wants attention; bits REQUEST_*. */
    private volatile int requests;

    private volatile long loopLimit;

    public static final int REQUEST_INTERRUPT = 1;
    public static final int REQUEST_NMI = 2;
    public static final int REQUEST_TASK = 4;
    public static final int REQUEST_STOP = 8;

    /** A maskable interrupt waits for EFLAGS.IF or the end of a shadow. */
    public boolean interruptWaiting;

    /**
     * The block or region in execution (an exec.Block or RegionCode), for the check of
     * self-modification; may be null.
     */
    public @Nullable Object currentBlock;

    /** Number of the block whose indirect branch a region was left by, behind such an exit. */
    public int leftFrom;

    /** An access of translated code was not in the soft TLB and has not been made. */
    public boolean missed;

    /** How translated code accesses memory by calls; null before there is such code. */
    public @Nullable CalledAccess access;

    /** Number among the processors of its domain, from 0. */
    public int number;

    /**
     * After a {@link SelfModification} in translated code: the index in the current block's code at
     * which the interpreter is to take it up.
     */
    public int resumeAt;

    /** Stops the other processors of the domain; set when it joins them. */
    public Exclusion exclusion = Exclusion.NONE;

    /** State between a locked load and its store. */
    public long lockMachine;

    public long lockLinear;
    public long savedFlagResult;
    public long savedFlagAux;

    private static final VarHandle REQUESTS;
    private static final VarHandle LOOP_LIMIT;

    static {
        try {
            REQUESTS = MethodHandles.lookup().findVarHandle(Cpu.class, "requests", int.class);
            LOOP_LIMIT = MethodHandles.lookup().findVarHandle(Cpu.class, "loopLimit", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** Pending requests. */
    public int requests() {
        return requests;
    }

    /** Asks for attention; from any thread. */
    public void request(int bits) {
        REQUESTS.getAndBitwiseOr(this, bits);
        loopLimit = Long.MIN_VALUE;
    }

    /**
     * Value of {@link #retired} from which on loops of translated code are left: the limit of the
     * run, or the least there is when there are requests.
     */
    public long loopLimit() {
        return loopLimit;
    }

    /**
     * Sets {@link #loopLimit}; requests are to be looked at afterwards. One that comes at the same
     * time may still be overwritten, and is then seen where the limit is reached: the store is not
     * waited for.
     */
    public void limitLoops(long limit) {
        LOOP_LIMIT.setOpaque(this, limit);
    }

    /** Takes requests back; returns those that were pending. */
    public int takeRequests(int bits) {
        return (int) REQUESTS.getAndBitwiseAnd(this, ~bits) & bits;
    }

    /** In HLT (or waiting for SIPI): no instruction runs until an event. */
    public boolean halted;

    /**
     * DR6 bits of debug traps that the current instruction has caused (data and I/O breakpoints,
     * task switch). They are delivered, together with single-step, when it has completed.
     */
    public int pendingDebug;

    /** NMIs are blocked: one has been delivered and no IRET followed. */
    public boolean nmiBlocked;

    /** PDPTE registers of PAE paging (SDM volume 3, 4.4.1). */
    public final long[] pdpte = new long[4];

    /** MSRs that are only storage to the processor. */
    public final ModelSpecific msr = new ModelSpecific();

    /** What the host wants to see first. */
    public Intercepts intercepts = Intercepts.NONE;

    /** Kinds of these that the host lets pass for the instruction in execution. */
    public int passed;

    /** A repeated instruction is executed on behalf of the host, a part of it at a time. */
    public boolean emulating;

    /** Of such an instruction only a part has been executed; the rest is to follow. */
    public boolean unfinished;

    /**
     * Elements that such an instruction has done before its next part: after a number of them it
     * lets events in, wherever its parts end.
     */
    public long elementsDone;

    /** The block that {@link Intercepted} has left in the middle; null if it was at none. */
    public @Nullable Object leftBlock;

    /** Number of the guest instruction at which it was left. */
    public int leftInstruction;

    /** What {@link Intercepted} is about. */
    public @Nullable Interception interception;

    /** Each instruction is shown to the host when it has been executed. */
    public boolean stepping;

    /** The next event is shown to the host before it is delivered. */
    public boolean showNext;

    private long[] mirrored = new long[4];
    private int mirroredCount;

    /** Instructions retired, and instruction pointer, when hooks were called last. */
    public long hookedAt = -1;

    public long hookedRip;

    /** The processor as its host knows it. */
    @SuppressWarnings("NullAway.Init") // set by the facade's constructor
    public Processor facade;

    /** Instructions retired since reset; exact at the boundaries of blocks and in helpers. */
    public long retired;

    public final ProcessorHost host;
    public final Mmu mmu;

    /** Bits of {@link #modeKey}. */
    public static final int MODE_64 = 1;

    public static final int MODE_32 = 2;
    public static final int MODE_USER = 4;
    public static final int MODE_STACK32 = 8;

    /** DS, ES and SS are flat, writable and present: no segment checks needed. */
    public static final int MODE_FLAT = 16;

    public static final int MODE_TF = 32;
    public static final int MODE_REAL = 64;

    /** CR0.AM, EFLAGS.AC and CPL 3 together: alignment is checked. */
    public static final int MODE_ALIGN = 128;

    /** Debug registers hold enabled instruction breakpoints. */
    public static final int MODE_DEBUG = 256;

    /** {@link #stepping}. */
    public static final int MODE_STEP = 512;

    /** Everything outside of memory and address that decoded code depends on. */
    public int modeKey;

    public Cpu(ProcessorHost host, Mmu mmu) {
        this.host = host;
        this.mmu = mmu;
        for (int i = 0; i < segment.length; i++) {
            segment[i] = new Segment();
        }
        mmu.attach(this);
        reset();
    }

    /** State after INIT or power-up (SDM volume 3, table 10-1), processor in real mode. */
    public void reset() {
        java.util.Arrays.fill(r, 0);
        java.util.Arrays.fill(v, 0);
        r[RDX] = SIGNATURE;
        rip = 0xFFF0;
        setFlags(2, -1);
        for (int i = 0; i < 6; i++) {
            segment[i].set(0, 0, 0xFFFF, 0x93);
            r[R_SEG_BASE + i] = 0;
        }
        segment[CS].set(0xF000, 0xFFFF0000L, 0xFFFF, 0x93);
        r[R_SEG_BASE + CS] = 0xFFFF0000L;
        ldtr.set(0, 0, 0xFFFF, 0x82);
        tr.set(0, 0, 0xFFFF, 0x8B);
        gdtBase = 0;
        gdtLimit = 0xFFFF;
        idtBase = 0;
        idtLimit = 0xFFFF;
        cr0 = 0x60000010L;
        cr2 = 0;
        cr3 = 0;
        cr4 = 0;
        xcr0 = 1;
        efer = 0;
        cpl = 0;
        java.util.Arrays.fill(dr, 0);
        dr[6] = 0xFFFF0FF0L;
        dr[7] = 0x400;
        mxcsr = 0x1F80;
        x87.reset();
        shadow = SHADOW_NONE;
        halted = false;
        pendingDebug = 0;
        nmiBlocked = false;
        java.util.Arrays.fill(pdpte, 0);
        modeChanged();
        mmu.flushAll();
    }

    // ------------------------------------------------------------------ flags

    /** RFLAGS with every bit, lazy ones worked out. */
    public long flags() {
        return (eflags & 0xFFFFFFFFL) | arithmeticFlags();
    }

    /** CF, PF, AF, ZF, SF and OF in their places. */
    public int arithmeticFlags() {
        int f = (int) (flagAux >>> 63);
        f |= (parityEven() ? PF : 0) | ((int) (flagAux >>> 3) & 1) << 4;
        f |= flagResult == 0 ? ZF : 0;
        f |= (int) ((flagResult >>> 63) ^ (flagAux & 1)) << 7;
        f |= (int) ((flagAux ^ (flagAux << 1)) >>> 63) << 11;
        return f;
    }

    /** Sets ZF if the argument is 0, and clears it otherwise. */
    public void zeroFlag(long difference) {
        int f = arithmeticFlags() & ~ZF;
        setArithmeticFlags(difference == 0 ? f | ZF : f);
    }

    public boolean parityEven() {
        int b = (int) (flagResult ^ (flagAux >>> 8)) & 0xFF;
        return (Integer.bitCount(b) & 1) == 0;
    }

    public boolean carry() {
        return flagAux < 0;
    }

    /** Sets the six arithmetic flags from their RFLAGS places. */
    public void setArithmeticFlags(long f) {
        int i = (int) f;
        flagResult = (i & ZF) != 0 ? 0 : 0x100;
        long cf = i & 1;
        long of = (i >>> 11) & 1;
        flagAux =
                cf << 63
                        | (cf ^ of) << 62
                        | (i & AF) >>> 1
                        | ((i & PF) != 0 ? 0 : 0x100)
                        | (i >>> 7 & 1);
    }

    /**
     * Replaces the bits of RFLAGS that the mask selects. Does not check privileges. Callers whose
     * mask holds VM, TF or AC must call {@link #modeChanged} afterwards.
     */
    public void setFlags(long value, long mask) {
        if ((mask & ARITHMETIC) != 0) {
            setArithmeticFlags((arithmeticFlags() & ~mask) | (value & mask));
        }
        int m = (int) mask & ~ARITHMETIC & 0x3F7FD7;
        eflags = (eflags & ~m) | ((int) value & m) | 2;
    }

    /** Sets EFLAGS.AC at CPL 0, where no alignment is checked: the mode stays. */
    public void setAc(int value) {
        if ((eflags & AC) != value) {
            eflags ^= AC;
            mmu.contextChanged();
        }
    }

    /** Exchanges the base of GS with IA32_KERNEL_GS_BASE. */
    public void swapGs() {
        long base = r[R_SEG_BASE + GS];
        segment[GS].base = kernelGsBase;
        r[R_SEG_BASE + GS] = kernelGsBase;
        kernelGsBase = base;
    }

    // ------------------------------------------------------------------ modes

    public boolean longMode() {
        return (efer & EFER_LMA) != 0;
    }

    /** Executing 64-bit code (long mode with CS.L). */
    public boolean mode64() {
        return (modeKey & MODE_64) != 0;
    }

    public boolean realMode() {
        return (cr0 & CR0_PE) == 0;
    }

    public boolean v86() {
        return (eflags & VM) != 0;
    }

    public boolean protectedMode() {
        return (cr0 & CR0_PE) != 0 && (eflags & VM) == 0;
    }

    /** Code size in bits: 16, 32 or 64. */
    public int codeSize() {
        return (modeKey & MODE_64) != 0 ? 64 : (modeKey & MODE_32) != 0 ? 32 : 16;
    }

    /** Mask of the stack pointer: by mode and SS.B. */
    public long stackMask() {
        return (modeKey & MODE_64) != 0
                ? -1L
                : (modeKey & MODE_STACK32) != 0 ? 0xFFFFFFFFL : 0xFFFFL;
    }

    /**
     * Recomputes what is derived from CR0, CR4, EFER, CS, DS, ES, SS, CPL, DR7 and EFLAGS. To be
     * called after any of them changed; the interpreter then leaves its block.
     */
    public void modeChanged() {
        int k = 0;
        Segment cs = segment[CS];
        boolean protectedMode = (cr0 & CR0_PE) != 0;
        if (protectedMode && (efer & EFER_LMA) != 0 && (cs.attributes & Segment.L) != 0) {
            k = MODE_64 | MODE_FLAT | MODE_STACK32;
        } else {
            if (protectedMode && (eflags & VM) == 0) {
                if ((cs.attributes & Segment.DB) != 0) {
                    k |= MODE_32;
                }
            } else {
                k |= MODE_REAL;
            }
            if ((segment[SS].attributes & Segment.DB) != 0) {
                k |= MODE_STACK32;
            }
            if (flatData(segment[DS]) && flatData(segment[ES]) && flatData(segment[SS])) {
                k |= MODE_FLAT;
            }
        }
        if (cpl == 3) {
            k |= MODE_USER;
            if ((eflags & AC) != 0 && (cr0 & CR0_AM) != 0) {
                k |= MODE_ALIGN;
            }
        }
        if ((eflags & TF) != 0) {
            k |= MODE_TF;
        }
        if ((dr[7] & 0xFF) != 0) {
            k |= MODE_DEBUG;
        }
        if (stepping) {
            k |= MODE_STEP;
        }
        modeKey = k;
        mmu.contextChanged();
    }

    private static boolean flatData(Segment s) {
        return s.base == 0
                && s.limit == -1
                && !s.unusable
                && (s.attributes & (Segment.PRESENT | 0xE | Segment.S))
                        == (Segment.PRESENT | 2 | Segment.S)
                && (s.attributes & Segment.DB) != 0;
    }

    // ---------------------------------------------------------- interceptions

    /** Whether the host wants to see an operation of a kind of {@link Intercepts} now. */
    public boolean intercepts(int kind) {
        return (passed & kind) == 0 && intercepts.has(kind);
    }

    /** Prepares the question to the host: {@code throw cpu.intercept(...)}. */
    public Intercepted intercept(Interception what) {
        interception = what;
        return Intercepted.INSTANCE;
    }

    /** Asks the host first if it wants to see a write to a control register. */
    public void beforeControlWrite(int register, long value, long old) {
        if ((passed & Intercepts.CONTROL) == 0 && intercepts.wants(register, value, old)) {
            throw intercept(new Interception.ControlRegisterWrite(register, value, old));
        }
    }

    /** Notes that a frame is being written that copies are kept of. */
    public void noteMirrored(long mfn) {
        for (int i = 0; i < mirroredCount; i++) {
            if (mirrored[i] == mfn) {
                return;
            }
        }
        if (mirroredCount == mirrored.length) {
            mirrored = java.util.Arrays.copyOf(mirrored, 2 * mirroredCount);
        }
        mirrored[mirroredCount++] = mfn;
    }

    /** Takes one of the frames noted; -1 if there is none. */
    public long takeMirrored() {
        return mirroredCount == 0 ? -1 : mirrored[--mirroredCount];
    }

    // ----------------------------------------------------------------- faults

    /** Prepares a fault without error code: {@code throw cpu.fault(Vector.UD)}. */
    public GuestFault fault(int vector) {
        return fault(vector, 0);
    }

    public GuestFault fault(int vector, int code) {
        faultVector = vector;
        faultCode = code;
        return GuestFault.INSTANCE;
    }

    public GuestFault ud() {
        return fault(Vector.UD, 0);
    }

    public GuestFault gp(int code) {
        return fault(Vector.GP, code);
    }

    // ----------------------------------------------------- addresses, operands

    /** Offset part of the memory operand, truncated to the address size. */
    public long offset(Instruction i) {
        long a = i.disp;
        if (i.base == Instruction.RIP_BASE) {
            a += i.nextRip();
        } else if (i.base >= 0) {
            a += r[i.base];
        }
        if (i.index >= 0) {
            a += r[i.index] << i.scale;
        }
        return i.addressSize == 8 ? a : i.addressSize == 4 ? a & 0xFFFFFFFFL : a & 0xFFFFL;
    }

    /**
     * Linear address of the memory operand after segment checks (SDM volume 3, 5.3; in 64-bit mode
     * canonicality is checked by the access itself).
     *
     * @param size bytes that will be accessed; 0 for none
     */
    public long linear(Instruction i, int size, boolean write) {
        return linear(i.segment, offset(i), size, write);
    }

    /** Linear address of seg:offset after segment checks; raises #GP or #SS. */
    public long linear(int seg, long offset, int size, boolean write) {
        if ((modeKey & MODE_64) != 0) {
            long la = seg >= FS ? offset + r[R_SEG_BASE + seg] : offset;
            mmu.accessSegment = seg;
            return la;
        }
        return SegmentCheck.linear(this, seg, offset, size, write);
    }

    /** Reads memory at a linear address with the current privilege; zero-extended. */
    public long load(long linear, int size) {
        return switch (size) {
            case 1 -> mmu.load8(linear) & 0xFFL;
            case 2 -> mmu.load16(linear) & 0xFFFFL;
            case 4 -> mmu.load32(linear) & 0xFFFFFFFFL;
            default -> mmu.load64(linear);
        };
    }

    /** Writes the low bytes of a value to memory with the current privilege. */
    public void store(long linear, int size, long value) {
        switch (size) {
            case 1 -> mmu.store8(linear, (byte) value);
            case 2 -> mmu.store16(linear, (short) value);
            case 4 -> mmu.store32(linear, (int) value);
            default -> mmu.store64(linear, value);
        }
    }

    /** Value of a GPR, memory, immediate or constant operand, zero-extended from its size. */
    public long read(Instruction i, int n) {
        int size = i.size[n];
        switch (i.kind[n]) {
            case Operand.GPR:
                return truncate(r[i.reg[n]], size);
            case Operand.GPR_HIGH:
                return (r[i.reg[n]] >>> 8) & 0xFF;
            case Operand.MEM:
                return load(linear(i, size, false), size);
            case Operand.IMM2:
                return truncate(i.imm2, size);
            default:
                return truncate(i.imm, size);
        }
    }

    /** Writes a GPR or memory operand. A 4-byte register write clears the upper half. */
    public void write(Instruction i, int n, long value) {
        int size = i.size[n];
        switch (i.kind[n]) {
            case Operand.GPR:
                writeRegister(i.reg[n], size, value);
                break;
            case Operand.GPR_HIGH:
                r[i.reg[n]] = (r[i.reg[n]] & ~0xFF00L) | (value & 0xFF) << 8;
                break;
            default:
                store(linear(i, size, true), size, value);
        }
    }

    /** Writes a general register as an instruction of that operand size does. */
    public void writeRegister(int reg, int size, long value) {
        switch (size) {
            case 8 -> r[reg] = value;
            case 4 -> r[reg] = value & 0xFFFFFFFFL;
            case 2 -> r[reg] = (r[reg] & ~0xFFFFL) | (value & 0xFFFF);
            default -> r[reg] = (r[reg] & ~0xFFL) | (value & 0xFF);
        }
    }

    public static long truncate(long value, int size) {
        return size == 8 ? value : value & ((1L << (size * 8)) - 1);
    }

    /** Sign-extends from a size in bytes. */
    public static long extend(long value, int size) {
        int s = 64 - size * 8;
        return value << s >> s;
    }
}
