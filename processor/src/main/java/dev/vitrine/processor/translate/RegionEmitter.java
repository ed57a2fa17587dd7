// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import static java.lang.constant.ConstantDescs.CD_boolean;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;
import static java.lang.constant.ConstantDescs.CD_void;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;
import dev.vitrine.processor.exec.Block;
import dev.vitrine.processor.exec.RegionCode;
import dev.vitrine.processor.lift.Uop;

import org.jspecify.annotations.Nullable;

import java.lang.classfile.ClassFile;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.classfile.instruction.SwitchCase;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * Writes the class of a region: one method, in which the blocks stand in the region's order and
 * branches between them are jumps. Flags are local variables, and so are guest registers in the
 * second stage.
 *
 * <p>Nothing that is written out here can fault: where an access misses the soft TLB, or an operand
 * is one for the slow path, the region is left at the beginning of the instruction, and the
 * interpreter does it. So the method has no calls that come back and no values that live across
 * them. Only helpers can fault; these find all state in the processor.
 */
final class RegionEmitter {
    private static final ClassDesc BASE = ClassDesc.of("dev.vitrine.processor.exec.RegionCode");
    private static final ClassDesc CPU = ClassDesc.of("dev.vitrine.processor.core.Cpu");
    private static final ClassDesc LONGS = CD_long.arrayType();
    private static final ClassDesc REGION = ClassDesc.of("dev.vitrine.processor.exec.Region");
    private static final ClassDesc INSTRUCTION =
            ClassDesc.of("dev.vitrine.processor.decode.Instruction");
    private static final ClassDesc UNITS = ClassDesc.of("dev.vitrine.processor.exec.Units");
    private static final ClassDesc VECTOR_UNIT =
            ClassDesc.of("dev.vitrine.processor.vector.VectorUnit");
    private static final ClassDesc LOOPS = ClassDesc.of("dev.vitrine.processor.exec.IntegerUnit");

    private static final MethodTypeDesc RUN = MethodTypeDesc.of(CD_int, CPU, REGION, CD_int);

    /** So many addresses a return is compared with before the region is left. */
    private static final int RETURN_SITES = 8;

    private final RegionShape shape;
    private final boolean ordered;

    /** The domain has one processor only. */
    private final boolean alone;

    private final long ramMask;
    private final boolean small;
    private final ClassDesc name;
    private final List<Integer> returnSites;
    private final PageCaches caches;
    private final SharedChecks shared;

    /** Where the indirect branch of each block has gone to; the guest runs on meanwhile. */
    private final List<long[]> observed = new ArrayList<>();

    /** Blocks that the method can be entered at. */
    final List<Block> entries = new ArrayList<>();

    final List<Instruction> helpers = new ArrayList<>();
    final List<Block> ends = new ArrayList<>();

    /** Addresses outside that branches lead to, by number of the link. */
    final List<Long> links = new ArrayList<>();

    private int[] sites = new int[96];
    private int siteCount;

    private CodeBuilder code;
    private FlagEmitter flags;
    private UopEmitter uops;
    private VectorEmitter vectors;

    /** Kind of vector instructions that the block has found enabled. */
    private int vectorsFound;

    private Locals locals;
    private Label[] labels;
    private MemoryEmitter memory;
    private OnwardEmitter onward;
    private Label leave;
    private Label resume;
    private Label out;
    private RetiredCount retired;

    /** Ways out to the interpreter, by number of the site; written behind the blocks. */
    private final List<@Nullable Label> misses = new ArrayList<>();

    private Label leaveWith;

    /** For each block, the kind of flags that the ways to it bring; UNKNOWN before the first. */
    private int[] incoming;

    private static final int UNKNOWN = -2;
    private int current;

    /** Instructions before the place that is being written that are not counted yet. */
    private int pending;

    /** The same at the beginning of blocks that one way leads to, and which these are. */
    private int[] carried;

    private final boolean[] lone;

    /** Ranges of helper calls, whose faults find the registers in the processor. */
    private final List<Label> helperRanges = new ArrayList<>();

