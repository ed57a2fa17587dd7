// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import dev.vitrine.introspection.trace.call.Parameter.When;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * The system calls by number: those of numbers.tbl and calls.tbl, which programs rely on, and
 * others as the kernel describes them.
 */
public final class CallTable {
    /** Registers that a call without a description may have used. */
    private static final int REGISTERS = 6;

    private static final int MAX_NUMBER = 1024;

    /** Number of socketcall in the ABI of i386, which has it alone. */
    public static final int SOCKETCALL = 102;

    /** What socketcall does, by its first argument (include/uapi/linux/net.h). */
    private static final String[] SOCKET_CALLS = {
        "", "socket", "bind", "connect", "listen", "accept", "getsockname", "getpeername",
        "socketpair", "send", "recv", "sendto", "recvfrom", "shutdown", "setsockopt", "getsockopt",
        "sendmsg", "recvmsg", "accept4", "recvmmsg", "sendmmsg"
    };

    private static final Map<Abi, Map<Integer, String>> NAMES = names();
    private static final Map<String, String> FORMS = new HashMap<>();

    /**
     * Parameters behind a command that decides about them.
     *
     * @param names of the commands
     */
    private record Commands(List<String> names, String form) {}

    /** By name of the call. */
    private static final Map<String, List<Commands>> COMMANDS = new HashMap<>();

    static {
        readForms();
    }

    private final @Nullable KernelCalls kernel;
    private final AtomicReferenceArray<@Nullable Call> known =
            new AtomicReferenceArray<>(Abi.values().length * MAX_NUMBER);
    private final AtomicReferenceArray<@Nullable Call> socketCalls =
            new AtomicReferenceArray<>(SOCKET_CALLS.length);

    /**
     * The calls of a kernel.
     *
     * @param kernel tells of calls that the tables do not have; null if there is none
     */
    public CallTable(@Nullable KernelCalls kernel) {
        this.kernel = kernel;
    }

    private static Map<Abi, Map<Integer, String>> names() {
        Map<Abi, Map<Integer, String>> all = new EnumMap<>(Abi.class);
        for (Abi abi : Abi.values()) {
            Map<Integer, String> map = new HashMap<>();
            for (String line : Tables.lines(Tables.class, "numbers.tbl")) {
                String[] words = line.trim().split(" +");
                String n = words[1 + abi.ordinal()];
                if (!n.equals("-")) {
                    map.put(Integer.valueOf(n), words[0]);
                }
            }
            all.put(abi, map);
        }
        return all;
    }

    /** Lines of calls.tbl by name, and by name, @ and ABI. */
    private static void readForms() {
        for (String line : Tables.lines(Tables.class, "calls.tbl")) {
            String[] words = line.trim().split(" +", 2);
            String form = words.length == 1 ? "" : words[1];
            int slash = words[0].indexOf('/');
            if (slash >= 0) {
                Commands c = new Commands(List.of(words[0].substring(slash + 1).split(",")), form);
                for (String name : words[0].substring(0, slash).split(",")) {
                    COMMANDS.computeIfAbsent(name, n -> new ArrayList<>()).add(c);
                }
                continue;
            }
            int at = words[0].indexOf('@');
            if (at < 0) {
                FORMS.put(words[0], form);
                continue;
            }
            String name = words[0].substring(0, at);
            for (String abi : words[0].substring(at + 1).split(",")) {
                FORMS.put(name + "@" + abi, form);
            }
        }
    }

    /**
     * Names of all calls that the tables know.
     *
     * @param abi of which programs
     */
    public static Map<Integer, String> names(Abi abi) {
        return Objects.requireNonNull(NAMES.get(abi));
    }

    /** The call of a number, which may be anything. */
    public Call get(Abi abi, int number) {
        if (number < 0 || number >= MAX_NUMBER) {
            return find(abi, number);
        }
        int at = abi.ordinal() * MAX_NUMBER + number;
        Call c = known.get(at);
        if (c != null) {
            return c;
        }
        known.compareAndSet(at, null, find(abi, number));
        return Objects.requireNonNull(known.get(at));
    }

    /**
     * The call that socketcall makes in place of itself.
     *
     * @param which its first argument
     * @return null if there is none
     */
    public @Nullable Call socketCall(int which) {
        if (which <= 0 || which >= SOCKET_CALLS.length) {
            return null;
        }
        if (socketCalls.get(which) == null) {
            String name = SOCKET_CALLS[which];
            socketCalls.compareAndSet(which, null, find(Abi.I386, SOCKETCALL, name, null));
        }
        return socketCalls.get(which);
    }

