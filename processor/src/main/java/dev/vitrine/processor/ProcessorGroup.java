// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor;

import dev.vitrine.memory.FrameTable;
import dev.vitrine.memory.PhysicalMap;
import dev.vitrine.memory.PhysicalView;
import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.exec.CodeCache;
import dev.vitrine.processor.exec.Rendezvous;
import dev.vitrine.processor.exec.Runner;
import dev.vitrine.processor.exec.Tiering;
import dev.vitrine.processor.translate.Translator;

import org.jspecify.annotations.Nullable;

import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.ObjLongConsumer;

/**
 * What the processors of one domain share: its physical memory, the code decoded from it, and the
 * way to reach all of them at once. Registers itself with the physical map, so that changed
 * mappings are forgotten by every processor before the change returns.
 */
public final class ProcessorGroup {
    /** Executions of a block from which on it is hot. */
    private static final int THRESHOLD = 1024;

    final PhysicalMap map;
    final CodeCache cache;
    final Rendezvous rendezvous;
    final boolean smp;
    final boolean forcedEmulation;
    final boolean verify;
    final Translator translator;
    final Tiering tiering;
    private final List<Runner> runners = new CopyOnWriteArrayList<>();

    /**
     * @param map the domain's physical-to-machine map
     * @param processors how many processors the group will have; with more than one LOCK is atomic
     * @param forcedEmulation Xen's forced-emulation prefix (0F 0B 'x' 'e' 'n') is skipped
     * @param verify everything that translated code does is done again by the interpreter and
     *     compared; {@link Processor#run} throws {@link TranslationDifference} at the first
     *     difference. For one processor only
     */
    public ProcessorGroup(
            PhysicalMap map, int processors, boolean forcedEmulation, boolean verify) {
        if (verify && processors != 1) {
            throw new IllegalArgumentException("verifying with " + processors + " processors");
        }
        this.verify = verify;
        this.map = map;
        this.rendezvous = new Rendezvous();
        this.cache = new CodeCache(map.memory(), rendezvous);
        this.smp = processors > 1;
        this.forcedEmulation = forcedEmulation;
        this.translator =
                new Translator(
                        Integer.getInteger("vitrine.translate.threshold", THRESHOLD),
                        Boolean.getBoolean("vitrine.translate.now"),
                        processors,
                        map.memory().ram());
        this.tiering = Boolean.getBoolean("vitrine.translate.off") ? Tiering.NONE : translator;
        map.addListener((view, gfn, count) -> rendezvous.onAll(cpu -> cpu.mmu.viewChanged(view)));
    }

    /** What the processors show to their hosts from now on. Any thread. */
    public void setIntercepts(Intercepts intercepts) {
        this.intercepts = intercepts;
        rendezvous.onAll(cpu -> cpu.intercepts = this.intercepts);
    }

    private volatile Intercepts intercepts = Intercepts.NONE;
    private volatile MirrorListener mirrorListener = (mfn, by) -> {};

    /** Has somebody told of each write to a mirrored frame. */
    public void setMirrorListener(MirrorListener listener) {
        mirrorListener = listener;
    }

    void mirrorWritten(long mfn, @Nullable Processor by) {
        mirrorListener.written(mfn, by);
    }

    /**
     * Has somebody told of code that is executed for the first time since it was written, from any
     * page from now on. Nothing is told twice without a write in between, unless the processors
     * have forgotten the code meanwhile, or several execute it at a time.
     *
     * @param listener null for nobody
     */
    public void setFreshCode(@Nullable FreshCode listener) {
        cache.setFreshCode(listener);
    }

    /** Marks frames as mirrored; as {@link #mirror} with each of them. Any thread. */
    public void mirrorAll(long[] mfns) {
        for (long mfn : mfns) {
            map.memory().frames().set(mfn, FrameTable.MIRRORED);
        }
        rendezvous.onAll(cpu -> cpu.mmu.dropAllWrites());
    }

    /** Marks a frame as mirrored, or not any more. Any thread. */
    public void mirror(long mfn, boolean on) {
        if (on) {
            map.memory().frames().set(mfn, FrameTable.MIRRORED);
            rendezvous.onAll(cpu -> cpu.mmu.dropWrites(mfn));
        } else {
            map.memory().frames().clear(mfn, FrameTable.MIRRORED);
        }
    }