    @SuppressWarnings("NullAway.Init") // set when the method body is begun
    RegionEmitter(RegionShape shape, boolean ordered, boolean alone, long ramMask, int stage) {
        this.alone = alone;
        this.ramMask = ramMask;
        // The launcher tells HotSpot by these names what to do with them.
        this.name =
                ClassDesc.of(
                        "dev.vitrine.processor.translate." + (stage == 1 ? "WarmCode" : "HotCode"));
        this.shape = shape;
        this.ordered = ordered;
        this.small = stage == 1;
        List<Integer> all = shape.returnSites();
        // Accesses of the first stage are calls.
        this.caches = small ? PageCaches.none() : new PageCaches(shape);
        this.returnSites = all.subList(0, Math.min(RETURN_SITES, all.size()));
        for (Block b : shape.blocks) {
            int op = RegionShape.end(b);
            boolean indirect = op == Uop.JMP_REG || op == Uop.CALL_REG64;
            observed.add(indirect ? b.observedTargets() : new long[0]);
        }
        chooseEntries();
        this.lone = new boolean[shape.blocks.size()];
        int[] predecessors = findLone();
        this.shared =
                small ? SharedChecks.none(shape) : new SharedChecks(shape, predecessors, ordered);
    }

    /**
     * Of each place that may fault or be left the number of the block, the index of the
     * micro-operation, and how many instructions before the block are still to be counted.
     */
    int[] sites() {
        return Arrays.copyOf(sites, 3 * siteCount);
    }

    /** The class file. */
    byte[] emit() {
        return ClassFile.of()
                .build(
                        name,
                        c -> {
                            c.withFlags(ClassFile.ACC_FINAL | ClassFile.ACC_SUPER);
                            c.withSuperclass(BASE);
                            c.withMethodBody(
                                    ConstantDescs.INIT_NAME,
                                    ConstantDescs.MTD_void,
                                    ClassFile.ACC_PUBLIC,
                                    RegionEmitter::constructor);
                            c.withMethodBody(
                                    ConstantDescs.CLASS_INIT_NAME,
                                    ConstantDescs.MTD_void,
                                    ClassFile.ACC_STATIC,
                                    this::initializer);
                            c.withMethodBody(
                                    "another",
                                    MethodTypeDesc.of(BASE),
                                    ClassFile.ACC_PROTECTED,
                                    this::another);
                            c.withMethodBody("run", RUN, ClassFile.ACC_PUBLIC, this::body);
                        });
    }

    private static void constructor(CodeBuilder b) {
        b.aload(0).invokespecial(BASE, ConstantDescs.INIT_NAME, ConstantDescs.MTD_void).return_();
    }

    /**
     * Makes the first instance, and says which it is: by reflection it took a third as long as the
     * class.
     */
    private void initializer(CodeBuilder b) {
        instance(b).invokestatic(BASE, "made", MethodTypeDesc.of(CD_void, BASE)).return_();
    }

    private void another(CodeBuilder b) {
        instance(b).areturn();
    }

    private CodeBuilder instance(CodeBuilder b) {
        b.new_(name).dup();
        return b.invokespecial(name, ConstantDescs.INIT_NAME, ConstantDescs.MTD_void);
    }

    // --------------------------------------------------------------- the method

    private void body(CodeBuilder b) {
        // The builder may ask twice (long jumps): begin from nothing.
        code = b;
        helpers.clear();
        ends.clear();
        links.clear();
        helperRanges.clear();
        misses.clear();
        siteCount = 0;
        flags =
                new FlagEmitter(
                        b,
                        Locals.CPU_LOCAL,
                        Locals.FLAG_KIND,
                        Locals.FLAG_X,
                        Locals.FLAG_Y,
                        rotations(),
                        small);
        memory = new MemoryEmitter(b, ordered, small, alone, ramMask, caches.count());
        long doubles = VectorEmitter.doubleLanes(shape.blocks);
        locals = makeLocals(doubles);
        uops = new UopEmitter(b, locals, flags, memory, shape.relocatable);
        onward = new OnwardEmitter(b, memory, RUN);
        vectors = new VectorEmitter(b, uops, memory, flags, doubles, this::reloadContext);
        int n = shape.blocks.size();
        labels = new Label[n];
        for (int i = 0; i < n; i++) {
            labels[i] = b.newLabel();
        }
        leave = b.newLabel();
        leaveWith = b.newLabel();
        resume = b.newLabel();
        out = b.newLabel();
        retired = new RetiredCount(b, small, shape.longestPath);
        beginFlags();
        carried = new int[n];
        prologue();
        for (current = 0; current < n; current++) {
            b.labelBinding(labels[current]);
            block(shape.blocks.get(current));
        }
        missed();
        epilogue();
        handler();
    }

