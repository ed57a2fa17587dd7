// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.xenstore;

import dev.vitrine.toolstack.xenstore.XsSession.Watch;
import dev.vitrine.toolstack.xenstore.XsTransaction.Change;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A xenstore: a tree of small values with permissions, transactions and watches, which domains use
 * to find each other (Xen's docs/misc/xenstore.txt). It behaves as the C xenstored does.
 *
 * <p>Domains reach it through a {@link XenStoreConnection}, Vitrine's own code through a {@link
 * XenStoreClient}. One lock guards the store and all its connections; no operation waits for a
 * guest.
 */
public final class XenStore {
    private static final byte[] EMPTY = {};
    private static final String INTRODUCE = "@introduceDomain";
    private static final String RELEASE = "@releaseDomain";

    final ReentrantLock lock = new ReentrantLock();
    final XsQuota quota;

    private final XsTree tree;
    private final Set<XsSession> sessions = new LinkedHashSet<>();
    private final Set<Integer> introduced = new TreeSet<>();
    private final Map<Integer, Integer> targets = new HashMap<>();
    private final Map<String, List<XsPermission>> specials = new HashMap<>();
    private long generation = 1;

    /** A store with the default quota. */
    public XenStore() {
        this(XsQuota.DEFAULT);
    }

    public XenStore(XsQuota quota) {
        this.quota = quota;
        List<XsPermission> domain0 = List.of(XsPermission.none(0));
        this.tree = new XsTree(new XsNode(EMPTY, domain0, new LinkedHashMap<>(), 0, 0));
        specials.put(INTRODUCE, domain0);
        specials.put(RELEASE, domain0);
        long now = ++generation;
        // As xenstored has it; tools expect the two to be there.
        tree.put("/tool", new XsNode(EMPTY, domain0, new LinkedHashMap<>(), now, now), now);
        tree.put(
                "/tool/xenstored",
                new XsNode(EMPTY, domain0, new LinkedHashMap<>(), now, now),
                now);
    }

    /** A client for Vitrine's own code, with the rights of {@code domain}; 0 may do everything. */
    public XenStoreClient client(int domain) {
        return new XenStoreClient(this, domain);
    }

    /** A connection that speaks the wire protocol, with the rights of {@code domain}. */
    public XenStoreConnection connect(int domain) {
        return new XenStoreConnection(this, domain);
    }

