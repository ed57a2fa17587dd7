// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import dev.vitrine.toolstack.BadInputException;

import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** Picocli for one command, with errors as one sentence. */
final class CommandLineParser {
    private static final int WIDTH = 100;

    private CommandLineParser() {}

    /**
     * Sets the options of a command from its arguments.
     *
     * @return false if help was asked for and is printed, so that there is nothing left to do
     * @throws BadInputException the arguments make no sense
     */
    static boolean parse(Described command, String[] args, Streams streams) {
        CommandLine line = line(command);
        line.setUsageHelpWidth(WIDTH);
        line.setExpandAtFiles(false);
        line.setOverwrittenOptionsAllowed(false);
        // What is behind the target is another program's.
        line.setStopAtPositional(command instanceof InjectCommand);
        line.setUnmatchedOptionsAllowedAsOptionParameters(true);
        try {
            line.parseArgs(args);
        } catch (ParameterException e) {
            throw new BadInputException(sentence(e, line.getCommandSpec().qualifiedName()), e);
        }
        if (line.isUsageHelpRequested()) {
            usage(line, streams);
            return false;
        }
        return true;
    }

    private static CommandLine line(Described command) {
        return new CommandLine(command.options().spec(), Options.FACTORY);
    }

    /** Prints the help of a command. */
    static void help(Described command, Streams streams) {
        usage(line(command).setUsageHelpWidth(WIDTH), streams);
    }

    private static void usage(CommandLine line, Streams streams) {
        PrintWriter out = new PrintWriter(streams.out(), true, StandardCharsets.UTF_8);
        line.usage(out, Ansi.OFF);
        out.flush();
    }

    private static String sentence(ParameterException e, String command) {
        String what;
        if (e instanceof UnmatchedArgumentException unmatched
                && !unmatched.getUnmatched().isEmpty()) {
            String first = unmatched.getUnmatched().getFirst();
            what =
                    first.startsWith("-") && first.length() > 1
                            ? "there is no option '" + first + "'"
                            : "the argument '" + first + "' is one too many";
        } else if (e instanceof MissingParameterException missing
                && !missing.getMissing().isEmpty()) {
            CommandLine.Model.ArgSpec arg = missing.getMissing().getFirst();
            what =
                    arg instanceof CommandLine.Model.OptionSpec option
                            ? option.longestName() + " needs a value, " + option.paramLabel()
                            : "the argument " + arg.paramLabel() + " is missing";
        } else if (e instanceof CommandLine.OverwrittenOptionException overwritten
                && overwritten.getOverwritten() instanceof CommandLine.Model.OptionSpec option) {
            what = option.longestName() + " is given more than once";
        } else {
            String message = e.getMessage() == null ? "bad arguments" : e.getMessage();
            what = message.substring(0, 1).toLowerCase(Locale.ROOT) + message.substring(1);
            what = what.replaceAll("\\s*\\R\\s*", " ").replaceAll("\\.$", "");
        }
        return what.substring(0, 1).toUpperCase(Locale.ROOT)
                + what.substring(1)
                + "; "
                + command
                + " --help tells more.";
    }
}