    private boolean rotations() {
        for (Block b : shape.blocks) {
            for (int u = 0; u < b.code.length; u += 2) {
                if (UopTraits.isRotation((int) b.code[u] & 0xFF)) {
                    return true;
                }
            }
        }
        return false;
    }

    private Locals makeLocals(long doubles) {
        int used = 1 << Cpu.RSP;
        int changed = 0;
        boolean vector = false;
        long lanes = 0;
        long changedLanes = 0;
        for (Block b : shape.blocks) {
            for (int u = 0; u < b.code.length; u += 2) {
                used |= UopTraits.registers(b.code[u]);
                changed |= UopTraits.written(b.code[u]);
            }
            for (Instruction i : b.instructions) {
                if (VectorEmitter.supports(i, b.modeKey)) {
                    used |= VectorEmitter.registers(i);
                    changed |= VectorEmitter.generalDestination(i);
                    vector |= i.op.group == Op.Group.VECTOR;
                    lanes |= VectorEmitter.lanes(i);
                    changedLanes |= VectorEmitter.changedLanes(i);
                }
            }
        }
        used = shape.relocatable ? used | 1 << Cpu.R_ORIGIN : used & ~(1 << Cpu.R_ORIGIN);
        return new Locals(small, alone, used, changed, vector, lanes, changedLanes, doubles);
    }

    /** The head, and where execution comes back to after it has left. */
    private void chooseEntries() {
        Set<Long> taken = new HashSet<>();
        entries.add(shape.blocks.getFirst());
        taken.add(shape.blocks.getFirst().rip);
        for (Block b : shape.blocks) {
            int op = RegionShape.end(b);
            boolean outside =
                    op == Uop.EXEC_END
                            || op == Uop.CALL_REG64
                            || (op == Uop.CALL64 && shape.number(b.target) < 0);
            int n = shape.number(b.fallThrough);
            if (outside && n >= 0 && taken.add(b.fallThrough)) {
                entries.add(shape.blocks.get(n));
            }
        }
    }

    /** Where the kind of the flags is not known. */
    private void beginFlags() {
        incoming = new int[shape.blocks.size()];
        Arrays.fill(incoming, UNKNOWN);
        for (Block b : entries) {
            incoming[shape.number(b.rip)] = FlagEmitter.DYNAMIC;
        }
        // What comes around a loop is not known when its head is written.
        for (int i = 0; i < shape.blocks.size(); i++) {
            Block b = shape.blocks.get(i);
            for (long rip : RegionShape.successors(b)) {
                looped(shape.number(rip), i);
            }
            for (long rip : observed.get(i)) {
                looped(shape.number(rip), i);
            }
            if (RegionShape.end(b) == Uop.RET64) {
                for (int site : returnSites) {
                    looped(site, i);
                }
            }
        }
    }

    private void looped(int to, int from) {
        if (to >= 0 && to <= from) {
            incoming[to] = FlagEmitter.DYNAMIC;
        }
    }

