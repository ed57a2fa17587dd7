// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.xenstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vitrine.toolstack.xenstore.XenStoreClient.Event;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

class XenStoreTest {
    private final XenStore store = new XenStore();
    private final XenStoreClient host = store.client(0);
    private final XenStoreClient guest = store.client(5);
    private final XenStoreClient other = store.client(6);

    @BeforeEach
    void giveTheGuestAHome() throws XsException {
        host.write("/local/domain/5", "");
        host.setPermissions("/local/domain/5", XsPermission.none(0), XsPermission.read(5));
        host.mkdir("/local/domain/5/data");
        host.setPermissions("/local/domain/5/data", XsPermission.none(5));
    }

    private static void fails(String error, ThrowingCallable action) {
        assertThatThrownBy(action).isInstanceOf(XsException.class).hasMessage(error);
    }

    private static List<Event> events(XenStoreClient client) {
        List<Event> events = new ArrayList<>();
        for (Event event = client.poll(); event != null; event = client.poll()) {
            events.add(event);
        }
        return events;
    }

    @Test
    void keepsValues() throws XsException {
        host.write("/a/b/c", "1");
        assertThat(host.read("/a/b/c")).isEqualTo("1");
        assertThat(host.read("/a/b")).isEmpty();
        host.write("/a/b/d", "");
        assertThat(host.directory("/a/b")).containsExactly("c", "d");
        host.remove("/a/b");
        fails("ENOENT", () -> host.read("/a/b/c"));
        assertThat(host.find("/a/b/c")).isNull();
        assertThat(host.directory("/a")).isEmpty();
        host.remove("/a/b");
        fails("ENOENT", () -> host.remove("/a/b/c/d"));
        fails("EINVAL", () -> host.remove("/"));
    }

    @Test
    void refusesBadPaths() {
        for (String path :
                List.of(
                        "",
                        "/a/",
                        "//a",
                        "/a//b",
                        "/a b",
                        "/a\n",
                        "/ä",
                        "@x",
                        "/" + "a".repeat(3072),
                        "x".repeat(2049))) {
            fails("EINVAL", () -> host.write(path, ""));
        }
    }

    @Test
    void relativePathsStartAtHome() throws XsException {
        guest.write("data/x", "y");
        assertThat(host.read("/local/domain/5/data/x")).isEqualTo("y");
        assertThat(guest.read("/local/domain/5/data/x")).isEqualTo("y");
    }

    @Test
    void holdsPermissions() throws XsException {
        fails("EACCES", () -> guest.write("/local/domain/5/name", "me"));
        fails("EACCES", () -> guest.write("/tool/x", "1"));
        fails("EACCES", () -> guest.read("/tool"));
        fails("EACCES", () -> guest.read("/tool/nothing"));
        fails("ENOENT", () -> guest.read("data/nothing"));
        guest.write("data/secret", "1");
        fails("EACCES", () -> other.read("/local/domain/5/data/secret"));
        fails("EACCES", () -> other.write("/local/domain/5/data/secret", "2"));
        guest.setPermissions("data/secret", XsPermission.none(5), XsPermission.read(6));
        assertThat(other.read("/local/domain/5/data/secret")).isEqualTo("1");
        fails("EACCES", () -> other.write("/local/domain/5/data/secret", "2"));
        fails(
                "EACCES",
                () -> other.setPermissions("/local/domain/5/data/secret", XsPermission.both(6)));
        fails("EPERM", () -> guest.setPermissions("data/secret", XsPermission.none(6)));
        guest.setPermissions("data/secret", XsPermission.both(5));
        other.write("/local/domain/5/data/secret", "3");
        assertThat(guest.read("data/secret")).isEqualTo("3");
    }

    @Test
    void whoMakesANodeOwnsIt() throws XsException {
        host.setPermissions("/local/domain/5/data", XsPermission.none(5), XsPermission.both(6));
        other.write("/local/domain/5/data/shared/deep", "1");
        assertThat(host.permissions("/local/domain/5/data/shared"))
                .containsExactly(XsPermission.none(6), XsPermission.both(6));
        host.write("/local/domain/5/data/fromhost", "");
        assertThat(host.permissions("/local/domain/5/data/fromhost"))
                .containsExactly(XsPermission.none(5), XsPermission.both(6));
    }

