// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack;

import dev.vitrine.hypervisor.Domain;
import dev.vitrine.hypervisor.DomainConfig;
import dev.vitrine.hypervisor.DomainStop;
import dev.vitrine.hypervisor.E820Entry;
import dev.vitrine.hypervisor.EventListener;
import dev.vitrine.hypervisor.ExternalInput;
import dev.vitrine.hypervisor.Hypervisor;
import dev.vitrine.hypervisor.InputJournal;
import dev.vitrine.hypervisor.StopReason;
import dev.vitrine.hypervisor.TurnScheduler;
import dev.vitrine.hypervisor.Vcpu;
import dev.vitrine.memory.GuestPhysical;
import dev.vitrine.platform.AcpiTables;
import dev.vitrine.toolstack.builder.AcpiBlob;
import dev.vitrine.toolstack.builder.MemoryMapEntry;
import dev.vitrine.toolstack.builder.PvhBuilder;
import dev.vitrine.toolstack.builder.PvhLayout;
import dev.vitrine.toolstack.builder.Ramdisk;
import dev.vitrine.toolstack.builder.SpecialPages;
import dev.vitrine.toolstack.console.ConsoleRing;
import dev.vitrine.toolstack.console.ExecStatusFilter;
import dev.vitrine.toolstack.console.GuestConsole;
import dev.vitrine.toolstack.loader.LoadedKernel;
import dev.vitrine.toolstack.loader.PhysicalWriter;
import dev.vitrine.toolstack.xenstore.XenStore;
import dev.vitrine.toolstack.xenstore.XenStoreRing;
import dev.vitrine.xenabi.HvmParam;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;

/**
 * A PVH guest with its machine: a domain, its memory, its console and its xenstore.
 *
 * <pre>{@code
 * try (Machine machine = Machine.builder(KernelImage.load(file)).memory(64 << 20).output(out).build()) {
 *     Outcome outcome = machine.run(Duration.ofSeconds(10));
 * }
 * }</pre>
 */
public final class Machine implements AutoCloseable {
    /** Grants that libxenguest reserves (GNTTAB_RESERVED_CONSOLE, GNTTAB_RESERVED_XENSTORE). */
    private static final int CONSOLE_GRANT = 0;

    private static final int XENSTORE_GRANT = 1;

    private static final byte[] EMPTY = {};

    /** How long a script on standard input may take to be read before a virtual clock starts. */
    private static final long INPUT_NANOS = 1_000_000_000L;

    /** How long whoever reads the output may take none of it, once the guest has been stopped. */
    private static final long STOPPED_OUTPUT_NANOS = 1_000_000_000L;

    private static final long OUTPUT_NANOS = 3_600_000_000_000L;

    private final Hypervisor hypervisor;
    private final Domain domain;
    private final ConsoleBackend console;
    private final GrantPage consolePage;
    private final GrantPage storePage;
    private final XenStore store;
    private final XenStoreBackend storeBackend;
    private volatile boolean outputClosed;
    private long startedAt;
    private boolean closed;