    private void prologue() {
        code.iconst_0().istore(Locals.EXIT);
        code.iload(Locals.ENTRY).iflt(out);
        memory.enter();
        retired.enter();
        code.iconst_0().istore(Locals.SITE);
        code.lconst_0().lstore(Locals.TARGET);
        code.iconst_0().istore(Locals.OLD_KIND);
        code.lconst_0().lstore(Locals.OLD_X).lconst_0().lstore(Locals.OLD_Y);
        if (locals.vectors()) {
            code.aload(Locals.CPU_LOCAL).getfield(CPU, "v", LONGS).astore(Locals.VECTORS);
            code.aload(Locals.CPU_LOCAL);
            code.invokestatic(VECTOR_UNIT, "enabled", MethodTypeDesc.of(CD_int, CPU));
            code.istore(Locals.VECTOR_STATE);
            locals.loadVectors(code);
        }
        locals.load(code);
        flags.enter();
        memory.forget();
        if (entries.size() == 1) {
            code.goto_(labels[0]);
            return;
        }
        List<SwitchCase> cases = new ArrayList<>();
        for (int i = 1; i < entries.size(); i++) {
            cases.add(SwitchCase.of(i, labels[shape.number(entries.get(i).rip)]));
        }
        code.iload(Locals.ENTRY);
        code.tableswitch(1, entries.size() - 1, labels[0], cases);
    }

    private void reloadContext() {
        memory.loadContext();
        memory.forget();
    }

    /** Where accesses missed: notes which, and leaves. */
    private void missed() {
        for (int i = 0; i < misses.size(); i++) {
            Label miss = misses.get(i);
            if (miss != null) {
                code.labelBinding(miss);
                code.loadConstant(~i).istore(Locals.EXIT).goto_(resume);
            }
        }
    }

    private void epilogue() {
        code.labelBinding(leave);
        code.iconst_0().istore(Locals.EXIT);
        code.labelBinding(leaveWith);
        if (small) {
            code.aload(Locals.CPU_LOCAL).lload(Locals.TARGET).putfield(CPU, "rip", CD_long);
        }
        code.labelBinding(resume);
        locals.store(code);
        flags.leave();
        if (!small) {
            code.aload(Locals.CPU_LOCAL).lload(Locals.TARGET).putfield(CPU, "rip", CD_long);
            retired.leave();
            onward.emit(!links.isEmpty());
        }
        code.labelBinding(out);
        code.iload(Locals.EXIT).ireturn();
    }

    /** Exceptions of helpers: all state is in the processor already. */
    private void handler() {
        if (helperRanges.isEmpty()) {
            return;
        }
        Label handler = code.newBoundLabel();
        code.astore(Locals.SCRATCH);
        code.aload(Locals.REGION).aload(Locals.CPU_LOCAL).iload(Locals.SITE);
        retired.pushKept();
        code.aload(Locals.SCRATCH);
        code.invokevirtual(
                REGION,
                "stopped",
                MethodTypeDesc.of(CD_void, CPU, CD_int, CD_long, ConstantDescs.CD_Throwable));
        code.aload(Locals.SCRATCH).athrow();
        for (int i = 0; i < helperRanges.size(); i += 2) {
            code.exceptionCatchAll(helperRanges.get(i), helperRanges.get(i + 1), handler);
        }
    }

    // --------------------------------------------------------------- one block

    private void block(Block b) {
        pending = lone[current] ? carried[current] : 0;
        vectorsFound = 0;
        vectors.begin(current, lone[current]);
        flags.begin(incoming[current] == UNKNOWN ? FlagEmitter.DYNAMIC : incoming[current]);
        again = retryLabels(b);
        instruction = -1;
        for (int u = 0; u < b.code.length; u += 2) {
            int last = shared.window(current, u);
            if (last >= 0) {
                beginWindow(u, last);
            }
            begin(b, u);
            int run = uops.run(b.code, u);
            if (run > 1) {
                uops.emitRun(b.code, u, run, miss(u));
                u += 2 * (run - 1);
                continue;
            }
            memory.remember(caches.slot(b, u));
            memory.take(shared.use(current, u), window == null ? null : window.other(u));
            if (UopTraits.endsBlock((int) b.code[u] & 0xFF)) {
                end(b, u);
                return;
            }
            operation(b, u);
            memory.endShare();
            endWindow(b, u);
        }
        throw new IllegalStateException("block without an end");
    }

    /** Labels at the micro-operations that locked operations of the block begin again at. */
    private @Nullable Label[] again = {};