    @Test
    void watchesFireAtOnceAndWithEachChange() throws XsException {
        host.watch("/a", "t");
        assertThat(events(host)).containsExactly(new Event("/a", "t"));
        host.write("/a/b/c", "1");
        host.write("/ab", "1");
        host.remove("/a/b");
        host.setPermissions("/a", XsPermission.read(0));
        assertThat(events(host))
                .containsExactly(
                        new Event("/a/b/c", "t"), new Event("/a/b", "t"), new Event("/a", "t"));
        fails("EEXIST", () -> host.watch("/a", "t"));
        host.unwatch("/a", "t");
        fails("ENOENT", () -> host.unwatch("/a", "t"));
        host.write("/a", "x");
        assertThat(events(host)).isEmpty();
    }

    @Test
    void watchesBelowARemovedNodeFire() throws XsException {
        host.write("/a/b/c", "1");
        host.watch("/a/b/c", "t");
        events(host);
        host.remove("/a");
        assertThat(events(host)).containsExactly(new Event("/a/b/c", "t"));
    }

    @Test
    void relativeWatchesGetRelativePaths() throws XsException {
        guest.watch("data", "t");
        host.write("/local/domain/5/data/x", "1");
        assertThat(events(guest)).containsExactly(new Event("data", "t"), new Event("data/x", "t"));
    }

    @Test
    void watchesDoNotShowWhatMayNotBeRead() throws XsException {
        other.watch("/local/domain/5/data", "t");
        events(other);
        guest.write("data/x", "1");
        assertThat(events(other)).isEmpty();
        guest.setPermissions("data/x", XsPermission.read(5));
        assertThat(events(other)).hasSize(1);
    }

    @Test
    void tellsOfDomains() throws XsException {
        host.watch("@introduceDomain", "i");
        host.watch("@releaseDomain", "r");
        guest.watch("@introduceDomain", "i");
        events(host);
        events(guest);
        store.introduceDomain(7);
        store.introduceDomain(7);
        assertThat(store.isIntroduced(7)).isTrue();
        store.domainShutDown(7);
        store.releaseDomain(7);
        assertThat(store.isIntroduced(7)).isFalse();
        assertThat(events(host))
                .containsExactly(
                        new Event("@introduceDomain", "i"),
                        new Event("@releaseDomain", "r"),
                        new Event("@releaseDomain", "r"));
        assertThat(events(guest)).isEmpty();
        host.setPermissions("@introduceDomain", XsPermission.none(0), XsPermission.read(5));
        store.introduceDomain(8);
        assertThat(events(guest)).hasSize(1);
    }

    @Test
    void transactionsAreAllOrNothing() throws XsException {
        host.watch("/t", "w");
        events(host);
        host.transaction(t -> {
            t.write("/t/a", "1");
            t.write("/t/b", "2");
            assertThat(t.read("/t/a")).isEqualTo("1");
            assertThat(host.find("/t/a")).isNull();
            assertThat(events(host)).isEmpty();
        });
        assertThat(host.read("/t/b")).isEqualTo("2");
        assertThat(events(host)).hasSize(2);
        assertThatThrownBy(() ->
                        host.transaction(t -> {
                            t.remove("/t");
                            throw new IllegalStateException("stop");
                        }))
                .isInstanceOf(IllegalStateException.class);
        assertThat(host.read("/t/a")).isEqualTo("1");
    }

    @Test
    void conflictingTransactionsRunAgain() throws XsException {
        host.write("/n", "0");
        AtomicInteger runs = new AtomicInteger();
        host.transaction(t -> {
            int n = Integer.parseInt(t.read("/n"));
            if (runs.getAndIncrement() == 0) {
                guest.write("data/unrelated", "1");
                host.write("/n", "10");
            }
            t.write("/n", Integer.toString(n + 1));
        });
        assertThat(runs.get()).isEqualTo(2);
        assertThat(host.read("/n")).isEqualTo("11");
    }

