// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.access;

import dev.vitrine.introspection.Hold;
import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.PhysicalMemory;
import dev.vitrine.introspection.PhysicalRange;
import dev.vitrine.introspection.Target;
import dev.vitrine.processor.Registers;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A domain in another process, through its control socket. While the domain is held, what was read
 * is kept: it cannot change.
 */
public final class ControlTarget implements Target {
    /** Small reads get so many bytes at once. */
    private static final int PAGE = 16384;

    private static final int CACHED_PAGES = 4096;
    private static final int REPLY_LIMIT = ControlProtocol.BLOCK;
    private static final int RANGES = 1 << 16;

    private final Path path;
    private final SocketChannel channel;
    private final InputStream in;
    private final OutputStream out;
    private final String name;
    private final int vcpus;
    private final List<PhysicalRange> ranges;
    private final Remote memory = new Remote();
    private int holds;

    private final Map<Long, byte[]> pages =
            new LinkedHashMap<>(64, 0.75f, true) {
                private static final long serialVersionUID = 1L;

                @Override
                protected boolean removeEldestEntry(Map.Entry<Long, byte[]> eldest) {
                    return size() > CACHED_PAGES;
                }
            };

    private ControlTarget(Path path, SocketChannel channel) throws IOException {
        this.path = path;
        this.channel = channel;
        this.in = new BufferedInputStream(Channels.newInputStream(channel), 1 << 16);
        this.out = Channels.newOutputStream(channel);
        String greeting = ControlProtocol.line(in);
        if (!ControlProtocol.GREETING.equals(greeting)) {
            throw new IOException("what listens there is no domain of this version of Vitrine");
        }
        String[] info = text("info").split("\n");
        this.name = value(info, "domain ", path.toString());
        this.vcpus = Integer.parseInt(value(info, "vcpus ", "0"));
        this.ranges = ranges(text("ranges"));
    }

    private static String value(String[] lines, String key, String otherwise) {
        for (String line : lines) {
            if (line.startsWith(key)) {
                return line.substring(key.length());
            }
        }
        return otherwise;
    }

    private static List<PhysicalRange> ranges(String text) throws IOException {
        List<PhysicalRange> list = new ArrayList<>();
        for (String line : text.split("\n", RANGES)) {
            String[] words = line.split(" ");
            if (words.length == 2) {
                list.add(
                        new PhysicalRange(
                                Long.parseLong(words[0], 16), Long.parseLong(words[1], 16)));
            }
        }
        return list;
    }

    /**
     * Connects to a control socket.
     *
     * @throws IntrospectionException there is none, or nobody listens
     */
    public static Target connect(Path path) {
        SocketChannel channel = null;
        try {
            channel = SocketChannel.open(StandardProtocolFamily.UNIX);
            channel.connect(UnixDomainSocketAddress.of(path));
            return new ControlTarget(path, channel);
        } catch (IOException | IllegalArgumentException | IntrospectionException e) {
            if (channel != null) {
                closeQuietly(channel);
            }
            throw new IntrospectionException(
                    "The control socket " + path + " cannot be reached: " + e.getMessage() + ".",
                    e);
        }
    }