    /** Number of the instruction in its block. */
    private int instruction;

    private void begin(Block b, int u) {
        while (instruction + 1 < b.count && b.start(instruction + 1) <= u) {
            instruction++;
            miss = null;
            uops.beginInstruction();
        }
        Label retry = again[u >> 1];
        if (retry != null) {
            flags.sync();
            code.labelBinding(retry);
            flags.begin(FlagEmitter.DYNAMIC);
        }
    }

    /** Writes a micro-operation that does not end its block. */
    private void operation(Block b, int u) {
        long w = b.code[u];
        long imm = b.code[u + 1];
        int op = (int) w & 0xFF;
        boolean seen = UopTraits.flagsSeen(b.code, u);
        switch (op) {
            case Uop.EXEC -> {
                Instruction i = b.instructions[(int) imm];
                if (VectorEmitter.supports(i, b.modeKey)) {
                    vectors.emit(i, vectorsFound != (i.vex ? 2 : 1), seen, miss(u));
                    if (i.op.group == Op.Group.VECTOR) {
                        vectorsFound = i.vex ? 2 : 1;
                    }
                } else {
                    helper(u, i, (int) (w >>> 32) != 0 ? instruction : -1);
                }
            }
            case Uop.SAVE_FLAGS -> flags.save();
            case Uop.RESTORE_FLAGS -> flags.restore();
            case Uop.LOCK_LOAD, Uop.SEGMENT -> {
                // These may fault, as helpers do.
                beforeHelper(u);
                Label from = code.newBoundLabel();
                uops.checked(w, imm);
                helperRanges.add(from);
                helperRanges.add(code.newBoundLabel());
                uops.popChecked(w);
                memory.forget();
            }
            case Uop.LOCK_STORE -> {
                beforeHelper(u);
                Label from = code.newBoundLabel();
                uops.lockStore(w);
                helperRanges.add(from);
                helperRanges.add(code.newBoundLabel());
                memory.forget();
                code.ifeq(Objects.requireNonNull(again[(int) imm >> 1]));
            }
            default -> uops.emit(w, imm, seen, UopTraits.leaves(op) ? miss(u) : leave);
        }
    }

    // ------------------------------------------------------ code that is written twice

    /** The window that is being written, see {@link SharedChecks}. */
    private @Nullable Window window;

    /** What is known where a window begins, and the places in its other copy. */
    private final class Window {
        final int from;
        final int to;
        final int instructionThen = instruction;
        final FlagEmitter.State flagsThen = flags.state();
        final UopEmitter.State uopsThen = uops.state();
        private final Label[] others;

        Window(int from, int to) {
            this.from = from;
            this.to = to;
            others = new Label[(to - from >> 1) + 1];
            for (int u = from; u <= to; u += 2) {
                SharedChecks.Use use = shared.use(current, u);
                if (use != null && use.first() && use.sure()) {
                    others[u - from >> 1] = code.newLabel();
                }
            }
        }

        @Nullable Label other(int u) {
            return others[u - from >> 1];
        }
    }

    private void beginWindow(int from, int to) {
        window = new Window(from, to);
    }

    /** Behind the last micro-operation of a window, or its access: writes the other copy. */
    private void endWindow(Block b, int end) {
        Window w = window;
        if (w == null || w.to != end) {
            return;
        }
        window = null;
        flags.sync();
        Label joined = code.newLabel();
        code.goto_(joined);
        FlagEmitter.State flagsNow = flags.state();
        UopEmitter.State uopsNow = uops.state();
        instruction = w.instructionThen;
        flags.restore(w.flagsThen);
        uops.restore(w.uopsThen);
        miss = null;
        memory.apart(true);
        for (int u = w.from; u <= w.to; u += 2) {
            Label here = w.other(u);
            if (here != null) {
                code.labelBinding(here);
            }
            begin(b, u);
            memory.remember(PageCaches.NONE);
            memory.take(shared.use(current, u), null);
            if (UopTraits.endsBlock((int) b.code[u] & 0xFF)) {
                endAccess(b, u);
            } else {
                operation(b, u);
            }
        }
        memory.apart(false);
        flags.sync();
        if (!flags.state().sameAs(flagsNow) || !uops.state().equals(uopsNow)) {
            throw new IllegalStateException("copies of a window end differently");
        }
        flags.restore(flagsNow);
        code.labelBinding(joined);
    }