    private Machine(Builder b) {
        // The layout comes first: it finds what cannot work before anything is made.
        AcpiTables acpi =
                AcpiTables.build(
                        b.vcpus, Vcpu::apicId, PvhBuilder.HOLE_START + PvhLayout.PAGE_SIZE);
        PvhBuilder pvh =
                new PvhBuilder(b.kernel, b.cmdline(), b.ramdisk, b.memory, acpi.tables().length);
        PvhLayout layout = pvh.layout();
        long extra = layout.extraPages().stream().mapToLong(MemoryMapEntry::size).sum();
        DomainConfig config =
                DomainConfig.of(b.name, b.memory + extra, b.vcpus)
                        .withClock(
                                b.virtualClock
                                        ? DomainConfig.Clock.VIRTUAL
                                        : DomainConfig.Clock.REAL)
                        .withVerifyTranslation(b.verifyTranslation);
        hypervisor =
                b.virtualClock
                        ? Hypervisor.create(1, new TurnScheduler())
                        : Hypervisor.create(physicalCpus(b));
        try {
            domain = hypervisor.createDomain(config);
            if (b.journal != null) {
                domain.setJournal(b.journal.apply(domain));
            }
            domain.addRam(0, layout.lowMemoryEnd() / PvhLayout.PAGE_SIZE);
            if (layout.highMemoryEnd() > 1L << 32) {
                domain.addRam(
                        1L << 20, (layout.highMemoryEnd() - (1L << 32)) / PvhLayout.PAGE_SIZE);
            }
            for (MemoryMapEntry e : layout.extraPages()) {
                domain.addRam(e.address() / PvhLayout.PAGE_SIZE, e.size() / PvhLayout.PAGE_SIZE);
            }
            pvh.write(
                    layout,
                    List.of(
                            new AcpiBlob(layout.acpiTables(), acpi.tables()),
                            new AcpiBlob(layout.rsdp(), acpi.rsdp())),
                    writer(domain.physical()));
            domain.setMemoryMap(
                    layout.memoryMap().stream()
                            .map(e -> new E820Entry(e.address(), e.size(), e.type().number()))
                            .toList());

            storePage = GrantPage.ofSpecialPage(domain, XENSTORE_GRANT, SpecialPages.XENSTORE_GFN);
            consolePage = GrantPage.ofSpecialPage(domain, CONSOLE_GRANT, SpecialPages.CONSOLE_GFN);
            int[] ports = new int[2];
            store = new XenStore();
            store.introduceDomain(domain.id());
            storeBackend =
                    new XenStoreBackend(
                            new XenStoreRing(storePage, store.connect(domain.id())),
                            () -> domain.notifyGuest(ports[0]),
                            b.virtualClock
                                    ? () ->
                                            domain.post(
                                                    new ExternalInput(ExternalInput.STORE, EMPTY))
                                    : null);
            console =
                    new ConsoleBackend(
                            b.output,
                            b.input,
                            b.console == null ? null : new ExecStatusFilter(b.console.token()),
                            b.virtualClock,
                            bytes -> domain.post(new ExternalInput(ExternalInput.CONSOLE, bytes)),
                            () -> domain.notifyGuest(ports[1]),
                            this::outputClosed);
            domain.setInputHandler(ExternalInput.CONSOLE, console::give);
            domain.setInputHandler(ExternalInput.STORE, none -> storeBackend.serve());
            ports[0] = domain.allocateBackendPort(listener(storeBackend::serve));
            ports[1] = domain.allocateBackendPort(listener(console::serve));
            domain.setParam(HvmParam.STORE_PFN, SpecialPages.XENSTORE_GFN);
            domain.setParam(HvmParam.STORE_EVTCHN, ports[0]);
            domain.setParam(HvmParam.CONSOLE_PFN, SpecialPages.CONSOLE_GFN);
            domain.setParam(HvmParam.CONSOLE_EVTCHN, ports[1]);
            DomainPaths.write(
                    store,
                    domain,
                    b.memory,
                    SpecialPages.XENSTORE_GFN,
                    ports[0],
                    SpecialPages.CONSOLE_GFN,
                    ports[1]);
            domain.setDebugConsole(console::print);
            domain.startPvh(layout.entry(), layout.startInfo());
        } catch (OutOfMemoryError e) {
            hypervisor.close();
            throw new BadInputException(
                    "This machine does not give a guest "
                            + (b.memory >> 20)
                            + " MiB of memory: "
                            + e.getMessage()
                            + ".",
                    e);
        } catch (RuntimeException | Error e) {
            hypervisor.close();
            throw e;
        }
    }

    /** One thread for each vCPU that can run at the same time. */
    private static int physicalCpus(Builder b) {
        return Math.clamp(b.vcpus, 1, Math.min(64, Runtime.getRuntime().availableProcessors()));
    }

