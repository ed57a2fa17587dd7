// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.core;

import dev.vitrine.memory.FrameTable;
import dev.vitrine.memory.GuestRam;
import dev.vitrine.memory.PhysicalView;
import dev.vitrine.memory.UnrestrictedView;
import dev.vitrine.processor.FetchListener;
import dev.vitrine.processor.Interception;
import dev.vitrine.processor.system.DebugRegisters;
import dev.vitrine.processor.system.PageWalker;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.VarHandle;

/**
 * Guest memory as one processor sees it: soft TLBs in front of the page walker, the physical view
 * and guest RAM.
 *
 * <p><b>Soft TLB.</b> Direct-mapped arrays, one pair each for reads, writes and fetches. A tag is
 * the page's linear address with the <i>context</i> in its low 12 bits; the context stands for
 * address space (PCID or CR3 generation), privilege and EFLAGS.AC, so switching any of them is one
 * assignment and no flush. The hit test compares the page of the access's last byte with the tag
 * found by its first byte: an access over a page's end misses by itself. The delta leads from
 * linear to machine address.
 *
 * <p>Supervisor and user mode have keys of their own (see {@link Tlb}), user mode several that
 * address spaces take turns in: a switch to the kernel or to another process and back finds what it
 * left. With SMEP and SMAP a supervisor without EFLAGS.AC reaches supervisor pages only; while all
 * that it touches are global, all address spaces share one context for it, and what the kernel does
 * outlives a change of CR3, as global pages do on a real processor.
 *
 * <p>Write entries exist only for pages whose dirty bit is set and whose frame holds no decoded
 * code. Devices, pages under a data breakpoint and checked alignment never enter; their accesses
 * always take the slow path.
 */
public final class Mmu {
    private static final long PAGE = Tlb.PAGE;

    /** Context that no entry carries: every access takes the slow path. */
    private static final long CONTEXT_SLOW = 0xFFF;

    private static final boolean WEAK_ORDER =
            !System.getProperty("os.arch", "").matches("amd64|x86_64|i386|x86");

    public static final int ACCESS_READ = 0;
    public static final int ACCESS_WRITE = 1;
    public static final int ACCESS_FETCH = 2;

    /** Number of keys that address spaces take turns in; the rest are the supervisor's. */
    static final int USER_KEYS = Tlb.KEYS / 2;

    private static final int READ = PhysicalView.READ;
    private static final int WRITE = PhysicalView.WRITE;
    private static final int EXECUTE = PhysicalView.EXECUTE;

    /** See {@link Tlb}; translated code looks here itself. */
    public final long[] readTlb = new long[2 * Tlb.ENTRIES];

    /** As {@link #readTlb}, for writes. */
    public final long[] writeTlb = new long[2 * Tlb.ENTRIES];

    /** Key of the supervisor's contexts in the view of now. */
    private int systemKey = Tlb.key(USER_KEYS);

    /** Key of {@link #context}. */
    public int tlbKey = systemKey;

    private final FetchTlb fetches = new FetchTlb();

    /** Context of ordinary data accesses now: the low bits of the tags that they hit. */
    public long context = CONTEXT_SLOW;

    private long fetchContext = 4;
    private long systemContext = 4;
    private final AddressSpaces spaces;

    /** So many changes of the address space later sharing is tried again. */
    private static final int UNSHARED = 1024;

    /** Changes of the address space until then; 0 while it goes on. */
    private int unshared;

    /**
     * A supervisor that so often between two changes of the address space touches pages that are
     * not global has them always, and sharing ends. Linux has one for the moments in which it
     * patches itself: what is found there is not kept.
     */
    private static final int APART = 64;

    /** How often it has since then. */
    private int apartWalks;

    /** The last walk was one of these, and sharing goes on: no entry may be made. */
    private boolean apart;

    /** Supervisor accesses without EFLAGS.AC use {@link ViewSpaces#sharedAsid} now. */
    private boolean shared;

    public final GuestRam ram;
    private final FrameTable frames;
    private PhysicalView view;

    /** See {@link UnrestrictedView}. */
    private final PhysicalView unrestricted;

    private Cpu cpu;
    private PagingStructures structures;
    private PageWalker walker;
    private final CodeTracker code;