    private @Nullable Label miss;

    /** Where to go if the guest instruction that micro-operation u belongs to must be left. */
    private Label miss(int u) {
        flags.sync();
        Label label = miss;
        if (label == null) {
            label = code.newLabel();
            miss = label;
            misses.set(site(u), label);
        }
        return label;
    }

    /** Puts all state into the processor, for something that may fault. */
    private void beforeHelper(int u) {
        code.loadConstant(site(u)).istore(Locals.SITE);
        flags.sync();
        locals.store(code);
        flags.toCpu();
        retired.keep();
        if (!small) {
            onward.tellWay();
        }
    }

    /** Labels at the micro-operations that locked operations begin again at. */
    private Label[] retryLabels(Block b) {
        Label[] again = new Label[b.code.length / 2];
        for (int u = 0; u < b.code.length; u += 2) {
            if (((int) b.code[u] & 0xFF) == Uop.LOCK_STORE) {
                int to = (int) b.code[u + 1] >> 1;
                if (again[to] == null) {
                    again[to] = code.newLabel();
                }
            }
        }
        return again;
    }

    /** The number of a new place, micro-operation u of the current block. */
    private int site(int u) {
        if (3 * siteCount + 3 > sites.length) {
            sites = Arrays.copyOf(sites, 2 * sites.length);
        }
        sites[3 * siteCount] = current;
        sites[3 * siteCount + 1] = u;
        sites[3 * siteCount + 2] = pending;
        misses.add(null);
        return siteCount++;
    }

    /**
     * Calls the unit that knows an instruction, with all state in the processor.
     *
     * @param timed number of the instruction in its block if it looks at the clock, or -1
     */
    private void helper(int u, Instruction i, int timed) {
        beforeHelper(u);
        if (timed >= 0) {
            retired.set(pending + timed);
        }
        code.aload(Locals.CPU_LOCAL);
        uops.pushRip(i.rip);
        code.putfield(CPU, "rip", CD_long);
        code.aload(Locals.CPU_LOCAL);
        uops.pushRip(i.nextRip());
        code.putfield(CPU, "nextRip", CD_long);
        code.aload(Locals.CPU_LOCAL);
        pushHelper(i);
        Label from = code.newBoundLabel();
        code.invokestatic(UNITS, "execute", MethodTypeDesc.of(CD_void, CPU, INSTRUCTION));
        Label to = code.newBoundLabel();
        helperRanges.add(from);
        helperRanges.add(to);
        if (timed >= 0) {
            retired.restore();
        }
        memory.forget();
        locals.load(code);
        if (i.op.group == Op.Group.VECTOR || i.op.group == Op.Group.X87) {
            locals.loadVectors(code);
            vectors.forget();
        }
        flags.fromCpu();
    }

    private void pushHelper(Instruction i) {
        code.aload(Locals.REGION)
                .getfield(REGION, "helpers", INSTRUCTION.arrayType())
                .loadConstant(helpers.size())
                .aaload();
        helpers.add(i);
    }

    // ------------------------------------------------------------ ends of blocks

    /** So many instructions more have retired; the ways from here on count them. */
    private void count(int instructions) {
        pending += instructions;
    }

    /** Counts what is pending, on the way that is being written. */
    private void settleCount() {
        retired.add(pending);
    }

    /** The target that a return has popped is known to be canonical. */
    private boolean canonical;

