// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.x87;

import dev.vitrine.memory.MachineMemory;
import dev.vitrine.memory.PhysicalMap;
import dev.vitrine.processor.ProcessorHost;
import dev.vitrine.processor.core.CodeTracker;
import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.GuestFault;
import dev.vitrine.processor.core.Mmu;
import dev.vitrine.processor.decode.Decoder;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;

import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * A processor without paging, flat, with memory at some addresses, that executes x87 instructions.
 */
final class X87TestMachine implements AutoCloseable {
    /** No exception. */
    static final int NONE = -1;

    private final MachineMemory memory = MachineMemory.reserve(1 << 20);
    private final PhysicalMap map = new PhysicalMap(memory);
    private final Decoder decoder = new Decoder();
    final Instruction instruction = new Instruction();
    final Cpu cpu;

    X87TestMachine() {
        CodeTracker noCode =
                new CodeTracker() {
                    @Override
                    public void invalidateFrame(long mfn) {}

                    @Override
                    public boolean inExecution(Cpu owner, long mfn) {
                        return false;
                    }
                };
        ProcessorHost host =
                (ProcessorHost)
                        Proxy.newProxyInstance(
                                ProcessorHost.class.getClassLoader(),
                                new Class<?>[] {ProcessorHost.class},
                                (proxy, method, arguments) -> {
                                    throw new UnsupportedOperationException(method.getName());
                                });
        cpu = new Cpu(host, new Mmu(map, noCode));
        cpu.cr0 = Cpu.CR0_PE | Cpu.CR0_ET | Cpu.CR0_NE;
        cpu.cr4 = Cpu.CR4_OSFXSR | Cpu.CR4_OSXMMEXCPT | Cpu.CR4_OSXSAVE;
        cpu.xcr0 = 7;
        cpu.modeKey = Cpu.MODE_64 | Cpu.MODE_FLAT | Cpu.MODE_STACK32;
        cpu.x87.init();
    }

    /** Backs pages of physical (and linear) memory. */
    void back(long address, int pages) {
        map.mapRange(address >>> 12, pages, memory.allocateRange(pages));
    }

    /** Sets segments for 16- or 32-bit protected mode, or real mode with 16 bits. */
    void legacy(int bits, boolean real) {
        cpu.cr0 = real ? cpu.cr0 & ~Cpu.CR0_PE : cpu.cr0 | Cpu.CR0_PE;
        for (int n = 0; n < 6; n++) {
            int attributes = (n == Cpu.CS ? 0x9B : 0x93) | (bits == 32 ? 0x4000 : 0);
            cpu.segment[n].set(n == Cpu.CS ? 8 : 16, 0, real ? 0xFFFF : -1, attributes);
            cpu.r[Cpu.R_SEG_BASE + n] = 0;
        }
        cpu.modeChanged();
    }

    /** Executes the instruction with these bytes; answers the vector of its exception, or NONE. */
    int execute(String hex) {
        byte[] code = HexFormat.of().parseHex(hex.replace(" ", ""));
        return execute(code, code.length);
    }

    int execute(byte[] code, int length) {
        byte[] padded = Arrays.copyOf(code, 32);
        int decoded = decoder.decode(padded, 0, 16, cpu.rip, cpu.codeSize(), instruction);
        if (decoded != length || instruction.op.group != Op.Group.X87) {
            throw new IllegalArgumentException(
                    HexFormat.of().formatHex(code, 0, length) + " decodes as " + decoded);
        }
        cpu.nextRip = instruction.nextRip();
        try {
            X87Unit.execute(cpu, instruction);
            return NONE;
        } catch (GuestFault e) {
            return cpu.faultVector;
        }
    }

    void st(int n, long mantissa, int exponent) {
        X87Unit.put(cpu.x87, (cpu.x87.top + n) & 7, mantissa, exponent);
    }

    long mantissa(int n) {
        return cpu.x87.mantissa[(cpu.x87.top + n) & 7];
    }

    int exponent(int n) {
        return cpu.x87.exponent[(cpu.x87.top + n) & 7];
    }

    @Override
    public void close() {
        memory.close();
    }
}
