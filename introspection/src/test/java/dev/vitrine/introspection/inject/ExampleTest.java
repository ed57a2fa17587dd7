// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.hypervisor.Domain;
import dev.vitrine.hypervisor.MonitorEvent;
import dev.vitrine.hypervisor.MonitorResponse;
import dev.vitrine.hypervisor.Subscription;
import dev.vitrine.processor.Interception.EventType;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The examples of docs/inject.md compile: they are these. */
class ExampleTest {
    static long calls(Domain domain) {
        Injector injector =
                new DomainInjector(domain); // or Injector.open(path) for a control socket
        Duration limit = Duration.ofSeconds(30);
        int status = injector.exec(List.of("/bin/touch", "/tmp/a b"), true, 0, limit);
        byte[] passwd = injector.read("/etc/passwd", 0, Injector.BLOCK, 0, limit);
        injector.write("/tmp/x", 0, passwd, 0, limit);
        injector.write("/tmp/x", passwd.length, new byte[] {10}, 0, limit); // behind what is there
        long length = injector.call("strlen", List.of(new CallArgument.Text("hello")), 0, limit);
        return status + length;
    }

    static void exceptions(Domain domain) {
        domain.monitor()
                .subscribe(
                        Subscription.NONE.softwareBreakpoints(),
                        event -> {
                            if (event instanceof MonitorEvent.OfProcessor e) {
                                e.processor().inject(3, EventType.SOFTWARE_EXCEPTION, 0, 0, 1);
                            }
                            return MonitorResponse.NONE;
                        });
    }

    @Test
    void theDocumentHasThem() throws IOException {
        Path here =
                Path.of("src/test/java", ExampleTest.class.getName().replace('.', '/') + ".java");
        String source = Files.readString(here).replaceAll("\\s+", "");
        Matcher m =
                Pattern.compile("```java\n(.*?)```", Pattern.DOTALL)
                        .matcher(Files.readString(Path.of("../docs/inject.md")));
        int count = 0;
        while (m.find()) {
            assertThat(source).contains(m.group(1).replaceAll("\\s+", ""));
            count++;
        }
        assertThat(count).isEqualTo(2);
    }
}
