// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.trace.Address;
import dev.vitrine.introspection.trace.Arguments;
import dev.vitrine.introspection.trace.CallListener;
import dev.vitrine.introspection.trace.Event;
import dev.vitrine.introspection.trace.Moment;
import dev.vitrine.introspection.trace.RingRequest;
import dev.vitrine.introspection.trace.TraceContext;
import dev.vitrine.introspection.trace.TracePlugin;
import dev.vitrine.introspection.trace.TracedCall;
import dev.vitrine.introspection.trace.call.SocketNames;
import dev.vitrine.introspection.trace.plugin.CallFiles.Handle;
import dev.vitrine.introspection.trace.plugin.SocketReader.Socket;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/** What programs do with sockets, and whom they talk to. */
public final class NetworkPlugin implements TracePlugin {
    /**
     * Something is done with a socket, or has failed.
     *
     * @param operation socket, bind, connect, listen, accept, send, receive, shutdown or close
     * @param fd the descriptor; of an accepted connection the new one
     * @param file_index in its place, the number of a file that is registered with a ring
     * @param family such as AF_INET
     * @param type such as SOCK_STREAM
     * @param local address and port, or path; left out if there is none
     * @param remote of the peer, or the one that the call or its message names
     * @param result what the call returned: of send and receive a number of bytes, also of each
     *     message of several
     * @param error name of the error
     * @param ring if it was asked for by io_uring: address of the ring's io_ring_ctx
     */
    public record NetworkEvent(
            String operation,
            @Nullable Long fd,
            @Nullable Long file_index,
            @Nullable String family,
            @Nullable String type,
            @Nullable String local,
            @Nullable String remote,
            @Nullable Long result,
            @Nullable String error,
            @Nullable Address ring)
            implements Event {
        @Override
        public String kind() {
            return "network";
        }

        /** One message of several that a call has sent or received. */
        private NetworkEvent of(Arguments.Message message, String connected) {
            String named = SocketNames.address(message.name());
            String peer = named.isEmpty() ? connected : named;
            return new NetworkEvent(
                    operation,
                    fd,
                    file_index,
                    family,
                    type,
                    local,
                    peer.isEmpty() ? null : peer,
                    message.length(),
                    null,
                    ring);
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
                    Map.entry("recvmmsg_time64", "receive"),
                    Map.entry("read", "receive"),
                    Map.entry("readv", "receive"),
                    Map.entry("shutdown", "shutdown"),
                    Map.entry("send", "send"),
                    Map.entry("recv", "receive"),
                    Map.entry("close", "close"),
                    Map.entry("IORING_OP_SOCKET", "socket"),
                    Map.entry("IORING_OP_BIND", "bind"),
                    Map.entry("IORING_OP_CONNECT", "connect"),
                    Map.entry("IORING_OP_LISTEN", "listen"),
                    Map.entry("IORING_OP_ACCEPT", "accept"),
                    Map.entry("IORING_OP_SEND", "send"),
                    Map.entry("IORING_OP_SEND_ZC", "send"),
                    Map.entry("IORING_OP_SENDMSG", "send"),
                    Map.entry("IORING_OP_SENDMSG_ZC", "send"),
                    Map.entry("IORING_OP_WRITE", "send"),
                    Map.entry("IORING_OP_WRITEV", "send"),
                    Map.entry("IORING_OP_WRITE_FIXED", "send"),
                    Map.entry("IORING_OP_WRITEV_FIXED", "send"),
                    Map.entry("IORING_OP_RECV", "receive"),
                    Map.entry("IORING_OP_RECV_ZC", "receive"),
                    Map.entry("IORING_OP_RECVMSG", "receive"),
                    Map.entry("IORING_OP_READ", "receive"),
                    Map.entry("IORING_OP_READV", "receive"),
                    Map.entry("IORING_OP_READ_FIXED", "receive"),
                    Map.entry("IORING_OP_READV_FIXED", "receive"),
                    Map.entry("IORING_OP_READ_MULTISHOT", "receive"),
                    Map.entry("IORING_OP_SHUTDOWN", "shutdown"),
                    Map.entry("IORING_OP_CLOSE", "close"));

    /** Calls of several messages, of which each is told. */
    private static final Set<String> SEVERAL = Set.of("sendmmsg", "recvmmsg", "recvmmsg_time64");

    /** Parameters with an address of the peer, by call. */
    private static final Map<String, String> PEERS =
            Map.of(
                    "connect", "uservaddr",
                    "sendto", "addr",
                    "recvfrom", "addr",
                    "IORING_OP_CONNECT", "uservaddr",
                    "IORING_OP_SEND", "addr",
                    "IORING_OP_SEND_ZC", "addr");

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
        TaskMembers members = new TaskMembers(context.kernel(), context.paths());
        context.onCalls(
                OPERATIONS.keySet(),
                new Listener(
                        context,
                        new CallFiles(context.kernel(), context.paths(), members),
                        new SocketReader(context.kernel())));
    }

