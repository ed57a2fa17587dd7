// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import dev.vitrine.introspection.IntrospectionException;

import java.nio.charset.StandardCharsets;
import java.util.List;

/** Checks what is asked for before the guest is touched. */
final class Arguments {
    private Arguments() {}

    /**
     * A program's path and its arguments.
     *
     * @throws IntrospectionException they cannot be given to a program
     */
    static void checkCommand(List<String> command) {
        if (command.isEmpty()) {
            throw new IntrospectionException("There is no program to start.");
        }
        checkPath(command.getFirst());
        long size = 0;
        for (String s : command) {
            checkText(s);
            size += s.getBytes(StandardCharsets.UTF_8).length + 1L;
        }
        checkSize(size);
    }

    /**
     * A path in the guest.
     *
     * @throws IntrospectionException it is none
     */
    static void checkPath(String path) {
        checkText(path);
        if (path.getBytes(StandardCharsets.UTF_8).length >= Injector.MAX_PATH) {
            throw new IntrospectionException(
                    "The path in the guest is longer than " + (Injector.MAX_PATH - 1) + " bytes.");
        }
        if (!path.startsWith("/")) {
            throw new IntrospectionException(
                    "'" + path + "' is no path in the guest: those begin with /.");
        }
    }

    /**
     * A function and its arguments.
     *
     * @throws IntrospectionException they are too many or too long
     */
    static void checkCall(String function, List<CallArgument> arguments) {
        checkText(function);
        if (arguments.size() > Injector.MAX_CALL_ARGUMENTS) {
            throw new IntrospectionException(
                    "A function of the kernel is called with at most "
                            + Injector.MAX_CALL_ARGUMENTS
                            + " arguments.");
        }
        long size = function.getBytes(StandardCharsets.UTF_8).length + 1L;
        for (CallArgument a : arguments) {
            checkText(a.encoded());
            size += a.encoded().getBytes(StandardCharsets.UTF_8).length + 1L;
        }
        checkSize(size);
    }

    private static void checkSize(long size) {
        if (size > Injector.MAX_ARGUMENTS) {
            throw new IntrospectionException(
                    "The arguments are longer than " + Injector.MAX_ARGUMENTS + " bytes.");
        }
    }

    private static void checkText(String s) {
        if (s.indexOf(0) >= 0) {
            throw new IntrospectionException("A text for the guest has a zero byte in it.");
        }
    }

    /**
     * A part of a file.
     *
     * @throws IntrospectionException it is none, or too large
     */
    static void checkRange(long offset, int length) {
        if (offset < 0
                || length < 0
                || length > Injector.BLOCK
                || offset > Long.MAX_VALUE - length) {
            throw new IntrospectionException(
                    "A part of a file is at most " + Injector.BLOCK + " bytes.");
        }
    }
}