    /** Segment of the access in progress, to tell #SS from #GP; set by {@link Cpu#linear}. */
    public int accessSegment = Cpu.DS;

    /** See {@link #fetchKey()}. */
    private long fetchKey = 1 << 12;

    /** Told of what happens between memory and translated code, if that is checked. */
    public @Nullable MemoryWatch watch;

    /** Walks done since reset, for statistics. */
    public long walks;

    @SuppressWarnings("NullAway.Init") // attach() completes the circle
    public Mmu(PhysicalView view, CodeTracker code) {
        this.view = view;
        this.unrestricted = new UnrestrictedView(view.base());
        this.spaces = new AddressSpaces(view, this::sweep);
        this.ram = view.base().memory().ram();
        this.frames = view.base().memory().frames();
        this.code = code;
    }

    void attach(Cpu owner) {
        cpu = owner;
        structures = new PagingStructures(this, owner, frames, code);
        walker = new PageWalker(owner, structures);
    }

    public PageWalker walker() {
        return walker;
    }

    public PagingStructures structures() {
        return structures;
    }

    public PhysicalView view() {
        return view;
    }

    /** The domain's own map with all rights, for what is done on behalf of a monitor. */
    public PhysicalView unrestricted() {
        return unrestricted;
    }

    /**
     * Switches to another physical view (altp2m). What is cached of the views used lately stays.
     */
    public void setView(PhysicalView other) {
        if (other == view) {
            return;
        }
        if (other.base() != view.base()) {
            throw new IllegalArgumentException("view of another domain");
        }
        view = other;
        spaces.setView(other, pcid());
        systemKey = Tlb.key(spaces.now().systemKey);
        fetches.mix = spaces.now().fetchMix;
        contextChanged();
    }

    /**
     * Entries of a view have changed: forgets what is cached of it.
     *
     * @param changed the domain's own map stands for all views
     */
    public void viewChanged(PhysicalView changed) {
        if (changed == view.base()) {
            flushAll();
        } else {
            spaces.forget(changed, pcid());
            contextChanged();
        }
    }

    // ---------------------------------------------------------------- contexts

    /** Privilege, EFLAGS.AC, control registers or debug registers may have changed. */
    public void contextChanged() {
        boolean user = cpu.cpl == 3;
        shared = unshared == 0 && (cpu.cr4 & SHARING) == SHARING && (cpu.cr0 & Cpu.CR0_PG) != 0;
        long own = (long) spaces.asid() << 2;
        systemContext = shared ? (long) spaces.now().sharedAsid << 2 : own;
        fetchContext = user ? own | 1 : systemContext;
        fetchKey = fetches.key(user, fetchContext);
        boolean slow =
                (cpu.modeKey & Cpu.MODE_ALIGN) != 0
                        || DebugRegisters.dataBreakpointsEnabled(cpu)
                        || diversion != null;
        if (slow) {
            context = CONTEXT_SLOW;
        } else if (user) {
            context = own | 1;
        } else {
            context = (cpu.eflags & Cpu.AC) != 0 ? own | 2 : systemContext;
        }
        tlbKey = user ? Tlb.key(spaces.asid() & USER_KEYS - 1) : systemKey;
    }

    /** Without these CR4 bits a supervisor may reach the pages of one address space only. */
    private static final long SHARING = Cpu.CR4_PGE | Cpu.CR4_SMEP | Cpu.CR4_SMAP;

    /**
     * A walk for the supervisor has found a page that belongs to this address space alone, though
     * what it finds is shared.
     *
     * @param fetch what it finds is kept in any case
     */
    private void foundApart(boolean fetch) {
        if (fetch || ++apartWalks > APART) {
            unshared = UNSHARED;
            contextChanged();
        } else {
            apart = true;
        }
    }

    /** Forgets everything. */
    public void flushAll() {
        spaces.forgetAll(pcid());
        contextChanged();
    }

    /** Forgets all address spaces; global pages may stay. */
    public void flushNonGlobal() {
        spaces.forgetNonGlobal(pcid());
        contextChanged();
    }

    /**
     * MOV to CR3 has been done: selects the translations of the current PCID.
     *
     * @param keep bit 63 was set with CR4.PCIDE: what is cached for the PCID stays valid
     */
    public void addressSpaceChanged(boolean keep) {
        spaces.select(pcid(), keep);
        if (unshared > 0) {
            unshared--;
        }
        apartWalks = 0;
        contextChanged();
    }

