// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import dev.vitrine.processor.exec.Block;
import dev.vitrine.processor.lift.Uop;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * How far a region should go, of blocks that could be taken in one after the other: so far that
 * what is done in it between its entry and its exit outweighs these, and not further. A loop that
 * is cut is left in every round; code that adds nothing costs HotSpot time and registers.
 *
 * <p>How often a block executes for each entry follows from how its branches went.
 */
final class RegionExtent {
    /** What an entry and an exit cost, in units of {@link RegionShape}'s weights. */
    private static final double CHANGE = 100;

    /** Of the best share of useful work so much is good enough. */
    private static final double ENOUGH = 0.97;

    /** A region larger than it should be must be so much better. */
    private static final double WORTH = 1.1;

    /**
     * Rounds in which frequencies are propagated: loops that go round more often all count alike.
     */
    private static final int ROUNDS = 64;

    /** Sizes that are tried, in sixteenths of the limit. */
    private static final int[] SIZES = {4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 28, 32};

    private final List<Block> blocks;
    private final int[] weights;
    private final int[][] successors;
    private final double[][] shares;
    private final double[] frequency;

    private RegionExtent(List<Block> blocks, int[] weights, Map<Long, List<Long>> leaving) {
        int n = blocks.size();
        this.blocks = blocks;
        this.weights = weights;
        this.successors = new int[n][];
        this.shares = new double[n][];
        this.frequency = new double[n];
        Map<Long, Integer> numbers = new HashMap<>();
        for (int i = 0; i < n; i++) {
            numbers.put(blocks.get(i).rip, i);
        }
        for (int i = 0; i < n; i++) {
            Block b = blocks.get(i);
            List<Long> next = leaving.getOrDefault(b.rip, RegionShape.successors(b));
            successors[i] = new int[next.size()];
            shares[i] = new double[next.size()];
            for (int k = 0; k < next.size(); k++) {
                successors[i][k] = numbers.getOrDefault(next.get(k), n);
                shares[i][k] = RegionShape.likelihood(b, next.get(k));
            }
            int op = RegionShape.end(b);
            if (op == Uop.RET64 && next.isEmpty()) {
                returns(i, numbers);
            }
        }
    }

    /** A return goes to all calls alike, as far as nothing better is known. */
    private void returns(int i, Map<Long, Integer> numbers) {
        int[] sites =
                blocks.stream()
                        .filter(b -> RegionShape.isCall(RegionShape.end(b)))
                        .mapToInt(b -> numbers.getOrDefault(b.fallThrough, blocks.size()))
                        .filter(n -> n < blocks.size())
                        .distinct()
                        .toArray();
        successors[i] = sites;
        shares[i] = new double[sites.length];
        Arrays.fill(shares[i], 1.0 / Math.max(1, sites.length));
    }

    /**
     * How many of the blocks to take.
     *
     * @param blocks the first one's entry is the region's; each follows from one before it
     * @param weights of the blocks, as {@link RegionShape#choose} counts them
     * @param leaving where returns go that no call in the region belongs to
     * @param limit the weight that is the right one if nothing speaks for another
     */
    static int choose(List<Block> blocks, int[] weights, Map<Long, List<Long>> leaving, int limit) {
        RegionExtent e = new RegionExtent(blocks, weights, leaving);
        double[] useful = new double[SIZES.length];
        int[] counts = new int[SIZES.length];
        double best = 0;
        double bestWithin = 0;
        for (int s = 0; s < SIZES.length; s++) {
            counts[s] = e.count(limit * SIZES[s] / 16);
            useful[s] = s > 0 && counts[s] == counts[s - 1] ? useful[s - 1] : e.useful(counts[s]);
            best = Math.max(best, useful[s]);
            if (SIZES[s] <= 16) {
                bestWithin = Math.max(bestWithin, useful[s]);
            }
        }
        double wanted = ENOUGH * (best >= WORTH * bestWithin ? best : bestWithin);
        for (int s = 0; s < SIZES.length; s++) {
            if (useful[s] >= wanted) {
                return counts[s];
            }
        }
        return blocks.size();
    }

    /** The blocks that a weight has room for; at least one. */
    private int count(int limit) {
        int n = 0;
        for (int weight = 0; n < weights.length; n++) {
            weight += weights[n];
            if (n > 0 && weight > limit) {
                break;
            }
        }
        return n;
    }

    /** The share of the time that the first n blocks spend with their own work. */
    private double useful(int n) {
        Arrays.fill(frequency, 0);
        double[] incoming = new double[n + 1];
        // What each block passes on is taken back when it passes on more: one round for each time
        // that a loop goes round.
        for (int round = 0; round < ROUNDS; round++) {
            for (int i = 0; i < n; i++) {
                double f = incoming[i] + (i == 0 ? 1 : 0);
                double more = f - frequency[i];
                frequency[i] = f;
                for (int k = 0; k < successors[i].length; k++) {
                    incoming[Math.min(n, successors[i][k])] += more * shares[i][k];
                }
            }
        }
        double work = 0;
        for (int i = 0; i < n; i++) {
            work += frequency[i] * weights[i];
        }
        return work / (work + CHANGE);
    }
}
