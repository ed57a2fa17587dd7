// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.lift.Uop;

import org.jspecify.annotations.Nullable;

/**
 * A straight line of guest instructions, lifted. Shared by all processors of a domain; immutable
 * but for links, profile counters and validity, which tolerate races.
 */
public class Block extends BlockHead {
    public final long csBase;
    public final int csLimit;

    /**
     * Those of the guest instructions that are executed as a whole, by the number that their
     * micro-operation has: a boot decodes half a million, and the others need not stay.
     */
    public final Instruction[] instructions;

    /** For each guest instruction, see {@link Places}. */
    private final int[] places;

    /** Machine frames the bytes came from; the second is -1 if there is none. */
    public final long mfn0;

    public final long mfn1;

    /** Where execution goes on if no branch is taken. */
    public final long fallThrough;

    /** Target of the direct branch at the end, if there is one. */
    public final long target;

    /** There are hooks in it, which only the interpreter calls. */
    public boolean hooked;

    /** Executions at which it last became part of a region. */
    public int covered;

    /** The translator has been asked to translate from here. */
    public boolean asked;

    /** Translations that were made from here since more targets of a branch had become known. */
    byte retranslations;

    /** A region that begins here is to have code only that is near. */
    public boolean confined;

    /** How often a region was formed for short runs from here. */
    byte reformed;

    /** What has been seen of it, once something has. */
    private @Nullable BlockProfile profile;

    /** The next one in its bucket of the code cache; guarded by the page's monitor. */
    @Nullable Block chained;

    Block(
            long rip,
            long csBase,
            int csLimit,
            int modeKey,
            long[] code,
            Instruction[] instructions,
            int[] places,
            long mfn0,
            long mfn1,
            long fallThrough,
            long target) {
        super(rip, modeKey, code, places.length);
        this.csBase = csBase;
        this.csLimit = csLimit;
        this.instructions = instructions;
        this.places = places;
        this.mfn0 = mfn0;
        this.mfn1 = mfn1;
        this.fallThrough = fallThrough;
        this.target = target;
    }

    /** A copy of the beginning of a block, with other code. */
    Block(Block whole, long[] code, int instructionCount, long fallThrough) {
        this(
                whole.rip,
                whole.csBase,
                whole.csLimit,
                whole.modeKey,
                code,
                whole.instructions,
                java.util.Arrays.copyOf(whole.places, instructionCount),
                whole.mfn0,
                whole.mfn1,
                fallThrough,
                0);
    }

    /** A block of its first instructions, fewer than it has; for one execution. */
    Block beginning(int instructionCount) {
        // As if it had been executed: nothing is noted of it.
        Block b =
                new Block(
                        this,
                        beginningOfCode(instructionCount),
                        instructionCount,
                        rip(instructionCount));
        b.executions = 1;
        return b;
    }

    /** The code of its first instructions, fewer than it has. */
    long[] beginningOfCode(int instructionCount) {
        int length = start(instructionCount);
        long[] part = java.util.Arrays.copyOf(code, length + 2);
        if (length == code.length) {
            // The last instruction is a branch that is one with the comparison before it.
            long w = code[length - 2];
            part[length - 2] = w & ~0xFFL | Uop.comparison((int) w & 0xFF);
        }
        part[length] = Uop.word(Uop.NEXT, 0, Cpu.R_ZERO, Cpu.R_ZERO, 0, Cpu.R_ZERO);
        part[length + 1] = rip(instructionCount);
        return part;
    }

    /** Bytes of its instructions. */
    int length() {
        long n = fallThrough - rip;
        return (int)
                ((modeKey & Cpu.MODE_64) != 0
                        ? n
                        : n & ((modeKey & Cpu.MODE_32) != 0 ? 0xFFFF_FFFFL : 0xFFFFL));
    }

    /** Instruction pointer of a guest instruction. */
    public long rip(int instruction) {
        long at = rip + Places.offset(places[instruction]);
        return (modeKey & Cpu.MODE_64) != 0
                ? at
                : at & ((modeKey & Cpu.MODE_32) != 0 ? 0xFFFF_FFFFL : 0xFFFFL);
    }

    /** Where execution goes on behind a guest instruction that is no branch. */
    long after(int instruction) {
        return instruction + 1 < count ? rip(instruction + 1) : fallThrough;
    }

    /** See {@link Places}. */
    int place(int instruction) {
        return places[instruction];
    }

    /** Index in code of a guest instruction's first micro-operation. */
    public int start(int instruction) {
        return Places.start(places[instruction]);
    }

    /** Index of the guest instruction that a micro-operation belongs to. */
    public int instructionAt(int uop) {
        int i = places.length - 1;
        while (i > 0 && start(i) > uop) {
            i--;
        }
        return i;
    }

    /** Notes where the indirect branch at the end went. */
    void observeTarget(long to) {
        profile().observeTarget(to);
    }

    /** Says that the branch at the end goes to an address at least so often, of 1. */
    void goesTo(long to, double share) {
        if (to == target && takenCount < share * executions) {
            takenCount = (int) (share * executions);
        } else if (to == fallThrough && executions - takenCount < share * executions) {
            takenCount = (int) ((1 - share) * executions);
        }
    }

    /** How many of the observations at the end went to an address, of 1; 0 without any. */
    public double targetShare(long to) {
        BlockProfile p = profile;
        return p == null ? 0 : p.targetShare(to);
    }

    /** Addresses that the indirect branch at the end has gone to, those seen most first. */
    public long[] observedTargets() {
        BlockProfile p = profile;
        return p == null ? new long[0] : p.observedTargets();
    }

    /** One execution in 64 notes where accesses go, and the next one whether they stay there. */
    static final int LOOK = 63;

    /** How often {@link #pageHits} could have been counted up. */
    public int looks() {
        return executions >>> 6;
    }

    /** Notes where a memory access went. The index is that behind the micro-operation. */
    void observe(int behind, long la) {
        profile().observe((behind - 2) >> 1, la >>> 12, (executions & LOOK) == LOOK);
    }

    /** How often a memory micro-operation stayed on the page of the time before. */
    public int pageHits(int uop) {
        BlockProfile p = profile;
        return p == null ? 0 : p.pageHits(uop >> 1);
    }

    private BlockProfile profile() {
        BlockProfile p = profile;
        if (p == null) {
            p = new BlockProfile(code.length >> 1);
            profile = p;
        }
        return p;
    }

    /** Linear address of the first byte. */
    public long linear() {
        long la = rip + csBase;
        return (modeKey & Cpu.MODE_64) != 0 ? la : la & 0xFFFFFFFFL;
    }

    boolean onSamePage(long targetRip) {
        return ((targetRip + csBase) ^ (rip + csBase)) >>> 12 == 0;
    }
}