    private int pcid() {
        return (cpu.cr4 & Cpu.CR4_PCIDE) != 0 ? (int) cpu.cr3 & 0xFFF : 0;
    }

    /** Empties the TLBs; the context is changed behind it. */
    private void sweep() {
        Zeroes.fill(readTlb);
        dropAllWrites();
        fetches.forget();
        largePages.clear();
        unshared = 0;
    }

    /** INVPCID types 1: forgets one PCID; the current one gets a fresh start. */
    public void flushPcid(int pcid) {
        spaces.forget(pcid, pcid());
        contextChanged();
    }

    /**
     * INVLPG. Entries of large pages were made per 4 KiB page, so these take more than one slot.
     */
    public void invalidatePage(long la) {
        for (int key = 0; key < Tlb.KEYS; key++) {
            int i = Tlb.index(la, Tlb.key(key));
            readTlb[i] = 0;
            writeTlb[i] = 0;
        }
        if (fetches.forget(la)) {
            contextChanged();
        }
        if (largePages.mayHold(la)) {
            // Slots are per 4 KiB page: which others came from the same large page is not known.
            largePages.clear();
            flushAll();
        }
    }

    private final LargePages largePages = new LargePages();

    /**
     * Drops write permission for a frame everywhere in this TLB: it now holds code or is logged.
     */
    public void dropWrites(long mfn) {
        writableFrames.drop(mfn, writeTlb);
    }

    /** Drops all write entries (the dirty log was switched on). */
    public void dropAllWrites() {
        Zeroes.fill(writeTlb);
        writableFrames.clear();
    }

    private final WritableFrames writableFrames = new WritableFrames();

    private void enterWritable(int i, long tag, long machine) {
        writableFrames.add(machine >>> 12, i);
        writeTlb[i] = tag;
        writeTlb[i + 1] = machine - (tag & PAGE);
    }

    // ------------------------------------------------------------- fast paths

    public long load64(long la) {
        int i = Tlb.index(la, tlbKey);
        if ((((la + 7) & PAGE) | context) == readTlb[i]) {
            long value = ram.getLong(la + readTlb[i + 1]);
            if (WEAK_ORDER) {
                VarHandle.acquireFence();
            }
            return value;
        }
        return slowLoad(la, 8);
    }

    public int load32(long la) {
        int i = Tlb.index(la, tlbKey);
        if ((((la + 3) & PAGE) | context) == readTlb[i]) {
            int value = ram.getInt(la + readTlb[i + 1]);
            if (WEAK_ORDER) {
                VarHandle.acquireFence();
            }
            return value;
        }
        return (int) slowLoad(la, 4);
    }

    public short load16(long la) {
        int i = Tlb.index(la, tlbKey);
        if ((((la + 1) & PAGE) | context) == readTlb[i]) {
            short value = ram.getShort(la + readTlb[i + 1]);
            if (WEAK_ORDER) {
                VarHandle.acquireFence();
            }
            return value;
        }
        return (short) slowLoad(la, 2);
    }

    public byte load8(long la) {
        int i = Tlb.index(la, tlbKey);
        if (((la & PAGE) | context) == readTlb[i]) {
            byte value = ram.getByte(la + readTlb[i + 1]);
            if (WEAK_ORDER) {
                VarHandle.acquireFence();
            }
            return value;
        }
        return (byte) slowLoad(la, 1);
    }

    public void store64(long la, long value) {
        int i = Tlb.index(la, tlbKey);
        if ((((la + 7) & PAGE) | context) == writeTlb[i]) {
            if (WEAK_ORDER) {
                VarHandle.releaseFence();
            }
            ram.putLong(la + writeTlb[i + 1], value);
        } else {
            slowStore(la, 8, value);
        }
    }

    public void store32(long la, int value) {
        int i = Tlb.index(la, tlbKey);
        if ((((la + 3) & PAGE) | context) == writeTlb[i]) {
            if (WEAK_ORDER) {
                VarHandle.releaseFence();
            }
            ram.putInt(la + writeTlb[i + 1], value);
        } else {
            slowStore(la, 4, value);
        }
    }