    private static PhysicalWriter writer(GuestPhysical memory) {
        return new PhysicalWriter() {
            @Override
            public void write(long address, byte[] source, int offset, int length) {
                memory.write(address, source, offset, length);
            }

            @Override
            public int write(long address, FileChannel from, long position, int length)
                    throws IOException {
                return memory.write(address, from, position, length);
            }
        };
    }

    private static EventListener listener(Runnable serve) {
        return (domain, port) -> serve.run();
    }

    /** Begins to describe a machine for a kernel. */
    public static Builder builder(LoadedKernel kernel) {
        return new Builder(kernel);
    }

    /** The domain, for whoever wants to look inside. */
    public Domain domain() {
        return domain;
    }

    /** The domain's xenstore. */
    public XenStore store() {
        return store;
    }

    /** Runs the guest until it stops, but no longer than {@code limit}. */
    public Outcome run(Duration limit) throws InterruptedException {
        return run(System.nanoTime() + limit.toNanos());
    }

    /**
     * Runs the guest until it stops, but no longer than to a point in time.
     *
     * @param deadline by {@link System#nanoTime}; Long.MAX_VALUE for no limit
     */
    public Outcome run(long deadline) throws InterruptedException {
        DomainStop stop = run(deadline, new CompletableFuture<>());
        return Objects.requireNonNull(finish(stop, deadline));
    }

    /**
     * As {@link #run(long)}, but stops waiting, too, when something else is done. The guest is not
     * ended then.
     *
     * @return null if the guest has not stopped
     */
    public @Nullable Outcome runUntil(long deadline, CompletableFuture<?> done)
            throws InterruptedException {
        return finish(run(deadline, done), deadline);
    }

    private @Nullable DomainStop run(long deadline, CompletableFuture<?> done)
            throws InterruptedException {
        console.start(new ConsoleRing(consolePage, domain.id()));
        if (domain.clock().isVirtual()) {
            console.awaitInput(INPUT_NANOS);
        }
        startedAt = System.nanoTime();
        CompletableFuture<DomainStop> stopped = domain.stopped();
        domain.unpause();
        try {
            await(CompletableFuture.anyOf(stopped, done), deadline);
        } catch (TimeoutException e) {
            stop(StopReason.TIMEOUT, "the time limit passed");
            return stopped.join();
        }
        return stopped.isDone() ? stopped.join() : null;
    }

    private @Nullable Outcome finish(@Nullable DomainStop stop, long deadline)
            throws InterruptedException {
        if (stop == null) {
            // The ring belongs to the guest, which stands still: only what was taken is written.
            console.finish(false, OUTPUT_NANOS);
            return null;
        }
        Duration elapsed = Duration.ofNanos(System.nanoTime() - startedAt);
        boolean fromOutside =
                stop.reason() == StopReason.TIMEOUT || stop.reason() == StopReason.DESTROYED;
        long patience = deadline == Long.MAX_VALUE ? OUTPUT_NANOS : deadline - System.nanoTime();
        console.finish(
                true,
                fromOutside ? STOPPED_OUTPUT_NANOS : Math.max(STOPPED_OUTPUT_NANOS, patience));
        OptionalInt status = console.status();
        return new Outcome(
                stop.reason(),
                stop.message(),
                stop.report(),
                stop.cause(),
                status,
                elapsed,
                outputClosed);
    }

