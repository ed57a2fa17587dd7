// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor;

/**
 * What a processor shows to its host before it does it, see {@link ProcessorHost#intercepted}.
 * Nothing of it has been done, and the processor's state is that of the beginning of the
 * instruction, unless a kind says otherwise.
 */
public sealed interface Interception {
    /** {@link MemoryAccess#where}: the access was made with the linear address. */
    int WITH_LINEAR = 0;

    /** {@link MemoryAccess#where}: a page walk for the linear address made the access. */
    int IN_WALK = 1;

    /** {@link MemoryAccess#where}: there is no linear address. */
    int NO_LINEAR = 2;

    /** {@link ControlRegisterWrite#register}: the extended control register XCR0. */
    int XCR0 = 16;

    /** How an event comes to the processor (SDM volume 3, table 24-16). */
    enum EventType {
        EXTERNAL_INTERRUPT(0),
        NMI(2),
        HARDWARE_EXCEPTION(3),
        SOFTWARE_INTERRUPT(4),
        /** INT1. */
        PRIVILEGED_SOFTWARE_EXCEPTION(5),
        /** INT3 and INTO. */
        SOFTWARE_EXCEPTION(6);

        /** Its number in the VM-entry interruption-information field, and in Xen's X86_ET_*. */
        public final int number;

        EventType(int number) {
            this.number = number;
        }
    }

    /** A register that holds where a descriptor table is. */
    enum DescriptorTable {
        IDTR,
        GDTR,
        LDTR,
        TR
    }

    /**
     * The processor's physical view does not give the rights for an access.
     *
     * @param physical guest-physical address of the first byte on the page
     * @param linear linear address of that byte, or the one that is being translated
     * @param rights that were needed, of {@link dev.vitrine.memory.PhysicalView#READ}, WRITE and
     *     EXECUTE
     * @param where {@link #WITH_LINEAR}, {@link #IN_WALK} or {@link #NO_LINEAR}
     */
    record MemoryAccess(long physical, long linear, int rights, int where)
            implements Interception {}

    /**
     * INT3 ({@link Intercepts#BREAKPOINT}), or an instruction in whose place one stands in a copy
     * ({@link ProcessorGroup#patch}), which is shown whatever {@link Intercepts} say.
     */
    record Breakpoint(int length) implements Interception {}

    /**
     * A debug exception is to be delivered, or INT1 executed ({@link Intercepts#DEBUG_EXCEPTION}).
     *
     * @param dr6 the bits that it sets in DR6
     * @param type INT1, or a hardware exception
     * @param length of INT1, else 0
     */
    record DebugException(long dr6, EventType type, int length) implements Interception {}

    /**
     * An instruction has been executed, or its fault delivered, while {@link
     * Processor#setStepping}.
     */
    record Step() implements Interception {}

    /**
     * MOV to a control register, LMSW, CLTS or XSETBV ({@link Intercepts#controlRegister}), when
     * all checks but those of the page tables that CR3 leads to have been passed; or a task switch
     * to a TSS with another CR3, also one that an event leads to. Who skips the write skips all of
     * the task switch.
     *
     * @param register 0, 3, 4 or {@link #XCR0}
     */
    record ControlRegisterWrite(int register, long value, long old) implements Interception {}

    /** WRMSR to an MSR that exists ({@link Intercepts#msr}); the value may still be refused. */
    record MsrWrite(int msr, long value, long old) implements Interception {}

    /** CPUID ({@link Intercepts#CPUID}). */
    record Cpuid(int leaf, int subleaf, int length) implements Interception {}

    /** IN, OUT, INS or OUTS that is allowed ({@link Intercepts#PORT}). */
    record PortAccess(int port, int size, boolean in, boolean string) implements Interception {}

    /**
     * An instruction that loads or stores GDTR, IDTR, LDTR or TR ({@link Intercepts#DESCRIPTOR}).
     *
     * @param write whether the register is loaded
     * @param linear where the limit and behind it the base of GDTR or IDTR are in memory, or come
     *     to be; 0 for LDTR and TR
     */
    record DescriptorAccess(DescriptorTable table, boolean write, long linear)
            implements Interception {}

    /** An event is to be delivered, after {@link Processor#showNextEvent}. */
    record Event(int vector, EventType type, int errorCode, long cr2) implements Interception {}

    /** An instruction that this processor does not have ({@link Intercepts#UNKNOWN}). */
    record UnknownInstruction() implements Interception {}
}
