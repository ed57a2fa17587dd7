// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.core.Cpu;

import org.jspecify.annotations.Nullable;

import java.util.Objects;

/**
 * The generated code of a {@link Region}, one subclass for each; and the ways into it, which are
 * its instances: where one processor can go on, an address, the entry that was found there, and the
 * state of the mappings in which the region was verified. All that is looked at between two regions
 * lies together here, and so do the class and the ways on, for each place that is elsewhere may be
 * a cache miss.
 */
public abstract class RegionCode {
    /**
     * Exit: {@code cpu.rip} says where execution goes on. A loop was left, for an event or the
     * limit.
     */
    public static final int EXIT = 0;

    /** The same at a return, to an address that is not in the region. */
    public static final int RETURN = (1 << 16) - 1;

    /** The same at another indirect branch. */
    public static final int INDIRECT = (1 << 16) - 2;

    /** From here on exits are numbers of links: {@code cpu.rip} is the same each time. */
    public static final int LINK = 1 << 16;

    // Of a way. What is public generated code looks at.

    /**
     * The region's links for this processor: where branches to fixed addresses outside led last;
     * null before that. The first of the references here: the collector copies what the first one
     * leads to first, so that regions lie behind each other as they are executed.
     */
    @SuppressWarnings("NullAway.Init") // no way is without them
    public @Nullable RegionCode[] links;

    /** What this is the code of. */
    @SuppressWarnings("NullAway.Init") // the region is made of its code
    public Region region;

    /** Number of the entry. */
    public int number;

    /** Instruction pointer. */
    public long rip;

    /** {@code Mmu.fetchKey()} of the processor when it was verified last. */
    private long key;

    /** How far from the addresses that the region was translated for. */
    public long origin;

    /** {@code Cpu.modeKey}. */
    int modeKey;

    /** Copy of the region's. */
    public int longestPath;

    /** The region is of the first stage. */
    boolean first;

    /** It is of the second stage, and not {@link Region#young} any more. */
    boolean called;

    /**
     * The {@link #key} while other regions may call this one: it is {@link #called} and {@link
     * #valid}; otherwise {@link #CLOSED}.
     */
    public volatile long open = CLOSED;

    private static final long CLOSED = -1;

    /** Cleared when the region ends, or when another one is entered here instead. */
    private volatile boolean valid;

    /** The way of the processor from region to region. */
    @SuppressWarnings("NullAway.Init")
    public RegionChain chain;

    /**
     * Instructions executed from here that a region of the first stage has not been told of yet.
     */
    int executed;

    /** Runs from here that were hardly worth it. */
    int shortRuns;

    /** What begins there. */
    @SuppressWarnings("NullAway.Init")
    Block block;

    /** The first instance of the class that this thread has defined last. */
    private static final ThreadLocal<RegionCode> MADE = new ThreadLocal<>();

    /** For constructors of generated classes. */
    protected RegionCode() {}

    /** Called by the initializer of a generated class, with its first instance. */
    protected static void made(RegionCode first) {
        MADE.set(first);
    }

    /** The first instance of a generated class, which this thread has just initialized. */
    public static RegionCode takeMade() {
        RegionCode made = MADE.get();
        MADE.remove();
        return Objects.requireNonNull(made);
    }

    /**
     * Runs guest code, until no loop may begin again by {@link Cpu#loopLimit()}; and then that of
     * the regions that follow, as far as {@link RegionChain} lets it. On return and on an exception
     * all guest state is in the processor, and {@link Cpu#currentBlock} is the way that the exit is
     * of.
     *
     * @param region what this is the code of
     * @param entry number of the entry, from 0; a negative one returns at once
     * @return {@link #EXIT}, {@link #RETURN}, {@link #INDIRECT}; or {@link #LINK} + n: the same at
     *     the n-th branch to a fixed address outside; or n + 1: the last instruction of the block
     *     {@code region.ends[n]} is to be executed; or the complement of a site's number, from
     *     which the interpreter goes on
     */
    public abstract int run(Cpu cpu, Region region, int entry);

    /** Makes another instance of the class. */
    protected abstract RegionCode another();

    /** Whether it is as good as when it was made, the mappings being in a state. */
    boolean holds(long now) {
        return key == now && valid;
    }

    /** Whether it leads from a block to an entry. */
    boolean leads(Region.Entry entry, Block from) {
        return block == from && origin == entry.origin() && valid;
    }

    boolean valid() {
        return valid;
    }

    /**
     * It has been verified in a state of the mappings. The region's lock is held, as it is when
     * this ends.
     */
    void hold(long now, boolean good) {
        key = now;
        valid = good;
        open = good && called ? now : CLOSED;
    }

    /** From now on other regions may call it. */
    void letOthersCall() {
        synchronized (region) {
            called = true;
            hold(key, valid);
        }
    }

    /** Whether it was verified in a state of the mappings. */
    boolean isFor(long state) {
        return key == state;
    }

    /** It does not hold any more. */
    void end() {
        valid = false;
        open = CLOSED;
    }
}