    private Call find(Abi abi, int number) {
        String name = names(abi).get(number);
        KernelCalls.Entry told = null;
        if (kernel != null && number >= 0 && number < MAX_NUMBER) {
            told = name != null ? null : abi == Abi.I386 ? null : kernel.get(number);
        }
        if (name == null) {
            name = told != null ? told.name() : "syscall_" + Integer.toUnsignedString(number);
        }
        return find(abi, number, name, told);
    }

    private Call find(Abi abi, int number, String name, KernelCalls.@Nullable Entry described) {
        KernelCalls.Entry told = described;
        String form = FORMS.get(name + "@" + abi.label());
        form = form != null ? form : FORMS.get(name);
        if (form != null) {
            return described(abi, number, name, form);
        }
        if (told == null && kernel != null) {
            told = kernel.named(name);
        }
        return new Call(
                abi,
                number,
                name,
                told == null || told.parameters() == null ? unknown() : declared(told.parameters()),
                Objects.requireNonNull(Scalars.of("i64")));
    }

    private static Call described(Abi abi, int number, String name, String form) {
        List<String> words = new ArrayList<>();
        Scalar result = Objects.requireNonNull(Scalars.of("i64"));
        if (!form.isEmpty()) {
            String[] all = form.split(" +");
            for (int i = 0; i < all.length; i++) {
                if (all[i].equals("->")) {
                    result = Objects.requireNonNull(Scalars.of(all[i + 1]));
                    break;
                }
                words.add(all[i]);
            }
        }
        Call call = new Call(abi, number, name, TypeParser.parameters(words), result);
        List<Commands> commands = COMMANDS.get(name);
        if (commands != null) {
            addForms(call, words, commands, result);
        }
        return call;
    }

    private static void addForms(
            Call call, List<String> words, List<Commands> commands, Scalar result) {
        int parameter = -1;
        Map<Long, Call> forms = new HashMap<>();
        for (Commands c : commands) {
            for (String command : c.names) {
                for (int i = 0; parameter < 0; i++) {
                    parameter = commands(words.get(i)).value(command) == null ? -1 : i;
                }
                Long value = commands(words.get(parameter)).value(command);
                if (value == null) {
                    throw new IllegalStateException("no command " + command);
                }
                List<String> all = new ArrayList<>(words.subList(0, parameter + 1));
                if (!c.form.isEmpty()) {
                    all.addAll(List.of(c.form.split(" +")));
                }
                forms.put(
                        value,
                        new Call(
                                call.abi(),
                                call.number(),
                                call.name(),
                                TypeParser.parameters(all),
                                result));
            }
        }
        call.setForms(parameter, forms);
    }

    /** The set that names a parameter's numbers; one without any names if there is none. */
    private static Constants commands(String word) {
        int open = word.indexOf('(');
        return open > 0 && word.substring(0, open).contains(":enum")
                ? Constants.of(word.substring(open + 1, word.length() - 1))
                : Constants.NONE;
    }

    private static List<Parameter> unknown() {
        List<Parameter> list = new ArrayList<>();
        Scalar hex = Objects.requireNonNull(Scalars.of("hex"));
        for (int i = 0; i < REGISTERS; i++) {
            list.add(new Parameter("a" + i, hex, null, When.ENTRY, null));
        }
        return list;
    }

    /** Parameters as C declares them. */
    private static List<Parameter> declared(List<KernelCalls.Parameter> parameters) {
        List<Parameter> list = new ArrayList<>();
        for (KernelCalls.Parameter p : parameters) {
            String type = p.type().replace(" ", "");
            String ours =
                    type.equals("constchar*") && !p.name().contains("buf")
                            ? "string"
                            : type.endsWith("*")
                                    ? "ptr"
                                    : switch (type) {
                                        case "int", "pid_t", "clockid_t", "timer_t", "__s32" ->
                                                "int";
                                        case "unsignedint", "unsigned", "uid_t", "gid_t", "u32" ->
                                                "uint";
                                        case "umode_t" -> "octal";
                                        case "long", "loff_t", "off_t" -> "long";
                                        default -> "ulong";
                                    };
            list.add(TypeParser.parameter(p.name(), ours, List.of(p.name())));
        }
        return list;
    }
}