    /** Writes what a micro-operation that ends its block does before it branches. */
    private void endAccess(Block b, int u) {
        long w = b.code[u];
        switch ((int) w & 0xFF) {
            case Uop.CALL64 -> pushReturnAddress(u, w);
            case Uop.CALL_REG64 -> {
                uops.push((int) (w >>> 16) & 31);
                code.lstore(Locals.TARGET);
                pushIsCanonical();
                code.ifne(miss(u));
                pushReturnAddress(u, w);
            }
            case Uop.RET64 -> {
                canonical = uops.popTarget(miss(u));
                long more = b.code[u + 1] - 8;
                if (more != 0) {
                    uops.push(Cpu.RSP);
                    code.loadConstant(more).ladd();
                    uops.pop(Cpu.RSP);
                }
            }
            default -> {}
        }
    }

    private void end(Block b, int u) {
        long w = b.code[u];
        long imm = b.code[u + 1];
        int op = (int) w & 0xFF;
        if (op >= Uop.CMP64_JCC) {
            comparisonAndBranch(b, w, imm, op);
            return;
        }
        if (op >= Uop.JCC && op < Uop.JMP) {
            branch(b, op - Uop.JCC);
            return;
        }
        endAccess(b, u);
        endWindow(b, u);
        switch (op) {
            case Uop.JMP -> {
                count(b.count);
                jump(b.target);
            }
            case Uop.NEXT -> {
                count(b.count);
                jump(b.fallThrough);
            }
            case Uop.CALL64 -> {
                count(b.count);
                jump(b.target);
            }
            case Uop.CALL_REG64 -> {
                count(b.count);
                goToObserved();
                noteLeaving();
                leaveAs(RegionCode.INDIRECT);
            }
            case Uop.JMP_REG -> {
                uops.push((int) (w >>> 16) & 31);
                code.lstore(Locals.TARGET);
                Label bad = miss(u);
                count(b.count);
                goToObserved();
                pushIsCanonical();
                code.ifne(bad);
                noteLeaving();
                leaveAs(RegionCode.INDIRECT);
            }
            case Uop.RET64 -> {
                Label bad = miss(u);
                count(b.count);
                for (int n : returnSites) {
                    compareTarget(n);
                }
                if (!canonical) {
                    Label good = code.newLabel();
                    pushIsCanonical();
                    code.ifeq(good);
                    uops.push(Cpu.RSP);
                    code.loadConstant(imm).lsub();
                    uops.pop(Cpu.RSP);
                    code.goto_(bad);
                    code.labelBinding(good);
                }
                noteLeaving();
                leaveAs(RegionCode.RETURN);
            }
            case Uop.EXEC_END -> {
                flags.sync();
                count(b.count - 1);
                settleCount();
                ends.add(b);
                code.loadConstant(ends.size()).istore(Locals.EXIT);
                code.goto_(leaveWith);
            }
            case Uop.LOOP -> {
                flags.sync();
                locals.store(code);
                flags.toCpu();
                code.aload(Locals.CPU_LOCAL);
                pushHelper(b.instructions[(int) imm]);
                code.invokestatic(LOOPS, "loop", MethodTypeDesc.of(CD_boolean, CPU, INSTRUCTION));
                code.istore(Locals.EXIT);
                locals.load(code);
                count(b.count);
                Label taken = code.newLabel();
                code.iload(Locals.EXIT).ifne(taken);
                jump(b.fallThrough);
                code.labelBinding(taken);
                jump(b.target);
            }
            default -> throw new IllegalStateException("end of block " + op);
        }
    }

    /** Says which block is left by a branch to wherever. */
    private void noteLeaving() {
        code.aload(Locals.CPU_LOCAL).loadConstant(current);
        code.putfield(CPU, "leftFrom", CD_int);
    }

    private void leaveAs(int exit) {
        flags.sync();
        settleCount();
        code.loadConstant(exit).istore(Locals.EXIT).goto_(leaveWith);
    }

    private void pushReturnAddress(int u, long w) {
        uops.pushOnStack((int) (w >>> 8) & 31, miss(u));
    }

    /**
     * Pushes 0 if the target is canonical. Known ones are; of others it is the interpreter's to
     * raise what must be, as if nothing of the instruction had been done.
     */
    private void pushIsCanonical() {
        code.lload(Locals.TARGET).lload(Locals.TARGET);
        code.loadConstant(16).lshl().loadConstant(16).lshr().lcmp();
    }

