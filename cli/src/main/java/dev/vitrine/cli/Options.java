// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.IFactory;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.IGetter;
import picocli.CommandLine.Model.ISetter;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.Model.UnmatchedArgsBinding;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * The options, arguments and help of a command, as picocli wants them: what is told by its
 * annotations elsewhere. Those are read by reflection, for which the JVM makes proxies and other
 * classes at each start, 30 ms and more before a guest's first instruction.
 *
 * <p>What a user does not give is not set.
 */
final class Options {
    /**
     * Makes what picocli wants to be made, which for what is described here are lists. Its own
     * factory looks for a class of Groovy first, in vain, for which the JVM opens all jars.
     */
    static final IFactory FACTORY =
            new IFactory() {
                @Override
                public <K> K create(Class<K> type) throws ReflectiveOperationException {
                    return type.getDeclaredConstructor().newInstance();
                }
            };

    private final CommandSpec spec;

    /**
     * @param name the command's name
     * @param usage what stands behind "usage: ", and further lines
     */
    Options(String name, String... usage) {
        spec = CommandSpec.wrapWithoutInspection(null, FACTORY).name(name);
        spec.usageMessage()
                .synopsisHeading("usage: ")
                .customSynopsis(usage)
                .parameterListHeading("%n")
                .optionListHeading("%n")
                .sortOptions(false);
    }

    /** What picocli knows. */
    CommandSpec spec() {
        return spec;
    }

    /** The lines before the usage. */
    Options header(String... lines) {
        spec.usageMessage().header(lines);
        return this;
    }

    /** The lines at the end. */
    Options footer(String... lines) {
        spec.usageMessage().footer(lines);
        return this;
    }

    /** An option with a value. */
    Options text(String name, String label, Consumer<String> set, String... description) {
        return option(name, label, String.class, set, description);
    }

    /** An option with a whole number. */
    Options number(String name, String label, Consumer<Integer> set, String... description) {
        return option(name, label, int.class, set, description);
    }

    private <T> Options option(
            String name, String label, Class<T> type, Consumer<T> set, String... description) {
        Value<T> value = new Value<>(set);
        spec.addOption(
                OptionSpec.builder(name)
                        .type(type)
                        .paramLabel(label)
                        .description(description)
                        .getter(value)
                        .setter(value)
                        .build());
        return this;
    }

    /** An option with a value that may be repeated. */
    Options repeated(String name, String label, Consumer<List<String>> set, String... description) {
        spec.addOption(list(name, label, set, description).build());
        return this;
    }

    /** An option with values between commas, which may be repeated. */
    Options commas(String name, String label, Consumer<List<String>> set, String... description) {
        spec.addOption(
                list(name, label, set, description).splitRegex(",").hideParamSyntax(true).build());
        return this;
    }

    private static OptionSpec.Builder list(
            String name, String label, Consumer<List<String>> set, String... description) {
        Value<List<String>> value = new Value<>(set);
        return OptionSpec.builder(name)
                .type(ArrayList.class)
                .auxiliaryTypes(String.class)
                .paramLabel(label)
                .description(description)
                .getter(value)
                .setter(value);
    }

    /** An option without a value. */
    Options flag(String name, Runnable set, String... description) {
        return flag(OptionSpec.builder(name), set, description);
    }

    /** An option without a value that has a letter, too. */
    Options flag(String letter, String name, Runnable set, String description) {
        return flag(OptionSpec.builder(letter, name), set, description);
    }

    private Options flag(OptionSpec.Builder builder, Runnable set, String... description) {
        Value<Boolean> value =
                new Value<>(on -> {
                    if (on) {
                        set.run();
                    }
                });
        spec.addOption(
                builder.type(boolean.class)
                        .description(description)
                        .getter(value)
                        .setter(value)
                        .build());
        return this;
    }

    /** The option that asks for this help. */
    Options help() {
        return flag(OptionSpec.builder("-h", "--help").usageHelp(true), () -> {}, "this text");
    }

    /** The next argument, which has to be there. */
    Options argument(String label, Consumer<String> set, String... description) {
        spec.addPositional(next(label, set).required(true).description(description).build());
        return this;
    }

    /** The next argument, which may be left out. */
    Options optionalArgument(String label, Consumer<String> set, String... description) {
        spec.addPositional(next(label, set).arity("0..1").description(description).build());
        return this;
    }

    /** As {@link #optionalArgument}, but not in the help. */
    Options hiddenArgument(Consumer<String> set) {
        spec.addPositional(next("", set).arity("0..1").hidden(true).build());
        return this;
    }

    private PositionalParamSpec.Builder next(String label, Consumer<String> set) {
        Value<String> value = new Value<>(set);
        return PositionalParamSpec.builder()
                .index(Integer.toString(spec.positionalParameters().size()))
                .type(String.class)
                .paramLabel(label)
                .getter(value)
                .setter(value);
    }

    /** All further arguments. */
    Options arguments(String label, Consumer<List<String>> set, String... description) {
        Value<List<String>> value = new Value<>(set);
        spec.addPositional(
                PositionalParamSpec.builder()
                        .index(spec.positionalParameters().size() + "..*")
                        .arity("0..*")
                        .type(ArrayList.class)
                        .auxiliaryTypes(String.class)
                        .paramLabel(label)
                        .description(description)
                        .getter(value)
                        .setter(value)
                        .build());
        return this;
    }

    /** Takes what fits nothing else, instead of refusing it. */
    Options rest(Consumer<List<String>> set) {
        spec.addUnmatchedArgsBinding(
                UnmatchedArgsBinding.forStringArrayConsumer(
                        new ISetter() {
                            @Override
                            public <T> T set(T value) {
                                // Before there is anything, picocli clears what there was.
                                if (value != null) {
                                    set.accept(List.of((String[]) value));
                                }
                                return value;
                            }
                        }));
        return this;
    }

    /** Where picocli keeps a value, and tells what it is. */
    private static final class Value<V> implements IGetter, ISetter {
        private final Consumer<V> told;
        private @Nullable Object value;

        Value(Consumer<V> told) {
            this.told = told;
        }

        /** Null as long as nothing is set, which picocli expects. */
        @Override
        @SuppressWarnings({"unchecked", "NullAway"})
        public <T> T get() {
            return (T) value;
        }

        @Override
        @SuppressWarnings("unchecked")
        public <T> T set(T newValue) {
            value = newValue;
            if (newValue != null) {
                told.accept((V) newValue);
            }
            return newValue;
        }
    }
}
