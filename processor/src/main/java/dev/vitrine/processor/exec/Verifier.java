// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.memory.FrameTable;
import dev.vitrine.processor.TranslationDifference;
import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.GuestFault;
import dev.vitrine.processor.core.SelfModification;
import dev.vitrine.processor.core.Vector;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ObjLongConsumer;

/**
 * Lock-step mode: whatever a region does is undone, done again by an interpreter that shares no
 * block with it, and compared. Nothing can come in between, for what others write to does not get
 * into the soft TLB (see {@link WritablePages}), and the clock tells both the same (see {@link
 * RecordedHost}).
 *
 * <p>Where the region has left in the middle of a block the interpreter stops at the same
 * instruction. What is compared there is all that the instructions have left behind: registers,
 * flags, memory, the count of instructions, the fault if there was one.
 */
final class Verifier {
    private final Cpu cpu;
    private final Interpreter alone;
    private final RecordedHost host;
    private final WritablePages pages;
    private final StateImage start = new StateImage();
    private final StateImage translated = new StateImage();
    private final StateImage interpreted = new StateImage();

    // How a region has left.
    private int exit;
    private @Nullable RuntimeException thrown;

    /** The block that it was in the middle of, or null. */
    private @Nullable Block within;

    /** How many instructions of that block it had done. */
    private int done;

    /** Instructions retired where that block began, or at the end. */
    private long retiredAtBlock;

    /** The count as the region has left it. */
    private long retiredAtExit;

    private int faultVector;
    private int faultCode;
    private long faultAddress;

    /** What differs beside state and memory. */
    private final List<String> complaints = new ArrayList<>();

    // Statistics.
    private long executions;
    private long instructions;

    Verifier(Cpu cpu, Interpreter alone, RecordedHost host, FrameTable frames) {
        this.cpu = cpu;
        this.alone = alone;
        this.host = host;
        this.pages = new WritablePages(cpu, frames);
        host.attach(cpu);
    }

    void statistics(ObjLongConsumer<String> out) {
        out.accept("region executions verified", executions);
        out.accept("instructions verified", instructions);
    }

    /**
     * Runs a region as {@link RegionCode#run} does, and checks it.
     *
     * @param limit of the run: value of {@code cpu.retired} that the region must not go far beyond
     * @throws TranslationDifference the interpreter did something else
     */
    int run(RegionCode t, long limit) {
        pages.beforeRegion();
        start.save(cpu);
        host.record();
        boolean same;
        try {
            same = attempt(t, limit);
        } finally {
            host.pass();
        }
        if (!same) {
            throw report(t, limit);
        }
        executions++;
        instructions += translated.retired() - start.retired();
        // The next region is to find the flags as this one has left them.
        translated.restoreFlags(cpu);
        if (thrown != null) {
            throw thrown;
        }
        return exit;
    }

    /**
     * Runs the region from the start and then the interpreter, and compares.
     *
     * @return whether both did the same
     */
    private boolean attempt(RegionCode t, long limit) {
        complaints.clear();
        runRegion(t, limit);
        Object block = cpu.currentBlock;
        int resumeAt = cpu.resumeAt;
        boolean missed = cpu.missed;
        long rip = cpu.rip;
        translated.save(cpu);
        if (within != null) {
            translated.setPosition(within.rip(done), retiredAtBlock + done);
        }
        pages.beforeReplay();
        start.restore(cpu);
        LazyFlags.settle(cpu);
        cpu.rip = t.rip;
        host.replay();
        try {
            if (complaints.isEmpty()) {
                replay(limit + t.region.longestPath);
            }
        } finally {
            pages.afterReplay();
        }
        interpreted.save(cpu);
        boolean same =
                complaints.isEmpty() && translated.mismatch(interpreted, 0) < 0 && pages.same();
        cpu.currentBlock = block;
        cpu.resumeAt = resumeAt;
        cpu.missed = missed;
        if (within != null) {
            cpu.rip = rip;
            cpu.retired = retiredAtExit;
        }
        return same;
    }