    private static void closeQuietly(SocketChannel channel) {
        try {
            channel.close();
        } catch (IOException e) {
            // The reason for which it is closed is told.
        }
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public PhysicalMemory memory() {
        return memory;
    }

    @Override
    public int vcpus() {
        return vcpus;
    }

    @Override
    public Registers registers(int vcpu) {
        Objects.checkIndex(vcpu, vcpus);
        return RegistersText.parse(text("registers " + vcpu));
    }

    @Override
    public boolean isLive() {
        return true;
    }

    @Override
    public Hold hold() {
        if (holds++ == 0) {
            text("pause");
        }
        boolean[] held = {true};
        return () -> {
            if (held[0]) {
                held[0] = false;
                if (--holds == 0) {
                    pages.clear();
                    if (channel.isOpen()) {
                        text("resume");
                    }
                }
            }
        };
    }

    @Override
    public void close() {
        closeQuietly(channel);
    }

    /**
     * Asks the domain's process to inject something; {@code docs/introspection.md} has the
     * requests.
     *
     * @throws IntrospectionException it was not done; the message says why
     */
    public byte[] inject(String request, byte[] content) {
        Reply r = ask(request, content);
        if (!r.ok) {
            String why = r.text();
            throw new IntrospectionException(why.endsWith(".") ? why : why + ".");
        }
        return r.content;
    }

    private String text(String request) {
        Reply r = ask(request, new byte[0]);
        if (!r.ok) {
            throw new IntrospectionException(
                    "The domain at " + path + " refused " + request + ": " + r.text() + ".");
        }
        return r.text();
    }

    private record Reply(boolean ok, byte[] content) {
        String text() {
            return new String(content, StandardCharsets.UTF_8);
        }
    }

    private Reply ask(String request, byte[] content) {
        try {
            byte[] line = (request + "\n").getBytes(StandardCharsets.US_ASCII);
            byte[] all = new byte[line.length + content.length];
            System.arraycopy(line, 0, all, 0, line.length);
            System.arraycopy(content, 0, all, line.length, content.length);
            out.write(all);
            String head = ControlProtocol.line(in);
            if (head == null) {
                throw new IOException("it has ended");
            }
            String[] words = head.split(" ");
            int length = words.length == 2 ? Integer.parseInt(words[1]) : -1;
            if (length < 0 || length > REPLY_LIMIT) {
                throw new IOException("its answer makes no sense");
            }
            return new Reply(words[0].equals("ok"), ControlProtocol.bytes(in, length));
        } catch (IOException | NumberFormatException e) {
            closeQuietly(channel);
            throw new IntrospectionException(
                    "The domain at " + path + " does not answer any more: " + e.getMessage() + ".",
                    e);
        }
    }

    private final class Remote implements PhysicalMemory {
        @Override
        public List<PhysicalRange> ranges() {
            return ranges;
        }

        @Override
        public boolean read(long address, byte[] target, int offset, int length) {
            Objects.checkFromIndexSize(offset, length, target.length);
            if (holds == 0 || length > PAGE) {
                return direct(address, target, offset, length);
            }
            while (length > 0) {
                long number = address / PAGE;
                int inside = (int) (address - number * PAGE);
                int part = Math.min(length, PAGE - inside);
                byte[] page = address < 0 ? null : page(number);
                if (page != null) {
                    System.arraycopy(page, inside, target, offset, part);
                } else if (!direct(address, target, offset, part)) {
                    return false;
                }
                address += part;
                offset += part;
                length -= part;
            }
            return true;
        }

        /** A page of the cache; null if not all of it is RAM. */
        private byte @org.jspecify.annotations.Nullable [] page(long number) {
            byte[] page = pages.get(number);
            if (page == null) {
                page = new byte[PAGE];
                if (!direct(number * PAGE, page, 0, PAGE)) {
                    page = new byte[0];
                }
                pages.put(number, page);
            }
            return page.length == 0 ? null : page;
        }

        private boolean direct(long address, byte[] target, int offset, int length) {
            while (length > 0) {
                int part = Math.min(length, ControlProtocol.BLOCK);
                Reply r = ask("read 0x" + Long.toHexString(address) + " " + part, new byte[0]);
                if (!r.ok || r.content.length != part) {
                    return false;
                }
                System.arraycopy(r.content, 0, target, offset, part);
                address += part;
                offset += part;
                length -= part;
            }
            return true;
        }

        @Override
        public boolean write(long address, byte[] source, int offset, int length) {
            Objects.checkFromIndexSize(offset, length, source.length);
            pages.clear();
            for (int done = 0; done < length; ) {
                int part = Math.min(length - done, ControlProtocol.BLOCK);
                byte[] b = new byte[part];
                System.arraycopy(source, offset + done, b, 0, part);
                if (!ask("write 0x" + Long.toHexString(address + done) + " " + part, b).ok) {
                    return false;
                }
                done += part;
            }
            return true;
        }
    }
}
