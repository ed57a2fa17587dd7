// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.litmus;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.processor.exec.HotSpot;
import dev.vitrine.processor.litmus.Step.Form;

import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;

/**
 * Litmus tests of x86's memory order as guests: the known ones and random ones, by all kinds of
 * instructions that access memory, cold and hot. Whatever a guest ends with must be among what the
 * model {@link StoreOrder} allows.
 *
 * <p>System properties: {@code vitrine.litmus} (how many programs, half of them known ones; some
 * hundred are minutes) and {@code vitrine.litmus.seed} (the first one's; a report names that of the
 * program).
 */
class LitmusTest {
    private static final int PROGRAMS =
            Integer.getInteger("vitrine.litmus", Boolean.getBoolean("vitrine.long") ? 2000 : 8);
    private static final long SEED = Long.getLong("vitrine.litmus.seed", 20261126L);

    /**
     * In a short run one program in so many waits for the second compiler; in a long one each does.
     */
    private static final int PATIENT = PROGRAMS >= 100 ? 1 : 8;

    /** Rounds while not all processors' code has been through the second compiler. */
    private static final int WARM = 1000;

    private static final int WARM_IMPATIENT = 5;

    private static final int HOT = PROGRAMS >= 100 ? 60 : 4;
    private static final int MIXED = PROGRAMS >= 100 ? 4 : 1;

    // What has been seen, of all programs.
    private static long instances;
    private static long rounds;
    private static int compiled;
    private static long weakInstances;
    private static int weakSeen;
    private static int weakAllowed;

    // ------------------------------------------------------------------- the model

    private static boolean allows(LitmusProgram p, String read) {
        return StoreOrder.outcomes(p, true).stream()
                .anyMatch(o -> o.toString().startsWith("read " + read + ","));
    }

    private static boolean endsWith(LitmusProgram p, String read, String memory) {
        String end = read.isEmpty() ? "read, memory " : "read " + read + ", memory ";
        return StoreOrder.outcomes(p, true).stream()
                .anyMatch(o -> o.toString().equals(end + memory));
    }

    /** SDM volume 3, 8.2.3.2 to 8.2.3.9, and what the literature has besides. */
    @Test
    void theModelAllowsWhatTheManualSays() {
        assertThat(allows(LitmusProgram.messagePassing(), "1010101 0")).isFalse();
        assertThat(allows(LitmusProgram.messagePassing(), "0 1010101")).isTrue();
        assertThat(allows(LitmusProgram.loadBuffering(), "1010101 1010101")).isFalse();
        assertThat(allows(LitmusProgram.storeBuffering(), "0 0")).isTrue();
        assertThat(allows(LitmusProgram.storeBufferingFenced(Form.MOV), "0 0")).isFalse();
        assertThat(allows(LitmusProgram.storeBufferingExchanged(), "0 0 0 0")).isFalse();
        assertThat(allows(LitmusProgram.storeBufferingForwarded(), "1010101 0 1010101 0")).isTrue();
        assertThat(allows(LitmusProgram.storeBufferingForwarded(), "0 0 1010101 0")).isFalse();
        assertThat(allows(LitmusProgram.independentReads(), "1010101 0 1010101 0")).isFalse();
        assertThat(allows(LitmusProgram.writeToRead(), "1010101 1010101 0")).isFalse();
        assertThat(allows(LitmusProgram.messagePassingReadBefore(), "0 1010101 0")).isFalse();
        assertThat(allows(LitmusProgram.messagePassingWrittenAgain(), "1010101 0")).isFalse();
        assertThat(allows(LitmusProgram.coherentReads(), "1010101 2020202 1010101")).isFalse();
        assertThat(endsWith(LitmusProgram.twoWritesEach(), "", "1010101 0 1010101 0")).isFalse();
        assertThat(endsWith(LitmusProgram.twoWritesEach(), "", "1010101 0 2020202 0")).isTrue();
        assertThat(endsWith(LitmusProgram.r(), "0", "1010101 0 2020202 0")).isTrue();
        assertThat(endsWith(LitmusProgram.s(), "1010101", "2020202 0 1010101 0")).isFalse();
        assertThat(endsWith(LitmusProgram.coherentReadWrite(), "0 1010101", "2020202 0")).isFalse();
    }

