// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.LittleEndian;
import dev.vitrine.memory.BadGuestAddress;
import dev.vitrine.memory.GuestPhysical;
import dev.vitrine.processor.Processor;
import dev.vitrine.processor.Registers;

import java.util.List;

/** A vCPU that stands before an instruction of the kernel, and the memory that it sees. */
final class VcpuMemory implements CallMemory {
    /** Arguments of a function, by the ABI's order: System V, 3.2.3. */
    private static final int[] ARGUMENTS = {
        Registers.RDI, Registers.RSI, Registers.RDX, Registers.RCX, 8, 9
    };

    /** Interrupts are let in; a function that sleeps must not be called without. */
    private static final long IF = 1 << 9;

    private final Processor processor;
    private final GuestPhysical physical;
    private final KernelLink link;
    private final byte[] word = new byte[8];

    VcpuMemory(Processor processor, GuestPhysical physical, KernelLink link) {
        this.processor = processor;
        this.physical = physical;
        this.link = link;
    }

    /** Makes them for vCPUs that come to a breakpoint. */
    interface Maker {
        VcpuMemory of(Processor p);
    }

    Processor processor() {
        return processor;
    }

    long stackPointer() {
        return processor.gpr(Registers.RSP);
    }

    /** The task_struct of the thread that the vCPU executes; it is in the kernel. */
    long currentTask() {
        return number(processor.segmentBase(Registers.GS) + link.threads().currentTask(), 8);
    }

    /** An argument of the function that is about to be executed. */
    long argument(int n) {
        return processor.gpr(ARGUMENTS[n]);
    }

    KernelLink link() {
        return link;
    }

    /** Where injected functions return to. */
    long returnAddress() {
        return link.returnAddress();
    }

    long result() {
        return processor.gpr(Registers.RAX);
    }

    boolean interruptsEnabled() {
        return (processor.flags() & IF) != 0;
    }

    /** Lets the vCPU go on at the first instruction of a function. */
    void enter(long function, long stackPointer, List<Long> arguments) {
        for (int i = 0; i < arguments.size(); i++) {
            processor.setGpr(ARGUMENTS[i], arguments.get(i));
        }
        processor.setGpr(Registers.RSP, stackPointer);
        processor.setRip(function);
    }

    @Override
    public byte[] bytes(long address, int length) {
        byte[] b = new byte[length];
        if (!processor.read(address, b, 0, length)) {
            throw unmapped(address, length);
        }
        return b;
    }

    @Override
    public void write(long address, byte[] content) {
        for (int done = 0; done < content.length; ) {
            long linear = address + done;
            int part = (int) Math.min(content.length - done, 4096 - (linear & 4095));
            long to = processor.translate(linear);
            if (to < 0) {
                throw unmapped(linear, part);
            }
            try {
                physical.write(to, content, done, part);
            } catch (BadGuestAddress e) {
                throw unmapped(linear, part);
            }
            done += part;
        }
    }

    void putNumber(long address, long value) {
        byte[] b = new byte[8];
        LittleEndian.put64(b, 0, value);
        write(address, b);
    }

    @Override
    public long number(long address, int size) {
        if (!processor.read(address, word, 0, size)) {
            throw unmapped(address, size);
        }
        return LittleEndian.number(word, 0, size);
    }

    /** Eight bytes, or another number if they are not in memory. */
    long numberOr(long address, long other) {
        return processor.read(address, word, 0, 8) ? LittleEndian.i64(word, 0) : other;
    }

    @Override
    public long offset(String member) {
        return link.offset(member);
    }

    @Override
    public long symbol(String name) {
        return link.address(name);
    }

    private static IntrospectionException unmapped(long address, int length) {
        return new IntrospectionException(
                String.format(
                        "The %d bytes at 0x%x are not mapped to memory in the guest.",
                        length, address));
    }
}