    /** Runs the region and notes how it left. */
    private void runRegion(RegionCode t, long limit) {
        Region g = t.region;
        within = null;
        thrown = null;
        exit = 0;
        cpu.currentBlock = t;
        cpu.missed = false;
        pages.region();
        try {
            exit = t.run(cpu, g, t.number);
            retiredAtExit = cpu.retired;
            retiredAtBlock = cpu.retired;
            if (exit < 0) {
                // This counts what the region has not counted yet; the caller is to do it again.
                g.resume(cpu, ~exit, 0);
                retiredAtBlock = cpu.retired;
                middle(((Block) java.util.Objects.requireNonNull(cpu.currentBlock)), cpu.resumeAt);
            } else if (exit != RegionCode.EXIT && exit < RegionCode.INDIRECT) {
                within = g.ends[exit - 1];
                done = within.count - 1;
                retiredAtBlock -= done;
            }
        } catch (SelfModification e) {
            thrown = e;
            retiredAtExit = cpu.retired;
            retiredAtBlock = cpu.retired;
            middle(((Block) java.util.Objects.requireNonNull(cpu.currentBlock)), cpu.resumeAt);
        } catch (GuestFault e) {
            thrown = e;
            faultVector = cpu.faultVector;
            faultCode = cpu.faultCode;
            faultAddress = cpu.faultAddress;
            retiredAtExit = cpu.retired;
            retiredAtBlock = cpu.retired;
        } catch (RecordedHost.Stray e) {
            complaints.add("translated code asks the host for " + e.getMessage());
        } catch (RuntimeException e) {
            complaints.add("translated code ends with " + e);
        }
        long most = limit + g.longestPath;
        if (cpu.retired < start.retired() || cpu.retired > most) {
            complaints.add(
                    String.format(
                            "translated code counts %d instructions, and was to do %d at the most",
                            cpu.retired - start.retired(), most - start.retired()));
        }
    }

    private void middle(Block b, int resumeAt) {
        within = b;
        done = b.instructionAt(resumeAt);
    }

    /** Lets the interpreter do as many instructions. */
    private void replay(long most) {
        boolean fault = thrown instanceof GuestFault;
        // Where the region has met a fault the interpreter must not get over that instruction.
        long target = fault ? retiredAtBlock + 1 : retiredAtBlock;
        try {
            while (cpu.retired < target && cpu.retired <= most) {
                alone.run(target);
            }
            if (fault) {
                complaints.add("translated code met a fault with vector " + faultVector);
                return;
            }
            if (cpu.retired != target) {
                complaints.add("translated code has left where no block ends");
            } else if (within != null && done > 0 && cpu.rip == within.rip) {
                if (!alone.runBeginning(done)) {
                    complaints.add("translated code has left where no block is");
                }
            }
            if (!host.replayed()) {
                complaints.add("only translated code asked for the clock or a random number");
            }
        } catch (GuestFault e) {
            compareFault(fault);
        } catch (SelfModification e) {
            complaints.add("only the interpreter wrote to the code in execution");
        } catch (RecordedHost.Stray e) {
            complaints.add("only the interpreter asked the host for " + e.getMessage());
        }
    }

    private void compareFault(boolean expected) {
        if (!expected) {
            complaints.add(
                    String.format(
                            "only the interpreter met a fault, with vector %d at %x",
                            cpu.faultVector, cpu.rip));
        } else if (cpu.faultVector != faultVector
                || cpu.faultCode != faultCode
                || (faultVector == Vector.PF && cpu.faultAddress != faultAddress)) {
            complaints.add(
                    String.format(
                            "translated code met a fault with vector %d and code %x, the"
                                    + " interpreter one with vector %d and code %x",
                            faultVector, faultCode, cpu.faultVector, cpu.faultCode));
        }
    }

    // -------------------------------------------------------------------- reporting

    private TranslationDifference report(RegionCode t, long limit) {
        DifferenceReport report = new DifferenceReport(t);
        report.left(how(), translated.retired() - start.retired());
        report.state(translated, interpreted);
        report.memory(pages);
        complaints.forEach(report::complaint);
        if (pages.restorable()) {
            narrow(t, limit, report);
        } else {
            report.complaint("what only the interpreter wrote cannot be undone to look closer");
        }
        report.code(cpu.mmu.ram);
        return report.finish();
    }

