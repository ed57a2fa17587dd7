// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.exec.Block;
import dev.vitrine.processor.exec.CodeCache;
import dev.vitrine.processor.exec.Region;
import dev.vitrine.processor.lift.Uop;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;

/**
 * The blocks of a region, in the order in which they are written out: from the hot block on along
 * branches, into calls and back out of them, as long as what follows is not cold. In that order
 * every loop has an edge that goes backwards, and every other edge goes forwards.
 */
final class RegionShape {
    /** Blocks that execute more seldom than that for each time the head does stay outside. */
    private static final double COLD = 0.1;

    private static final double COLD_WIDE = 0.01;

    final List<Block> blocks;

    /** Number of a block in the order, by the address it begins at. */
    private final Map<Long, Integer> numbers = new HashMap<>();

    /**
     * Where returns go that no call in the region belongs to, by address of their block: the region
     * begins in the function that they leave.
     */
    private final Map<Long, List<Long>> leaving;

    /** Linear addresses of the pages of the region, each with its frame. */
    final Map<Long, Long> pages = new LinkedHashMap<>();

    /** It can be written so that it runs at other addresses too. */
    final boolean relocatable;

    /** Fewer instructions than that retire between two looks at the limit. */
    final int longestPath;

    private RegionShape(List<Block> blocks, Map<Long, List<Long>> leaving) {
        this.blocks = blocks;
        this.leaving = leaving;
        this.relocatable = relocatable(blocks);
        this.longestPath = 1 + blocks.stream().mapToInt(b -> b.count).sum();
        for (int i = 0; i < blocks.size(); i++) {
            Block b = blocks.get(i);
            numbers.put(b.rip, i);
            pages.put(b.linear() & -4096L, b.mfn0);
            if (b.mfn1 >= 0) {
                pages.put((b.linear() & -4096L) + 4096, b.mfn1);
            }
        }
    }

    /** How many of its instructions have been executed for each time that one of its blocks was. */
    double instructionsPerExecution(Block of) {
        double sum = 0;
        for (Block b : blocks) {
            sum += (double) (b.executions & 0xFFFFFFFFL) * b.count;
        }
        return sum / Math.max(1, of.executions & 0xFFFFFFFFL);
    }

    /** Number of the block that begins at an address, or -1 if it is not in the region. */
    int number(long rip) {
        Integer n = numbers.get(rip);
        return n == null ? -1 : n;
    }

    /**
     * Libraries and position-independent programs are mapped at random addresses, see {@link
     * Region#movable}. There the addition that finds out where it runs is worth its cost;
     * instructions that are not written out find their addresses by themselves.
     */
    private static boolean relocatable(List<Block> blocks) {
        Block head = blocks.getFirst();
        if ((head.modeKey & Cpu.MODE_64) == 0 || head.csBase != 0) {
            return false;
        }
        for (Block b : blocks) {
            if (!Region.movable(b.rip)) {
                return false;
            }
            for (Instruction i : b.instructions) {
                if (i.memoryOperand() >= 0
                        && i.base == Instruction.RIP_BASE
                        && !VectorEmitter.supports(i, b.modeKey)) {
                    return false;
                }
            }
        }
        return true;
    }

    /** Blocks that returns in the region go to, those that execute most first. */
    List<Integer> returnSites() {
        List<Integer> sites = new ArrayList<>();
        for (Block b : blocks) {
            List<Long> to = leaving.getOrDefault(b.rip, List.of());
            for (long rip : isCall(end(b)) ? List.of(b.fallThrough) : to) {
                int n = number(rip);
                if (n >= 0 && !sites.contains(n)) {
                    sites.add(n);
                }
            }
        }
        sites.sort((x, y) -> Integer.compare(blocks.get(y).executions, blocks.get(x).executions));
        return sites;
    }

    static boolean isCall(int op) {
        return op == Uop.CALL64 || op == Uop.CALL_REG64;
    }

    /** The micro-operation that ends a block. */
    static int end(Block b) {
        return (int) b.code[b.code.length - 2] & 0xFF;
    }

