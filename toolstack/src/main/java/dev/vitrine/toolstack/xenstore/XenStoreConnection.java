// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.xenstore;

import dev.vitrine.toolstack.xenstore.XsSession.Watch;

import org.jspecify.annotations.Nullable;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One domain's end of the wire protocol: takes bytes, gives bytes. It serves a ring ({@link
 * XenStoreRing}) as well as a socket.
 *
 * <p>Requests that make no sense get an error for an answer. A peer that breaks the protocol
 * itself, or that never takes its events, finds the connection broken: nothing is read or answered
 * any more, its watches and transactions are gone, and {@link #brokenReason} says why.
 */
public final class XenStoreConnection implements AutoCloseable {
    /** While this much waits to be taken, no further request is answered. */
    private static final int MAX_BACKLOG = 64 << 10;

    private static final byte[] OK = {'O', 'K', 0};

    private final XenStore store;
    private final ReentrantLock lock;
    private final int domain;
    private final XsSession session;

    private final byte[] header = new byte[XsMessage.HEADER];
    private int headerFill;
    private byte @Nullable [] payload;
    private int payloadFill;

    private final ArrayDeque<byte[]> output = new ArrayDeque<>();
    private int outputAt;
    private int outputSize;
    private int eventBytes;
    private final Set<String> pendingEvents = new HashSet<>();
    private final ArrayDeque<String> outputEvents = new ArrayDeque<>();

    private Runnable wakeUp = () -> {};
    private @Nullable String broken;

    XenStoreConnection(XenStore store, int domain) {
        this.store = store;
        this.lock = store.lock;
        this.domain = domain;
        this.session = new XsSession(domain, this::event);
        lock.lock();
        try {
            store.open(session);
        } finally {
            lock.unlock();
        }
    }

    /** The domain whose rights the connection has. */
    public int domain() {
        return domain;
    }

    /**
     * Sets what to call when another domain's action has given this connection something to send.
     * It is called under the store's lock: it may signal a thread or event channel and no more.
     */
    public void onOutput(Runnable action) {
        lock.lock();
        try {
            wakeUp = action;
        } finally {
            lock.unlock();
        }
    }

    /** Takes bytes from the peer and answers the requests that they complete. */
    public void receive(byte[] bytes, int offset, int length) {
        lock.lock();
        try {
            int end = offset + length;
            int at = offset;
            while (at < end && broken == null) {
                at += take(bytes, at, end - at);
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Gives up to {@code max} bytes for the peer.
     *
     * @return how many it gave
     */
    public int send(byte[] into, int offset, int max) {
        lock.lock();
        try {
            int given = 0;
            while (given < max && !output.isEmpty()) {
                byte[] first = output.getFirst();
                int n = Math.min(max - given, first.length - outputAt);
                System.arraycopy(first, outputAt, into, offset + given, n);
                given += n;
                outputAt += n;
                if (outputAt == first.length) {
                    output.removeFirst();
                    outputAt = 0;
                    String event = outputEvents.removeFirst();
                    if (!event.isEmpty()) {
                        eventBytes -= first.length;
                        pendingEvents.remove(event);
                    }
                }
            }
            outputSize -= given;
            return given;
        } finally {
            lock.unlock();
        }
    }

    /** Whether there is something to send. */
    public boolean hasOutput() {
        lock.lock();
        try {
            return outputSize > 0;
        } finally {
            lock.unlock();
        }
    }

    /** Whether the peer has taken enough of its answers that further requests are read. */
    public boolean wantsInput() {
        lock.lock();
        try {
            return broken == null && outputSize - eventBytes < MAX_BACKLOG;
        } finally {
            lock.unlock();
        }
    }

    /** Why the connection is broken, as a sentence, or null if it is not. */
    public @Nullable String brokenReason() {
        lock.lock();
        try {
            return broken;
        } finally {
            lock.unlock();
        }
    }

    /** Starts again as if newly connected: the peer has asked for it through its ring. */
    public void reset() {
        lock.lock();
        try {
            store.reset(session);
            clear();
            broken = null;
        } finally {
            lock.unlock();
        }
    }

    /** Ends the connection with its watches and transactions. */
    @Override
    public void close() {
        lock.lock();
        try {
            store.close(session);
            clear();
            broken = "The connection is closed.";
        } finally {
            lock.unlock();
        }
    }

    void breakConnection(String reason) {
        lock.lock();
        try {
            store.reset(session);
            clear();
            broken = reason;
        } finally {
            lock.unlock();
        }
    }

    private void clear() {
        output.clear();
        outputEvents.clear();
        pendingEvents.clear();
        outputAt = 0;
        outputSize = 0;
        eventBytes = 0;
        headerFill = 0;
        payload = null;
    }

    private int take(byte[] bytes, int at, int length) {
        byte[] body = payload;
        int n;
        if (body == null) {
            n = Math.min(length, XsMessage.HEADER - headerFill);
            System.arraycopy(bytes, at, header, headerFill, n);
            headerFill += n;
            if (headerFill < XsMessage.HEADER) {
                return n;
            }
            int size = XsMessage.get(header, 12);
            if (Integer.compareUnsigned(size, XsMessage.MAX_PAYLOAD) > 0) {
                breakConnection(
                        "Domain "
                                + domain
                                + " sent a xenstore message of "
                                + Integer.toUnsignedString(size)
                                + " bytes.");
                return n;
            }
            body = new byte[size];
            payload = body;
            payloadFill = 0;
        } else {
            n = Math.min(length, body.length - payloadFill);
            System.arraycopy(bytes, at, body, payloadFill, n);
            payloadFill += n;
        }
        if (payloadFill == body.length) {
            payload = null;
            headerFill = 0;
            answer(
                    new XsMessage(
                            XsMessage.get(header, 0),
                            XsMessage.get(header, 4),
                            XsMessage.get(header, 8),
                            body));
        }
        return n;
    }

    private void answer(XsMessage message) {
        try {
            // A transaction that is not there is an error even where none is looked at.
            if (message.type() != XsMessage.TRANSACTION_END) {
                store.transaction(session, message.transaction());
            }
            handle(message);
        } catch (XsException e) {
            reply(message, XsMessage.ERROR, XsMessage.payload(List.of(e.error())));
        }
    }

    private void handle(XsMessage message) throws XsException {
        int in = message.transaction();
        switch (message.type()) {
            case XsMessage.READ ->
                    reply(message, store.read(session, in, message.strings(1).getFirst()).value());
            case XsMessage.DIRECTORY -> directory(message);
            case XsMessage.DIRECTORY_PART -> directoryPart(message);
            case XsMessage.GET_PERMS -> {
                List<XsPermission> permissions =
                        store.permissions(session, in, message.strings(1).getFirst());
                reply(
                        message,
                        XsMessage.payload(
                                permissions.stream().map(XsPermission::toString).toList()));
            }
            case XsMessage.WRITE -> {
                int end = message.firstLength();
                byte[] value =
                        Arrays.copyOfRange(message.payload(), end + 1, message.payload().length);
                store.write(session, in, message.text(0, end), value);
                reply(message, OK);
            }
            case XsMessage.MKDIR -> {
                store.mkdir(session, in, message.strings(1).getFirst());
                reply(message, OK);
            }
            case XsMessage.RM -> {
                store.remove(session, in, message.strings(1).getFirst());
                reply(message, OK);
            }
            case XsMessage.SET_PERMS -> {
                List<String> strings = message.strings();
                if (strings.size() < 2) {
                    throw new XsException("EINVAL");
                }
                List<XsPermission> permissions = new ArrayList<>();
                for (String text : strings.subList(1, strings.size())) {
                    permissions.add(XsPermission.parse(text));
                }
                store.setPermissions(session, in, strings.getFirst(), permissions);
                reply(message, OK);
            }
            case XsMessage.WATCH -> {
                List<String> strings = message.strings(2);
                Watch watch = store.watch(session, strings.get(0), strings.get(1));
                reply(message, OK);
                store.fireFirst(session, watch);
            }
            case XsMessage.UNWATCH -> {
                List<String> strings = message.strings(2);
                store.unwatch(session, strings.get(0), strings.get(1));
                reply(message, OK);
            }
            case XsMessage.RESET_WATCHES -> {
                store.reset(session);
                reply(message, OK);
            }
            case XsMessage.TRANSACTION_START -> {
                if (in != 0) {
                    throw new XsException("EBUSY");
                }
                reply(message, text(Integer.toString(store.startTransaction(session))));
            }
            case XsMessage.TRANSACTION_END -> {
                String how = message.strings(1).getFirst();
                if (!how.equals("T") && !how.equals("F")) {
                    throw new XsException("EINVAL");
                }
                store.endTransaction(session, in, how.equals("T"));
                reply(message, OK);
            }
            default -> handleDomains(message);
        }
    }

    /** The requests about domains, most of them for domain 0 only. */
    private void handleDomains(XsMessage message) throws XsException {
        switch (message.type()) {
            case XsMessage.GET_DOMAIN_PATH ->
                    reply(
                            message,
                            text("/local/domain/" + domainOf(message.strings(1).getFirst())));
            case XsMessage.IS_DOMAIN_INTRODUCED -> {
                int asked = domainOf(message.strings(1).getFirst());
                reply(message, text(store.isIntroduced(asked) ? "T" : "F"));
            }
            case XsMessage.INTRODUCE -> {
                privileged();
                store.introduceDomain(domainOf(message.strings(3).getFirst()));
                reply(message, OK);
            }
            case XsMessage.RELEASE -> {
                privileged();
                store.releaseDomain(domainOf(message.strings(1).getFirst()));
                reply(message, OK);
            }
            case XsMessage.RESUME -> {
                privileged();
                if (!store.isIntroduced(domainOf(message.strings(1).getFirst()))) {
                    throw new XsException("ENOENT");
                }
                reply(message, OK);
            }
            case XsMessage.SET_TARGET -> {
                privileged();
                List<String> strings = message.strings(2);
                store.setTarget(domainOf(strings.get(0)), domainOf(strings.get(1)));
                reply(message, OK);
            }
            case XsMessage.CONTROL -> {
                privileged();
                List<String> strings = message.strings();
                if (strings.isEmpty() || !strings.getFirst().equals("help")) {
                    throw new XsException("EINVAL");
                }
                reply(message, text("Supported commands:\nhelp\n"));
            }
            default -> throw new XsException("ENOSYS");
        }
    }

    private void directory(XsMessage message) throws XsException {
        XsNode node = store.read(session, message.transaction(), message.strings(1).getFirst());
        byte[] names = XsMessage.payload(node.children().keySet());
        if (names.length > XsMessage.MAX_PAYLOAD) {
            throw new XsException("E2BIG");
        }
        reply(message, names);
    }

    /** Path and offset in the list of names; the answer is the generation and as much as fits. */
    private void directoryPart(XsMessage message) throws XsException {
        List<String> strings = message.strings(2);
        XsNode node = store.read(session, message.transaction(), strings.get(0));
        byte[] names = XsMessage.payload(node.children().keySet());
        int from = number(strings.get(1));
        if (from > names.length) {
            from = names.length;
        }
        byte[] generation = text(Long.toString(node.generation()));
        int room = XsMessage.MAX_PAYLOAD - generation.length;
        int to = from;
        // Whole names only.
        for (int i = from; i < names.length && i - from < room; i++) {
            if (names[i] == 0) {
                to = i + 1;
            }
        }
        boolean last = to == names.length && to - from < room;
        byte[] part = new byte[generation.length + (to - from) + (last ? 1 : 0)];
        System.arraycopy(generation, 0, part, 0, generation.length);
        System.arraycopy(names, from, part, generation.length, to - from);
        reply(message, part);
    }

    private void privileged() throws XsException {
        if (!session.privileged()) {
            throw new XsException("EACCES");
        }
    }

    private static int domainOf(String text) throws XsException {
        int number = number(text);
        if (number >= XsPermission.MAX_DOMAIN) {
            throw new XsException("EINVAL");
        }
        return number;
    }

    private static int number(String text) throws XsException {
        if (text.isEmpty()
                || text.length() > 9
                || !text.chars().allMatch(c -> c >= '0' && c <= '9')) {
            throw new XsException("EINVAL");
        }
        return Integer.parseInt(text);
    }

    private static byte[] text(String text) {
        return XsMessage.payload(List.of(text));
    }

    private void reply(XsMessage to, byte[] body) {
        reply(to, to.type(), body);
    }

    private void reply(XsMessage to, int type, byte[] body) {
        enqueue(new XsMessage(type, to.request(), to.transaction(), body).encoded(), "");
    }

    private void enqueue(byte[] bytes, String event) {
        output.add(bytes);
        outputEvents.add(event);
        outputSize += bytes.length;
    }

    /** An event that still waits to be sent is not queued twice: it would say nothing more. */
    private void event(String path, String token) {
        String key = path + "\0" + token;
        if (broken != null || !pendingEvents.add(key)) {
            return;
        }
        byte[] body = XsMessage.payload(List.of(path, token));
        if (body.length > XsMessage.MAX_PAYLOAD) {
            pendingEvents.remove(key);
            return;
        }
        byte[] bytes = new XsMessage(XsMessage.WATCH_EVENT, 0, 0, body).encoded();
        eventBytes += bytes.length;
        enqueue(bytes, key);
        if (eventBytes > store.quota.pendingEvents() && !session.privileged()) {
            broken = "Domain " + domain + " does not take its xenstore watch events.";
            clear();
        }
        wakeUp.run();
    }
}
