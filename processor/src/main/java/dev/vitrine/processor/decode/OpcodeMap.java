// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.decode;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;

/**
 * The table sorted for decoding: for each opcode of each map an entry, in which mandatory prefix,
 * kind of ModRM.mod and ModRM.reg select the few forms that are left. Entries are built when their
 * opcode is first met.
 */
final class OpcodeMap {
    /** Maps 0 to 3 are the legacy ones; VEX map n is at VEX + n. */
    static final int VEX = 3;

    private static final int MAPS = 7;

    /** Prefix state (none, 66, F3, F2) times mod = 3 times reg. */
    private static final int BUCKETS = 4 * 2 * 8;

    private static final Form[] NO_FORMS = {};
    private static final Form[][] CANDIDATES = candidates();
    // Filled without locks: an entry's fields are final, so that whoever sees it sees it whole.
    private static final @Nullable Entry[] ENTRIES = new @Nullable Entry[MAPS * 256];

    private OpcodeMap() {}

    /** What is known of one opcode. */
    static final class Entry {
        /** Whether a ModRM byte follows. */
        final boolean modrm;

        /** Candidates by {@link #bucket}; null when the opcode is unused. */
        private final Form[][] forms;

        Entry(boolean modrm, Form[][] forms) {
            this.modrm = modrm;
            this.forms = forms;
        }

        /**
         * Forms in the table's order.
         *
         * @param prefix 0 none, 1 66, 2 F3, 3 F2
         * @param register 1 if ModRM.mod is 3, else 0
         * @param reg ModRM.reg, 0 without ModRM
         */
        Form[] bucket(int prefix, int register, int reg) {
            return forms[prefix << 4 | register << 3 | reg];
        }
    }

    static Entry entry(int map, int opcode) {
        Entry e = ENTRIES[map << 8 | opcode];
        return e != null ? e : build(map << 8 | opcode);
    }

    private static Entry build(int place) {
        Form[] all = CANDIDATES[place];
        boolean modrm = false;
        for (Form f : all) {
            modrm |= f.modrm != Form.MODRM_NONE;
        }
        Form[][] buckets = new Form[BUCKETS][];
        Form[] kept = new Form[all.length];
        for (int b = 0; b < BUCKETS; b++) {
            int n = 0;
            for (Form f : all) {
                if (selects(f, b)) {
                    kept[n++] = f;
                }
            }
            // Neighbours often agree; sharing keeps the tables small.
            if (n == 0) {
                buckets[b] = NO_FORMS;
            } else if (b > 0 && same(buckets[b - 1], kept, n)) {
                buckets[b] = buckets[b - 1];
            } else {
                buckets[b] = java.util.Arrays.copyOf(kept, n);
            }
        }
        Entry e = new Entry(modrm, buckets);
        ENTRIES[place] = e;
        return e;
    }

    private static boolean same(Form[] a, Form[] b, int n) {
        if (a.length != n) {
            return false;
        }
        for (int i = 0; i < n; i++) {
            if (a[i] != b[i]) {
                return false;
            }
        }
        return true;
    }

    private static boolean selects(Form f, int bucket) {
        if ((f.prefixClass & 1 << (bucket >> 4)) == 0) {
            return false;
        }
        if (f.modrm == Form.MODRM_NONE) {
            return true;
        }
        if ((bucket & 8) != 0 ? !f.register : !f.memory) {
            return false;
        }
        return f.modrm == Form.MODRM_ANY || f.digit == (bucket & 7);
    }

    private static Form[][] candidates() {
        List<List<Form>> lists = new ArrayList<>(MAPS * 256);
        for (int i = 0; i < MAPS * 256; i++) {
            lists.add(List.of());
        }
        for (Form f : InstructionTable.forms()) {
            for (int n = 0; n < f.opcodeCount; n++) {
                int place = (f.vex ? VEX + f.map : f.map) << 8 | (f.opcode + n);
                List<Form> list = lists.get(place);
                if (list.isEmpty()) {
                    list = new ArrayList<>(2);
                    lists.set(place, list);
                }
                list.add(f);
            }
        }
        Form[][] all = new Form[MAPS * 256][];
        for (int i = 0; i < all.length; i++) {
            List<Form> list = lists.get(i);
            all[i] = list.isEmpty() ? NO_FORMS : list.toArray(NO_FORMS);
            for (Form f : all[i]) {
                if ((f.modrm == Form.MODRM_NONE) != (all[i][0].modrm == Form.MODRM_NONE)) {
                    throw new IllegalStateException("ModRM or not: " + f);
                }
            }
        }
        return all;
    }
}
