// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.processor.Registers;
import dev.vitrine.processor.StateSink;

import java.util.List;

/**
 * A processor without code: memory is mapped one to one, up to a limit of guest-physical addresses.
 */
final class FakeEngine implements Engine {
    final Vcpu vcpu;
    final long[] registers = new long[16];
    int privilege;
    int bits = 64;
    boolean interrupts = true;
    volatile int stops;
    volatile int checks;
    volatile int nmis;
    volatile Runnable onRun = () -> {};
    final java.util.ArrayList<String> life = new java.util.ArrayList<>();

    FakeEngine(Vcpu vcpu) {
        this.vcpu = vcpu;
    }

    /** What {@link Hypervisor#createDomain} takes. */
    static EngineFactory.Provider provider() {
        return domain -> FakeEngine::new;
    }

    static FakeEngine of(Vcpu v) {
        return (FakeEngine) v.engine();
    }

    @Override
    public int run(long instructions, long most) {
        return run(instructions);
    }

    @Override
    public void visitState(StateSink sink) {
        sink.value("retired", retired());
    }

    @Override
    public int run(long instructions) {
        onRun.run();
        return HALTED;
    }

    @Override
    public void requestInterruptCheck() {
        checks++;
    }

    @Override
    public void requestStop() {
        stops++;
    }

    @Override
    public void requestNmi() {
        nmis++;
    }

    @Override
    public boolean halted() {
        return true;
    }

    @Override
    public boolean interruptsEnabled() {
        return interrupts;
    }

    @Override
    public synchronized void reset() {
        life.add("reset");
    }

    @Override
    public synchronized void startUp(int vector) {
        life.add("startup " + vector);
    }

    @Override
    public long gpr(int n) {
        return registers[n];
    }

    @Override
    public void setGpr(int n, long value) {
        registers[n] = value;
    }

    @Override
    public long instructionPointer() {
        return 0;
    }

    @Override
    public int privilegeLevel() {
        return privilege;
    }

    @Override
    public int codeSize() {
        return bits;
    }

    @Override
    public boolean protectedMode() {
        return true;
    }

    @Override
    public boolean virtual8086() {
        return false;
    }

    @Override
    public long retired() {
        return 0;
    }

    @Override
    public boolean read(long linear, byte[] target, int offset, int length) {
        try {
            vcpu.domain().physical().read(linear, target, offset, length);
            return true;
        } catch (dev.vitrine.memory.BadGuestAddress e) {
            return false;
        }
    }

    @Override
    public boolean write(long linear, byte[] source, int offset, int length) {
        try {
            vcpu.domain().physical().write(linear, source, offset, length);
            return true;
        } catch (dev.vitrine.memory.BadGuestAddress e) {
            return false;
        }
    }

    @Override
    public long translate(long linear) {
        return vcpu.domain().physical().isRam(linear, 1) ? linear : -1;
    }

    @Override
    public void flushTlb() {}

    @Override
    public void enterPvh(long entry, long startInfo) {}

    @Override
    public int load(byte[] context) {
        life.add("load");
        return 0;
    }

    @Override
    public Registers state() {
        throw new UnsupportedOperationException();
    }

    @Override
    public List<String> registers() {
        return List.of("fake");
    }

    @Override
    public List<String> lastInstructions() {
        return List.of();
    }
}
