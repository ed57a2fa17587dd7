// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import dev.vitrine.introspection.trace.call.Parameter.Presence;
import dev.vitrine.introspection.trace.call.Parameter.Told;
import dev.vitrine.introspection.trace.call.Parameter.When;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * Reads the types of calls.tbl. A type is a scalar (see {@link Scalars}); or {@code in}, {@code
 * out}, {@code inout} (or infirst, inlast, inlength, see {@link Told}) or {@code outerr}, a comma,
 * and what the parameter points to: a scalar, a structure (see {@link Layouts}), or one of bytes,
 * string, iovec, msghdr, mmsghdr, sockaddr, sigset, fdset, dirents, wstatus and others below, with
 * a count in brackets where there are several, or its size behind a less-than sign; or one that
 * says all at once, such as path and argv.
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
                case "infirst" -> new Parameter(name, POINTER, p, When.BOTH, null, Told.BEFORE);
                case "inlast" -> new Parameter(name, POINTER, p, When.BOTH, null, Told.AFTER);
                case "inlength" -> new Parameter(name, POINTER, p, When.BOTH, null, Told.LENGTH);
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
        Scalar third = Objects.requireNonNull(Scalars.of("futex_value"));
        return switch (type) {
            case "path", "string" -> new Parameter(name, POINTER, Texts.TEXT, When.ENTRY, null);
            case "argv" -> new Parameter(name, POINTER, new Texts.Vector(false), When.ENTRY, null);
            case "envp" -> new Parameter(name, POINTER, new Texts.Vector(true), When.ENTRY, null);
            case "node_device" ->
                    new Parameter(
                            name,
                            Objects.requireNonNull(Scalars.of("dev")),
                            null,
                            When.ENTRY,
                            Choices.device(names.indexOf(name) - 1));
            case "futex_second" ->
                    new Parameter(name, POINTER, null, When.ENTRY, Choices.FUTEX_ADDRESS);
            case "futex_third" -> new Parameter(name, third, null, When.ENTRY, Choices.FUTEX_VALUE);
            default -> throw new IllegalArgumentException("no type " + type);
        };
    }

    private static Pointed pointed(String type, List<String> names, boolean out) {
        int less = type.indexOf('<');
        if (less >= 0) {
            Count size = Count.of(type.substring(less + 1), names);
            return new Items.Structure(type.substring(0, less), size);
        }
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
            case "message" -> new Texts.Message(needed(count));
            case "option" -> new Choices.Option(needed(count));
            case "msghdr" -> new Vectors.Message(out, null);
            case "mmsghdr" -> new Vectors.Message(out, needed(count));
            case "sigset" -> Items.SIGNALS;
            case "wstatus" -> Items.WAIT_STATUS;
            case "sigset_argument" -> Items.SIGNALS_ARGUMENT;
            case "capabilities" -> Items.CAPABILITIES;
            case "siginfo" -> SignalInfo.POINTER;
            case "file_handle" -> Handles.POINTER;
            case "filter_program" -> FilterProgram.POINTER;
            case "iocbs" -> new Items.Pointers(new Items.Structure("iocb", null), needed(count));
            case "process_name" -> Texts.PROCESS_NAME;
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
        Items.Structure one = new Items.Structure(name, null);
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
        List<String> names = words.stream().map(TypeParser::name).toList();
        List<Parameter> list = new ArrayList<>();
        for (String word : words) {
            int colon = word.indexOf(':');
            String name = name(word);
            Parameter p = parameter(name, word.substring(colon + 1), names);
            if (name.length() < colon) {
                Presence presence = presence(word.substring(name.length() + 1, colon), names);
                p = new Parameter(name, p.scalar(), p.pointed(), p.when(), presence, p.told());
            }
            list.add(p);
        }
        return list;
    }

    private static String name(String word) {
        int end = word.indexOf(':');
        int question = word.indexOf('?');
        return word.substring(0, question >= 0 && question < end ? question : end);
    }

    /** Another parameter, and bits of which it has one, or numbers of which it is one. */
    private static Presence presence(String condition, List<String> names) {
        int at = Math.max(condition.indexOf('&'), condition.indexOf('='));
        int index = at < 0 ? -1 : names.indexOf(condition.substring(0, at));
        if (index < 0) {
            throw new IllegalArgumentException("no condition " + condition);
        }
        String numbers = condition.substring(at + 1);
        if (condition.charAt(at) == '&') {
            long mask = Long.decode(numbers);
            return c -> (c.value(index) & mask) != 0;
        }
        List<Long> values = Arrays.stream(numbers.split(",")).map(Long::decode).toList();
        return c -> values.contains(c.value(index));
    }
}