    public void store16(long la, short value) {
        int i = Tlb.index(la, tlbKey);
        if ((((la + 1) & PAGE) | context) == writeTlb[i]) {
            if (WEAK_ORDER) {
                VarHandle.releaseFence();
            }
            ram.putShort(la + writeTlb[i + 1], value);
        } else {
            slowStore(la, 2, value);
        }
    }

    public void store8(long la, byte value) {
        int i = Tlb.index(la, tlbKey);
        if (((la & PAGE) | context) == writeTlb[i]) {
            if (WEAK_ORDER) {
                VarHandle.releaseFence();
            }
            ram.putByte(la + writeTlb[i + 1], value);
        } else {
            slowStore(la, 1, value);
        }
    }

    /**
     * As {@link #load64} for a part of a larger operand: vector accesses of 16 and 32 bytes are
     * never subject to alignment checking.
     */
    public long loadPart64(long la) {
        int i = Tlb.index(la, tlbKey);
        if ((((la + 7) & PAGE) | context) == readTlb[i]) {
            long value = ram.getLong(la + readTlb[i + 1]);
            if (WEAK_ORDER) {
                VarHandle.acquireFence();
            }
            return value;
        }
        return loadChecked(checkAddress(la), 8);
    }

    /** As {@link #store64} for a part of a larger operand, see {@link #loadPart64}. */
    public void storePart64(long la, long value) {
        int i = Tlb.index(la, tlbKey);
        if ((((la + 7) & PAGE) | context) == writeTlb[i]) {
            if (WEAK_ORDER) {
                VarHandle.releaseFence();
            }
            ram.putLong(la + writeTlb[i + 1], value);
        } else {
            storeChecked(checkAddress(la), 8, value);
        }
    }

    /** Reads for a read-modify-write: faults as the write would; zero-extended. */
    public long loadForWrite(long la, int size) {
        int i = Tlb.index(la, tlbKey);
        if ((((la + size - 1) & PAGE) | context) == writeTlb[i]) {
            return loadMachine(la + writeTlb[i + 1], size);
        }
        return slowLoadForWrite(la, size);
    }

    // ------------------------------------------------------------- slow paths

    private long loadMachine(long machine, int size) {
        return switch (size) {
            case 1 -> ram.getByte(machine) & 0xFFL;
            case 2 -> ram.getShort(machine) & 0xFFFFL;
            case 4 -> ram.getInt(machine) & 0xFFFFFFFFL;
            default -> ram.getLong(machine);
        };
    }

    private void storeMachine(long machine, int size, long value) {
        switch (size) {
            case 1 -> ram.putByte(machine, (byte) value);
            case 2 -> ram.putShort(machine, (short) value);
            case 4 -> ram.putInt(machine, (int) value);
            default -> ram.putLong(machine, value);
        }
    }

    private static boolean crosses(long la, int size) {
        return (la & 4095) + size > 4096;
    }

    /** Address wrapping and canonicality of the mode; raises #GP(0) or #SS(0). */
    private long checkAddress(long la) {
        if (cpu.longMode()) {
            if (la != la << 16 >> 16) {
                throw cpu.fault(accessSegment == Cpu.SS ? Vector.SS : Vector.GP, 0);
            }
            return la;
        }
        return la & 0xFFFFFFFFL;
    }

    private void checkAlignment(long la, int size) {
        // An operand of 6 bytes is checked by its parts.
        boolean whole = (size & (size - 1)) == 0;
        if ((cpu.modeKey & Cpu.MODE_ALIGN) != 0 && whole && (la & (size - 1)) != 0) {
            throw cpu.fault(Vector.AC, 0);
        }
    }

    private long slowLoad(long la, int size) {
        la = checkAddress(la);
        if (context == CONTEXT_SLOW) {
            checkAlignment(la, size);
        }
        return loadChecked(la, size);
    }

    private long loadChecked(long la, int size) {
        if (crosses(la, size)) {
            int first = (int) (4096 - (la & 4095));
            long next = checkAddress(la + first);
            long m0 = resolve(la, ACCESS_READ);
            long m1 = resolve(next, ACCESS_READ);
            long value = 0;
            for (int i = 0; i < size; i++) {
                long m = i < first ? m0 + i : m1 + (i - first);
                value |= readByte(i < first ? m0 : m1, m) << (8 * i);
            }
            watch(la, size, false);
            return supplied(la, size, value);
        }
        long m = resolve(la, ACCESS_READ);
        long value = m >= 0 ? loadMachine(m, size) : readDevice(~m, size);
        watch(la, size, false);
        return supplied(la, size, value);
    }

