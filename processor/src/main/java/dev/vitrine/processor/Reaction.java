// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor;

import org.jspecify.annotations.Nullable;

/** How a processor goes on behind an {@link Interception}. */
public final class Reaction {
    private enum Kind {
        PROCEED,
        AGAIN,
        SKIP,
        EMULATE,
        PASS_WALK,
        WAIT
    }

    /**
     * What was intercepted is done: an access that the view forbids as by {@link #EMULATE}, all
     * else as though nobody had asked.
     */
    public static final Reaction PROCEED = new Reaction(Kind.PROCEED, false, null, null, null);

    /** Execution goes on from the processor's state as it is now; an event is lost. */
    public static final Reaction AGAIN = new Reaction(Kind.AGAIN, false, null, null, null);

    /** Execution goes on behind the instruction, which has no effect. */
    public static final Reaction SKIP = new Reaction(Kind.SKIP, false, null, null, null);

    /**
     * The instruction is executed once with the domain's own map and all rights; its debug traps
     * and faults are the guest's as always.
     */
    public static final Reaction EMULATE = new Reaction(Kind.EMULATE, false, null, null, null);

    /**
     * The instruction is executed once, and page walks of it are let pass; what else the view
     * forbids is intercepted. For accesses that are {@link Interception#IN_WALK}.
     */
    public static final Reaction PASS_WALK = new Reaction(Kind.PASS_WALK, false, null, null, null);

    /** {@link Processor#run} returns {@link Processor.Exit#WAITING}. */
    public static final Reaction WAIT = new Reaction(Kind.WAIT, false, null, null, null);

    private final Kind kind;
    private final boolean discardWrites;
    private final byte @Nullable [] readData;
    private final byte @Nullable [] instruction;
    private final @Nullable Runnable after;

    private Reaction(
            Kind kind,
            boolean discardWrites,
            byte @Nullable [] readData,
            byte @Nullable [] instruction,
            @Nullable Runnable after) {
        this.kind = kind;
        this.discardWrites = discardWrites;
        this.readData = readData;
        this.instruction = instruction;
        this.after = after;
    }

    /** {@link #EMULATE}, but writes to memory, ports and MSRs vanish. */
    public static Reaction emulateDiscarding() {
        return new Reaction(Kind.EMULATE, true, null, null, null);
    }

    /** {@link #EMULATE}, with these bytes, followed by zeros, as what the instruction reads. */
    public static Reaction emulateReading(byte[] data) {
        return new Reaction(Kind.EMULATE, false, data.clone(), null, null);
    }

    /**
     * {@link #EMULATE} of another instruction in place of the one in memory.
     *
     * @param bytes 1 to 15 bytes or more, of which the instruction takes as many as it has
     */
    public static Reaction emulateInstruction(byte[] bytes) {
        return new Reaction(Kind.EMULATE, false, null, bytes.clone(), null);
    }

    /**
     * The same, with something to be done on the processor's thread when the instruction has been
     * executed or skipped; if it faults or is intercepted once more, it is not done.
     */
    public Reaction then(Runnable action) {
        return new Reaction(kind, discardWrites, readData, instruction, action);
    }

    /** It is {@link #PROCEED}. */
    public boolean proceeds() {
        return kind == Kind.PROCEED;
    }

    /** It is {@link #AGAIN}. */
    public boolean again() {
        return kind == Kind.AGAIN;
    }

    /** It is {@link #SKIP}. */
    public boolean skips() {
        return kind == Kind.SKIP;
    }

    /** It is {@link #WAIT}. */
    public boolean waits() {
        return kind == Kind.WAIT;
    }

    /** It is {@link #EMULATE} or one of its like. */
    public boolean emulates() {
        return kind == Kind.EMULATE;
    }

    /** See {@link #emulateDiscarding}. */
    public boolean discardsWrites() {
        return discardWrites;
    }

    /** It is {@link #PASS_WALK}. */
    public boolean passesWalk() {
        return kind == Kind.PASS_WALK;
    }

    /** See {@link #emulateReading}; not to be changed. */
    public byte @Nullable [] readData() {
        return readData;
    }

    /** See {@link #emulateInstruction}; not to be changed. */
    public byte @Nullable [] instruction() {
        return instruction;
    }

    /** See {@link #then}. */
    public @Nullable Runnable after() {
        return after;
    }
}
