// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.memory.BadGuestAddress;
import dev.vitrine.memory.PhysicalView;
import dev.vitrine.processor.CodeHook;
import dev.vitrine.processor.FetchListener;
import dev.vitrine.processor.FreshCode;
import dev.vitrine.processor.Interception;
import dev.vitrine.processor.Intercepts;
import dev.vitrine.processor.MirrorListener;
import dev.vitrine.processor.Processor;
import dev.vitrine.processor.ProcessorGroup;
import dev.vitrine.processor.ProcessorHost;
import dev.vitrine.processor.Reaction;
import dev.vitrine.processor.Registers;
import dev.vitrine.processor.StateSink;

import org.jspecify.annotations.Nullable;

import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;

/** A vCPU's software processor, and the host that the processor sees. */
final class ProcessorEngine implements Engine, ProcessorHost {
    /** Makes software processors. */
    static final EngineFactory.Provider PROVIDER =
            domain -> {
                ProcessorGroup group =
                        new ProcessorGroup(
                                domain.memory().map,
                                domain.vcpuCount(),
                                domain.config().forcedEmulation(),
                                domain.config().verifyTranslation());
                domain.memory().setCodeListener(group::codeWritten);
                domain.memory().setFreedListener(group::forgetHooks);
                return new EngineFactory() {
                    @Override
                    public Engine create(Vcpu vcpu) {
                        return new ProcessorEngine(vcpu, group);
                    }

                    @Override
                    public void addHook(long machine, CodeHook hook) {
                        group.addHook(machine, hook);
                    }

                    @Override
                    public void removeHook(long machine, CodeHook hook) {
                        group.removeHook(machine, hook);
                    }

                    @Override
                    public void logWrites() {
                        group.setDirtyLog(true);
                    }

                    @Override
                    public void setIntercepts(Intercepts intercepts) {
                        group.setIntercepts(intercepts);
                    }

                    @Override
                    public void setFetchListener(@Nullable FetchListener listener) {
                        group.setFetchListener(listener);
                    }

                    @Override
                    public void mirror(long[] mfns, boolean on) {
                        if (on && mfns.length > 1) {
                            group.mirrorAll(mfns);
                            return;
                        }
                        for (long mfn : mfns) {
                            group.mirror(mfn, on);
                        }
                    }

                    @Override
                    public void setMirrorListener(MirrorListener listener) {
                        group.setMirrorListener(listener);
                    }

                    @Override
                    public void setFreshCode(@Nullable FreshCode listener) {
                        group.setFreshCode(listener);
                    }

                    @Override
                    public void patch(
                            long mfn, BitSet places, byte[] original, long copied, long snapshot) {
                        group.patch(mfn, places, original, copied, snapshot);
                    }

                    @Override
                    public void statistics(java.util.Map<String, Long> out) {
                        out.put("blocks built", group.blocksBuilt());
                        out.put("frames invalidated", group.framesInvalidated());
                        group.translationStatistics(out::put);
                        for (long[] hot : group.hottestBlocks(HOT_BLOCKS)) {
                            out.put("instructions at " + Long.toHexString(hot[0]), hot[1]);
                        }
                    }
                };
            };

    /** How many of the hottest blocks the statistics name. */
    private static final int HOT_BLOCKS = 12;

    private final Vcpu vcpu;
    private final VcpuPlatform platform;
    private final Processor processor;
    private final ProcessorGroup group;
    private final @Nullable SplittableRandom repeatable;

    @SuppressWarnings("this-escape")
    private ProcessorEngine(Vcpu vcpu, ProcessorGroup group) {
        this.vcpu = vcpu;
        this.platform = vcpu.platform();
        this.group = group;
        this.processor = new Processor(this, group);
        this.repeatable =
                vcpu.domain().clock().isVirtual() ? new SplittableRandom(vcpu.id()) : null;
    }

    Processor processor() {
        return processor;
    }

    // ------------------------------------------------------------------------ Engine

    @Override
    public int run(long instructions) {
        vcpu.domain().monitor().resume(vcpu, processor);
        return result(processor.run(instructions));
    }

    @Override
    public int run(long instructions, long most) {
        vcpu.domain().monitor().resume(vcpu, processor);
        return result(processor.run(instructions, most));
    }

    private static int result(Processor.Exit exit) {
        return switch (exit) {
            case BUDGET, STOPPED, WAITING -> RAN;
            case HALTED -> HALTED;
            case SHUTDOWN -> TRIPLE_FAULT;
        };
    }

    @Override
    public void requestInterruptCheck() {
        processor.requestInterruptCheck();
    }

    @Override
    public void requestStop() {
        processor.requestStop();
    }

    @Override
    public void requestNmi() {
        processor.requestNmi();
    }

    @Override
    public boolean halted() {
        return processor.halted();
    }

    @Override
    public boolean interruptsEnabled() {
        return processor.interruptsEnabled();
    }

    @Override
    public void reset() {
        processor.reset();
    }

    @Override
    public void startUp(int vector) {
        processor.reset();
        processor.setSegment(1, vector << 8, (long) vector << 12, 0xFFFF, 0x93);
        processor.setRip(0);
    }

    @Override
    public long gpr(int n) {
        return processor.gpr(n);
    }

    @Override
    public void setGpr(int n, long value) {
        processor.setGpr(n, value);
    }

