// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.PathNames;
import dev.vitrine.toolstack.builder.Ramdisk;
import dev.vitrine.toolstack.config.ConfigWarning;
import dev.vitrine.toolstack.config.DomainConfig;
import dev.vitrine.toolstack.config.DomainType;
import dev.vitrine.toolstack.config.ShutdownAction;
import dev.vitrine.toolstack.config.XlConfig;
import dev.vitrine.toolstack.image.Image;
import dev.vitrine.toolstack.image.ImageName;
import dev.vitrine.toolstack.loader.LoadedKernel;

import org.jspecify.annotations.Nullable;

import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What a run is to do, after options, image and configuration file have been brought together: what
 * stands on the command line counts more than the file, and the file more than the image.
 *
 * @param source where kernel and ramdisk come from
 * @param name the domain's name
 * @param kernel the kernel
 * @param ramdisk its ramdisk, or null
 * @param cmdline its command line, without what the console adds
 * @param memory bytes
 * @param verifyTranslation whether the interpreter checks what translated code does
 * @param control where the control socket is to be, or null
 * @param journal what records or replays the run, or null
 */
record RunPlan(
        RunSource source,
        String name,
        LoadedKernel kernel,
        @Nullable Ramdisk ramdisk,
        String cmdline,
        long memory,
        int vcpus,
        boolean virtualClock,
        boolean verifyTranslation,
        boolean stats,
        @Nullable Path control,
        @Nullable RunJournal journal,
        ShutdownAction onPoweroff,
        ShutdownAction onReboot,
        ShutdownAction onWatchdog,
        ShutdownAction onCrash) {

    /**
     * Makes a plan of the options. An image that is not there is pulled.
     *
     * @throws BadInputException the options make no sense, or a file cannot be used
     */
    static RunPlan of(RunCommand o, Streams streams) {
        boolean virtualClock = o.virtualClock();
        long memory = o.memory == null ? 0 : Sizes.memory("--memory", o.memory);
        int vcpus =
                o.vcpus == null ? 0 : Sizes.number("--vcpus", o.vcpus, 1, DomainConfig.MAX_VCPUS);
        DomainConfig config = null;
        String imageName = null;
        if (o.what != null) {
            if (isImage(o.what)) {
                imageName = o.what;
            } else {
                config = configuration(PathNames.path("FILE.cfg", o.what), streams);
            }
        }
        int cpus = vcpus != 0 ? vcpus : config != null ? config.vcpus() : 1;
        if (o.verifyTranslation && cpus != 1) {
            throw new BadInputException(
                    "--verify-translation is for one vCPU, and this guest would have "
                            + cpus
                            + ".");
        }
        Path kernelFile = o.kernel != null ? PathNames.path("--kernel", o.kernel) : null;
        Path ramdiskFile = o.ramdisk != null ? PathNames.path("--ramdisk", o.ramdisk) : null;
        if (config != null) {
            kernelFile = kernelFile != null ? kernelFile : config.kernel();
            ramdiskFile = ramdiskFile != null ? ramdiskFile : config.ramdisk();
        }
        if (kernelFile == null && imageName == null) {
            throw new BadInputException(
                    config != null
                            ? o.what + ": the configuration names no kernel; add kernel = \"FILE\"."
                            : "Nothing to run: name an image (vitrine run debian), a configuration file"
                                    + " or a kernel (--kernel).");
        }
        RunSource source = new RunSource(imageName, kernelFile, ramdiskFile, o.copies, o.exec);
        if (!source.imageRoot() && (o.exec != null || !o.copies.isEmpty())) {
            throw new BadInputException(
                    (o.exec != null ? "--exec" : "--copy")
                            + " needs the root file system of an image, as in 'vitrine run debian'.");
        }
        RunSource.Loaded loaded = source.load(streams);
        Image image = loaded.image();
        LoadedKernel kernel = loaded.kernel();
        Ramdisk ramdisk = loaded.ramdisk();
        long bytes = memory != 0 ? memory : defaultMemory(image, config);
        if (image != null && source.imageRoot() && kernelFile == null && ramdisk != null) {
            image.checkMemory(kernel, ramdisk, bytes, cpus);
        }
        return new RunPlan(
                source,
                config != null ? config.name() : image != null ? image.name() : "guest",
                kernel,
                ramdisk,
                cmdline(o.cmdline, image, config),
                bytes,
                cpus,
                virtualClock,
                o.verifyTranslation,
                o.stats,
                o.control == null ? null : PathNames.path("--control", o.control),
                null,
                config != null ? config.onPoweroff() : ShutdownAction.DESTROY,
                config != null ? config.onReboot() : ShutdownAction.RESTART,
                config != null ? config.onWatchdog() : ShutdownAction.DESTROY,
                config != null ? config.onCrash() : ShutdownAction.DESTROY);
    }

    /** Whether the root file system is an image's, whose init is told about the console. */
    boolean imageConsole() {
        return source.imageRoot();
    }

    /** Whether a command runs instead of a shell. */
    boolean command() {
        return source.exec() != null;
    }

    /** The same, recorded or replayed. */
    RunPlan withJournal(RunJournal newJournal) {
        return new RunPlan(
                source,
                name,
                kernel,
                ramdisk,
                cmdline,
                memory,
                vcpus,
                virtualClock,
                verifyTranslation,
                stats,
                control,
                newJournal,
                onPoweroff,
                onReboot,
                onWatchdog,
                onCrash);
    }

    /** An image's name is one that is known, or that looks like one and is no file. */
    private static boolean isImage(String what) {
        if (ImageName.isKnown(what)) {
            return true;
        }
        if (what.endsWith(".cfg") || what.contains("/") || what.isEmpty()) {
            return false;
        }
        if (Files.exists(PathNames.path("FILE.cfg", what))) {
            return false;
        }
        throw new BadInputException(
                "There is no image "
                        + Sizes.shown(what)
                        + " (there are debian, debian:full, debian:rt and debian:6.12), and no file of that"
                        + " name"
                        + " either.");
    }

    private static DomainConfig configuration(Path file, Streams streams) {
        DomainConfig config = XlConfig.load(file);
        for (ConfigWarning warning : config.warnings()) {
            streams.err().println("vitrine: warning: " + warning);
        }
        if (config.type() != DomainType.PVH) {
            throw new BadInputException(
                    file
                            + ":"
                            + config.typeLine()
                            + ": type is "
                            + (config.type() == DomainType.PV ? "pv" : "hvm")
                            + ", but only guests of type pvh are supported yet.");
        }
        return config;
    }

    private static String cmdline(
            @Nullable String added, @Nullable Image image, @Nullable DomainConfig config) {
        if (image != null) {
            return added == null ? image.cmdline() : image.cmdline() + " " + added;
        }
        return added != null ? added : config != null ? config.cmdline() : "";
    }

    private static long defaultMemory(@Nullable Image image, @Nullable DomainConfig config) {
        return (config != null
                        ? config.memoryMiB()
                        : image != null ? image.memoryMiB() : DomainConfig.DEFAULT_MEMORY_MIB)
                << 20;
    }
}
