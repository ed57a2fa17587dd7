// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace;

import dev.vitrine.hypervisor.InstalledHook;
import dev.vitrine.hypervisor.Subscription;
import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.linux.Paths;
import dev.vitrine.processor.Interception;

import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.ObjLongConsumer;

/**
 * What a plugin works with. Listeners are called on the threads of the vCPUs, several at a time if
 * the guest has several. They must neither pause the domain nor wait for another vCPU. What they
 * throw ends that call of the listener, and is told when the trace ends.
 */
public interface TraceContext {
    /**
     * The guest's kernel: symbols and types. Not thread-safe: for {@link TracePlugin#start} only.
     */
    LinuxKernel kernel();

    /** Names of files; may be used at any time. */
    Paths paths();

    /**
     * Has a listener called for system calls, and for operations that io_uring does in place of
     * them: an operation begins when a thread of the process executes it, and returns with each of
     * its results. Kernels before 6.0 have io_uring in another form; nothing is called for it.
     *
     * @param names of system calls, such as "openat", in any ABI, and of operations, such as
     *     "IORING_OP_OPENAT"; empty for all system calls
     */
    void onCalls(Set<String> names, CallListener listener);

    /**
     * Has a listener called for what is submitted to io_uring, and what that completes. Kernels
     * before 6.0 have it in another form; nothing is called for them.
     */
    void onRings(RingListener listener);

    /**
     * Has something called each time that a function of the kernel begins.
     *
     * @param name its symbol
     * @throws dev.vitrine.introspection.IntrospectionException the kernel has no such symbol
     */
    void onFunction(String name, Consumer<Moment> reached);

    /**
     * Has a listener called each time that a function of the kernel begins, and when it returns.
     *
     * @param name its symbol
     * @throws dev.vitrine.introspection.IntrospectionException the kernel has no such symbol
     */
    void onReturn(String name, FunctionListener listener);

    /**
     * Has something called each time that a vCPU is about to execute code that has been written
     * since it was last executed, of programs and of the kernel, once for a page; and of all code
     * when it is executed for the first time. It gets the linear address.
     */
    void onFreshCode(ObjLongConsumer<Moment> reached);

    /**
     * Has something called right behind each instruction that writes to some of the kernel's pages,
     * by whatever address. What is written from outside the guest is told at the next moment that
     * anything else is.
     *
     * @param linear address of the first byte; pages that are not mapped are left out
     * @param length in bytes
     * @return what ends it
     */
    InstalledHook onWrites(long linear, long length, PageListener written);

    /** Has something called before a vCPU writes to registers that have been subscribed to. */
    void onRegisters(Subscription wanted, BiConsumer<Moment, Interception> written);

    /** Has something called when the trace ends; the vCPUs stand still. */
    void onEnd(Consumer<Moment> ended);

    /** Tells an event of now. */
    void emit(Moment at, Event event);

    /** Tells an event of a system call: of when that began, and of who it was then. */
    void emit(TracedCall call, Event event);
}
