// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.xenabi;

/** EVTCHNOP_*: sub-operations, argument layouts and constants (public/event_channel.h). */
public final class EventChannelOp {
    public static final int BIND_INTERDOMAIN = 0;
    public static final int BIND_VIRQ = 1;
    public static final int BIND_PIRQ = 2;
    public static final int CLOSE = 3;
    public static final int SEND = 4;
    public static final int STATUS = 5;
    public static final int ALLOC_UNBOUND = 6;
    public static final int BIND_IPI = 7;
    public static final int BIND_VCPU = 8;
    public static final int UNMASK = 9;
    public static final int RESET = 10;
    public static final int INIT_CONTROL = 11;
    public static final int EXPAND_ARRAY = 12;
    public static final int SET_PRIORITY = 13;

    // Bytes of each argument. Layouts are the same for 32- and 64-bit guests.
    /** dom u16 @0, remote_dom u16 @2, out port u32 @4. */
    public static final int SIZE_ALLOC_UNBOUND = 8;

    /** remote_dom u16 @0, remote_port u32 @4, out local_port u32 @8. */
    public static final int SIZE_BIND_INTERDOMAIN = 12;

    /** virq u32 @0, vcpu u32 @4, out port u32 @8. */
    public static final int SIZE_BIND_VIRQ = 12;

    /** pirq u32 @0, flags u32 @4, out port u32 @8. */
    public static final int SIZE_BIND_PIRQ = 12;

    /** vcpu u32 @0, out port u32 @4. */
    public static final int SIZE_BIND_IPI = 8;

    /** port u32 @0 (close, send, unmask). */
    public static final int SIZE_PORT = 4;

    /**
     * dom u16 @0, port u32 @4, out status u32 @8, out vcpu u32 @12, out union @16: unbound.dom u16;
     * interdomain.dom u16 and .port u32 @20; pirq u32; virq u32.
     */
    public static final int SIZE_STATUS = 24;

    /** port u32 @0, vcpu u32 @4. */
    public static final int SIZE_BIND_VCPU = 8;

    /** dom u16 @0. */
    public static final int SIZE_RESET = 2;

    /** control_gfn u64 @0, offset u32 @8, vcpu u32 @12, out link_bits u8 @16. */
    public static final int SIZE_INIT_CONTROL = 24;

    /** array_gfn u64 @0. */
    public static final int SIZE_EXPAND_ARRAY = 8;

    /** port u32 @0, priority u32 @4. */
    public static final int SIZE_SET_PRIORITY = 8;

    public static final int STATUS_CLOSED = 0;
    public static final int STATUS_UNBOUND = 1;
    public static final int STATUS_INTERDOMAIN = 2;
    public static final int STATUS_PIRQ = 3;
    public static final int STATUS_VIRQ = 4;
    public static final int STATUS_IPI = 5;

    /** Ports of the 2-level ABI: words of a guest's long, squared. */
    public static final int NR_2L_64 = 4096;

    public static final int NR_2L_32 = 1024;

    // FIFO event words.
    public static final int FIFO_PENDING = 1 << 31;
    public static final int FIFO_MASKED = 1 << 30;
    public static final int FIFO_LINKED = 1 << 29;
    public static final int FIFO_BUSY = 1 << 28;
    public static final int FIFO_LINK_BITS = 17;
    public static final int FIFO_LINK_MASK = (1 << FIFO_LINK_BITS) - 1;
    public static final int FIFO_NR_CHANNELS = 1 << FIFO_LINK_BITS;
    public static final int FIFO_MAX_QUEUES = 16;
    public static final int FIFO_PRIORITY_MAX = 0;
    public static final int FIFO_PRIORITY_DEFAULT = 7;
    public static final int FIFO_PRIORITY_MIN = 15;
    public static final int FIFO_WORDS_PER_PAGE = 1024;
    public static final int FIFO_MAX_ARRAY_PAGES = FIFO_NR_CHANNELS / FIFO_WORDS_PER_PAGE;

    // struct evtchn_fifo_control_block.
    public static final int FIFO_CONTROL_READY = 0;
    public static final int FIFO_CONTROL_HEAD = 8;
    public static final int SIZE_FIFO_CONTROL = 8 + 4 * FIFO_MAX_QUEUES;

    private EventChannelOp() {}
}
