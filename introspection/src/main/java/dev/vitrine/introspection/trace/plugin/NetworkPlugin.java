// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.trace.Arguments;
import dev.vitrine.introspection.trace.CallListener;
import dev.vitrine.introspection.trace.Event;
import dev.vitrine.introspection.trace.Moment;
import dev.vitrine.introspection.trace.TraceContext;
import dev.vitrine.introspection.trace.TracePlugin;
import dev.vitrine.introspection.trace.TracedCall;
import dev.vitrine.introspection.trace.call.SocketNames;
import dev.vitrine.introspection.trace.plugin.SocketReader.Socket;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Map;

/** What programs do with sockets, and whom they talk to. */
public final class NetworkPlugin implements TracePlugin {
    /**
     * Something is done with a socket, or has failed.
     *
     * @param operation socket, bind, connect, listen, accept, send, receive, shutdown or close
     * @param fd the descriptor; of an accepted connection the new one
     * @param family such as AF_INET
     * @param type such as SOCK_STREAM
     * @param local address and port, or path; left out if there is none
     * @param remote of the peer, or the one that the call names
     * @param result what the call returned: of send and receive a number of bytes
     * @param error name of the error
     */
    public record NetworkEvent(
            String operation,
            long fd,
            @Nullable String family,
            @Nullable String type,
            @Nullable String local,
            @Nullable String remote,
            @Nullable Long result,
            @Nullable String error)
            implements Event {
        @Override
        public String kind() {
            return "network";
        }
    }

    private static final Map<String, String> OPERATIONS =
            Map.ofEntries(
                    Map.entry("socket", "socket"),
                    Map.entry("bind", "bind"),
                    Map.entry("connect", "connect"),
                    Map.entry("listen", "listen"),
                    Map.entry("accept", "accept"),
                    Map.entry("accept4", "accept"),
                    Map.entry("sendto", "send"),
                    Map.entry("sendmsg", "send"),
                    Map.entry("sendmmsg", "send"),
                    Map.entry("write", "send"),
                    Map.entry("writev", "send"),
                    Map.entry("sendfile", "send"),
                    Map.entry("recvfrom", "receive"),
                    Map.entry("recvmsg", "receive"),
                    Map.entry("recvmmsg", "receive"),
                    Map.entry("read", "receive"),
                    Map.entry("readv", "receive"),
                    Map.entry("shutdown", "shutdown"),
                    Map.entry("close", "close"));

    /** Parameters with an address of the peer, by call. */
    private static final Map<String, String> PEERS =
            Map.of("connect", "uservaddr", "sendto", "addr", "recvfrom", "addr");

    @Override
    public String name() {
        return "network";
    }

    @Override
    public String summary() {
        return "sockets: bind, connect, accept, send and receive, with addresses";
    }

    @Override
    public List<Class<? extends Event>> events() {
        return List.of(NetworkEvent.class);
    }

    @Override
    public void start(TraceContext context, Moment at) {
        context.onCalls(
                OPERATIONS.keySet(),
                new Listener(
                        context,
                        new TaskMembers(context.kernel(), context.paths()),
                        new SocketReader(context.kernel())));
    }

    private static final class Listener implements CallListener {
        private final TraceContext context;
        private final TaskMembers members;
        private final SocketReader sockets;

        Listener(TraceContext context, TaskMembers members, SocketReader sockets) {
            this.context = context;
            this.members = members;
            this.sockets = sockets;
        }

        private @Nullable Socket socket(Moment m, long fd) {
            try {
                return sockets.read(m, members.file(m, (int) fd));
            } catch (IntrospectionException e) {
                return null;
            }
        }

        /** What is closed is not there any more when the call returns. */
        @Override
        public @Nullable Object entered(Moment m, TracedCall call) {
            return call.name().equals("socket") ? null : socket(m, call.args().value(0));
        }

        @Override
        public void returned(@Nullable Moment m, TracedCall call, @Nullable Object note) {
            String operation = OPERATIONS.getOrDefault(call.name(), call.name());
            Arguments a = call.args();
            Long result = call.result();
            boolean opens = operation.equals("socket") || operation.equals("accept");
            long fd =
                    opens && call.succeeded() && result != null
                            ? result
                            : operation.equals("socket") ? -1 : a.value(0);
            Socket before = note instanceof Socket s ? s : null;
            if (before == null && !operation.equals("socket")) {
                return;
            }
            Socket now = m == null || operation.equals("close") ? null : socket(m, fd);
            Socket s = now != null ? now : before;
            // A connection that has ended in the meantime has no addresses any more.
            String local = s == null ? "" : s.local();
            String remote = s == null ? "" : s.remote();
            if (before != null) {
                local = local.isEmpty() ? before.local() : local;
                remote = remote.isEmpty() ? before.remote() : remote;
            }
            String named = named(call, a);
            context.emit(
                    call,
                    new NetworkEvent(
                            operation,
                            fd,
                            s != null ? s.family() : SocketNames.family((int) a.value("family")),
                            s != null ? s.type() : SocketNames.type((int) a.value("type") & 0xF),
                            operation.equals("bind")
                                    ? text(SocketNames.address(a.bytes(a.index("umyaddr"))), local)
                                    : text(local, ""),
                            text(named, remote),
                            result,
                            call.error()));
        }

        private static @Nullable String text(String first, String second) {
            return !first.isEmpty() ? first : second.isEmpty() ? null : second;
        }

        private static String named(TracedCall call, Arguments a) {
            String parameter = PEERS.get(call.name());
            int i = parameter == null ? -1 : a.index(parameter);
            return i < 0 ? "" : SocketNames.address(a.bytes(i));
        }
    }
}