    /** An access of 16 bytes may be seen in parts, one of 8 never. */
    @Test
    void theModelKnowsPartsOfAccesses() {
        for (int size : new int[] {8, 16}) {
            Step write = Step.write(0, 1).at(0, size);
            Step read = Step.read(0).at(0, size);
            LitmusProgram p =
                    LitmusProgram.of(
                            "parts", LitmusProgram.thread(write), LitmusProgram.thread(read));
            String half = size == 8 ? "1010101" : "0 101010101010101";
            assertThat(allows(p, half)).isEqualTo(size == 16);
        }
    }

    // ------------------------------------------------------------------ the guests

    private static void check(LitmusProgram p, long seed) {
        int warm = (seed - SEED) % PATIENT == 0 ? WARM : WARM_IMPATIENT;
        Set<Outcome> allowed = StoreOrder.outcomes(p, true);
        Set<Outcome> strong = StoreOrder.outcomes(p, false);
        Map<Long, Boolean> weak = new HashMap<>();
        for (Outcome o : allowed) {
            weak.put(o.key(), !strong.contains(o));
        }
        Random random = new Random(seed);
        int n = p.threads().size();
        int[] levels = new int[n];
        long before = weakInstances;
        try (LitmusGuest guest = new LitmusGuest(p, random)) {
            int hot = 0;
            int round = 0;
            while (hot < HOT && round - hot < warm) {
                if (round % 4 == 0) {
                    guest.place();
                }
                int all = round == 0 ? LitmusGuest.FEW_INSTANCES : LitmusGuest.INSTANCES;
                run(guest, all, round % 8 == 7 ? 0 : 300, weak, p, seed, levels);
                for (int t = 0; t < n; t++) {
                    levels[t] = guest.level(t);
                }
                if (Arrays.stream(levels).allMatch(l -> l == HotSpot.OPTIMIZED)) {
                    hot++;
                }
                round++;
            }
            if (hot > 0) {
                compiled++;
            }
            // One in the interpreter, the others as they are.
            int cold = random.nextInt(n);
            for (int i = 0; i < MIXED; i++) {
                guest.renew(cold);
                levels[cold] = 0;
                run(guest, LitmusGuest.FEW_INSTANCES, 300, weak, p, seed, levels);
            }
        }
        if (weak.containsValue(true)) {
            weakAllowed++;
            if (weakInstances > before) {
                weakSeen++;
            }
        }
    }

    private static void run(
            LitmusGuest guest,
            int all,
            int patience,
            Map<Long, Boolean> weak,
            LitmusProgram p,
            long seed,
            int[] levels) {
        int[] at = {0};
        guest.run(
                all,
                patience,
                key -> {
                    Boolean w = weak.get(key);
                    if (w == null) {
                        throw new AssertionError(
                                String.format(
                                        "seed %d, compiled at levels %s, instance %d: %s%nin %s",
                                        seed,
                                        Arrays.toString(levels),
                                        at[0],
                                        guest.outcome(at[0]),
                                        p));
                    }
                    if (w) {
                        weakInstances++;
                    }
                    at[0]++;
                });
        instances += all;
        rounds++;
    }

    private static void report(String what) {
        System.out.printf(
                "litmus, %s: %d rounds, %d instances; %d programs through the second compiler;"
                        + " store buffers allowed in %d programs, seen in %d of them, in %d"
                        + " instances%n",
                what, rounds, instances, compiled, weakAllowed, weakSeen, weakInstances);
        instances = 0;
        rounds = 0;
        compiled = 0;
        weakAllowed = 0;
        weakSeen = 0;
        weakInstances = 0;
    }

    @Test
    void known() {
        List<LitmusProgram> all = LitmusProgram.known();
        int n = Math.max(all.size(), PROGRAMS / 2);
        for (int i = 0; i < n; i++) {
            long seed = SEED + i;
            LitmusProgram p = all.get(i % all.size());
            check(i < all.size() ? p : p.varied(new Random(seed)), seed);
        }
        report(n + " known programs");
    }

    @Test
    void random() {
        for (int i = 0; i < PROGRAMS / 2; i++) {
            check(LitmusProgram.random(SEED + i), SEED + i);
        }
        report(PROGRAMS / 2 + " random programs");
    }
}