    private long readByte(long base, long m) {
        return base >= 0
                ? ram.getByte(m) & 0xFFL
                // Device addresses are kept inverted, so offsets count downwards.
                : readDevice(~base + (m - base), 1);
    }

    private long readDevice(long physical, int size) {
        return Cpu.truncate(cpu.host.readDevice(physical, size), size);
    }

    private void slowStore(long la, int size, long value) {
        la = checkAddress(la);
        if (context == CONTEXT_SLOW) {
            checkAlignment(la, size);
        }
        storeChecked(la, size, value);
    }

    private void storeChecked(long la, int size, long value) {
        if (crosses(la, size)) {
            int first = (int) (4096 - (la & 4095));
            long next = checkAddress(la + first);
            long m0 = resolve(la, ACCESS_WRITE);
            long m1 = resolve(next, ACCESS_WRITE);
            for (int i = 0; i < size && !discards(); i++) {
                long b = i < first ? m0 : m1;
                int off = i < first ? i : i - first;
                if (b >= 0) {
                    ram.putByte(b + off, (byte) (value >>> (8 * i)));
                } else {
                    cpu.host.writeDevice(~b + off, 1, (value >>> (8 * i)) & 0xFF);
                }
            }
            watch(la, size, true);
            return;
        }
        long m = resolve(la, ACCESS_WRITE);
        if (!discards()) {
            if (m >= 0) {
                storeMachine(m, size, value);
            } else {
                cpu.host.writeDevice(~m, size, value);
            }
        }
        watch(la, size, true);
    }

    private long slowLoadForWrite(long la, int size) {
        la = checkAddress(la);
        if (context == CONTEXT_SLOW) {
            checkAlignment(la, size);
        }
        if (crosses(la, size)) {
            probeWrite(la, size);
            return slowLoad(la, size);
        }
        long m = resolve(la, ACCESS_WRITE, READ | WRITE);
        return supplied(la, size, m >= 0 ? loadMachine(m, size) : readDevice(~m, size));
    }

    private void watch(long la, int size, boolean write) {
        if (context == CONTEXT_SLOW) {
            DebugRegisters.matchData(cpu, la, size, write);
        }
    }

    /** Raises what a write would raise; later writes of the same instruction then cannot fault. */
    public void probeWrite(long la, int size) {
        la = checkAddress(la);
        if (context == CONTEXT_SLOW && size <= 8) {
            checkAlignment(la, size);
        }
        // An operand that leaves the canonical addresses gives #GP or #SS before any page fault.
        long last = crosses(la, size) ? checkAddress((la + size - 1) & PAGE) : la;
        resolve(la, ACCESS_WRITE);
        if (last != la) {
            resolve(last, ACCESS_WRITE);
        }
    }

    /** Raises what a read would raise. */
    public void probeRead(long la, int size) {
        la = checkAddress(la);
        if (context == CONTEXT_SLOW && size <= 8) {
            checkAlignment(la, size);
        }
        long last = crosses(la, size) ? checkAddress((la + size - 1) & PAGE) : la;
        resolve(la, ACCESS_READ);
        if (last != la) {
            resolve(last, ACCESS_READ);
        }
    }

    /**
     * Machine address for bulk work on the rest of a page, or -1 if the page is no RAM or watched.
     * Raises what the access would raise.
     */
    public long machineFor(long la, boolean write) {
        la = checkAddress(la);
        long m = resolve(la, write ? ACCESS_WRITE : ACCESS_READ);
        return m >= 0 && context != CONTEXT_SLOW ? m : -1;
    }

    /**
     * Machine address of an ordinary data access, filling the TLB; the bitwise complement of the
     * physical address if no RAM answers there.
     */
    private long resolve(long la, int access) {
        return resolve(la, access, access == ACCESS_WRITE ? WRITE : READ);
    }

