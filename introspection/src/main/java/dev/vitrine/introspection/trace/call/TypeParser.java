// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import dev.vitrine.introspection.trace.call.Parameter.Presence;
import dev.vitrine.introspection.trace.call.Parameter.When;
import dev.vitrine.introspection.trace.call.Scalar.Width;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Reads the types of calls.tbl. A type is a scalar (see {@link Scalars}); or {@code in}, {@code
 * out}, {@code inout} or {@code outerr}, a comma, and what the parameter points to: a scalar, a
 * structure (see {@link Layouts}), or one of bytes, string, iovec, msghdr, mmsghdr, sockaddr,
 * sigset, fdset, dirents, wstatus and others below, with a count in brackets where there are
 * several; or one that says all at once, such as path, argv and ioctl.
 */
final class TypeParser {
    private static final Scalar POINTER = Objects.requireNonNull(Scalars.of("ptr"));

    private TypeParser() {}

    /**
     * A parameter.
     *
     * @param names of all parameters
     * @throws IllegalArgumentException there is no such type
     */
    static Parameter parameter(String name, String type, List<String> names) {
        int comma = type.indexOf(',');
        if (comma >= 0) {
            String word = type.substring(0, comma);
            Pointed p = pointed(type.substring(comma + 1), names, word.equals("out"));
            return switch (word) {
                case "in" -> new Parameter(name, POINTER, p, When.ENTRY, null);
                case "out" -> new Parameter(name, POINTER, p, When.RETURN, null);
                case "inout" -> new Parameter(name, POINTER, p, When.BOTH, null);
                case "outerr" -> new Parameter(name, POINTER, p, When.ERROR, null);
                case "futex_time" ->
                        new Parameter(name, POINTER, p, When.ENTRY, Choices.FUTEX_TIME);
                default -> throw new IllegalArgumentException("no type " + type);
            };
        }
        Scalar scalar = Scalars.of(type);
        if (scalar != null) {
            Presence presence =
                    type.equals("create_mode") ? Choices.creates(names.indexOf(name) - 1) : null;
            return new Parameter(name, scalar, null, When.ENTRY, presence);
        }
        Scalar uint = Objects.requireNonNull(Scalars.of("uint"));
        Scalar hex = Objects.requireNonNull(Scalars.of("hex"));
        return switch (type) {
            case "path", "string" -> new Parameter(name, POINTER, Texts.TEXT, When.ENTRY, null);
            case "argv" -> new Parameter(name, POINTER, new Texts.Vector(false), When.ENTRY, null);
            case "envp" -> new Parameter(name, POINTER, new Texts.Vector(true), When.ENTRY, null);
            case "ioctl" -> new Parameter(name, POINTER, Choices.IOCTL_ARGUMENT, When.CHOSEN, null);
            case "fcntl" ->
                    new Parameter(
                            name,
                            new Scalar(Width.POINTER, false, Choices.FCNTL_STYLE),
                            Choices.FCNTL_LOCK,
                            When.CHOSEN,
                            Choices.FCNTL_ARGUMENT);
            case "prctl" ->
                    new Parameter(
                            name, hex, Choices.PRCTL_NAME, When.CHOSEN, Choices.PRCTL_ARGUMENT);
            case "node_device" ->
                    new Parameter(
                            name,
                            Objects.requireNonNull(Scalars.of("dev")),
                            null,
                            When.ENTRY,
                            Choices.device(names.indexOf(name) - 1));
            case "prctl_more" -> new Parameter(name, hex, null, When.ENTRY, Choices.PRCTL_MORE);
            case "futex_second" ->
                    new Parameter(name, POINTER, null, When.ENTRY, Choices.FUTEX_ADDRESS);
            case "futex_third" -> new Parameter(name, uint, null, When.ENTRY, Choices.FUTEX_VALUE);
            default -> throw new IllegalArgumentException("no type " + type);
        };
    }

    private static Pointed pointed(String type, List<String> names, boolean out) {
        int open = type.indexOf('[');
        Count count = null;
        String name = type;
        if (open >= 0) {
            count = Count.of(type.substring(open + 1, type.length() - 1), names);
            name = type.substring(0, open);
        }
        return switch (name) {
            case "bytes" -> new Texts.Data(needed(count));
            case "string" -> count == null ? Texts.TEXT : new Texts.Written(count);
            case "iovec" -> new Vectors.Vector(needed(count), out);
            case "sockaddr" -> new SocketAddresses.Pointer(needed(count));
            case "option" -> new Choices.Option(needed(count));
            case "msghdr" -> new Vectors.Message(out, null);
            case "mmsghdr" -> new Vectors.Message(out, needed(count));
            case "sigset" -> Items.SIGNALS;
            case "wstatus" -> Items.WAIT_STATUS;
            case "utimes" -> Choices.FILE_TIMES;
            case "sigaction" -> Choices.SIGNAL_ACTION;
            case "fdset" -> new Items.Bits(needed(count), 1);
            case "cpus" -> new Items.Bits(needed(count), 8);
            case "dirents" -> new Items.Entries(false);
            case "dirents64" -> new Items.Entries(true);
            default -> items(name, count);
        };
    }

    private static Pointed items(String name, @Nullable Count count) {
        Scalar scalar = Scalars.of(name);
        if (scalar != null) {
            return count == null ? new Items.Number(scalar) : new Items.Numbers(scalar, count);
        }
        if (Layouts.of(Abi.X64, name) == null) {
            throw new IllegalArgumentException("no type " + name);
        }
        Items.Structure one = new Items.Structure(name);
        return count == null ? one : new Items.Structures(one, count);
    }

    private static Count needed(@Nullable Count count) {
        if (count == null) {
            throw new IllegalArgumentException("a count is missing");
        }
        return count;
    }

    /** The parameters behind a call's name. */
    static List<Parameter> parameters(List<String> words) {
        List<String> names = words.stream().map(w -> w.substring(0, w.indexOf(':'))).toList();
        List<Parameter> list = new ArrayList<>();
        for (String word : words) {
            int colon = word.indexOf(':');
            list.add(parameter(word.substring(0, colon), word.substring(colon + 1), names));
        }
        return list;
    }
}
