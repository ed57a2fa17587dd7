// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.image.ImageStore;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Each operation of io_uring is told once, and so is what became of it. */
@Timeout(value = 15, unit = TimeUnit.MINUTES)
class DebianRingTest {
    /** Programs, each with a ring of four operations; more show what is seldom. */
    private static final int RINGS = Integer.getInteger("vitrine.trace.rings", 50);

    @TempDir Path folder;

    private static List<String> of(List<String> events, String... parts) {
        return events.stream().filter(e -> List.of(parts).stream().allMatch(e::contains)).toList();
    }

    @Test
    void tellsOperationsAndResults() throws IOException {
        try {
            ImageStore.ofUser().get("debian", line -> {});
        } catch (BadInputException e) {
            System.out.println("io_uring is not traced: no image: " + e.getMessage());
            abort("no image: " + e.getMessage());
        }
        Path programs = Files.createDirectory(folder.resolve("programs"));
        GuestPrograms.write(programs);
        Path events = folder.resolve("events");
        String script =
                "run() { for i in $(seq "
                        + RINGS / 2
                        + "); do /opt/test/ring; [ $? = 4 ] || exit 1; done; }\n"
                        + "run & run || exit 1; wait $! || exit 1; exit 0\n";
        Cli.Result r =
                Cli.runWithInput(
                        script,
                        "trace",
                        "debian",
                        "--vcpus",
                        "2",
                        "--copy",
                        programs + ":/opt/test",
                        "--filter",
                        "event in (io_uring, io_uring_completion)",
                        "--output",
                        events.toString(),
                        "--exec",
                        "sh");
        assertThat(r.status()).as(r.err()).isZero();
        assertThat(r.err()).isEmpty();
        List<String> all = Files.readAllLines(events);
        int n = RINGS / 2 * 2;
        String submitted = "\"event\":\"io_uring\",";
        String completed = "\"event\":\"io_uring_completion\",";
        String[][] operations = {
            {"0x1234", "NOP", "0", "{}", "\"result\":0,\"flags\":\"0\""},
            {
                "0x5678",
                "OPENAT",
                "0",
                "{\"dfd\":\"AT_FDCWD\",\"filename\":\"/etc/passwd\",\"flags\":\"O_RDONLY|O_CLOEXEC\",\"file_index\":0}",
                "\"result\":4,\"flags\":\"0\""
            },
            {
                "0x9abc",
                "WRITE",
                "IOSQE_ASYNC",
                "{\"fd\":1,\"buf\":{\"size\":5,\"data\":\"ring\\n\"},\"count\":5,\"offset\":-1,\"flags\":\"0\"}",
                "\"result\":5,\"flags\":\"0\""
            },
            {
                "0xdef0",
                "CLOSE",
                "0",
                "{\"fd\":99,\"file_index\":0}",
                "\"result\":-9,\"error\":\"EBADF\",\"flags\":\"0\""
            },
        };
        for (String[] o : operations) {
            String data = "\"user_data\":\"" + o[0] + "\"";
            String what =
                    "\"operation\":\"IORING_OP_" + o[1] + "\",\"flags\":\"" + o[2] + "\",\"args\":";
            assertThat(of(all, submitted, data, what)).as(o[1]).hasSize(n);
            assertThat(of(all, submitted, data, what + o[3]))
                    .as(of(all, submitted, data).getFirst())
                    .hasSize(n);
            assertThat(of(all, completed, data, o[4]))
                    .as(of(all, completed, data).toString())
                    .hasSize(n);
        }
        assertThat(all).hasSize(8 * n);
    }
}