    /**
     * As above.
     *
     * @param rights that the physical view must give
     */
    private long resolve(long la, int access, int rights) {
        int i = Tlb.index(la, tlbKey);
        long tag = (la & PAGE) | context;
        if (access == ACCESS_WRITE) {
            if (tag == writeTlb[i]) {
                return la + writeTlb[i + 1];
            }
        } else if (tag == readTlb[i]) {
            return la + readTlb[i + 1];
        }
        walk(la, access, cpu.cpl == 3, false);
        tag = (la & PAGE) | context;
        long physical = walker.physical;
        long entry = view.lookup(physical >>> 12);
        if (entry == 0) {
            return ~(physical | (la & 4095));
        }
        if ((entry & rights) != rights) {
            throw violation(physical | (la & 4095), la, rights, Interception.WITH_LINEAR);
        }
        long machine = PhysicalView.machineAddress(entry);
        boolean plain = true;
        if (access == ACCESS_WRITE && !discards()) {
            plain = beforeWrite(machine >>> 12);
        }
        if (context != CONTEXT_SLOW && admitted(machine >>> 12)) {
            long delta = machine - (la & PAGE);
            if (walker.readable && (entry & READ) != 0) {
                readTlb[i] = tag;
                readTlb[i + 1] = delta;
            }
            // Read-modify-writes look there only.
            if (plain && (entry & (READ | WRITE)) == (READ | WRITE)) {
                if (access == ACCESS_WRITE) {
                    enterWritable(i, tag, machine);
                    if (watch != null) {
                        watch.writable(i);
                    }
                } else if (walker.writable && plainWrites(machine >>> 12)) {
                    enterWritable(i, tag, machine);
                }
            }
        }
        return machine | (la & 4095);
    }

    /** Prepares the report of an access that the view does not give the right to. */
    Intercepted violation(long physical, long la, int rights, int where) {
        return cpu.intercept(new Interception.MemoryAccess(physical, la, rights, where));
    }

    /** Walks for an entry that will carry the context of now. */
    private void walk(long la, int access, boolean user, boolean implicit) {
        if (watch != null) {
            watch.walk();
        }
        walks++;
        walker.walk(la, access, user, implicit);
        apart = false;
        if (shared && !walker.global && !user && (implicit || (cpu.eflags & Cpu.AC) == 0)) {
            foundApart(access == ACCESS_FETCH);
        }
        if (walker.pageShift > 12) {
            largePages.add(la, walker.pageShift);
        }
    }

    /** Whether an entry may be made for a frame that the last walk has found. */
    private boolean admitted(long mfn) {
        return !apart && (watch == null || (frames.flags(mfn) & FrameTable.SHARED) == 0);
    }

    private boolean plainWrites(long mfn) {
        int flags = frames.flags(mfn);
        return (flags & (FrameTable.CODE | FrameTable.MIRRORED)) == 0
                && watch == null
                && !code.inExecution(cpu, mfn)
                && (!frames.dirtyLog() || (flags & FrameTable.DIRTY) != 0);
    }

    /**
     * A frame is about to be written.
     *
     * @return whether further writes need not be seen
     */
    private boolean beforeWrite(long mfn) {
        // Also where the frame is no code any more: another processor may have written to it, while
        // the block that was decoded from it is still under way here.
        if (code.inExecution(cpu, mfn)) {
            throw SelfModification.INSTANCE;
        }
        int flags = frames.flags(mfn);
        if ((flags & FrameTable.CODE) != 0) {
            code.invalidateFrame(mfn);
        }
        if (frames.dirtyLog() && (flags & FrameTable.DIRTY) == 0) {
            frames.set(mfn, FrameTable.DIRTY);
        }
        if ((flags & FrameTable.MIRRORED) != 0) {
            if (!code.stepping(cpu)) {
                // As an instruction on its own, behind which the copy is made anew.
                throw SelfModification.INSTANCE;
            }
            cpu.noteMirrored(mfn);
            return false;
        }
        return true;
    }

    // ------------------------------------------------------------- diversions

    /** How the data accesses of the instruction in execution differ; null if they do not. */
    private @Nullable Diversion diversion;

    /** Changes what data accesses do, from now on. */
    public void divert(@Nullable Diversion d) {
        if (diversion != d) {
            diversion = d;
            contextChanged();
        }
    }

    /** Data accesses are not what they seem: no way past this class may be taken. */
    public boolean diverted() {
        return diversion != null;
    }