    private static final class Listener implements CallListener {
        private final TraceContext context;
        private final CallFiles files;
        private final SocketReader sockets;

        Listener(TraceContext context, CallFiles files, SocketReader sockets) {
            this.context = context;
            this.files = files;
            this.sockets = sockets;
        }

        private static String operation(TracedCall call) {
            return OPERATIONS.getOrDefault(call.name(), call.name());
        }

        /** The socket that a call is about. */
        private @Nullable Socket socket(Moment m, TracedCall call) {
            try {
                return sockets.read(m, files.file(m, call, 0));
            } catch (IntrospectionException e) {
                return null;
            }
        }

        /** The socket that a call has made. */
        private @Nullable Socket opened(Moment m, TracedCall call) {
            try {
                return sockets.read(m, files.file(m, call, CallFiles.opened(call)));
            } catch (IntrospectionException e) {
                return null;
            }
        }

        /** What is closed is not there any more when the call returns. */
        @Override
        public @Nullable Object entered(Moment m, TracedCall call) {
            return operation(call).equals("socket") ? null : socket(m, call);
        }

        @Override
        public void returned(@Nullable Moment m, TracedCall call, @Nullable Object note) {
            String operation = operation(call);
            Arguments a = call.args();
            boolean makes = operation.equals("socket");
            boolean opens = makes || operation.equals("accept");
            Socket before = note instanceof Socket s ? s : null;
            if (before == null && !makes) {
                return;
            }
            Handle file =
                    opens && call.succeeded()
                            ? CallFiles.opened(call)
                            : makes ? new Handle(-1L, null) : CallFiles.named(call, 0);
            Socket now =
                    m == null || operation.equals("close")
                            ? null
                            : opens && call.succeeded()
                                    ? opened(m, call)
                                    : makes ? null : socket(m, call);
            Socket s = now != null ? now : before;
            // A connection that has ended in the meantime has no addresses any more.
            String local = s == null ? "" : s.local();
            String remote = s == null ? "" : s.remote();
            if (before != null) {
                local = local.isEmpty() ? before.local() : local;
                remote = remote.isEmpty() ? before.remote() : remote;
            }
            RingRequest r = call.request();
            NetworkEvent whole =
                    new NetworkEvent(
                            operation,
                            file.fd(),
                            file.index(),
                            s != null ? s.family() : SocketNames.family((int) a.value("family")),
                            s != null ? s.type() : SocketNames.type((int) a.value("type") & 0xF),
                            operation.equals("bind")
                                    ? text(SocketNames.address(a.bytes(a.index("umyaddr"))), local)
                                    : text(local, ""),
                            text(named(call, a), remote),
                            call.result(),
                            call.error(),
                            r == null ? null : new Address(r.ring()));
            int several = SEVERAL.contains(call.name()) ? a.index("mmsg") : -1;
            if (several < 0 || !call.succeeded()) {
                context.emit(call, whole);
                return;
            }
            long count = Objects.requireNonNull(call.result());
            List<Arguments.Message> messages = a.messages(several);
            for (int i = 0; i < Math.min(count, messages.size()); i++) {
                context.emit(call, whole.of(messages.get(i), remote));
            }
        }

        private static @Nullable String text(String first, String second) {
            return !first.isEmpty() ? first : second.isEmpty() ? null : second;
        }

        private static String named(TracedCall call, Arguments a) {
            int message = a.index("msg");
            if (message >= 0) {
                List<Arguments.Message> all = a.messages(message);
                return all.isEmpty() ? "" : SocketNames.address(all.getFirst().name());
            }
            String parameter = PEERS.get(call.name());
            int i = parameter == null ? -1 : a.index(parameter);
            return i < 0 ? "" : SocketNames.address(a.bytes(i));
        }
    }
}