    /** Goes to the targets of an indirect branch that are in the region. */
    private void goToObserved() {
        for (long rip : observed.get(current)) {
            int n = shape.number(rip);
            if (n >= 0) {
                compareTarget(n);
            }
        }
    }

    private void compareTarget(int n) {
        Label other = code.newLabel();
        code.lload(Locals.TARGET);
        uops.pushRip(shape.blocks.get(n).rip);
        code.lcmp().ifne(other);
        jump(shape.blocks.get(n).rip);
        code.labelBinding(other);
    }

    private void comparisonAndBranch(Block b, long w, long imm, int op) {
        int cc = op & 15;
        uops.emit((w & ~0xFFL) | Uop.comparison(op), imm, true, leave);
        branch(b, cc);
    }

    private void branch(Block b, int cc) {
        flags.sync();
        count(b.count);
        int taken = shape.number(b.target);
        int next = shape.number(b.fallThrough);
        if (taken >= 0 && lone[taken]) {
            flags.branch(cc, labels[taken]);
            note(taken);
            jump(b.fallThrough);
        } else if (next >= 0 && lone[next]) {
            flags.branch(cc ^ 1, labels[next]);
            note(next);
            jump(b.target);
        } else {
            Label to = code.newLabel();
            flags.branch(cc, to);
            jump(b.fallThrough);
            code.labelBinding(to);
            jump(b.target);
        }
    }

    /**
     * Finds the blocks that just one way leads to: what is pending at its beginning need not be
     * counted there. Returns for each block the one that leads to it, -1 for the others.
     */
    private int[] findLone() {
        int[] ways = new int[shape.blocks.size()];
        int[] from = new int[ways.length];
        for (int k = 0; k < ways.length; k++) {
            for (long rip : RegionShape.successors(shape.blocks.get(k))) {
                int n = shape.number(rip);
                if (n >= 0) {
                    ways[n]++;
                    from[n] = k;
                }
            }
            for (long rip : observed.get(k)) {
                int n = shape.number(rip);
                if (n >= 0) {
                    ways[n] += 2;
                }
            }
        }
        for (int n : returnSites) {
            ways[n] += 2;
        }
        for (Block b : entries) {
            ways[shape.number(b.rip)] += 2;
        }
        for (int n = 0; n < ways.length; n++) {
            lone[n] = ways[n] == 1;
            from[n] = lone[n] ? from[n] : -1;
        }
        return from;
    }

    /** Notes the kind of flags on a way to a block that is still to be written. */
    private void note(int number) {
        if (number > current) {
            carried[number] = pending;
            if (lone[number]) {
                vectors.carry(number);
            }
            int kind = flags.kind();
            incoming[number] =
                    incoming[number] == UNKNOWN || incoming[number] == kind
                            ? kind
                            : FlagEmitter.DYNAMIC;
        }
    }

    /** Goes to an address: to its block in the region, or out. */
    private void jump(long rip) {
        flags.sync();
        int n = shape.number(rip);
        if (n >= 0 && lone[n]) {
            note(n);
            code.goto_(labels[n]);
            return;
        }
        settleCount();
        if (n < 0) {
            if (!links.contains(rip)) {
                links.add(rip);
            }
            code.loadConstant(RegionCode.LINK + links.indexOf(rip)).istore(Locals.EXIT);
            uops.pushRip(rip);
            code.lstore(Locals.TARGET).goto_(leaveWith);
        } else if (n > current) {
            note(n);
            code.goto_(labels[n]);
        } else {
            // A loop: only here events and the limit are looked at.
            Label over = code.newLabel();
            retired.pushAhead();
            code.aload(Locals.CPU_LOCAL)
                    .invokevirtual(CPU, "loopLimit", MethodTypeDesc.of(CD_long));
            code.lcmp().ifge(over);
            // Backwards with nothing on the stack, which HotSpot would keep for its safepoint.
            code.goto_(labels[n]);
            code.labelBinding(over);
            uops.pushRip(rip);
            code.lstore(Locals.TARGET).goto_(leave);
        }
    }
}