    /** What the instruction in execution writes is to vanish. */
    public boolean discards() {
        return diversion != null && diversion.discardsWrites();
    }

    /** What a data read gives instead of the memory's content. */
    private long supplied(long la, int size, long value) {
        return diversion == null ? value : diversion.read(la, size, value);
    }

    // --------------------------------------------------------- atomic accesses

    /**
     * Prepares a locked access and returns the machine address, or -1 if it is to a device or
     * crosses a page's end.
     */
    public long lockedAddress(long la, int size) {
        int i = Tlb.index(la, tlbKey);
        if ((((la + size - 1) & PAGE) | context) == writeTlb[i]) {
            return la + writeTlb[i + 1];
        }
        la = checkAddress(la);
        if (context == CONTEXT_SLOW) {
            checkAlignment(la, size);
        }
        probeWrite(la, size);
        if (crosses(la, size)) {
            return -1;
        }
        long m = resolve(la, ACCESS_WRITE, READ | WRITE);
        watch(la, size, true);
        return m >= 0 ? m : -1;
    }

    /** Whether both ends of a locked access are in RAM; raises what the access would raise. */
    public boolean inRam(long la, int size) {
        return lockedAddress(la, 1) >= 0 && lockedAddress(la + size - 1, 1) >= 0;
    }

    /**
     * Atomic compare-and-set of 1, 2, 4 or 8 bytes at a machine address that lies within an aligned
     * 8-byte word.
     */
    public boolean casMachine(long machine, int size, long expect, long update) {
        if (discards()) {
            return true;
        }
        if (size == 8) {
            return ram.casLong(machine, expect, update);
        }
        if (size == 4 && (machine & 3) == 0) {
            return ram.casInt(machine, (int) expect, (int) update);
        }
        long word = machine & -8L;
        int shift = (int) (machine & 7) * 8;
        long mask = ((1L << (size * 8)) - 1) << shift;
        while (true) {
            long old = ram.getLongVolatile(word);
            if ((old & mask) != (expect << shift & mask)) {
                return false;
            }
            if (ram.casLong(word, old, (old & ~mask) | (update << shift & mask))) {
                return true;
            }
        }
    }

    // ------------------------------------------------------------------ fetch

    /**
     * Stands for everything that the translation of a fetch depends on: as long as it is the same,
     * what was fetched from an address is still there. Never 0.
     */
    public long fetchKey() {
        return fetchKey;
    }

    /** Machine address to fetch from, or the complement of the physical address of a hole. */
    public long fetch(long la) {
        long known = fetches.find(la, fetchContext);
        if (known >= 0) {
            return known;
        }
        if (cpu.longMode()) {
            if (la != la << 16 >> 16) {
                throw cpu.fault(Vector.GP, 0);
            }
        } else {
            la &= 0xFFFFFFFFL;
        }
        walk(la, ACCESS_FETCH, cpu.cpl == 3, false);
        tellFetch(la, walker.physical);
        long entry = view.lookup(walker.physical >>> 12);
        if (entry == 0) {
            return ~(walker.physical | (la & 4095));
        }
        if ((entry & EXECUTE) == 0) {
            long physical = walker.physical | (la & 4095);
            throw violation(physical, la, EXECUTE, Interception.WITH_LINEAR);
        }
        return enterFetch(la, PhysicalView.machineAddress(entry));
    }

    /**
     * Machine address to fetch from, without any effect on the guest.
     *
     * @return -1 if that is not known, would fault, would set an accessed bit or is no RAM
     */
    public long fetchQuietly(long la) {
        long known = fetches.find(la, fetchContext);
        if (known >= 0) {
            return known;
        }
        long physical = walker.peekFetch(la, cpu.cpl == 3);
        if (physical < 0) {
            return -1;
        }
        tellFetch(la, physical);
        long entry = view.lookup(physical >>> 12);
        if (entry == 0 || (entry & EXECUTE) == 0) {
            return -1;
        }
        if (shared && cpu.cpl != 3 && !walker.global) {
            foundApart(true);
        }
        if (walker.pageShift > 12) {
            largePages.add(la, walker.pageShift);
        }
        return enterFetch(la, PhysicalView.machineAddress(entry));
    }

    private @Nullable FetchListener fetchListener;

