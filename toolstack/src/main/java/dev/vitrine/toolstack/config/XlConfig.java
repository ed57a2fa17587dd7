// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.config;

import dev.vitrine.toolstack.BadInputException;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads xl.cfg files into {@link DomainConfig}.
 *
 * <p>An option that xl does not know is an error, one that Vitrine does not do yet a warning. Two
 * defaults differ from xl's: {@code type} is {@code pvh} (xl: {@code pv}) and {@code memory} 512
 * MiB.
 */
public final class XlConfig {
    /** A configuration is a page or two; whatever is larger than this is another kind of file. */
    private static final int MAX_BYTES = 1 << 20;

    private final CfgFile cfg;
    private final List<ConfigWarning> warnings = new ArrayList<>();

    private XlConfig(CfgFile cfg) {
        this.cfg = cfg;
    }

    /**
     * Reads a file.
     *
     * @throws BadInputException the file cannot be read or used; the message names it and the line
     */
    public static DomainConfig load(Path file) {
        byte[] text;
        // A pipe may have nobody who writes, and opening it would wait for one.
        if (Files.exists(file) && !Files.isRegularFile(file) && !Files.isDirectory(file)) {
            throw new BadInputException(file + ": the file is not a regular file.");
        }
        try (InputStream in = Files.newInputStream(file)) {
            text = in.readNBytes(MAX_BYTES + 1);
        } catch (NoSuchFileException e) {
            throw new BadInputException(file + ": there is no such file.", e);
        } catch (IOException e) {
            String what = Files.isDirectory(file) ? "is a folder" : "cannot be read";
            throw new BadInputException(file + ": the file " + what + ".", e);
        }
        if (text.length > MAX_BYTES) {
            throw new BadInputException(file + ": the file is too large to be an xl.cfg file.");
        }
        return parse(file.toString(), text);
    }

    /**
     * Makes a configuration of a file's text.
     *
     * @param file the name to use in messages
     * @throws BadInputException the text cannot be used; the message names file and line
     */
    public static DomainConfig parse(String file, byte[] text) {
        return new XlConfig(CfgFile.parse(file, text)).config();
    }

    private DomainConfig config() {
        checkNames();
        DomainType type = type();
        String name = string("name");
        if (name == null || name.isEmpty()) {
            CfgSetting setting = cfg.find("name");
            throw error(
                    setting == null ? 0 : setting.line(),
                    "the domain has no name; add name = \"…\"");
        }
        long memory =
                number("memory", 1, DomainConfig.MAX_MEMORY_MIB, DomainConfig.DEFAULT_MEMORY_MIB);
        long maxmem = number("maxmem", 1, DomainConfig.MAX_MEMORY_MIB, memory);
        if (maxmem < memory) {
            throw error(lineOf("maxmem"), "maxmem is smaller than memory");
        }
        int vcpus = (int) number("vcpus", 1, DomainConfig.MAX_VCPUS, 1);
        int maxVcpus = (int) number("maxvcpus", 1, DomainConfig.MAX_VCPUS, vcpus);
        if (maxVcpus < vcpus) {
            throw error(lineOf("maxvcpus"), "maxvcpus is smaller than vcpus");
        }
        if (maxmem > memory) {
            warn("maxmem", "the domain gets memory, not maxmem: ballooning is not supported yet");
        }
        if (maxVcpus > vcpus) {
            warn(
                    "maxvcpus",
                    "the domain gets vcpus, not maxvcpus: adding vCPUs is not supported yet");
        }
        return new DomainConfig(
                name,
                type,
                lineOf(cfg.find("type") != null ? "type" : "builder"),
                path("kernel"),
                path("ramdisk"),
                cmdline(),
                memory,
                maxmem,
                vcpus,
                maxVcpus,
                action("on_poweroff", ShutdownAction.DESTROY),
                action("on_reboot", ShutdownAction.RESTART),
                action("on_watchdog", ShutdownAction.DESTROY),
                action("on_crash", ShutdownAction.DESTROY),
                action("on_soft_reset", ShutdownAction.SOFT_RESET),
                warnings);
    }

    private void checkNames() {
        for (CfgSetting setting : cfg.settings()) {
            XlOptions.Support support = XlOptions.find(setting.name());
            if (support == null) {
                String near = XlOptions.nearest(setting.name());
                throw error(
                        setting.line(),
                        "xl has no option '"
                                + setting.name()
                                + "'"
                                + (near == null ? "" : "; is '" + near + "' meant?"));
            }
            if (support == XlOptions.Support.NOT_YET) {
                warn(
                        setting.name(),
                        "the option '"
                                + setting.name()
                                + "' is not supported yet and has no effect");
            }
        }
    }

