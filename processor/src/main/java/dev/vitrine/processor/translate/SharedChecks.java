// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;
import dev.vitrine.processor.exec.Block;
import dev.vitrine.processor.lift.Uop;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Which accesses of a region are found to be on one page by a single check: those whose addresses
 * differ by a constant, as pushes do and fields of a structure, where the first of them always
 * comes before the others and nothing between them can change the soft TLB. The first looks whether
 * all that they span is on its page, and leaves the machine address of it in a local; the others
 * take that. Where it is not (about {@link #SPAN} in 4096) each looks for itself.
 *
 * <p>A group reaches from a block on into those that only it leads to. Reads and writes are apart,
 * because their soft TLBs are.
 *
 * <p>That the others look at the local costs nothing where HotSpot splits the two ways at the first
 * test. Over a fence it does not. So where memory order is kept the code from the first access to
 * the last is written twice, if it is simple: a {@link Use#sure} access need not look, and the
 * first goes to the other copy if it must, where each looks for itself. Code of groups that overlap
 * is one {@link #window}, which has one other copy.
 */
final class SharedChecks {
    /** So many bytes a group spans at the most. */
    static final int SPAN = 256;

    /** So many groups are in use at one place at the most; each is a local. */
    static final int LIMIT = 12;

    /**
     * An access of a group.
     *
     * @param slot number of the group's local
     * @param first it makes the check
     * @param offset of its address from the lowest of the group, bytes
     * @param size in bytes at the most
     * @param span bytes from the lowest to the highest of the group
     * @param sure the group is in a {@link #window}
     */
    record Use(int slot, boolean first, int offset, int size, int span, boolean sure) {}

    /** What addresses of a group have in common; the registers by the number of their value. */
    private record Key(int base, int index, int scale, int segment, boolean write) {}

    private record Access(long place, long constant, int size) {}

    private static final class Group {
        final List<Access> accesses = new ArrayList<>();
        long low = Long.MAX_VALUE;
        long high = Long.MIN_VALUE;

        boolean takes(long constant, int size) {
            return accesses.isEmpty()
                    || Math.max(high, constant + size) - Math.min(low, constant) <= SPAN;
        }

        void add(Access a) {
            accesses.add(a);
            low = Math.min(low, a.constant);
            high = Math.max(high, a.constant + a.size);
        }

        long begin() {
            return accesses.getFirst().place;
        }

        long end() {
            return accesses.getLast().place;
        }
    }

    /** What is known of the registers at a place: each is a value, numbered, and a constant. */
    private static final class State {
        final int[] value = new int[Cpu.R_COUNT];
        final long[] constant = new long[Cpu.R_COUNT];
        final Map<Key, Group> open = new HashMap<>();

        State copy() {
            State s = new State();
            System.arraycopy(value, 0, s.value, 0, value.length);
            System.arraycopy(constant, 0, s.constant, 0, constant.length);
            s.open.putAll(open);
            return s;
        }

        void take(int d, int from, long more) {
            int v = value[from];
            constant[d] = constant[from] + more;
            value[d] = v;
        }
    }

    private final RegionShape shape;
    private final boolean ordered;
    private final Map<Long, Use> uses = new HashMap<>();

    /** Last micro-operation of each window, by the place where it begins. */
    private final Map<Long, Integer> windows = new HashMap<>();

    private long window = -1;
    private final List<Group> groups = new ArrayList<>();

    /** Number of the last value; 0 is the one of R_ZERO. */
    private int values;

    private State state = new State();
    private int block;

    private SharedChecks(RegionShape shape) {
        this.shape = shape;
        this.ordered = false;
    }

    /** Each access makes its own check. */
    static SharedChecks none(RegionShape shape) {
        return new SharedChecks(shape);
    }

    /**
     * @param predecessors for each block the only block that leads to it, if that stands before it,
     *     or -1
     * @param ordered there are fences between the accesses
     */
    SharedChecks(RegionShape shape, int[] predecessors, boolean ordered) {
        this.shape = shape;
        this.ordered = ordered;
        State[] ends = new State[predecessors.length];
        for (block = 0; block < predecessors.length; block++) {
            int before = predecessors[block];
            if (before >= 0 && before < block && !ordered) {
                state = ends[before].copy();
            } else {
                state = new State();
                Arrays.setAll(state.value, r -> r == Cpu.R_ZERO ? 0 : ++values);
            }
            walk(shape.blocks.get(block));
            ends[block] = state;
        }
        allot();
    }

    /** How micro-operation u of a block takes part, or null. */
    @Nullable Use use(int number, int u) {
        return uses.get(place(number, u));
    }

    /**
     * Index of the last micro-operation of the code that begins at this one and is to be written
     * twice; -1 if none does.
     */
    int window(int number, int u) {
        return windows.getOrDefault(place(number, u), -1);
    }

    private static long place(int number, int u) {
        return (long) number << 32 | u;
    }

    private void walk(Block b) {
        boolean[] again = new boolean[b.code.length];
        for (int u = 0; u < b.code.length; u += 2) {
            if (((int) b.code[u] & 0xFF) == Uop.LOCK_STORE) {
                again[(int) b.code[u + 1]] = true;
            }
        }
        for (int u = 0; u < b.code.length; u += 2) {
            if (again[u]) {
                // Execution comes here from below, too.
                state.open.clear();
            }
            step(b, u, b.code[u], b.code[u + 1]);
        }
    }

    private void step(Block b, int u, long w, long imm) {
        int op = (int) w & 0xFF;
        int d = (int) (w >>> 8) & 31;
        int a = (int) (w >>> 16) & 31;
        int second = (int) (w >>> 24) & 31;
        switch (op) {
            case Uop.LD8, Uop.LD16, Uop.LD32, Uop.LD64 -> {
                access(u, w, imm, 1 << op - Uop.LD8, false);
                changed(d);
            }
            case Uop.LDW8, Uop.LDW16, Uop.LDW32, Uop.LDW64 -> {
                access(u, w, imm, 1 << op - Uop.LDW8, true);
                changed(d);
            }
            case Uop.ST8, Uop.ST16, Uop.ST32, Uop.ST64 ->
                    access(u, w, imm, 1 << op - Uop.ST8, true);
            case Uop.PUSH64, Uop.CALL64, Uop.CALL_REG64 -> {
                state.take(Cpu.RSP, Cpu.RSP, -8);
                stack(u, true);
            }
            case Uop.POP64 -> {
                stack(u, false);
                state.take(Cpu.RSP, Cpu.RSP, 8);
                changed(d);
            }
            case Uop.RET64 -> {
                stack(u, false);
                state.take(Cpu.RSP, Cpu.RSP, imm);
            }
            case Uop.MOVI -> state.take(d, Cpu.R_ZERO, imm);
            case Uop.MOV64 -> state.take(d, a, 0);
            case Uop.LEA64 -> {
                if (second == Cpu.R_ZERO && ((int) (w >>> 40) & 31) == Cpu.R_ZERO) {
                    state.take(d, a, imm);
                } else {
                    changed(d);
                }
            }
            case Uop.ADD64, Uop.SUB64 -> {
                if (second == Cpu.R_ZERO) {
                    state.take(d, a, op == Uop.ADD64 ? imm : -imm);
                } else {
                    changed(d);
                }
            }
            case Uop.INC64 -> state.take(d, d, 1);
            case Uop.DEC64 -> state.take(d, d, -1);
            case Uop.MUL64 -> {
                changed(Cpu.RAX);
                changed(Cpu.RDX);
            }
            case Uop.XCHG -> {
                changed(d);
                changed(a);
            }
            case Uop.CMP64, Uop.CMP32, Uop.CMPN, Uop.TEST64, Uop.TEST32, Uop.TESTN -> {}
            case Uop.EXEC -> execute(b, u, b.instructions[(int) imm]);
            case Uop.LOCK_LOAD, Uop.LOCK_STORE, Uop.SEGMENT, Uop.LOOP -> forget();
            default -> {
                if (!UopTraits.endsBlock(op)) {
                    changed(d);
                }
            }
        }
    }

    private void execute(Block b, int u, Instruction i) {
        if (!VectorEmitter.supports(i, b.modeKey) || i.op.group != Op.Group.VECTOR) {
            forget();
            return;
        }
        if (i.memoryOperand() >= 0) {
            boolean relative = i.base == Instruction.RIP_BASE;
            int base = relative ? Cpu.R_ORIGIN : i.base < 0 ? Cpu.R_ZERO : i.base;
            int index = i.index < 0 ? Cpu.R_ZERO : i.index;
            int segment = i.segment >= Cpu.FS ? Cpu.R_SEG_BASE + i.segment : Cpu.R_ZERO;
            long disp = relative ? i.disp + i.nextRip() : i.disp;
            boolean write = i.memoryOperand() == 0;
            access(u, base, index, i.scale, segment, disp, i.vex ? 32 : 16, write);
        }
        int written = VectorEmitter.generalDestination(i);
        for (int r = 0; r < 16; r++) {
            if ((written >>> r & 1) != 0) {
                changed(r);
            }
        }
    }

    private void stack(int u, boolean write) {
        access(u, Cpu.RSP, Cpu.R_ZERO, 0, Cpu.R_ZERO, 0, 8, write);
    }

    private void access(int u, long w, long imm, int size, boolean write) {
        access(
                u,
                (int) (w >>> 16) & 31,
                (int) (w >>> 24) & 31,
                (int) (w >>> 32) & 3,
                (int) (w >>> 40) & 31,
                imm,
                size,
                write);
    }

    private void access(int u, int a, int b, int scale, int s, long imm, int size, boolean write) {
        int[] v = state.value;
        Key key = new Key(v[a], v[b], v[b] == 0 ? 0 : scale, v[s], write);
        long constant = state.constant[a] + (state.constant[b] << scale) + state.constant[s] + imm;
        Group g = state.open.get(key);
        if (g == null || !g.takes(constant, size)) {
            g = new Group();
            groups.add(g);
            state.open.put(key, g);
        }
        g.add(new Access(place(block, u), constant, size));
    }

    private void changed(int d) {
        state.value[d] = ++values;
        state.constant[d] = 0;
    }

    /** Registers and the soft TLB may have changed. */
    private void forget() {
        state.open.clear();
        for (int r = 0; r < Cpu.R_COUNT; r++) {
            if (r != Cpu.R_ZERO) {
                changed(r);
            }
        }
    }

    /** Gives groups their locals: one may serve several that follow one another. */
    private void allot() {
        long[] taken = new long[LIMIT];
        Arrays.fill(taken, -1);
        for (Group g : groups) {
            if (g.accesses.size() < 2) {
                continue;
            }
            for (int n = 0; n < LIMIT; n++) {
                if (taken[n] < g.begin()) {
                    taken[n] = g.end();
                    note(g, n, ordered && extendWindow(g));
                    break;
                }
            }
        }
    }

    /** Makes a group part of a window, if its code is simple. Groups come as they begin. */
    private boolean extendWindow(Group g) {
        int number = (int) (g.begin() >>> 32);
        Block b = shape.blocks.get(number);
        int from = (int) g.begin();
        int to = lastOfInstruction(b, (int) g.end());
        for (int u = from; u <= to; u += 2) {
            if (!isSimple(b, u)) {
                return false;
            }
        }
        if (window >= 0 && window >>> 32 == number && windows.getOrDefault(window, -1) >= from) {
            windows.merge(window, to, Math::max);
        } else {
            window = g.begin();
            windows.put(window, to);
        }
        return true;
    }

    /**
     * Index of the last micro-operation of an instruction, short of the end of the block: a store
     * that follows its load must not be in other code than that.
     */
    private static int lastOfInstruction(Block b, int u) {
        int to = u;
        for (int next = u + 2; next < b.code.length; next += 2) {
            if (b.start(b.instructionAt(next)) == next
                    || UopTraits.endsBlock((int) b.code[next] & 0xFF)) {
                break;
            }
            to = next;
        }
        return to;
    }

    /** Whether code can be written twice: it begins nowhere else and calls nothing. */
    private static boolean isSimple(Block b, int u) {
        int op = (int) b.code[u] & 0xFF;
        for (int k = u; k < b.code.length; k += 2) {
            if (((int) b.code[k] & 0xFF) == Uop.LOCK_STORE && b.code[k + 1] == u) {
                return false;
            }
        }
        return switch (op) {
            case Uop.EXEC,
                    Uop.LOCK_LOAD,
                    Uop.LOCK_STORE,
                    Uop.SEGMENT,
                    Uop.SAVE_FLAGS,
                    Uop.RESTORE_FLAGS ->
                    false;
            default -> true;
        };
    }

    private void note(Group g, int slot, boolean sure) {
        int span = (int) (g.high - g.low);
        for (Access a : g.accesses) {
            uses.put(
                    a.place,
                    new Use(
                            slot,
                            a == g.accesses.getFirst(),
                            (int) (a.constant - g.low),
                            a.size,
                            span,
                            sure));
        }
    }
}
