// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.Target;
import dev.vitrine.introspection.access.ControlTarget;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * Starts programs, reads and writes files in a running Linux guest that knows nothing of it. A
 * thread of the guest does it, and afterwards goes on as if nothing had been.
 *
 * <pre>{@code
 * try (Injector injector = Injector.open(Path.of("/tmp/guest"))) {
 *     injector.exec(List.of("/bin/touch", "/tmp/a b"), false, 0, Duration.ofSeconds(30));
 * }
 * }</pre>
 */
public interface Injector extends AutoCloseable {
    /** Bytes of a file that one call reads or writes, at most. */
    int BLOCK = 1 << 20;

    /** Bytes of a path with the zero behind it (PATH_MAX of include/uapi/linux/limits.h). */
    int MAX_PATH = 4096;

    /** Arguments of a function, at most: those that are passed in registers. */
    int MAX_CALL_ARGUMENTS = 6;

    /** Bytes of a program's or a function's arguments, at most, with a zero behind each. */
    int MAX_ARGUMENTS = 1 << 16;

    /**
     * For the domain of a control socket.
     *
     * @throws IntrospectionException there is none, or it is a memory image
     */
    static Injector open(Path path) {
        Target target = Target.open(path);
        if (target instanceof ControlTarget control) {
            return new ControlInjector(control);
        }
        target.close();
        throw new IntrospectionException(
                path
                        + " is a memory image; injection needs the control socket of a running guest.");
    }

    /**
     * Starts a program as a child of the kernel: as root and without terminal.
     *
     * @param command its path and its arguments
     * @param wait whether to wait for its end; no thread of the guest does
     * @param process of which a thread is to do it; 0 for any
     * @return its status as wait(2) has it, or 0 if its end is not waited for
     * @throws IntrospectionException it cannot be started, or that or its end takes longer
     */
    int exec(List<String> command, boolean wait, int process, Duration limit);

    /**
     * Reads a part of a file.
     *
     * @param offset bytes before it
     * @param length bytes, at most {@link #BLOCK}
     * @param process whose root folder and rights count; 0 for those of the kernel
     * @return fewer bytes at the end of the file only
     * @throws IntrospectionException it cannot be read, or not within the time
     */
    byte[] read(String path, long offset, int length, int process, Duration limit);

    /**
     * Writes a part of a file. At offset 0 the file is made, with mode 0644 but for the thread's
     * umask, or what it holds is removed before.
     *
     * @param content at most {@link #BLOCK} bytes
     * @throws IntrospectionException it cannot be written, or not within the time
     */
    void write(String path, long offset, byte[] content, int process, Duration limit);

    /**
     * Calls a function of the kernel, which must return and leave the stack as it was, as all that
     * follow the ABI do. What it does to the guest is the caller's affair.
     *
     * @param function its name
     * @param arguments at most six
     * @param process of which a thread is to do it; 0 for any of root's
     * @return what it leaves in RAX; of a function that returns an int only the lower half counts
     * @throws IntrospectionException there is no such function, or it has not returned within the
     *     time, or never will
     */
    long call(String function, List<CallArgument> arguments, int process, Duration limit);

    @Override
    void close();
}
