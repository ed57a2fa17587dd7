// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.access;

import dev.vitrine.hypervisor.Domain;
import dev.vitrine.hypervisor.MonitorTool;
import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.xenabi.Altp2mOp;
import dev.vitrine.xenabi.MemoryAccessOp;
import dev.vitrine.xenabi.MonitorOp;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A domain's monitor for a tool in another process: a ring in a file, a connection on which each
 * side rings the other's bell, and Xen's calls as requests on other connections. {@code
 * docs/monitor.md} describes it. There is one tool at a time; it goes with its connection.
 */
public final class MonitorService {
    private final Domain domain;
    private final Path folder;
    private final AtomicReference<@Nullable MonitorTool> tool = new AtomicReference<>();

    /**
     * @param folder where rings are made
     */
    public MonitorService(Domain domain, Path folder) {
        this.domain = domain;
        this.folder = folder;
    }

    /** A tool's connection. */
    final class Session implements AutoCloseable {
        private final SocketChannel channel;
        private final Selector selector;
        private final MonitorTool own;
        private final FileRingPage page;

        private Session(SocketChannel channel) throws IOException {
            this.channel = channel;
            this.selector = Selector.open();
            this.page = new FileRingPage(folder, this::hangUp);
            try {
                this.own = MonitorTool.open(domain, page, this::ring);
            } catch (IllegalStateException e) {
                page.close();
                selector.close();
                throw new IntrospectionException("another tool has the monitor ring", e);
            }
            tool.set(own);
        }

        /** Where the ring is. */
        Path path() {
            return page.path();
        }

        /**
         * Has the tool look at the ring. A socket that takes no more has enough unread bytes in it
         * to wake the tool.
         */
        private void ring() {
            if (channel.isBlocking()) {
                return; // The reply with the ring's path is still to be sent.
            }
            try {
                channel.write(ByteBuffer.wrap(new byte[] {1}));
            } catch (IOException e) {
                hangUp();
            }
        }

        /** Ends the connection; from any thread. */
        void hangUp() {
            try {
                channel.close();
            } catch (IOException e) {
                // Nothing comes from it any more.
            }
            // Who waits for a channel is not told that it is closed, and keeps it open until then.
            selector.wakeup();
        }

        /** Takes responses whenever the tool rings, until it goes. */
        void serve() throws IOException {
            channel.configureBlocking(false);
            // For requests that came while it was blocking.
            ring();
            ByteBuffer bells = ByteBuffer.allocate(256);
            channel.register(selector, SelectionKey.OP_READ);
            while (channel.isOpen()) {
                own.resume();
                selector.select();
                selector.selectedKeys().clear();
                bells.clear();
                if (!channel.isOpen() || channel.read(bells) < 0) {
                    return;
                }
            }
        }

        @Override
        public void close() {
            tool.compareAndSet(own, null);
            own.close();
            hangUp();
            try {
                selector.close();
            } catch (IOException e) {
                // Nobody waits for anything any more.
            }
        }
    }

    /**
     * Gives the monitor to a connection.
     *
     * @throws IntrospectionException somebody has it
     */
    Session open(SocketChannel channel) throws IOException {
        return new Session(channel);
    }

    /** Bytes that follow a call's request at least. */
    static int size(String call) {
        return switch (call) {
            case "domctl" -> MonitorOp.SIZE;
            case "altp2m" -> Altp2mOp.SIZE;
            default -> MemoryAccessOp.SIZE;
        };
    }

    /**
     * One of Xen's calls.
     *
     * @param content the structure, and lists behind it
     * @return the result as 4 bytes, and the structure as it is then
     */
    byte[] call(String call, byte[] content) {
        MonitorTool t = open();
        int size = size(call);
        byte[] op = Arrays.copyOf(content, size);
        byte[] lists = Arrays.copyOfRange(content, size, content.length);
        int rc =
                switch (call) {
                    case "domctl" -> t.domctl(op);
                    case "altp2m" -> t.altp2m(op, lists);
                    default -> t.memoryAccess(op, lists);
                };
        return ByteBuffer.allocate(4 + size)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(rc)
                .put(op)
                .array();
    }

    /** The tool that has the monitor. */
    MonitorTool open() {
        MonitorTool t = tool.get();
        if (t == null) {
            throw new IntrospectionException("no connection has the monitor");
        }
        return t;
    }
}
