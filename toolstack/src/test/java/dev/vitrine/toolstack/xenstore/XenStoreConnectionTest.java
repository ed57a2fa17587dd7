// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.xenstore;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.toolstack.ArrayPage;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

class XenStoreConnectionTest {
    private final XenStore store = new XenStore();
    private final XenStoreClient host = store.client(0);
    private final XenStoreConnection guest = store.connect(1);

    @BeforeEach
    void giveTheGuestAHome() throws XsException {
        host.mkdir("/local/domain/1");
        host.setPermissions("/local/domain/1", XsPermission.none(1));
        store.introduceDomain(1);
    }

    private List<String> ask(int type, int transaction, String payload) {
        return ask(guest, type, transaction, payload);
    }

    private static List<String> ask(
            XenStoreConnection connection, int type, int transaction, String payload) {
        byte[] bytes = Wire.message(type, 77, transaction, payload);
        connection.receive(bytes, 0, bytes.length);
        byte[] answer = Wire.output(connection);
        if (answer.length >= 8 && XsMessage.get(answer, 0) != XsMessage.WATCH_EVENT) {
            assertThat(XsMessage.get(answer, 4)).isEqualTo(77);
        }
        return Wire.messages(answer);
    }

    @Test
    void answersEachKindOfRequest() {
        assertThat(ask(XsMessage.WRITE, 0, "a|1")).containsExactly("11 OK|");
        assertThat(ask(XsMessage.READ, 0, "a|")).containsExactly("2 1");
        assertThat(ask(XsMessage.MKDIR, 0, "d|")).containsExactly("12 OK|");
        assertThat(ask(XsMessage.DIRECTORY, 0, "/local/domain/1|")).containsExactly("1 a|d|");
        assertThat(ask(XsMessage.GET_PERMS, 0, "a|")).containsExactly("3 n1|");
        assertThat(ask(XsMessage.SET_PERMS, 0, "a|b1|r2|")).containsExactly("14 OK|");
        assertThat(ask(XsMessage.GET_PERMS, 0, "a|")).containsExactly("3 b1|r2|");
        assertThat(ask(XsMessage.WATCH, 0, "a|tok|")).containsExactly("4 OK|", "15 a|tok|");
        assertThat(ask(XsMessage.WRITE, 0, "a|2")).containsExactly("15 a|tok|", "11 OK|");
        assertThat(ask(XsMessage.UNWATCH, 0, "a|tok|")).containsExactly("5 OK|");
        assertThat(ask(XsMessage.RM, 0, "a|")).containsExactly("13 OK|");
        assertThat(ask(XsMessage.READ, 0, "a|")).containsExactly("16 ENOENT|");
        assertThat(ask(XsMessage.GET_DOMAIN_PATH, 0, "9|")).containsExactly("10 /local/domain/9|");
        assertThat(ask(XsMessage.IS_DOMAIN_INTRODUCED, 0, "1|")).containsExactly("17 T|");
        assertThat(ask(XsMessage.IS_DOMAIN_INTRODUCED, 0, "2|")).containsExactly("17 F|");
        assertThat(ask(XsMessage.RESET_WATCHES, 0, "|")).containsExactly("21 OK|");
    }

    @Test
    void keepsDomainsFromWhatIsForDomain0() {
        for (int type :
                new int[] {
                    XsMessage.INTRODUCE,
                    XsMessage.RELEASE,
                    XsMessage.RESUME,
                    XsMessage.SET_TARGET,
                    XsMessage.CONTROL
                }) {
            assertThat(ask(type, 0, "1|2|3|")).containsExactly("16 EACCES|");
        }
        XenStoreConnection domain0 = store.connect(0);
        assertThat(ask(domain0, XsMessage.INTRODUCE, 0, "4|1|2|")).containsExactly("8 OK|");
        assertThat(ask(domain0, XsMessage.RESUME, 0, "4|")).containsExactly("18 OK|");
        assertThat(ask(domain0, XsMessage.RELEASE, 0, "4|")).containsExactly("9 OK|");
        assertThat(ask(domain0, XsMessage.RESUME, 0, "4|")).containsExactly("16 ENOENT|");
        assertThat(ask(domain0, XsMessage.CONTROL, 0, "help|").getFirst())
                .startsWith("0 Supported");
        assertThat(ask(domain0, XsMessage.SET_TARGET, 0, "3|1|")).containsExactly("19 OK|");
        XenStoreConnection stubDomain = store.connect(3);
        assertThat(ask(stubDomain, XsMessage.DIRECTORY, 0, "/local/domain/1|"))
                .containsExactly("1 ");
    }

