// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.core.Cpu;

/** The generated code of a {@link Region}: one subclass, with one instance, for each. */
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

    /** For constructors of generated classes. */
    protected RegionCode() {}

    /**
     * Runs guest code, until no loop may begin again by {@link Cpu#loopLimit()}. On return and on
     * an exception all guest state is in the processor.
     *
     * @param region what this is the code of
     * @param entry number of the entry, from 0; a negative one returns at once
     * @return {@link #EXIT}, {@link #RETURN}, {@link #INDIRECT}; or {@link #LINK} + n: the same at
     *     the n-th branch to a fixed address outside; or n + 1: the last instruction of the block
     *     {@code region.ends[n]} is to be executed; or the complement of a site's number, from
     *     which the interpreter goes on
     */
    public abstract int run(Cpu cpu, Region region, int entry);
}
