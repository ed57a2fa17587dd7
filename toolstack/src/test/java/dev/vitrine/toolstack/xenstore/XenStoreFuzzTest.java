// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.xenstore;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;

import dev.vitrine.toolstack.ArrayPage;
import dev.vitrine.toolstack.Mutations;

import org.junit.jupiter.api.Test;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;

class XenStoreFuzzTest {
    /** Whatever a guest sends: answers in the right form, or a broken connection; no exception. */
    @FuzzTest
    void fuzz(byte[] data) throws XsException {
        XenStore store = new XenStore();
        XenStoreClient host = store.client(0);
        host.mkdir("/local/domain/1");
        host.setPermissions("/local/domain/1", XsPermission.none(1));
        ArrayPage page = new ArrayPage();
        XenStoreRing ring = new XenStoreRing(page, store.connect(1));
        int at = 0;
        ByteArrayOutputStream answers = new ByteArrayOutputStream();
        for (int round = 0; round < 10_000 && ring.brokenReason() == null; round++) {
            at += page.put(0, 1024, 2048, 2052, data, at);
            boolean moved = ring.process();
            answers.writeBytes(page.take(1024, 1024, 2056, 2060));
            if (!moved && at == data.length) {
                break;
            }
        }
        if (ring.brokenReason() == null) {
            for (String message : Wire.messages(answers.toByteArray())) {
                assertThat(message).matches("(?s)(-?[0-9]+) .*");
            }
        }
        // What is outside the guest's own part is as it was.
        assertThat(host.directory("/")).containsExactly("tool", "local");
        assertThat(host.directory("/local")).containsExactly("domain");
        assertThat(host.directory("/tool")).containsExactly("xenstored");
    }

    @Test
    void manyMutations() throws XsException {
        List<byte[]> seeds = new ArrayList<>();
        seeds.add(
                join(
                        Wire.message(XsMessage.WRITE, 1, 0, "a/b|value"),
                        Wire.message(XsMessage.WATCH, 2, 0, "a|token|"),
                        Wire.message(XsMessage.TRANSACTION_START, 3, 0, "|"),
                        Wire.message(XsMessage.WRITE, 4, 1, "a/c|1"),
                        Wire.message(XsMessage.RM, 5, 1, "a/b|"),
                        Wire.message(XsMessage.TRANSACTION_END, 6, 1, "T|"),
                        Wire.message(XsMessage.DIRECTORY, 7, 0, "/local/domain/1|")));
        seeds.add(
                join(
                        Wire.message(XsMessage.MKDIR, 1, 0, "x|"),
                        Wire.message(XsMessage.SET_PERMS, 2, 0, "x|n1|b2|"),
                        Wire.message(XsMessage.GET_PERMS, 3, 0, "x|"),
                        Wire.message(XsMessage.DIRECTORY_PART, 4, 0, "/local/domain/1|0|"),
                        Wire.message(XsMessage.UNWATCH, 5, 0, "@releaseDomain|t|"),
                        Wire.message(XsMessage.RESET_WATCHES, 6, 0, "|"),
                        Wire.message(XsMessage.CONTROL, 7, 0, "help|"),
                        Wire.message(XsMessage.IS_DOMAIN_INTRODUCED, 8, 0, "1|")));
        Mutations mutations = new Mutations(4, seeds);
        for (int i = 0; i < 10_000; i++) {
            fuzz(mutations.next());
        }
    }

    private static byte[] join(byte[]... parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        return all.toByteArray();
    }
}
