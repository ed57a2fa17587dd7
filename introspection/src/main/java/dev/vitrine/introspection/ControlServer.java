// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection;

import dev.vitrine.hypervisor.Domain;
import dev.vitrine.introspection.access.ControlConnection;
import dev.vitrine.introspection.access.MonitorService;
import dev.vitrine.introspection.inject.DomainInjector;
import dev.vitrine.introspection.inject.Injector;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Lets other processes of the same user look at a domain and monitor it, through a UNIX socket with
 * mode 0600. {@code docs/introspection.md} describes the protocol; {@link Target#open} speaks it.
 */
public final class ControlServer implements AutoCloseable {
    private static final int CONNECTIONS = 16;

    /** Bytes of a UNIX socket's path, without the zero at its end (sun_path). */
    private static final int PATH_BYTES = 107;

    private final Domain domain;
    private final Injector injector;
    private final MonitorService monitor;
    private final Path path;
    private final ServerSocketChannel server;
    private final Set<ControlConnection> open = ConcurrentHashMap.newKeySet();
    private volatile boolean closed;

    private ControlServer(Domain domain, Path path, ServerSocketChannel server) {
        this.domain = domain;
        this.injector = new DomainInjector(domain);
        this.monitor = new MonitorService(domain, Objects.requireNonNull(path.getParent()));
        this.path = path;
        this.server = server;
    }

    /**
     * Opens the socket. A socket that is there and that nobody listens on any more is replaced.
     *
     * @throws IntrospectionException there is something else at the path, or it cannot be made
     */
    public static ControlServer open(Domain domain, Path path) {
        Path absolute = path.toAbsolutePath();
        if (absolute.toString().getBytes(StandardCharsets.UTF_8).length > PATH_BYTES) {
            throw new IntrospectionException(
                    "The control socket "
                            + path
                            + " cannot be made: its path is longer than "
                            + PATH_BYTES
                            + " bytes.");
        }
        if (Files.exists(absolute, LinkOption.NOFOLLOW_LINKS)) {
            refuseUnlessStale(absolute);
        }
        try {
            ServerSocketChannel server = bind(absolute);
            ControlServer s = new ControlServer(domain, absolute, server);
            Thread t = new Thread(s::accept, "control " + domain.name());
            t.setDaemon(true);
            t.start();
            return s;
        } catch (IOException | UnsupportedOperationException | IllegalArgumentException e) {
            throw new IntrospectionException(
                    "The control socket " + path + " cannot be made: " + reason(e) + ".", e);
        }
    }

    private static void refuseUnlessStale(Path path) {
        if (Files.isRegularFile(path) || Files.isDirectory(path)) {
            throw new IntrospectionException(
                    "The control socket "
                            + path
                            + " cannot be made: there is a file or folder of that name.");
        }
        try (SocketChannel c = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            c.connect(UnixDomainSocketAddress.of(path));
        } catch (IOException | RuntimeException e) {
            return;
        }
        throw new IntrospectionException(
                "The control socket " + path + " is in use by another running domain.");
    }

    /**
     * Made in a folder that nobody else may enter, and moved when its mode is right: at no time can
     * another user connect.
     */
    private static ServerSocketChannel bind(Path path) throws IOException {
        Path parent = path.getParent();
        Path folder = Files.createTempDirectory(parent, ".v");
        try {
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
            Path made = folder.resolve("s");
            ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            try {
                server.bind(UnixDomainSocketAddress.of(made));
                Files.setPosixFilePermissions(made, PosixFilePermissions.fromString("rw-------"));
                Files.move(
                        made,
                        path,
                        StandardCopyOption.ATOMIC_MOVE,
                        StandardCopyOption.REPLACE_EXISTING);
                return server;
            } catch (IOException | RuntimeException e) {
                server.close();
                Files.deleteIfExists(made);
                throw e;
            }
        } finally {
            Files.deleteIfExists(folder);
        }
    }

    private static String reason(Exception e) {
        String message = e.getMessage();
        return message == null ? e.getClass().getSimpleName() : message.replaceAll("\\.$", "");
    }

    /** Where the socket is. */
    public Path path() {
        return path;
    }

    private void accept() {
        while (!closed) {
            SocketChannel channel;
            try {
                channel = server.accept();
            } catch (IOException e) {
                if (closed || !server.isOpen()) {
                    return;
                }
                continue;
            }
            ControlConnection c =
                    new ControlConnection(
                            channel, Target.of(domain), injector, monitor, open::remove);
            open.add(c);
            if (closed || open.size() > CONNECTIONS) {
                c.refuse("too many connections");
                continue;
            }
            Thread t = new Thread(c, "control connection");
            t.setDaemon(true);
            t.start();
        }
    }

    /** Ends all connections, which lets go of what they held, and removes the socket. */
    @Override
    public void close() {
        closed = true;
        try {
            Files.deleteIfExists(path);
            server.close();
        } catch (IOException e) {
            // Nothing depends on it any more.
        }
        for (ControlConnection c : open) {
            c.close();
        }
        injector.close();
    }
}