    private static void await(CompletableFuture<?> future, long deadline)
            throws InterruptedException, TimeoutException {
        try {
            if (deadline == Long.MAX_VALUE) {
                future.get();
            } else {
                future.get(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
            }
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
    }

    /** Stops the guest from outside; {@link #run} then returns. Any thread. */
    public void stop() {
        stop(StopReason.DESTROYED, "the guest was stopped");
    }

    private void stop(StopReason reason, String message) {
        domain.stop(reason, message);
        // A vCPU that waits for the reader of its output must not wait any more.
        console.disconnect();
    }

    private void outputClosed() {
        outputClosed = true;
        stop(StopReason.DESTROYED, "nobody reads the guest's output any more");
    }

    /** Counters of processor and hypervisor, by name, valid until {@link #close}. */
    public Map<String, Long> statistics() {
        return domain.statistics();
    }

    /** Ends the guest and gives its memory back. */
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        stop();
        try {
            console.finish(false, 0);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        storeBackend.close();
        consolePage.close();
        storePage.close();
        domain.destroy();
        hypervisor.close();
    }

    /** What a machine is made of. */
    public static final class Builder {
        private final LoadedKernel kernel;
        private String name = "guest";
        private String cmdline = "";
        private @Nullable Ramdisk ramdisk;
        private long memory = 512L << 20;
        private int vcpus = 1;
        private boolean virtualClock;
        private boolean verifyTranslation;
        private OutputStream output = OutputStream.nullOutputStream();
        private @Nullable ConsoleInput input;
        private @Nullable GuestConsole console;
        private @Nullable Function<Domain, InputJournal> journal;

        private Builder(LoadedKernel kernel) {
            this.kernel = kernel;
        }

        /** The domain's name. */
        public Builder name(String value) {
            name = value;
            return this;
        }

        /** The kernel's command line. */
        public Builder cmdline(String value) {
            cmdline = value;
            return this;
        }

        /** The ramdisk. */
        public Builder ramdisk(Ramdisk value) {
            ramdisk = value;
            return this;
        }

        /** Memory in bytes, whole pages; 512 MiB if not set. */
        public Builder memory(long bytes) {
            memory = bytes;
            return this;
        }

        /** Virtual processors, 1 to 128; 1 if not set. */
        public Builder vcpus(int n) {
            vcpus = n;
            return this;
        }

        /** Whether time advances with retired instructions. */
        public Builder virtualClock(boolean value) {
            virtualClock = value;
            return this;
        }

        /**
         * Whether all that translated code does is done again by the interpreter and compared; for
         * one vCPU only. The guest ends at the first difference, and {@link Outcome#cause} is a
         * {@link dev.vitrine.processor.TranslationDifference}.
         */
        public Builder verifyTranslation(boolean value) {
            verifyTranslation = value;
            return this;
        }

        /** Where the guest's console goes; nowhere if not set. */
        public Builder output(OutputStream value) {
            output = value;
            return this;
        }

        /** What the guest's console gets; nothing if not set. */
        public Builder input(ConsoleInput value) {
            input = value;
            return this;
        }

        /**
         * Says that the ramdisk is that of a Vitrine image, whose init is told about its console:
         * its messages are taken out of the output, and it gets input once it is ready for it.
         */
        public Builder console(GuestConsole value) {
            console = value;
            return this;
        }

        /**
         * Sets what decides about the guest's input, made for the new domain before there is
         * anything in its memory; for virtual clocks only.
         */
        public Builder journal(Function<Domain, InputJournal> value) {
            journal = value;
            return this;
        }

        private String cmdline() {
            if (console == null) {
                return cmdline;
            }
            return cmdline.isEmpty() ? console.cmdline() : cmdline + " " + console.cmdline();
        }

        /**
         * Makes the machine, with all in its memory, ready to run.
         *
         * @throws BadInputException the kernel is not for PVH, or the memory does not do for it
         */
        public Machine build() {
            if (vcpus < 1 || vcpus > DomainConfig.MAX_VCPUS) {
                throw new BadInputException(
                        "A domain cannot have "
                                + vcpus
                                + " vCPUs: it can have 1 to "
                                + DomainConfig.MAX_VCPUS
                                + ".");
            }
            if (verifyTranslation && vcpus != 1) {
                throw new BadInputException(
                        "Translated code is verified with one vCPU only, and this domain has "
                                + vcpus
                                + ".");
            }
            if (memory < DomainConfig.MIN_MEMORY) {
                throw new BadInputException("A domain needs at least 1 MiB of memory.");
            }
            return new Machine(this);
        }
    }
}