    @Test
    void runsTransactions() {
        String id =
                ask(XsMessage.TRANSACTION_START, 0, "|").getFirst().substring(2).replace("|", "");
        int t = Integer.parseInt(id);
        assertThat(ask(XsMessage.WRITE, t, "x|1")).containsExactly("11 OK|");
        assertThat(ask(XsMessage.READ, 0, "x|")).containsExactly("16 ENOENT|");
        assertThat(ask(XsMessage.TRANSACTION_START, t, "|")).containsExactly("16 EBUSY|");
        assertThat(ask(XsMessage.TRANSACTION_END, t, "T|")).containsExactly("7 OK|");
        assertThat(ask(XsMessage.READ, 0, "x|")).containsExactly("2 1");
        assertThat(ask(XsMessage.TRANSACTION_END, t, "T|")).containsExactly("16 ENOENT|");
        assertThat(ask(XsMessage.READ, t, "x|")).containsExactly("16 ENOENT|");

        int c =
                Integer.parseInt(
                        ask(XsMessage.TRANSACTION_START, 0, "|")
                                .getFirst()
                                .replaceAll("^6 |\\|", ""));
        ask(XsMessage.READ, c, "x|");
        ask(XsMessage.WRITE, 0, "x|other");
        ask(XsMessage.WRITE, c, "x|mine");
        assertThat(ask(XsMessage.TRANSACTION_END, c, "T|")).containsExactly("16 EAGAIN|");
        for (int i = 0; i < 10; i++) {
            assertThat(ask(XsMessage.TRANSACTION_START, 0, "|").getFirst()).startsWith("6 ");
        }
        assertThat(ask(XsMessage.TRANSACTION_START, 0, "|")).containsExactly("16 ENOSPC|");
        ask(XsMessage.RESET_WATCHES, 0, "|");
        assertThat(ask(XsMessage.TRANSACTION_START, 0, "|").getFirst()).startsWith("6 ");
    }

    @Test
    void givesLongDirectoriesInParts() throws XsException {
        for (int i = 0; i < 900; i++) {
            host.write("/local/domain/1/node-" + i, "");
        }
        assertThat(ask(XsMessage.DIRECTORY, 0, "/local/domain/1|")).containsExactly("16 E2BIG|");
        StringBuilder all = new StringBuilder();
        String generation = null;
        while (true) {
            String part =
                    ask(XsMessage.DIRECTORY_PART, 0, "/local/domain/1|" + all.length() + "|")
                            .getFirst();
            assertThat(part).startsWith("22 ");
            int end = part.indexOf('|');
            generation = generation == null ? part.substring(0, end) : generation;
            assertThat(part.substring(0, end)).isEqualTo(generation);
            String names = part.substring(end + 1);
            if (names.endsWith("||") || names.equals("|")) {
                all.append(names, 0, names.length() - 1);
                break;
            }
            assertThat(names).endsWith("|");
            all.append(names);
        }
        assertThat(all.toString().split("\\|")).hasSize(900).contains("node-0", "node-899");
    }

    @Test
    void answersNonsenseWithErrors() {
        assertThat(ask(99, 0, "")).containsExactly("16 ENOSYS|");
        assertThat(ask(20, 0, "")).containsExactly("16 ENOSYS|");
        assertThat(ask(-1, 0, "")).containsExactly("16 ENOSYS|");
        assertThat(ask(XsMessage.READ, 0, "")).containsExactly("16 EINVAL|");
        assertThat(ask(XsMessage.READ, 0, "a")).containsExactly("16 EINVAL|");
        assertThat(ask(XsMessage.READ, 0, "a|b|")).containsExactly("16 EINVAL|");
        assertThat(ask(XsMessage.WRITE, 0, "a")).containsExactly("16 EINVAL|");
        assertThat(ask(XsMessage.WATCH, 0, "a|")).containsExactly("16 EINVAL|");
        assertThat(ask(XsMessage.SET_PERMS, 0, "a|")).containsExactly("16 EINVAL|");
        ask(XsMessage.WRITE, 0, "a|");
        for (String perm : List.of("", "x1", "r", "r-1", "r99999", "r123456789", "rr")) {
            assertThat(ask(XsMessage.SET_PERMS, 0, "a|" + perm + "|"))
                    .containsExactly("16 EINVAL|");
        }
        assertThat(ask(XsMessage.GET_DOMAIN_PATH, 0, "x|")).containsExactly("16 EINVAL|");
        assertThat(ask(XsMessage.TRANSACTION_END, 0, "T|")).containsExactly("16 ENOENT|");
        assertThat(guest.brokenReason()).isNull();
    }

    @Test
    void breaksOnOversizedMessages() {
        byte[] bytes = Wire.message(XsMessage.READ, 0, 0, "");
        bytes[13] = 0x10;
        bytes[12] = 1;
        guest.receive(bytes, 0, bytes.length);
        assertThat(guest.brokenReason())
                .isEqualTo("Domain 1 sent a xenstore message of 4097 bytes.");
        assertThat(guest.wantsInput()).isFalse();
        assertThat(ask(XsMessage.READ, 0, "/|")).isEmpty();
        bytes[15] = (byte) 0xff;
        XenStoreConnection second = store.connect(1);
        second.receive(bytes, 0, bytes.length);
        assertThat(second.brokenReason()).contains("4278194177");
    }