    @Test
    void unrelatedChangesAreNoConflict() throws XsException {
        host.write("/x/n", "0");
        AtomicInteger runs = new AtomicInteger();
        host.transaction(t -> {
            runs.getAndIncrement();
            t.write("/x/n", "1");
            t.write("/x/new/deep", "1");
            host.write("/x/other", "1");
            host.write("/y", "1");
        });
        assertThat(runs.get()).isEqualTo(1);
        assertThat(host.directory("/x")).containsExactlyInAnyOrder("n", "other", "new");
    }

    @Test
    void seeingADirectoryIsSeeingItsNames() throws XsException {
        host.write("/d/a", "1");
        AtomicInteger runs = new AtomicInteger();
        host.transaction(t -> {
            List<String> names = t.directory("/d");
            if (runs.getAndIncrement() == 0) {
                host.write("/d/b", "1");
            }
            t.write("/count", Integer.toString(names.size()));
        });
        assertThat(host.read("/count")).isEqualTo("2");
    }

    @Test
    void lostPermissionsAreAConflict() throws XsException {
        AtomicInteger runs = new AtomicInteger();
        fails(
                "EACCES",
                () ->
                        guest.transaction(t -> {
                            t.write("data/x", "1");
                            if (runs.getAndIncrement() == 0) {
                                host.setPermissions("/local/domain/5/data", XsPermission.none(0));
                            }
                        }));
        assertThat(host.find("/local/domain/5/data/x")).isNull();
    }

    @Test
    void holdsQuotas() throws XsException {
        XenStore small = new XenStore(new XsQuota(10, 100, 3, 2, 2, 1000));
        XenStoreClient boss = small.client(0);
        boss.mkdir("/local/domain/5");
        boss.setPermissions("/local/domain/5", XsPermission.none(5));
        XenStoreClient it = small.client(5);
        for (int i = 0; i < 9; i++) {
            it.write("n" + i, "");
        }
        fails("ENOSPC", () -> it.write("n9", ""));
        fails("ENOSPC", () -> it.mkdir("n1/x/y"));
        it.remove("n8");
        fails("ENOSPC", () -> it.mkdir("n1/x/y"));
        it.write("n9", "");
        it.remove("n9");
        it.remove("n7");
        it.transaction(t -> t.mkdir("n1/x/y"));
        fails("ENOSPC", () -> it.transaction(t -> t.write("more", "")));
        fails("ENOSPC", () -> it.write("n1", "x".repeat(101)));
        boss.write("/local/domain/5/big", "x".repeat(500));
        for (int i = 0; i < 3; i++) {
            it.watch("n" + i, "t");
        }
        fails("E2BIG", () -> it.watch("n3", "t"));
        fails(
                "ENOSPC",
                () ->
                        it.setPermissions(
                                "n1",
                                XsPermission.none(5),
                                XsPermission.read(1),
                                XsPermission.read(2)));
    }

    @Test
    void transactionsCannotGetAroundTheQuota() throws XsException {
        XenStore small = new XenStore(new XsQuota(10, 100, 3, 2, 2, 1000));
        small.client(0).mkdir("/local/domain/5");
        small.client(0).setPermissions("/local/domain/5", XsPermission.none(5));
        XenStoreClient it = small.client(5);
        fails(
                "ENOSPC",
                () ->
                        it.transaction(t -> {
                            for (int i = 0; i < 6; i++) {
                                t.write("a" + i, "");
                            }
                            for (int i = 0; i < 6; i++) {
                                it.write("b" + i, "");
                            }
                        }));
        assertThat(it.directory("/local/domain/5")).hasSize(6);
    }

    @Test
    void deepTreesAreNoProblem() throws XsException {
        String path = "/d".repeat(1500);
        host.write(path, "x");
        assertThat(host.read(path)).isEqualTo("x");
        host.remove("/d");
        assertThat(host.find("/d")).isNull();
    }
}
