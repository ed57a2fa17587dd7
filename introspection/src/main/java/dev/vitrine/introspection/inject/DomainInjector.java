// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import dev.vitrine.hypervisor.Domain;
import dev.vitrine.introspection.Breakpoints;
import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.Target;
import dev.vitrine.introspection.trace.call.ErrorNames;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.List;

/**
 * Injection into a domain of this process. A thread of the guest is taken where it may sleep: when
 * a system call is done, or before a regular work of the kernel's own.
 *
 * <p>Thread-safe; requests of several threads go on side by side.
 */
public final class DomainInjector implements Injector {
    private static final List<String> ENVIRONMENT =
            List.of("HOME=/", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");

    private final Domain domain;
    private final TakenThreads threads;
    private final ProcedureRunner runner;
    private @Nullable KernelLink linked;

    /** For a domain of this process. */
    public DomainInjector(Domain domain) {
        this.domain = domain;
        this.threads = new TakenThreads(domain);
        this.runner = new ProcedureRunner(domain, threads);
    }

    @Override
    public int exec(List<String> command, boolean wait, int process, Duration limit) {
        Arguments.checkCommand(command);
        TimeLimit t = TimeLimit.of(limit);
        KernelLink link = link();
        ExecProcedure p = new ExecProcedure(command, ENVIRONMENT);
        ProgramWatch watch = new ProgramWatch(p::vector);
        try (Breakpoints points = Breakpoints.of(domain)) {
            if (wait) {
                link.need(ProgramWatch.functions());
                synchronized (link) {
                    watch.start(points, link, at -> threads.memory(at, link));
                }
            }
            runner.run(link, p, process, t);
            check("start " + command.getFirst(), p.status());
            if (!wait) {
                return 0;
            }
            Integer status = runner.await(watch.ended(), t);
            if (status == null) {
                throw new IntrospectionException(
                        command.getFirst() + " did not end within " + t + "; it goes on.");
            }
            return status;
        }
    }

    @Override
    public byte[] read(String path, long offset, int length, int process, Duration limit) {
        Arguments.checkPath(path);
        Arguments.checkRange(offset, length);
        TimeLimit t = TimeLimit.of(limit);
        FileProcedure p =
                runner.repeated(link(), () -> FileProcedure.read(path, offset, length), process, t);
        if (p.needsProgram()) {
            ProgramFileProcedure q =
                    runner.repeated(
                            link(),
                            () ->
                                    new ProgramFileProcedure(
                                            path, offset, new byte[length], false, process == 0),
                            process,
                            t);
            check("read " + path, q.error());
            return q.bytes();
        }
        check("read " + path, p.error());
        return p.bytes();
    }

    @Override
    public void write(String path, long offset, byte[] content, int process, Duration limit) {
        Arguments.checkPath(path);
        Arguments.checkRange(offset, content.length);
        byte[] own = content.clone();
        TimeLimit t = TimeLimit.of(limit);
        FileProcedure p =
                runner.repeated(link(), () -> FileProcedure.write(path, offset, own), process, t);
        long error = p.error();
        if (p.needsProgram()) {
            error =
                    runner.repeated(
                                    link(),
                                    () ->
                                            new ProgramFileProcedure(
                                                    path, offset, own, true, process == 0),
                                    process,
                                    t)
                            .error();
        }
        check("write " + path, error);
    }

    @Override
    public long call(String function, List<CallArgument> arguments, int process, Duration limit) {
        Arguments.checkCall(function, arguments);
        KernelLink link = link();
        CallProcedure p = new CallProcedure(function, arguments, link);
        runner.run(link, p, process, TimeLimit.of(limit));
        return p.result();
    }

    /** Threads that are under way still find back. */
    @Override
    public void close() {
        threads.close();
    }

    private static void check(String what, long error) {
        if (error >= 0) {
            return;
        }
        String name = ErrorNames.of(error);
        throw new IntrospectionException(
                "The guest's kernel could not "
                        + what
                        + ": "
                        + (name == null ? "error " + error : name)
                        + ".");
    }

    private synchronized KernelLink link() {
        if (domain.hasJournal()) {
            throw new IntrospectionException(
                    "Nothing can be injected into a guest that is recorded or replayed.");
        }
        KernelLink l = linked;
        if (l == null) {
            KernelLink made = new KernelLink(Target.of(domain));
            threads.watch(made);
            linked = made;
            l = made;
        }
        return l;
    }
}