    private DomainType type() {
        String type = string("type");
        String builder = string("builder");
        DomainType byType = type == null ? null : typeOf(type, "type");
        DomainType byBuilder = builder == null ? null : typeOf(builder, "builder");
        if (byType != null && byBuilder != null && byType != byBuilder) {
            throw error(lineOf("builder"), "builder and type contradict each other");
        }
        if (byType != null) {
            return byType;
        }
        return byBuilder != null ? byBuilder : DomainType.PVH;
    }

    private DomainType typeOf(String text, String option) {
        return switch (option + "=" + text) {
            case "type=pvh" -> DomainType.PVH;
            case "type=pv", "builder=generic", "builder=linux" -> DomainType.PV;
            case "type=hvm", "builder=hvm" -> DomainType.HVM;
            default ->
                    throw error(
                            lineOf(option),
                            option
                                    + " is '"
                                    + shorten(text)
                                    + "'; it can be "
                                    + (option.equals("type")
                                            ? "pvh, pv or hvm"
                                            : "generic or hvm"));
        };
    }

    private String cmdline() {
        String cmdline = string("cmdline");
        String root = string("root");
        String extra = string("extra");
        if (cmdline != null) {
            if (root != null || extra != null) {
                warn("cmdline", "cmdline is taken; root and extra are ignored, as xl ignores them");
            }
            return cmdline;
        }
        if (root != null) {
            return extra != null ? "root=" + root + " " + extra : "root=" + root;
        }
        return extra != null ? extra : "";
    }

    private ShutdownAction action(String name, ShutdownAction otherwise) {
        String text = string(name);
        if (text == null) {
            return otherwise;
        }
        for (ShutdownAction action : ShutdownAction.values()) {
            if (action.xlName().equals(text)) {
                return action;
            }
        }
        throw error(
                lineOf(name),
                name + " is '" + shorten(text) + "', which is no action that xl knows");
    }

    private @Nullable Path path(String name) {
        String text = string(name);
        if (text == null) {
            return null;
        }
        if (text.isEmpty()) {
            throw error(lineOf(name), name + " is empty; it is the name of a file");
        }
        try {
            return Path.of(text);
        } catch (InvalidPathException e) {
            throw error(lineOf(name), name + " cannot be the name of a file");
        }
    }

    private @Nullable String string(String name) {
        CfgSetting setting = cfg.find(name);
        if (setting == null) {
            return null;
        }
        if (setting.value() instanceof CfgValue.Atom(String text, int line)) {
            return text;
        }
        throw error(setting.line(), name + " is a list; it is a single value");
    }

    /** The number by strtol's rules for base 0: 0x is hexadecimal, a leading 0 octal. */
    private long number(String name, long min, long max, long otherwise) {
        String text = string(name);
        if (text == null) {
            return otherwise;
        }
        CfgSetting setting = cfg.find(name);
        int line = lineOf(name);
        if (setting != null && setting.added()) {
            throw error(line, "'+=' cannot be used with numbers, as it is for " + name);
        }
        String digits = text.strip();
        if (!digits.matches("[+-]?(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)")) {
            throw error(line, name + " is '" + shorten(text) + "', which is not a number");
        }
        long value;
        try {
            value = Long.decode(digits);
        } catch (NumberFormatException e) {
            value = digits.startsWith("-") ? Long.MIN_VALUE : Long.MAX_VALUE;
        }
        if (value < min || value > max) {
            throw error(line, name + " is " + shorten(text) + "; it can be " + min + " to " + max);
        }
        return value;
    }

    private int lineOf(String name) {
        CfgSetting setting = cfg.find(name);
        return setting == null ? 0 : setting.line();
    }

    private void warn(String name, String message) {
        warnings.add(new ConfigWarning(cfg.file(), lineOf(name), message));
    }

    private static String shorten(String text) {
        String plain = text.replaceAll("[^\\x20-\\x7e]", "?");
        return plain.length() <= 60 ? plain : plain.substring(0, 60) + "…";
    }

    private BadInputException error(int line, String what) {
        String place = line == 0 ? cfg.file() : cfg.file() + ":" + line;
        return new BadInputException(place + ": " + what + (what.endsWith("?") ? "" : "."));
    }
}