    private String how() {
        if (thrown instanceof GuestFault) {
            return "a fault";
        } else if (thrown != null) {
            return "the interpreter's turn within a helper";
        } else if (exit < 0) {
            return "the slow path";
        } else if (within != null) {
            return "an instruction that ends the block";
        }
        return switch (exit) {
            case RegionCode.EXIT -> "an event or the limit";
            case RegionCode.RETURN -> "a return";
            case RegionCode.INDIRECT -> "an indirect branch";
            default -> "a branch to a fixed address";
        };
    }

    private void again() {
        pages.restore();
        start.restore(cpu);
        host.again();
    }

    /**
     * Runs the region again from the same start with smaller limits, at which it leaves its loops,
     * to find the last of these at which all was well; then lets the interpreter do the rest step
     * by step, and says which instruction changed last what is different.
     */
    private void narrow(RegionCode t, long limit, DifferenceReport report) {
        List<Suspect> suspects = suspects();
        try {
            long begin = start.retired();
            long good = begin;
            long bad = Math.clamp(translated.retired(), begin, limit + t.region.longestPath);
            long low = begin;
            long high = Math.min(limit, Math.max(bad, begin + 1));
            while (low < high) {
                long middle = low + (high - low) / 2;
                again();
                cpu.limitLoops(middle);
                if (attempt(t, limit)) {
                    good = Math.max(good, translated.retired());
                    low = middle + 1;
                } else if (!pages.restorable()) {
                    return;
                } else {
                    bad = Math.min(bad, translated.retired());
                    high = middle;
                }
            }
            report.window(good - begin, bad - begin);
            again();
            LazyFlags.settle(cpu);
            cpu.rip = t.rip;
            steps(good, bad, suspects, report);
        } catch (RecordedHost.Stray e) {
            report.complaint("looking closer ended where the host was asked for something");
        } finally {
            host.pass();
        }
    }

    private List<Suspect> suspects() {
        List<Suspect> found = new ArrayList<>();
        for (int i = translated.mismatch(interpreted, 0);
                i >= 0;
                i = i + 1 < StateImage.SIZE ? translated.mismatch(interpreted, i + 1) : -1) {
            found.add(new Suspect(StateImage.name(i), i, 0));
        }
        for (WritablePages.Place p : pages.differences(DifferenceReport.BYTES)) {
            found.add(
                    new Suspect(
                            String.format("the byte at linear address %x", p.linear()),
                            -1,
                            p.machine()));
        }
        return found;
    }

    /** Something that differs, and how the interpreter has changed it. */
    private static final class Suspect {
        final String name;
        final int index;
        final long machine;
        long value;
        @Nullable String last;

        Suspect(String name, int index, long machine) {
            this.name = name;
            this.index = index;
            this.machine = machine;
        }
    }

    private static final long MOST_STEPS = 1_000_000;

    private void steps(long good, long bad, List<Suspect> suspects, DifferenceReport report) {
        long end = Math.min(bad, start.retired() + MOST_STEPS);
        try {
            note(suspects, null);
            while (cpu.retired < end) {
                long at = cpu.rip;
                String text = DifferenceReport.text(at, alone.step());
                if (cpu.retired > good) {
                    report.step(text);
                }
                note(suspects, text);
            }
        } catch (GuestFault | SelfModification e) {
            report.step("here the interpreter met a fault");
        }
        for (Suspect s : suspects) {
            report.suspect(s.name, s.last);
        }
    }

    private void note(List<Suspect> suspects, @Nullable String text) {
        interpreted.save(cpu);
        for (Suspect s : suspects) {
            long now = s.index >= 0 ? interpreted.values[s.index] : cpu.mmu.ram.getByte(s.machine);
            if (now != s.value && text != null) {
                s.last = text;
            }
            s.value = now;
        }
    }
}
