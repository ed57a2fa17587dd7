// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.processor.Processor;
import dev.vitrine.toolstack.BadInputException;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.Callable;

/**
 * The entry point. It looks at the first argument only, and loads no more than the command that it
 * names: the time from the start of the process to a guest's first instruction counts.
 */
public final class Main {
    private static final String COMMANDS =
            "the commands are run, trace, record, replay, inspect, inject, pull and images";

    private Main() {}

    /** Runs one command and ends the process with its exit status. */
    public static void main(String[] args) {
        System.exit(execute(args, Streams.ofProcess()));
    }

    /**
     * Runs one command.
     *
     * <p>Whatever goes wrong ends here as one sentence on standard error. {@code
     * -Dvitrine.debug=true} adds the stack trace.
     *
     * @return the exit status
     */
    static int execute(String[] args, Streams given) {
        StandardOutput out = StandardOutput.of(given.out());
        Streams streams = new Streams(given.in(), out, given.err(), given.terminal());
        try {
            int status = dispatch(args, streams);
            return out.failure() == null ? status : outputLost(out, streams);
        } catch (BadInputException | IntrospectionException e) {
            return failed(streams, e.getMessage(), ExitStatus.BAD_INPUT, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return failed(streams, "The command was interrupted.", ExitStatus.SOFTWARE, e);
        } catch (OutOfMemoryError e) {
            return failed(
                    streams,
                    "Java's heap is too small for this; give it more with VITRINE_JAVA_OPTS=-Xmx4g.",
                    ExitStatus.SOFTWARE,
                    e);
        } catch (Exception | Error e) {
            return failed(
                    streams,
                    "An error of Vitrine itself stopped it: "
                            + e
                            + " (VITRINE_JAVA_OPTS=-Dvitrine.debug=true shows where).",
                    ExitStatus.SOFTWARE,
                    e);
        }
    }

    private static int dispatch(String[] args, Streams streams) throws Exception {
        if (args.length == 0) {
            throw new BadInputException(
                    "A command is missing: " + COMMANDS + "; vitrine --help tells more.");
        }
        String[] rest = Arrays.copyOfRange(args, 1, args.length);
        switch (args[0]) {
            case "run" -> {
                Processor.prepare();
                return call(new RunCommand(streams), rest, streams);
            }
            case "trace" -> {
                Processor.prepare();
                return call(new TraceCommand(streams), rest, streams);
            }
            case "record" -> {
                Processor.prepare();
                return call(new RecordCommand(streams), rest, streams);
            }
            case "replay" -> {
                Processor.prepare();
                return call(new ReplayCommand(streams), rest, streams);
            }
            case "inspect" -> {
                return call(new InspectCommand(streams), rest, streams);
            }
            case "inject" -> {
                return call(new InjectCommand(streams), rest, streams);
            }
            case "pull" -> {
                return call(new PullCommand(streams), rest, streams);
            }
            case "images" -> {
                return call(new ImagesCommand(streams), rest, streams);
            }
            case "help", "--help", "-h" -> {
                if (rest.length > 0 && !rest[0].startsWith("-")) {
                    return dispatch(new String[] {rest[0], "--help"}, streams);
                }
                CommandLineParser.help(new VitrineCommand(), streams);
                return ExitStatus.OK;
            }
            case "version", "--version", "-V" -> {
                Version.print(streams);
                return ExitStatus.OK;
            }
            case "--train" -> {
                return Training.run(streams);
            }
            default -> {
                String what = args[0].startsWith("-") ? "an option" : "a command";
                throw new BadInputException(
                        "'"
                                + args[0]
                                + "' is not "
                                + what
                                + " of vitrine: "
                                + COMMANDS
                                + "; vitrine --help tells more.");
            }
        }
    }

    private static <C extends Callable<Integer> & Described> int call(
            C command, String[] args, Streams streams) throws Exception {
        return CommandLineParser.parse(command, args, streams) ? command.call() : ExitStatus.OK;
    }

    /** What the command has to say did not arrive, whatever it did. */
    private static int outputLost(StandardOutput out, Streams streams) {
        if (out.readerIsGone()) {
            return ExitStatus.OUTPUT_CLOSED;
        }
        IOException e = Objects.requireNonNull(out.failure());
        return failed(
                streams,
                "Standard output cannot be written: " + e.getMessage() + ".",
                ExitStatus.BAD_INPUT,
                e);
    }

    private static int failed(
            Streams streams, @Nullable String sentence, int status, Throwable cause) {
        streams.err().println("vitrine: " + (sentence == null ? cause.toString() : sentence));
        if (Boolean.getBoolean("vitrine.debug")) {
            Throwable below = cause.getCause();
            (below == null ? cause : below).printStackTrace(streams.err());
        }
        return status;
    }
}
