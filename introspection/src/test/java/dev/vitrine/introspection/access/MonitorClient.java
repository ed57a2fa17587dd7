// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.access;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A monitor in a process of its own, which knows the control protocol, Xen's structures, and
 * nothing of Vitrine's classes. It hides a page from the guest, and answers what comes of that.
 */
final class MonitorClient {
    private static final VarHandle INT =
            MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final int ENTRY = 400;
    private static final int ENTRIES = 8;

    /** A connection to the control socket. */
    record Connection(SocketChannel channel, DataInputStream in, OutputStream out) {
        static Connection open(Path socket) throws IOException {
            SocketChannel c = SocketChannel.open(StandardProtocolFamily.UNIX);
            c.connect(UnixDomainSocketAddress.of(socket));
            Connection made =
                    new Connection(
                            c,
                            new DataInputStream(Channels.newInputStream(c)),
                            Channels.newOutputStream(c));
            made.line();
            return made;
        }

        String line() throws IOException {
            StringBuilder s = new StringBuilder();
            for (int c = in.readUnsignedByte(); c != '\n'; c = in.readUnsignedByte()) {
                s.append((char) c);
            }
            return s.toString();
        }

        byte[] ask(String request, byte[] content) throws IOException {
            ByteBuffer b = ByteBuffer.allocate(request.length() + 1 + content.length);
            b.put((request + "\n").getBytes(StandardCharsets.US_ASCII)).put(content);
            out.write(b.array());
            String[] head = line().split(" ");
            byte[] reply = new byte[Integer.parseInt(head[1])];
            in.readFully(reply);
            if (!head[0].equals("ok")) {
                throw new IOException(new String(reply, StandardCharsets.UTF_8));
            }
            return reply;
        }

        /** One of Xen's calls; the structure behind its result. */
        ByteBuffer call(String name, ByteBuffer op) throws IOException {
            byte[] reply = ask(name + " " + op.capacity(), op.array());
            ByteBuffer b = ByteBuffer.wrap(reply).order(ByteOrder.LITTLE_ENDIAN);
            int rc = b.getInt();
            if (rc != 0) {
                throw new IOException(name + " gives " + rc);
            }
            return b.slice().order(ByteOrder.LITTLE_ENDIAN);
        }

        ByteBuffer altp2m(int command, int view, int access, long gfn) throws IOException {
            ByteBuffer op = ByteBuffer.allocate(80).order(ByteOrder.LITTLE_ENDIAN);
            op.putInt(0, 1).putInt(4, command).putShort(8, (short) 0x7FF0);
            op.putShort(16, (short) view).putShort(18, (short) access).putLong(24, gfn);
            return call("altp2m", op);
        }

        void enable(int event) throws IOException {
            ByteBuffer op = ByteBuffer.allocate(144).order(ByteOrder.LITTLE_ENDIAN);
            op.putInt(0, 77).putInt(4, 0x17).putInt(16, 0).putInt(20, event);
            call("domctl", op);
        }
    }

    private final Connection control;
    private final Connection bell;
    private final MappedByteBuffer ring;
    private final Path file;
    private int taken;
    private int answered;

    private MonitorClient(Path socket) throws IOException {
        control = Connection.open(socket);
        bell = Connection.open(socket);
        file = Path.of(new String(bell.ask("monitor", new byte[0]), StandardCharsets.UTF_8));
        try (FileChannel f =
                FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            ring = f.map(FileChannel.MapMode.READ_WRITE, 0, 4096);
        }
        ring.order(ByteOrder.LITTLE_ENDIAN);
    }

    /**
     * @param arguments the socket, what to do, and the guest frame to be hidden
     */
    public static void main(String[] arguments) throws IOException {
        MonitorClient c = new MonitorClient(Path.of(arguments[0]));
        long gfn = Long.parseLong(arguments[2]);
        c.control.altp2m(2, 1, 0, 0); // active
        int view = c.control.altp2m(4, 0, 7, 0).getShort(16);
        c.control.altp2m(7, view, 0, gfn); // no rights
        c.control.altp2m(6, view, 0, 0);
        c.control.enable(3); // INT3
        System.out.println("ready");
        while (c.bell.in.read() >= 0) {
            while (c.taken != (int) INT.getAcquire(c.ring, 0)) {
                byte[] event = new byte[ENTRY];
                c.ring.get(64 + c.taken++ % ENTRIES * ENTRY, event);
                c.serve(arguments[1], ByteBuffer.wrap(event).order(ByteOrder.LITTLE_ENDIAN));
            }
        }
        System.out.println("events " + c.taken);
    }

    private void serve(String mode, ByteBuffer event) throws IOException {
        if (mode.equals("die")) {
            System.out.println("dies");
            Runtime.getRuntime().halt(1);
        }
        if (mode.equals("lie")) {
            lie();
        }
        int flags = event.getInt(4);
        if (event.getInt(8) == 6) {
            // The guest's own INT3.
            control.ask("inject-event " + event.getInt(12) + " 3 6 0 0 1", new byte[0]);
        } else {
            event.putInt(4, flags | 1 << 2 | 1 << 5); // EMULATE, SET_EMUL_READ_DATA
            event.putInt(56, 8).putLong(60, 1000 + event.getLong(32));
        }
        respond(event);
        bell.out.write(1);
    }

    private void respond(ByteBuffer event) {
        ring.put(64 + answered++ % ENTRIES * ENTRY, event.array());
        INT.setRelease(ring, 8, answered);
    }

    /** Before the right answer: indexes from nowhere, and the server's own overwritten. */
    private void lie() throws IOException {
        for (int index : new int[] {-1, 1 << 30, answered + ENTRIES + 1}) {
            INT.setRelease(ring, 8, index);
            bell.out.write(1);
            // Each request is answered, whatever the ring says.
            control.ask("info", new byte[0]);
        }
        INT.setRelease(ring, 8, answered);
        ring.putInt(0, 0x12345678).putInt(12, -5).putInt(0, taken);
    }
}