    @Test
    void takesMessagesInAnyPieces() {
        byte[] bytes = Wire.message(XsMessage.WRITE, 77, 0, "a|hello");
        for (byte b : bytes) {
            assertThat(guest.hasOutput()).isFalse();
            guest.receive(new byte[] {b}, 0, 1);
        }
        assertThat(Wire.messages(Wire.output(guest))).containsExactly("11 OK|");
    }

    @Test
    void wakesItsDomainForEventsOfOthers() throws XsException {
        AtomicInteger woken = new AtomicInteger();
        guest.onOutput(woken::incrementAndGet);
        ask(XsMessage.WATCH, 0, "control|t|");
        int before = woken.get();
        host.write("/local/domain/1/control/shutdown", "poweroff");
        host.write("/local/domain/1/control/shutdown", "again");
        assertThat(woken.get()).isEqualTo(before + 1);
        assertThat(Wire.messages(Wire.output(guest))).containsExactly("15 control/shutdown|t|");
    }

    @Test
    void breaksWhenEventsAreNeverTaken() throws XsException {
        XenStore small = new XenStore(new XsQuota(1000, 2048, 10, 10, 5, 2000));
        XenStoreConnection lazy = small.connect(1);
        XenStoreClient boss = small.client(0);
        boss.mkdir("/local/domain/1");
        boss.setPermissions("/local/domain/1", XsPermission.none(1));
        ask(lazy, XsMessage.WATCH, 0, "/local/domain/1|t|");
        for (int i = 0; i < 100; i++) {
            boss.write("/local/domain/1/" + i, "");
        }
        assertThat(lazy.brokenReason())
                .isEqualTo("Domain 1 does not take its xenstore watch events.");
    }

    @Test
    void worksOverARing() {
        ArrayPage page = new ArrayPage();
        XenStoreRing ring = new XenStoreRing(page, guest);
        assertThat(page.getInt(2064)).isEqualTo(3);
        assertThat(ring.process()).isFalse();
        for (int round = 0; round < 300; round++) {
            byte[] bytes = Wire.message(XsMessage.WRITE, round, 0, "a|" + "x".repeat(round));
            assertThat(page.put(0, 1024, 2048, 2052, bytes, 0)).isEqualTo(bytes.length);
            assertThat(ring.hasWork()).isTrue();
            assertThat(ring.process()).isTrue();
            assertThat(Wire.messages(page.take(1024, 1024, 2056, 2060))).containsExactly("11 OK|");
        }
        assertThat(ring.process()).isFalse();
    }

    @Test
    void waitsForRoomInTheRing() throws XsException {
        host.write("/local/domain/1/big", "y".repeat(3000));
        ArrayPage page = new ArrayPage();
        XenStoreRing ring = new XenStoreRing(page, guest);
        page.put(0, 1024, 2048, 2052, Wire.message(XsMessage.READ, 1, 0, "big|"), 0);
        java.io.ByteArrayOutputStream all = new java.io.ByteArrayOutputStream();
        for (int i = 0; i < 3; i++) {
            assertThat(ring.process()).isTrue();
            all.writeBytes(page.take(1024, 1024, 2056, 2060));
        }
        assertThat(Wire.messages(all.toByteArray())).containsExactly("2 " + "y".repeat(3000));
    }

    @Test
    void aGuestThatNeverReadsIsNotReadFromEither() throws XsException {
        host.write("/local/domain/1/big", "y".repeat(4000));
        ArrayPage page = new ArrayPage();
        XenStoreRing ring = new XenStoreRing(page, guest);
        byte[] request = Wire.message(XsMessage.READ, 1, 0, "big|");
        int given = 0;
        for (int i = 0; i < 10_000; i++) {
            if (1024 - (page.getInt(2052) - page.getInt(2048)) >= request.length) {
                page.put(0, 1024, 2048, 2052, request, 0);
                given++;
            }
            ring.process();
        }
        assertThat(given).isLessThan(200);
        assertThat(ring.brokenReason()).isNull();
    }

    @Test
    void stopsAtImpossibleIndicesAndReconnects() {
        ArrayPage page = new ArrayPage();
        XenStoreRing ring = new XenStoreRing(page, guest);
        page.putInt(2052, 1025);
        assertThat(ring.process()).isTrue();
        assertThat(ring.brokenReason())
                .isEqualTo(
                        "Domain 1 has broken its xenstore ring: its request ring's indices are impossible.");
        assertThat(page.getInt(2072)).isEqualTo(2);
        assertThat(ring.process()).isFalse();
        page.putInt(2068, 1);
        assertThat(ring.process()).isTrue();
        assertThat(page.getInt(2068)).isZero();
        assertThat(page.getInt(2072)).isZero();
        page.put(0, 1024, 2048, 2052, Wire.message(XsMessage.WRITE, 1, 0, "a|1"), 0);
        ring.process();
        assertThat(Wire.messages(page.take(1024, 1024, 2056, 2060))).containsExactly("11 OK|");
    }
}