    /** Which addresses execution may go to from a block, as far as it is known. */
    static List<Long> successors(Block b) {
        int op = end(b);
        List<Long> next = new ArrayList<>(2);
        if (op == Uop.JMP || op == Uop.CALL64) {
            next.add(b.target);
        } else if (op == Uop.NEXT) {
            next.add(b.fallThrough);
        } else if ((op >= Uop.JCC && op < Uop.JMP) || op == Uop.LOOP || op >= Uop.CMP64_JCC) {
            boolean likely = 2L * b.takenCount > b.executions;
            next.add(likely ? b.target : b.fallThrough);
            next.add(likely ? b.fallThrough : b.target);
        } else if (op == Uop.JMP_REG || op == Uop.CALL_REG64) {
            for (long to : b.observedTargets()) {
                next.add(to);
            }
        }
        return next;
    }

    /**
     * A block on the way, how often it executes for each time that the head does, and the calls
     * around it.
     */
    private record Candidate(Block block, double share, int depth) {}

    /** A return to a caller that is not in the region is followed if it goes there so often. */
    private static final double CALLER = 0.2;

    /**
     * What a region can be made of: its blocks in the order in which they are worth it, how heavy
     * each is, and where returns go that no call among them belongs to.
     */
    record Choice(List<Block> blocks, int[] weights, Map<Long, List<Long>> leaving) {
        /** All of it. */
        RegionShape all() {
            return new RegionShape(order(blocks, leaving), leaving);
        }

        /**
         * As much of it as is worth it, see {@link RegionExtent}.
         *
         * @param limit weight that is the right one if nothing speaks for another
         */
        RegionShape worth(int limit) {
            int n = RegionExtent.choose(blocks, weights, leaving, limit);
            return new RegionShape(order(blocks.subList(0, n), leaving), leaving);
        }
    }

    /**
     * Chooses what the region of a hot block can be made of. On the processor's own thread, which
     * knows the mappings.
     *
     * @param head at the address to translate for
     * @param origin how far from there it is mapped now
     * @param limit how heavy it may be, see {@link #weight}
     * @param wide go on where other regions begin
     */
    static Choice choose(
            Cpu cpu, CodeCache cache, Block head, long origin, int limit, boolean wide) {
        List<Block> chosen = new ArrayList<>();
        int[] weights = new int[64];
        Set<Long> seen = new HashSet<>();
        PriorityQueue<Candidate> open =
                new PriorityQueue<>((x, y) -> Double.compare(y.share, x.share));
        open.add(new Candidate(head, 1, 0));
        Map<Long, List<Long>> leaving = new HashMap<>();
        seen.add(head.rip);
        int size = 0;
        double cold = wide ? COLD_WIDE : COLD;
        while (!open.isEmpty()) {
            Candidate c = open.remove();
            Block b = c.block;
            int weight = weight(b);
            if (size > 0 && size + weight > limit) {
                continue;
            }
            size += weight;
            if (chosen.size() == weights.length) {
                weights = Arrays.copyOf(weights, 2 * weights.length);
            }
            weights[chosen.size()] = weight;
            chosen.add(b);
            List<Long> next = successors(b);
            boolean call = isCall(end(b));
            if (call) {
                next.add(b.fallThrough);
            } else if (wide && c.depth == 0 && end(b) == Uop.RET64) {
                next = callers(b);
                leaving.put(b.rip, next);
            }
            for (long rip : next) {
                // Where a branch seldom goes is interpreted for long if it is not taken in now.
                double share = c.share * (wide || !indirect(b) ? likelihood(b, rip) : 1);
                if (share >= cold && near(head, rip) && seen.add(rip)) {
                    Block s = find(cpu, cache, head, rip, origin);
                    if (s != null
                            && (wide ? !(call && rip != b.fallThrough && large(s)) : !s.asked)
                            && s.executions >= 2) {
                        int depth = c.depth + (call && rip != b.fallThrough ? 1 : 0);
                        open.add(new Candidate(s, share, depth));
                    }
                }
            }
        }
        return new Choice(chosen, Arrays.copyOf(weights, chosen.size()), leaving);
    }

    /** Code of one library or program is about so near. */
    private static final long NEAR = 4 << 20;

    private static boolean near(Block head, long rip) {
        return !head.confined || Math.abs(rip - head.rip) < NEAR;
    }

