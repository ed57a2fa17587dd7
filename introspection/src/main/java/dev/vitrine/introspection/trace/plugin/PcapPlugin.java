// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.linux.Symbol;
import dev.vitrine.introspection.trace.Address;
import dev.vitrine.introspection.trace.Event;
import dev.vitrine.introspection.trace.Moment;
import dev.vitrine.introspection.trace.Task;
import dev.vitrine.introspection.trace.TraceContext;
import dev.vitrine.introspection.trace.TracePlugin;
import dev.vitrine.introspection.trace.plugin.DeviceReader.Device;

import org.jspecify.annotations.Nullable;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Packets that the guest's network devices send and receive, the loopback device among them, where
 * packet sockets see them, too. What the loopback device receives is what it has sent, and is told
 * once.
 */
public final class PcapPlugin implements TracePlugin {
    /**
     * A packet.
     *
     * @param operation send or receive
     * @param device name of the network device
     * @param device_index its number
     * @param net_ns inode number of its network namespace
     * @param ether_type the protocol above the device's, as Ethernet numbers it
     * @param protocol above IP: tcp, udp, icmp, ...
     * @param source address and port
     * @param destination address and port
     * @param length in bytes, with the device's header
     * @param sender the process that sends it; left out if the kernel does so later or on its own
     */
    public record Packet(
            String operation,
            String device,
            int device_index,
            long net_ns,
            Address ether_type,
            @Nullable String protocol,
            @Nullable String source,
            @Nullable String destination,
            long length,
            @Nullable Long sender)
            implements Event {
        @Override
        public String kind() {
            return "packet";
        }
    }

    private static final String FILE = "pcap";
    private static final String SIZE = "pcap-size";
    private static final long DEFAULT_SIZE = 1L << 30;

    /** Buffers that are sent together: parts of a large packet, of half a mebibyte at the most. */
    private static final int MAX_LIST = 512;

    /** Devices that are remembered; a guest can make as many as it likes. */
    private static final int MAX_DEVICES = 4096;

    /** Bytes that are read of a packet of which none is to be written. */
    private static final int HEADERS = 256;

    private static final int OUTGOING = 4;

    private @Nullable PcapngWriter writer;

    @Override
    public String name() {
        return "pcap";
    }

    @Override
    public String summary() {
        return "packets of network devices; see --pcap";
    }

    @Override
    public List<Class<? extends Event>> events() {
        return List.of(Packet.class);
    }

    @Override
    public Set<String> settings() {
        return Set.of(FILE, SIZE);
    }

    @Override
    public void set(Map<String, String> values) {
        String file = values.get(FILE);
        String size = values.get(SIZE);
        if (file != null) {
            writer =
                    new PcapngWriter(
                            Path.of(file), size == null ? DEFAULT_SIZE : Long.parseLong(size));
        } else if (size != null) {
            throw new IntrospectionException(
                    "--" + SIZE + " needs --" + FILE + ": without it no file is written.");
        }
    }

    @Override
    public void start(TraceContext context, Moment at) {
        Packets p = new Packets(context, writer);
        context.onFunction("dev_hard_start_xmit", p::sent);
        context.onFunction(symbol(context.kernel(), "__netif_receive_skb_core"), p::received);
    }

    /** A compiler may have made a variant of a function for those who call it. */
    private static String symbol(LinuxKernel k, String name) {
        return k.hasSymbol(name)
                ? name
                : k.kernelSymbols().all().stream()
                        .map(Symbol::name)
                        .filter(s -> s.startsWith(name + ".") && !s.contains(".cold"))
                        .findFirst()
                        .orElse(name);
    }

    @Override
    public @Nullable String end() {
        return writer == null ? null : writer.end();
    }

    private static final class Packets {
        private final TraceContext context;
        private final PacketReader packets;
        private final DeviceReader devices;
        private final @Nullable PcapngWriter writer;

        /** Numbers in the file. */
        private final Map<Device, Integer> numbers = new ConcurrentHashMap<>();

        Packets(TraceContext context, @Nullable PcapngWriter writer) {
            this.context = context;
            this.writer = writer;
            packets = new PacketReader(context.kernel());
            devices = new DeviceReader(context.kernel());
        }

        void sent(Moment m) {
            Device device = devices.read(m, m.argument(1));
            long skb = m.argument(0);
            Long sender =
                    m.inInterrupt() || m.task().pid() == 0 ? null : Long.valueOf(m.task().pid());
            for (int i = 0; skb != 0 && i < MAX_LIST; i++) {
                packet(m, device, skb, sender, false);
                skb = packets.next(m, skb);
            }
        }

        /**
         * Since 5.8 or so the argument is a pointer to the buffer, which is in no list: next is 0.
         */
        void received(Moment m) {
            long given = m.argument(0);
            long held = m.pointer(given);
            long skb = held == 0 ? given : held;
            Device device = devices.ofPacket(m, skb);
            if (!device.isLoopback()) {
                packet(m, device, skb, null, true);
            }
        }

        private void packet(
                Moment m, Device device, long skb, @Nullable Long sender, boolean inbound) {
            PcapngWriter w = writer;
            int header = 0;
            if (device.link() == DeviceReader.COOKED) {
                header = packets.networkHeader(m, skb);
            } else if (device.link() == DeviceReader.ETHERNET && inbound) {
                header = packets.deviceHeader(m, skb);
            }
            int limit = w == null ? HEADERS : PcapngWriter.SNAP_LENGTH;
            byte[] content = packets.content(m, skb, header, limit);
            long length = packets.length(m, skb) + header;
            int type = packets.protocol(m, skb);
            PacketSummary summary = PacketSummary.of(content, device.headerLength(), type);
            context.emit(
                    m,
                    new Packet(
                            inbound ? "receive" : "send",
                            device.name(),
                            device.index(),
                            device.namespace(),
                            new Address(type),
                            text(summary.protocol()),
                            text(summary.source()),
                            text(summary.destination()),
                            length,
                            sender));
            if (w != null) {
                if (device.link() == DeviceReader.COOKED) {
                    int kind = inbound ? packets.packetType(m, skb) : OUTGOING;
                    byte[] cooked = cooked(device, type, kind, content);
                    length += cooked.length - content.length;
                    content = cooked;
                }
                Task t = m.task();
                String comment = sender == null ? null : t.comm() + "(" + t.pid() + ")";
                w.packet(number(w, device), m.time(), inbound, content, length, comment);
            }
        }

        private static @Nullable String text(String s) {
            return s.isEmpty() ? null : s;
        }

        private int number(PcapngWriter w, Device d) {
            if (numbers.size() >= MAX_DEVICES) {
                numbers.clear();
            }
            return numbers.computeIfAbsent(
                    d, x -> w.device(d.link(), d.name(), d.hardwareAddress()));
        }

        /** LINKTYPE_LINUX_SLL2: what devices of any type have in common. */
        private static byte[] cooked(Device d, int protocol, int kind, byte[] content) {
            byte[] own = d.hardwareAddress();
            return ByteBuffer.allocate(DeviceReader.COOKED_HEADER + content.length)
                    .putShort((short) protocol)
                    .putShort((short) 0)
                    .putInt(d.index())
                    .putShort((short) d.type())
                    .put((byte) kind)
                    .put((byte) own.length)
                    .put(own)
                    .position(DeviceReader.COOKED_HEADER)
                    .put(content)
                    .array();
        }
    }
}
