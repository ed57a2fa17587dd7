// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.PathNames;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

import java.time.Duration;

/**
 * {@code vitrine record}: {@code vitrine run} under the virtual clock, so that it can be replayed.
 */
@Command(
        name = "vitrine record",
        header = {
            "Boots a Xen PVH guest as 'vitrine run --clock virtual' does, and records what comes to it",
            "from outside, so that 'vitrine replay' can run it again, instruction by instruction.",
            ""
        },
        synopsisHeading = "usage: ",
        customSynopsis = "vitrine record RUN [IMAGE | FILE.cfg] [OPTION...]",
        parameterListHeading = "%n",
        optionListHeading = "%n",
        sortOptions = false,
        footer = {
            "",
            "RUN is a folder, which is made. Kernel, ramdisk and files of --copy are not copied into it,",
            "only what tells whether they are the same. A guest that reboots is not started again. Exit statuses are those of",
            "'vitrine run'; docs/record.md tells more.",
            "",
            "  2    also: RUN is no empty folder, or the recording could not be written to its end",
            "",
            "examples:",
            "  vitrine record crash debian --exec 'sh -c \"echo c >/proc/sysrq-trigger\"'",
            "  vitrine replay crash"
        })
final class RecordCommand extends RunCommand {
    @Parameters(
            arity = "0..1",
            paramLabel = "",
            hidden = true,
            description = "the image or configuration file")
    @Nullable String second;

    RecordCommand(Streams streams) {
        super(streams);
        clock = "virtual";
    }

    @Override
    public Integer call() throws InterruptedException {
        if (what == null) {
            throw new BadInputException(
                    "Where is the recording to go? Name a folder: vitrine record RUN IMAGE.");
        }
        folder = what;
        what = second;
        return super.call();
    }

    private String folder = "";

    @Override
    int run(RunPlan plan, Streams to, @Nullable Duration limit) throws InterruptedException {
        if (!plan.virtualClock()) {
            throw new BadInputException(
                    "A recording is made under the virtual clock: leave --clock real out.");
        }
        if (plan.verifyTranslation()) {
            throw new BadInputException("--verify-translation is for vitrine run.");
        }
        try (RecordJournal journal = new RecordJournal(PathNames.path("RUN", folder), plan, to)) {
            return new GuestRun(plan.withJournal(journal), to, limit, machine -> () -> {}).run();
        }
    }
}