    /** Makes a new domain known; watches of {@code @introduceDomain} fire. */
    public void introduceDomain(int domain) {
        lock.lock();
        try {
            if (introduced.add(domain)) {
                fireSpecial(INTRODUCE);
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Forgets a domain: its watches and transactions end; watches of {@code @releaseDomain} fire.
     * Its nodes stay, as with xenstored: who built the domain removes them.
     */
    public void releaseDomain(int domain) {
        lock.lock();
        try {
            for (XsSession session : List.copyOf(sessions)) {
                if (session.domain == domain) {
                    reset(session);
                }
            }
            targets.remove(domain);
            if (introduced.remove(domain)) {
                fireSpecial(RELEASE);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Fires {@code @releaseDomain} for a domain that has shut down but is not destroyed yet. */
    public void domainShutDown(int domain) {
        lock.lock();
        try {
            if (introduced.contains(domain)) {
                fireSpecial(RELEASE);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Whether the domain has been introduced and not released. */
    public boolean isIntroduced(int domain) {
        lock.lock();
        try {
            return domain == 0 || introduced.contains(domain);
        } finally {
            lock.unlock();
        }
    }

    // What follows is called with the lock held.

    void open(XsSession session) {
        sessions.add(session);
    }

    void close(XsSession session) {
        reset(session);
        sessions.remove(session);
    }

    void reset(XsSession session) {
        session.watches.clear();
        session.transactions.clear();
    }

    void setTarget(int domain, int target) {
        targets.put(domain, target);
    }

    XsNode read(XsSession session, int transaction, String path) throws XsException {
        return get(session, transaction(session, transaction), absolute(session, path), false);
    }

    List<XsPermission> permissions(XsSession session, int transaction, String path)
            throws XsException {
        XsTransaction in = transaction(session, transaction);
        String absolute = XsPath.absoluteOrSpecial(session.domain, path);
        List<XsPermission> special = specials.get(absolute);
        if (special != null) {
            return special;
        }
        if (XsPath.isSpecial(absolute)) {
            throw new XsException("ENOENT");
        }
        return get(session, in, absolute, false).permissions();
    }

    void write(XsSession session, int transaction, String path, byte[] value) throws XsException {
        put(session, transaction, path, value);
    }

    void mkdir(XsSession session, int transaction, String path) throws XsException {
        put(session, transaction, path, null);
    }

    void remove(XsSession session, int transaction, String path) throws XsException {
        XsTransaction in = transaction(session, transaction);
        String absolute = absolute(session, path);
        if (absolute.equals("/")) {
            throw new XsException("EINVAL");
        }
        XsTree view = in == null ? tree : in.tree;
        try {
            get(session, in, absolute, true);
        } catch (XsException e) {
            if (e.error().equals("ENOENT") && view.find(XsPath.parent(absolute)) != null) {
                return;
            }
            throw e;
        }
        apply(in, new Change(Change.Kind.REMOVE, absolute, EMPTY, List.of()));
    }

    void setPermissions(
            XsSession session, int transaction, String path, List<XsPermission> permissions)
            throws XsException {
        XsTransaction in = transaction(session, transaction);
        String absolute = XsPath.absoluteOrSpecial(session.domain, path);
        if (permissions.isEmpty()) {
            throw new XsException("EINVAL");
        }
        if (!session.privileged() && permissions.size() > quota.permissions()) {
            throw new XsException("ENOSPC");
        }
        if (XsPath.isSpecial(absolute)) {
            if (!session.privileged()) {
                throw new XsException("EACCES");
            }
            if (!specials.containsKey(absolute)) {
                throw new XsException("ENOENT");
            }
            specials.put(absolute, List.copyOf(permissions));
            return;
        }
        XsNode node = get(session, in, absolute, true);
        if (!owns(session, node)) {
            throw new XsException("EACCES");
        }
        if (!session.privileged() && permissions.getFirst().domain() != node.owner()) {
            throw new XsException("EPERM");
        }
        apply(
                in,
                new Change(Change.Kind.SET_PERMISSIONS, absolute, EMPTY, List.copyOf(permissions)));
    }

    int startTransaction(XsSession session) throws XsException {
        if (!session.privileged() && session.transactions.size() >= quota.transactions()) {
            throw new XsException("ENOSPC");
        }
        int id;
        do {
            id = session.nextTransaction++ & 0x7fff_ffff;
        } while (id == 0 || session.transactions.containsKey(id));
        session.transactions.put(id, new XsTransaction(tree));
        return id;
    }

    void endTransaction(XsSession session, int id, boolean commit) throws XsException {
        XsTransaction in = transaction(session, id);
        if (in == null) {
            throw new XsException("ENOENT");
        }
        session.transactions.remove(id);
        if (!commit || in.changes.isEmpty() && tree.root() == in.base) {
            return;
        }
        if (tree.root() != in.base && !in.holdsIn(tree)) {
            throw new XsException("EAGAIN");
        }
        if (!session.privileged() && !in.changes.isEmpty()) {
            int own = in.tree.ownedBy(session.domain);
            int more = own - new XsTree(in.base).ownedBy(session.domain);
            if (more > 0 && tree.ownedBy(session.domain) + more > quota.nodes()) {
                throw new XsException("ENOSPC");
            }
        }
        for (Change change : in.changes) {
            apply(null, change);
        }
    }

    /** Adds a watch. The caller then calls {@link #fireFirst}, once it has answered. */
    Watch watch(XsSession session, String path, String token) throws XsException {
        String absolute = XsPath.absoluteOrSpecial(session.domain, path);
        boolean relative = !path.startsWith("/") && !XsPath.isSpecial(path);
        for (Watch watch : session.watches) {
            if (watch.path().equals(absolute) && watch.token().equals(token)) {
                throw new XsException("EEXIST");
            }
        }
        if (!session.privileged() && session.watches.size() >= quota.watches()) {
            throw new XsException("E2BIG");
        }
        Watch watch =
                new Watch(absolute, token, relative ? XsPath.home(session.domain).length() : 0);
        session.watches.add(watch);
        return watch;
    }

    void fireFirst(XsSession session, Watch watch) {
        session.sink.event(watch.path().substring(watch.prefix()), watch.token());
    }

    void unwatch(XsSession session, String path, String token) throws XsException {
        String absolute = XsPath.absoluteOrSpecial(session.domain, path);
        if (!session.watches.removeIf(
                watch -> watch.path().equals(absolute) && watch.token().equals(token))) {
            throw new XsException("ENOENT");
        }
    }

    private static String absolute(XsSession session, String path) throws XsException {
        return XsPath.absolute(session.domain, path);
    }

    @Nullable XsTransaction transaction(XsSession session, int id) throws XsException {
        if (id == 0) {
            return null;
        }
        XsTransaction in = session.transactions.get(id);
        if (in == null) {
            throw new XsException("ENOENT");
        }
        return in;
    }

    private XsNode get(XsSession session, @Nullable XsTransaction in, String path, boolean toWrite)
            throws XsException {
        XsNode node = (in == null ? tree : in.tree).find(path);
        if (in != null) {
            in.saw(path);
        }
        if (node == null) {
            // Who may not read the nearest parent does not learn whether the node exists.
            XsNode parent = nearest(in, path);
            throw new XsException(
                    allows(session, parent.permissions(), toWrite) ? "ENOENT" : "EACCES");
        }
        if (!allows(session, node.permissions(), toWrite)) {
            throw new XsException("EACCES");
        }
        return node;
    }

    private XsNode nearest(@Nullable XsTransaction in, String path) {
        XsTree view = in == null ? tree : in.tree;
        String at = path;
        while (true) {
            XsNode node = view.find(at);
            if (node != null) {
                if (in != null) {
                    in.sawPermissions(at);
                }
                return node;
            }
            at = XsPath.parent(at);
        }
    }

    private boolean allows(XsSession session, List<XsPermission> permissions, boolean toWrite) {
        if (session.privileged() || XsPermission.allows(permissions, session.domain, toWrite)) {
            return true;
        }
        Integer target = targets.get(session.domain);
        return target != null && XsPermission.allows(permissions, target, toWrite);
    }

    private boolean owns(XsSession session, XsNode node) {
        Integer target = targets.get(session.domain);
        return session.privileged()
                || node.owner() == session.domain
                || target != null && node.owner() == target;
    }

    /** Writes {@code value}, or makes sure that the node exists if that is null. */
    private void put(XsSession session, int transaction, String path, byte @Nullable [] value)
            throws XsException {
        XsTransaction in = transaction(session, transaction);
        String absolute = absolute(session, path);
        if (value != null && !session.privileged() && value.length > quota.nodeSize()) {
            throw new XsException("ENOSPC");
        }
        XsTree view = in == null ? tree : in.tree;
        Change.Kind kind = value == null ? Change.Kind.MKDIR : Change.Kind.WRITE;
        byte[] content = value == null ? EMPTY : value;
        List<XsPermission> permissions;
        if (view.find(absolute) != null) {
            permissions = get(session, in, absolute, true).permissions();
            if (value == null) {
                return;
            }
        } else {
            if (in != null) {
                in.saw(absolute);
            }
            XsNode parent = nearest(in, absolute);
            if (!allows(session, parent.permissions(), true)) {
                throw new XsException("EACCES");
            }
            permissions = inherited(session, parent.permissions());
            if (!session.privileged()) {
                int missing = 0;
                for (String at = absolute; view.find(at) == null; at = XsPath.parent(at)) {
                    missing++;
                }
                if (view.ownedBy(session.domain) + missing > quota.nodes()) {
                    throw new XsException("ENOSPC");
                }
            }
        }
        apply(in, new Change(kind, absolute, content, permissions));
    }

    /** A domain owns what it makes; the rest of the permissions are the parent's. */
    private static List<XsPermission> inherited(XsSession session, List<XsPermission> parent) {
        if (session.privileged()) {
            return parent;
        }
        List<XsPermission> permissions = new ArrayList<>(parent);
        XsPermission first = parent.getFirst();
        permissions.set(0, new XsPermission(session.domain, first.read(), first.write()));
        return List.copyOf(permissions);
    }

    /** Makes a change whose rights have been checked: in a transaction, or now with its events. */
    private void apply(@Nullable XsTransaction in, Change change) {
        XsTree view = in == null ? tree : in.tree;
        if (in != null) {
            in.changes.add(change);
        }
        long now = ++generation;
        String path = change.path();
        XsNode before = view.find(path);
        List<XsPermission> old = before == null ? null : before.permissions();
        switch (change.kind()) {
            case WRITE, MKDIR -> {
                if (before != null) {
                    if (change.kind() == Change.Kind.WRITE) {
                        view.put(path, before.withValue(change.value(), now), now);
                    }
                } else {
                    makeParents(view, path, change.permissions(), now);
                    view.put(path, fresh(change.value(), change.permissions(), now), now);
                }
                if (in == null) {
                    fire(path, false, old);
                }
            }
            case SET_PERMISSIONS -> {
                if (before != null) {
                    view.put(path, before.withPermissions(change.permissions(), now), now);
                    if (in == null) {
                        fire(path, false, old);
                    }
                }
            }
            case REMOVE -> {
                if (before != null) {
                    view.put(path, null, now);
                    if (in == null) {
                        fire(path, false, old);
                        fireBelow(path, before);
                    }
                }
            }
        }
    }

    private static void makeParents(
            XsTree view, String path, List<XsPermission> permissions, long now) {
        List<String> missing = new ArrayList<>();
        for (String at = XsPath.parent(path); view.find(at) == null; at = XsPath.parent(at)) {
            missing.add(at);
        }
        for (String at : missing.reversed()) {
            view.put(at, fresh(EMPTY, permissions, now), now);
        }
    }

    private static XsNode fresh(byte[] value, List<XsPermission> permissions, long now) {
        return new XsNode(value, permissions, new LinkedHashMap<>(), now, now);
    }

    /** Watches on nodes below a removed one fire too, each with its own path. */
    private void fireBelow(String path, XsNode removed) {
        removed.children()
                .forEach((name, child) -> {
                    String at = XsPath.child(path, name);
                    fire(at, true, child.permissions());
                    fireBelow(at, child);
                });
    }

    private void fire(String path, boolean exact, @Nullable List<XsPermission> old) {
        XsNode node = tree.find(path);
        XsNode parent = tree.find(XsPath.parent(path));
        for (XsSession session : sessions) {
            for (Watch watch : session.watches) {
                boolean hit = exact ? watch.path().equals(path) : XsPath.within(path, watch.path());
                if (hit && maySee(session, node, parent, old)) {
                    session.sink.event(path.substring(watch.prefix()), watch.token());
                }
            }
        }
    }

    private boolean maySee(
            XsSession session,
            @Nullable XsNode node,
            @Nullable XsNode parent,
            @Nullable List<XsPermission> old) {
        return node != null && allows(session, node.permissions(), false)
                || old != null && allows(session, old, false)
                || parent != null && allows(session, parent.permissions(), false);
    }

    private void fireSpecial(String name) {
        List<XsPermission> permissions = specials.get(name);
        for (XsSession session : sessions) {
            for (Watch watch : session.watches) {
                if (watch.path().equals(name)
                        && permissions != null
                        && allows(session, permissions, false)) {
                    session.sink.event(name, watch.token());
                }
            }
        }
    }
}
