// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import dev.vitrine.toolstack.BadInputException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The arguments of one command: options that start with two dashes, with their values behind them or
 * after an equals sign, and at most one argument that is no option. {@code --} ends the options.
 */
final class Arguments {
    /** How often an option may be given, and whether it has a value. */
    enum Kind {
        FLAG,
        ONCE,
        REPEATED
    }

    private record Option(Kind kind, String label) {}

    private final String command;
    private final Map<String, Option> options = new HashMap<>();
    private final Map<String, List<String>> values = new HashMap<>();
    private @Nullable String operandLabel;
    private @Nullable String operand;

    /**
     * @param command the command's name, for messages
     */
    Arguments(String command) {
        this.command = command;
    }

    /** Allows an option without a value. */
    Arguments flag(String name) {
        options.put(name, new Option(Kind.FLAG, ""));
        return this;
    }

    /**
     * Allows an option with a value.
     *
     * @param label what the value is, for messages
     */
    Arguments option(String name, Kind kind, String label) {
        options.put(name, new Option(kind, label));
        return this;
    }

    /** Allows one argument that is no option. */
    Arguments operand(String label) {
        operandLabel = label;
        return this;
    }

    /**
     * Reads the arguments.
     *
     * @return false if help is asked for: then nothing else counts
     * @throws BadInputException they are not as allowed
     */
    boolean parse(String[] args) {
        for (String arg : args) {
            if (arg.equals("--")) {
                break;
            }
            if (arg.equals("--help") || arg.equals("-h")) {
                return false;
            }
        }
        boolean ended = false;
        for (int i = 0; i < args.length; i++) {
            String arg = args[i];
            if (ended || !arg.startsWith("-") || arg.equals("-")) {
                takeOperand(arg);
            } else if (arg.equals("--")) {
                ended = true;
            } else {
                i = takeOption(args, i);
            }
        }
        return true;
    }

    private void takeOperand(String arg) {
        if (operandLabel == null || operand != null) {
            throw bad("The argument " + Sizes.shown(arg) + " is one too many");
        }
        operand = arg;
    }

    private int takeOption(String[] args, int at) {
        String arg = args[at];
        int equals = arg.indexOf('=');
        String name = equals < 0 ? arg : arg.substring(0, equals);
        Option option = options.get(name);
        if (option == null) {
            throw bad("There is no option " + Sizes.shown(name));
        }
        List<String> list = values.computeIfAbsent(name, n -> new ArrayList<>());
        if (option.kind == Kind.FLAG) {
            if (equals >= 0) {
                throw bad(name + " takes no value");
            }
            list.add("");
            return at;
        }
        if (option.kind == Kind.ONCE && !list.isEmpty()) {
            throw bad(name + " is given more than once");
        }
        if (equals >= 0) {
            list.add(arg.substring(equals + 1));
            return at;
        }
        // What is an option is never a value: it was forgotten then. Use --cmdline=--x where it is one.
        if (at + 1 == args.length || options.containsKey(args[at + 1])) {
            throw bad(name + " needs a value, " + option.label);
        }
        list.add(args[at + 1]);
        return at + 1;
    }

    /** Whether an option was given. */
    boolean has(String name) {
        return values.containsKey(name);
    }

    /** The value of an option, or null. */
    @Nullable String value(String name) {
        List<String> list = values.get(name);
        return list == null ? null : list.getFirst();
    }

    /** All values of an option. */
    List<String> values(String name) {
        return values.getOrDefault(name, List.of());
    }

    /** The argument that is no option, or null. */
    @Nullable String operand() {
        return operand;
    }

    /**
     * The argument that is no option.
     *
     * @throws BadInputException there is none
     */
    String neededOperand() {
        if (operand == null) {
            throw bad("The argument " + operandLabel + " is missing");
        }
        return operand;
    }

    private BadInputException bad(String what) {
        return new BadInputException(what + "; " + command + " --help tells more.");
    }
}
