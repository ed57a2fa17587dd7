// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.PathNames;

import org.jspecify.annotations.Nullable;

import java.time.Duration;

/**
 * {@code vitrine record}: {@code vitrine run} under the virtual clock, so that it can be replayed.
 */
final class RecordCommand extends RunCommand {
    @Nullable String second;

    RecordCommand(Streams streams) {
        super(streams);
        clock = "virtual";
    }

    @Override
    public Options options() {
        return give(new Options(
                                "vitrine record",
                                "vitrine record RUN [IMAGE | FILE.cfg] [OPTION...]")
                        .header(
                                "Boots a Xen PVH guest as 'vitrine run --clock virtual' does, and records what comes to it",
                                "from outside, so that 'vitrine replay' can run it again, instruction by instruction.",
                                "")
                        .footer(
                                "",
                                "RUN is a folder, which is made. Kernel, ramdisk and files of --copy are not copied into it,",
                                "only what tells whether they are the same. A guest that reboots is not started again. Exit statuses are those of",
                                "'vitrine run'; docs/record.md tells more.",
                                "",
                                "  2    also: RUN is no empty folder, or the recording could not be written to its end",
                                "",
                                "examples:",
                                "  vitrine record crash debian --exec 'sh -c \"echo c >/proc/sysrq-trigger\"'",
                                "  vitrine replay crash"))
                .hiddenArgument(v -> second = v);
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
