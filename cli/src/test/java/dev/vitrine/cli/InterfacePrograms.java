// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static dev.vitrine.cli.SystemCallCode.Value.KEPT;

import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Label;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Programs whose system calls point to structures of the kernel's interfaces. */
final class InterfacePrograms {
    private static final int IPC_RMID = 0;
    private static final int IPC_STAT = 2;
    private static final int SETVAL = 16;
    private static final int IOCTL = 16;

    /** 127.0.0.1 as it is in memory. */
    private static final int LOOPBACK = 0x0100_007F;

    private InterfacePrograms() {}

    static void write(Path folder) throws IOException {
        GuestPrograms.program(folder.resolve("interfaces"), GuestPrograms.elf64(interfaces()));
        GuestPrograms.program(folder.resolve("messages"), GuestPrograms.elf64(messages()));
    }

    private static byte[] interfaces() {
        SystemCallCode c = new SystemCallCode();
        c.call(29, 0, 4096, 0600).keep(); // shmget
        c.call(31, KEPT, IPC_STAT, new byte[128]).call(31, KEPT, IPC_RMID, 0);
        c.call(68, 0, 0600).keep(); // msgget
        c.call(71, KEPT, IPC_STAT, new byte[128]).call(71, KEPT, IPC_RMID, 0);
        c.call(64, 0, 2, 0600).keep(); // semget
        c.call(66, KEPT, 1, SETVAL, 7).call(66, KEPT, 0, IPC_STAT, new byte[128]);
        c.call(66, KEPT, 0, IPC_RMID, 0);
        c.call(41, 2, 2, 0).keep(); // socket
        for (int request : new int[] {0x8913, 0x8915, 0x891B, 0x8933, 0x8921, 0x8942}) {
            ByteBuffer b = ByteBuffer.allocate(40).order(ByteOrder.LITTLE_ENDIAN);
            b.put("lo".getBytes(StandardCharsets.UTF_8));
            c.call(IOCTL, KEPT, request, b.array());
        }
        ByteBuffer map = ByteBuffer.allocate(72).order(ByteOrder.LITTLE_ENDIAN);
        map.putInt(1).putInt(4).putInt(8).putInt(16).putInt(1).putInt(0).putInt(0);
        map.put("seen".getBytes(StandardCharsets.UTF_8));
        c.call(321, 0, map.array(), 72); // bpf
        return end(c);
    }

    private static byte[] end(SystemCallCode c) {
        return c.call(231, 0).end().toBytes();
    }

    private static byte[] address(int port) {
        ByteBuffer b = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
        return b.putShort((short) 2)
                .putShort(Short.reverseBytes((short) port))
                .putInt(LOOPBACK)
                .array();
    }

    /**
     * Sends datagrams from port 5001 to 5002 and 5003, one with sendmsg and two with sendmmsg, and
     * receives those of 5002 with recvmsg and recvmmsg.
     */
    private static byte[] messages() {
        SystemCallCode c = new SystemCallCode();
        Asm a = c.asm();
        c.call(41, 2, 2, 0).call(49, 3, address(5001), 16); // socket, bind
        c.call(41, 2, 2, 0).call(49, 4, address(5002), 16);
        c.call(41, 2, 2, 0).call(49, 5, address(5003), 16);
        Label one = a.label();
        headers(c, one, new Message("one", 5002));
        c.call(46, 3, one, 0); // sendmsg
        Label two = a.label();
        headers(c, two, new Message("two", 5002), new Message("three", 5003));
        c.call(307, 3, two, 2, 0); // sendmmsg
        Label back = a.label();
        headers(c, back, new Message("........", 0));
        c.call(47, 4, back, 0); // recvmsg
        Label several = a.label();
        headers(c, several, new Message("........", 0));
        c.call(299, 4, several, 1, 0, 0); // recvmmsg
        return end(c);
    }

    private record Message(String text, int port) {}

    /** An array of struct mmsghdr, which begins with a struct msghdr, of one piece each. */
    private static void headers(SystemCallCode c, Label at, Message... messages) {
        Asm a = c.asm();
        Label[] names = new Label[messages.length];
        Label[] vectors = new Label[messages.length];
        for (int i = 0; i < messages.length; i++) {
            names[i] = a.label();
            vectors[i] = a.label();
        }
        c.data(
                at,
                () -> {
                    for (int i = 0; i < messages.length; i++) {
                        a.dq(names[i]).dq(16).dq(vectors[i]).dq(1, 0, 0, 0, 0);
                    }
                });
        for (int i = 0; i < messages.length; i++) {
            Message m = messages[i];
            Label piece = a.label();
            c.data(names[i], () -> a.bytes(address(m.port)));
            c.data(vectors[i], () -> a.dq(piece).dq(m.text.length()));
            c.data(piece, () -> a.ascii(m.text));
        }
    }
}
