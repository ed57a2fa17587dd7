// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.vector;

import dev.vitrine.memory.GuestRam;
import dev.vitrine.memory.MachineMemory;
import dev.vitrine.memory.PhysicalMap;
import dev.vitrine.processor.ProcessorHost;
import dev.vitrine.processor.core.CodeTracker;
import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.GuestFault;
import dev.vitrine.processor.core.Mmu;
import dev.vitrine.processor.core.Segment;
import dev.vitrine.processor.decode.Decoder;
import dev.vitrine.processor.decode.Instruction;

import java.lang.reflect.Proxy;
import java.util.HexFormat;

/** A processor in 64-bit user mode whose single instructions go straight to {@link VectorUnit}. */
final class VectorMachine implements AutoCloseable {
    /** Two pages of data; the page behind them is missing, and so is the one before. */
    static final long DATA = 0x20_0000L;

    static final long DATA_END = DATA + 0x2000;

    private static final int FRAMES = 64;
    private static final long FRAME_OF_DATA = 0x1_0000L;

    private final MachineMemory memory = MachineMemory.reserve((long) FRAMES << 12);
    private final GuestRam ram = memory.ram();
    private final Decoder decoder = new Decoder();
    final Cpu cpu;

    VectorMachine() {
        long mfn = memory.allocateRange(FRAMES);
        PhysicalMap map = new PhysicalMap(memory);
        map.mapRange(0, FRAMES, mfn);
        CodeTracker tracker =
                new CodeTracker() {
                    @Override
                    public void invalidateFrame(long frame) {}

                    @Override
                    public boolean inExecution(Cpu owner, long frame) {
                        return false;
                    }
                };
        ProcessorHost host =
                (ProcessorHost)
                        Proxy.newProxyInstance(
                                VectorMachine.class.getClassLoader(),
                                new Class<?>[] {ProcessorHost.class},
                                (proxy, method, arguments) -> {
                                    throw new UnsupportedOperationException(method.getName());
                                });
        cpu = new Cpu(host, new Mmu(map, tracker));
        ram.putLong(0x1000, 0x2007);
        ram.putLong(0x2000, 0x3007);
        ram.putLong(0x3000 + 8, 0x4007);
        ram.putLong(0x4000, FRAME_OF_DATA | 7);
        ram.putLong(0x4008, FRAME_OF_DATA + 0x1000 | 7);
        cpu.cr3 = 0x1000;
        cpu.cr4 = Cpu.CR4_PAE | Cpu.CR4_OSFXSR | Cpu.CR4_OSXMMEXCPT | Cpu.CR4_OSXSAVE;
        cpu.cr0 = Cpu.CR0_PE | Cpu.CR0_PG | Cpu.CR0_NE | Cpu.CR0_MP;
        cpu.efer = Cpu.EFER_LME | Cpu.EFER_LMA;
        cpu.xcr0 = 7;
        cpu.cpl = 3;
        cpu.segment[Cpu.CS].set(0x33, 0, -1, Segment.L | Segment.G | 0xFB);
        cpu.r[Cpu.R_SEG_BASE + Cpu.CS] = 0;
        cpu.modeChanged();
        cpu.x87.init();
    }

    /** Makes the second data page read-only. */
    void protectSecondPage() {
        ram.putLong(0x4008, FRAME_OF_DATA + 0x1000 | 5);
        cpu.mmu.flushAll();
    }

    long data(long address) {
        return ram.getLong(FRAME_OF_DATA + address - DATA);
    }

    void data(long address, long value) {
        ram.putLong(FRAME_OF_DATA + address - DATA, value);
    }

    void xmm(int register, long high, long low) {
        cpu.v[4 * register] = low;
        cpu.v[4 * register + 1] = high;
    }

    void ymm(int register, long l3, long l2, long l1, long l0) {
        xmm(register, l1, l0);
        cpu.v[4 * register + 2] = l2;
        cpu.v[4 * register + 3] = l3;
    }

    /** The low 128 bits as a hexadecimal number. */
    String xmm(int register) {
        return String.format("%016x%016x", cpu.v[4 * register + 1], cpu.v[4 * register]);
    }

    /** Runs one instruction, given in hexadecimal; returns the vector of its fault or -1. */
    int run(String code) {
        byte[] bytes = HexFormat.of().parseHex(code.replace(" ", ""));
        Instruction i = new Instruction();
        int length = decoder.decode(bytes, 0, bytes.length, 0x1000, 64, i);
        if (length != bytes.length) {
            throw new IllegalArgumentException(code + " decodes to " + length);
        }
        cpu.rip = i.rip;
        cpu.nextRip = i.nextRip();
        try {
            VectorUnit.execute(cpu, i);
            return -1;
        } catch (GuestFault fault) {
            return cpu.faultVector;
        }
    }

    @Override
    public void close() {
        memory.close();
    }
}