    @Override
    public long instructionPointer() {
        return processor.rip();
    }

    @Override
    public int privilegeLevel() {
        return processor.cpl();
    }

    @Override
    public int codeSize() {
        return processor.codeSize();
    }

    @Override
    public boolean protectedMode() {
        return processor.protectedMode();
    }

    @Override
    public boolean virtual8086() {
        return (processor.flags() & 1 << 17) != 0;
    }

    @Override
    public long retired() {
        return processor.retired();
    }

    @Override
    public boolean read(long linear, byte[] target, int offset, int length) {
        return processor.read(linear, target, offset, length);
    }

    @Override
    public boolean write(long linear, byte[] source, int offset, int length) {
        // All pages are looked at first, so that a fault leaves nothing half written.
        if (length > 0) {
            long last = linear + length - 1;
            for (long a = linear; ; a = (a & -4096L) + 4096) {
                if (!writable(a)) {
                    return false;
                }
                if ((a & -4096L) == (last & -4096L)) {
                    break;
                }
            }
        }
        try {
            while (length > 0) {
                int part = (int) Math.min(length, 4096 - (linear & 4095));
                long physical = processor.translateForWrite(linear);
                if (physical < 0) {
                    return false;
                }
                vcpu.domain().memory().physical.write(physical, source, offset, part);
                linear += part;
                offset += part;
                length -= part;
            }
        } catch (BadGuestAddress e) {
            return false;
        }
        return true;
    }

    private boolean writable(long linear) {
        long physical = processor.translateForWrite(linear);
        return physical >= 0 && vcpu.domain().memory().physical.isRam(physical, 1);
    }

    @Override
    public long translate(long linear) {
        return processor.translateForWrite(linear);
    }

    @Override
    public void flushTlb() {
        processor.flushTlb();
    }

    @Override
    public long debugRegister(int n) {
        return processor.debugRegister(n);
    }

    @Override
    public void setView(PhysicalView view) {
        processor.setView(view);
    }

    @Override
    public void enterPvh(long entry, long startInfo) {
        processor.reset();
        processor.setControlRegister(0, 0x11); // PE, ET
        processor.setControlRegister(4, 0);
        processor.setEfer(0);
        processor.setSegment(1, 8, 0, -1, 0xC09B);
        for (int s : new int[] {0, 2, 3, 4, 5}) {
            processor.setSegment(s, 16, 0, -1, 0xC093);
        }
        processor.setTaskRegister(0, 0, 0x67, 0x8B);
        processor.setFlags(2);
        processor.setRip(entry);
        processor.setGpr(RBX, startInfo);
    }

    @Override
    public int load(byte[] context) {
        return HvmContext.load(processor, context);
    }

    @Override
    public Registers state() {
        return processor.state();
    }

    @Override
    public void visitState(StateSink sink) {
        processor.visitState(sink);
    }

    @Override
    public List<String> registers() {
        return processor.registers();
    }

    @Override
    public List<String> lastInstructions() {
        return processor.lastInstructions();
    }

    // ----------------------------------------------------------------- ProcessorHost

    @Override
    public void hypercall(Processor cpu) {
        vcpu.syncClock();
        vcpu.hypercalls().fromGuest();
    }

    @Override
    public boolean vmFunction(Processor cpu, int function, int index) {
        return GuestAltp2m.vmFunction(vcpu, function, index);
    }

    @Override
    public Reaction intercepted(Processor cpu, Interception what) {
        vcpu.syncClock();
        return vcpu.domain().monitor().intercepted(vcpu, cpu, what);
    }

    @Override
    public int readPort(int port, int size) {
        return platform.readPort(port, size);
    }

    @Override
    public void writePort(int port, int size, int value) {
        platform.writePort(port, size, value);
    }

    @Override
    public long readDevice(long physicalAddress, int size) {
        return platform.readDevice(physicalAddress, size);
    }

    @Override
    public void writeDevice(long physicalAddress, int size, long value) {
        platform.writeDevice(physicalAddress, size, value);
    }

    @Override
    public boolean readMsr(int msr, long[] out) {
        return platform.readMsr(msr, out);
    }

    @Override
    public boolean writeMsr(int msr, long value) {
        return platform.writeMsr(msr, value);
    }

    @Override
    public void cpuid(int leaf, int subleaf, int[] regs) {
        platform.cpuid(leaf, subleaf, regs);
    }

    @Override
    public long timeStampCounter() {
        return platform.timeStampCounter();
    }

    @Override
    public long timeStampFrequency() {
        return platform.timeStampFrequency();
    }

    @Override
    public long random() {
        // A run under the virtual clock is to repeat; the vCPU's thread is the only one that asks.
        return repeatable != null ? repeatable.nextLong() : ProcessorHost.super.random();
    }

    @Override
    public void unknownInstruction(String name) {
        vcpu.domain().counters().unknownInstruction(name);
    }

    @Override
    public void accessedBitCleared(boolean user) {
        if (repeatable != null) {
            group.forget(user);
        }
    }

    @Override
    public int acknowledgeInterrupt() {
        return platform.acknowledgeInterrupt();
    }

    @Override
    public int readTaskPriority() {
        return vcpu.apic().taskPriority();
    }

    @Override
    public void writeTaskPriority(int value) {
        vcpu.apic().setTaskPriority(value);
    }
}