    /** How often the listener has changed: what is executed then is to be looked up again. */
    public int fetchListeners;

    /** Has somebody told of each page that is fetched from, from now on. */
    public void setFetchListener(@Nullable FetchListener listener) {
        fetchListener = listener;
        fetchListeners++;
        fetches.forget();
        contextChanged();
    }

    /** Tells before anything is looked up: who is told may change what the view shows. */
    private void tellFetch(long la, long physical) {
        FetchListener listener = fetchListener;
        if (listener != null) {
            listener.fetched(cpu.facade, la, physical & PAGE | la & 4095);
        }
    }

    private long enterFetch(long la, long machine) {
        fetches.enter(la, fetchContext, machine);
        return machine | (la & 4095);
    }

    // ------------------------------------------------ implicit and physical

    /** Reads a descriptor, TSS field or the like: supervisor privilege whatever CPL is. */
    public long loadSystem(long la, int size) {
        la = checkAddress(la);
        if (crosses(la, size)) {
            long value = 0;
            for (int i = 0; i < size; i++) {
                value |= loadSystem(la + i, 1) << (8 * i);
            }
            return value;
        }
        int i = Tlb.index(la, systemKey);
        long[] tlb = readTlb;
        if (((la & PAGE) | systemContext) == tlb[i]) {
            return loadMachine(la + tlb[i + 1], size);
        }
        walk(la, ACCESS_READ, false, true);
        long physical = walker.physical | (la & 4095);
        long entry = view.lookup(physical >>> 12);
        if (entry == 0) {
            return readDevice(physical, size);
        }
        if ((entry & READ) == 0) {
            throw violation(physical, la, READ, Interception.WITH_LINEAR);
        }
        long machine = PhysicalView.machineAddress(entry);
        if (admitted(machine >>> 12)) {
            tlb[i] = (la & PAGE) | systemContext;
            tlb[i + 1] = machine - (la & PAGE);
        }
        return loadMachine(machine | (la & 4095), size);
    }

    /** Writes with supervisor privilege: stack frames of exceptions, TSS, descriptor bits. */
    public void storeSystem(long la, int size, long value) {
        la = checkAddress(la);
        if (crosses(la, size)) {
            int first = (int) (4096 - (la & 4095));
            systemWriteAddress(la);
            systemWriteAddress(la + first);
            for (int i = 0; i < size; i++) {
                storeSystem(la + i, 1, value >>> (8 * i));
            }
            return;
        }
        long m = systemWriteAddress(la);
        if (m >= 0) {
            storeMachine(m, size, value);
        } else {
            cpu.host.writeDevice(~m, size, value);
        }
    }

    private long systemWriteAddress(long la) {
        la = checkAddress(la);
        int i = Tlb.index(la, systemKey);
        long[] tlb = writeTlb;
        if (((la & PAGE) | systemContext) == tlb[i]) {
            return la + tlb[i + 1];
        }
        walk(la, ACCESS_WRITE, false, true);
        long physical = walker.physical | (la & 4095);
        long entry = view.lookup(physical >>> 12);
        if (entry == 0) {
            return ~physical;
        }
        if ((entry & WRITE) == 0) {
            throw violation(physical, la, WRITE, Interception.WITH_LINEAR);
        }
        long machine = PhysicalView.machineAddress(entry);
        boolean plain = beforeWrite(machine >>> 12);
        if (plain && (entry & READ) != 0 && admitted(machine >>> 12)) {
            enterWritable(i, (la & PAGE) | systemContext, machine);
            if (watch != null) {
                watch.writable(i);
            }
        }
        return machine | (la & 4095);
    }

    /**
     * Translates for an access of the host, which no view restricts: for a write with the privilege
     * of now, with accessed and dirty bits set; for a read whatever the privilege, without a trace.
     *
     * @return the physical address, or -1 if it is not mapped so
     */
    public long translateForHost(long la, boolean write) {
        PhysicalView seen = view;
        view = unrestricted;
        try {
            if (!write) {
                return walker.peek(la);
            }
            walker.walk(la, ACCESS_WRITE, cpu.cpl == 3, false);
            return walker.physical | (la & 4095);
        } catch (GuestFault e) {
            return -1;
        } finally {
            view = seen;
        }
    }
}
