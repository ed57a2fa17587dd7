// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.xenstore;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/**
 * The store as Vitrine's own code uses it: tool stack and PV back ends. Values are text.
 *
 * <pre>{@code
 * XenStoreClient store = xenStore.client(0);
 * store.write("/local/domain/1/name", "debian");
 * store.transaction(t -> t.write("/local/domain/1/vm", "/vm/1"));
 * }</pre>
 */
public final class XenStoreClient implements AutoCloseable {
    /** A watch has fired. */
    public record Event(String path, String token) {}

    /** What a transaction does; it may be run several times. */
    @FunctionalInterface
    public interface Work {
        void run(XenStoreClient in) throws XsException;
    }

    private final XenStore store;
    private final XsSession session;
    private final LinkedBlockingQueue<Event> events;
    private final int transaction;

    XenStoreClient(XenStore store, int domain) {
        this.store = store;
        this.events = new LinkedBlockingQueue<>();
        LinkedBlockingQueue<Event> queue = events;
        this.session = new XsSession(domain, (path, token) -> queue.add(new Event(path, token)));
        this.transaction = 0;
        locked(() -> store.open(session));
    }

    private XenStoreClient(XenStoreClient outer, int transaction) {
        this.store = outer.store;
        this.events = outer.events;
        this.session = outer.session;
        this.transaction = transaction;
    }

    /**
     * The value of a node.
     *
     * @throws XsException ENOENT, EACCES, EINVAL
     */
    public String read(String path) throws XsException {
        return get(() -> text(store.read(session, transaction, path).value()));
    }

    /** The value of a node, or null if it is not there. */
    public @Nullable String find(String path) throws XsException {
        try {
            return read(path);
        } catch (XsException e) {
            if (e.error().equals("ENOENT")) {
                return null;
            }
            throw e;
        }
    }

    /** Writes a value; missing nodes on the way are made. */
    public void write(String path, String value) throws XsException {
        byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
        run(() -> store.write(session, transaction, path, bytes));
    }

    /** Makes a node without a value, if it is not there. */
    public void mkdir(String path) throws XsException {
        run(() -> store.mkdir(session, transaction, path));
    }

    /** Removes a node and all below it. That it is not there is no error. */
    public void remove(String path) throws XsException {
        run(() -> store.remove(session, transaction, path));
    }

    /** The names of a node's children, in the order of their creation. */
    public List<String> directory(String path) throws XsException {
        return get(() -> List.copyOf(store.read(session, transaction, path).children().keySet()));
    }

    public List<XsPermission> permissions(String path) throws XsException {
        return get(() -> store.permissions(session, transaction, path));
    }

    public void setPermissions(String path, XsPermission... permissions) throws XsException {
        run(() -> store.setPermissions(session, transaction, path, List.of(permissions)));
    }

    /**
     * Does {@code work} as one change, again from its start for as long as others get in between.
     */
    public void transaction(Work work) throws XsException {
        while (true) {
            int id = get(() -> store.startTransaction(session));
            boolean ended = false;
            try {
                work.run(new XenStoreClient(this, id));
                ended = true;
                run(() -> store.endTransaction(session, id, true));
                return;
            } catch (XsException e) {
                if (!ended || !e.error().equals("EAGAIN")) {
                    throw e;
                }
            } finally {
                if (!ended) {
                    run(() -> store.endTransaction(session, id, false));
                }
            }
        }
    }

    /** Adds a watch, which fires at once and then with every change at or below {@code path}. */
    public void watch(String path, String token) throws XsException {
        run(() -> store.fireFirst(session, store.watch(session, path, token)));
    }

    public void unwatch(String path, String token) throws XsException {
        run(() -> store.unwatch(session, path, token));
    }

    /** The next event, or null if there is none now. */
    public @Nullable Event poll() {
        return events.poll();
    }

    /** The next event; null if none has come after {@code timeout}. */
    public @Nullable Event poll(long timeout, TimeUnit unit) throws InterruptedException {
        return events.poll(timeout, unit);
    }

    /** Ends watches and transactions. */
    @Override
    public void close() {
        locked(() -> store.close(session));
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private interface Operation {
        void run() throws XsException;
    }

    private interface Query<T> {
        T get() throws XsException;
    }

    private void run(Operation operation) throws XsException {
        store.lock.lock();
        try {
            operation.run();
        } finally {
            store.lock.unlock();
        }
    }

    private <T> T get(Query<T> query) throws XsException {
        store.lock.lock();
        try {
            return query.get();
        } finally {
            store.lock.unlock();
        }
    }

    private void locked(Runnable action) {
        store.lock.lock();
        try {
            action.run();
        } finally {
            store.lock.unlock();
        }
    }
}