    private static List<Long> callers(Block b) {
        List<Long> callers = new ArrayList<>(2);
        for (long rip : b.observedTargets()) {
            if (b.targetShare(rip) >= CALLER) {
                callers.add(rip);
            }
        }
        return callers;
    }

    /**
     * A function that a region of the second stage of its own has been made of: all the code that
     * calls it would be much.
     */
    private static boolean large(Block b) {
        Region.Entry e = b.entry;
        return e != null
                && e.region().stage == 2
                && e.number() == 0
                && e.region().blocks.length > CALLEE;
    }

    private static final int CALLEE = 4;

    /**
     * About how much a block costs HotSpot, which stops to take methods in when a method gets too
     * large; the unit is a plain micro-operation.
     */
    private static int weight(Block b) {
        int weight = 2;
        for (int u = 0; u < b.code.length; u += 2) {
            int op = (int) b.code[u] & 0xFF;
            if (op == Uop.EXEC) {
                Instruction i = b.instructions[(int) b.code[u + 1]];
                weight += VectorEmitter.supports(i, b.modeKey) ? VectorEmitter.weight(i) : 10;
            } else {
                weight += UopTraits.accesses(op) ? MEMORY_WEIGHT : 1;
            }
        }
        return weight;
    }

    static final int MEMORY_WEIGHT = 8;

    private static boolean indirect(Block b) {
        int op = end(b);
        return op == Uop.JMP_REG || op == Uop.CALL_REG64 || op == Uop.RET64;
    }

    /** How often a branch goes to one of its targets, of 1. */
    static double likelihood(Block b, long rip) {
        int op = end(b);
        if (indirect(b)) {
            return rip == b.fallThrough ? 1 : b.targetShare(rip);
        }
        boolean conditional =
                (op >= Uop.JCC && op < Uop.JMP) || op == Uop.LOOP || op >= Uop.CMP64_JCC;
        if (!conditional || b.executions <= 0) {
            return 1;
        }
        double taken = Math.min(1, (double) b.takenCount / b.executions);
        return rip == b.target ? taken : 1 - taken;
    }

    private static @Nullable Block find(
            Cpu cpu, CodeCache cache, Block head, long rip, long origin) {
        long la = rip + origin + head.csBase;
        if ((head.modeKey & Cpu.MODE_64) == 0) {
            la &= 0xFFFFFFFFL;
        }
        long machine = cpu.mmu.fetchQuietly(la);
        Block b =
                machine < 0
                        ? null
                        : cache.find(machine, rip, head.modeKey, head.csBase, head.csLimit);
        return b == null || b.hooked ? null : b;
    }

    /** Reverse post-order from the first, the likelier way first; without what is not reached. */
    private static List<Block> order(List<Block> blocks, Map<Long, List<Long>> leaving) {
        Block head = blocks.getFirst();
        Map<Long, Block> chosen = new HashMap<>();
        blocks.forEach(b -> chosen.put(b.rip, b));
        List<Block> post = new ArrayList<>();
        Set<Long> seen = new HashSet<>();
        // An explicit stack: a block, and how many of its successors have been visited.
        ArrayList<Block> path = new ArrayList<>();
        ArrayList<List<Long>> rest = new ArrayList<>();
        path.add(head);
        rest.add(ordered(head, leaving));
        seen.add(head.rip);
        while (!path.isEmpty()) {
            List<Long> next = rest.getLast();
            if (next.isEmpty()) {
                post.add(path.removeLast());
                rest.removeLast();
                continue;
            }
            // The likelier successor is visited last: so it comes right behind.
            long rip = next.removeLast();
            Block s = chosen.get(rip);
            if (s != null && seen.add(rip)) {
                path.add(s);
                rest.add(ordered(s, leaving));
            }
        }
        return post.reversed();
    }

    private static List<Long> ordered(Block b, Map<Long, List<Long>> leaving) {
        List<Long> next = new ArrayList<>(successors(b));
        next.addAll(leaving.getOrDefault(b.rip, List.of()));
        if (isCall(end(b))) {
            // The callee comes first in the order, then what it returns to.
            next.add(b.fallThrough);
        }
        return next;
    }
}