    /**
     * Says which of a frame's bytes are breakpoint instructions that stand in place of others. They
     * count where an instruction begins; one that goes over them is decoded from the others. Any
     * thread.
     *
     * @param places offsets of the breakpoint instructions; none takes back what was said
     * @param original the frame's bytes without them
     * @param copied the machine frame that it is a copy of: hooks in that one are reached in both
     * @param snapshot of several calls for a frame the one with the greatest number counts,
     *     whichever comes last, until what they said is taken back
     */
    public void patch(long mfn, BitSet places, byte[] original, long copied, long snapshot) {
        cache.patch(mfn, places, original, copied, snapshot);
    }

    /** Lets all processors see memory through a view. Any thread. */
    public void setView(PhysicalView view) {
        rendezvous.onAll(cpu -> cpu.mmu.setView(view));
    }

    /** Forgets cached translations on all processors; returns when it is done. Any thread. */
    public void flushAll() {
        rendezvous.onAll(cpu -> cpu.mmu.flushAll());
    }

    /**
     * Has all processors walk the page tables again; returns when it is done. Any thread.
     *
     * @param user only for pages of user mode: what the supervisor has cached of global pages stays
     */
    public void forget(boolean user) {
        rendezvous.onAll(cpu -> {
            if (user) {
                cpu.mmu.flushNonGlobal();
            } else {
                cpu.mmu.flushAll();
            }
        });
    }

    /**
     * To be called when a frame that holds decoded code or is mirrored was written from outside a
     * processor.
     */
    public void codeWritten(long mfn) {
        cache.invalidateFrame(mfn);
        if ((map.memory().frames().flags(mfn) & FrameTable.MIRRORED) != 0) {
            mirrorWritten(mfn, null);
        }
    }

    /**
     * Has a hook called each time that one of the processors is about to execute the instruction
     * that begins at a machine address, whatever it is mapped at. The guest cannot tell: its memory
     * and the count of its instructions are what they are without. Any number of hooks may be at
     * one place and in one frame. When this returns all processors call it. Any thread, also from
     * within a hook.
     */
    public void addHook(long machine, CodeHook hook) {
        cache.addHook(machine, hook);
    }

    /**
     * Removes a hook; false if it is not there. One may still be under way on another processor.
     */
    public boolean removeHook(long machine, CodeHook hook) {
        return cache.removeHook(machine, hook);
    }

    /** A frame has been given back: its hooks end. Waits for no processor. */
    public void forgetHooks(long mfn) {
        cache.forgetHooks(mfn);
    }

    /**
     * Has a listener told of all pages that instructions are fetched from, also of those that
     * processors know already; null for none. What a processor has remembered it does not tell
     * again, until it has forgotten it: when its page tables or the physical map have changed. Any
     * thread.
     */
    public void setFetchListener(@Nullable FetchListener listener) {
        rendezvous.onAll(cpu -> cpu.mmu.setFetchListener(listener));
    }

    /** Switches the dirty log of the domain's frames on or off. */
    public void setDirtyLog(boolean on) {
        map.memory().frames().setDirtyLog(on);
        rendezvous.onAll(cpu -> cpu.mmu.dropAllWrites());
    }

    /**
     * The blocks that have executed most instructions.
     *
     * @return pairs of instruction pointer and instructions executed, most first
     */
    public List<long[]> hottestBlocks(int limit) {
        return cache.hottest(limit);
    }

    /** Blocks decoded and lifted so far. */
    public long blocksBuilt() {
        return cache.blocksBuilt;
    }

    /** Names what was translated and how regions were entered and left, with the counts. */
    public void translationStatistics(ObjLongConsumer<String> out) {
        out.accept("blocks revived after a write to their frame", cache.blocksRevived);
        out.accept("regions revived after a write to a frame", cache.regionsRevived);
        translator.statistics(out);
        Map<String, Long> sums = new LinkedHashMap<>();
        for (Runner r : runners) {
            r.regionStatistics((name, n) -> sums.merge(name, n, Long::sum));
        }
        sums.forEach(out::accept);
    }

    /** Times that a frame with decoded code was written. */
    public long framesInvalidated() {
        return cache.framesInvalidated;
    }

    void join(Cpu cpu, Runner runner) {
        rendezvous.join(cpu);
        runners.add(runner);
    }
}
