// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import static dev.vitrine.xenabi.EventChannelOp.FIFO_BUSY;
import static dev.vitrine.xenabi.EventChannelOp.FIFO_LINKED;
import static dev.vitrine.xenabi.EventChannelOp.FIFO_LINK_MASK;
import static dev.vitrine.xenabi.EventChannelOp.FIFO_MASKED;
import static dev.vitrine.xenabi.EventChannelOp.FIFO_PENDING;

import dev.vitrine.memory.GuestRam;
import dev.vitrine.processor.StateSink;
import dev.vitrine.xenabi.Errno;
import dev.vitrine.xenabi.EventChannelOp;

import java.util.Arrays;

/**
 * The FIFO event channel ABI: a word for each port in pages that the guest gives, and for each vCPU
 * sixteen queues of pending ports, linked through the words and headed in a control block. Guarded
 * by the domain's {@link EventChannels}; the guest changes words at any time, so each step is
 * atomic.
 */
final class FifoEvents {
    private static final int QUEUES = EventChannelOp.FIFO_MAX_QUEUES;

    private final Domain domain;
    private final GuestRam ram;

    /** Machine address of each vCPU's control block, or -1. */
    private final long[] control;

    /** Last port of each queue, by vCPU and priority; 0 for an empty queue. */
    private final int[] tail;

    /** Machine addresses of the event array's pages. */
    private long[] pages = new long[0];

    FifoEvents(Domain domain) {
        this.domain = domain;
        this.ram = domain.memory().ram;
        control = new long[domain.vcpuCount()];
        Arrays.fill(control, -1);
        tail = new int[domain.vcpuCount() * QUEUES];
    }

    int mapControl(int vcpu, long gfn, int offset) {
        if (control[vcpu] >= 0) {
            return -Errno.EINVAL;
        }
        long mfn = domain.memory().pin(gfn);
        if (mfn < 0) {
            return -Errno.EINVAL;
        }
        control[vcpu] = (mfn << DomainMemory.SHIFT) + offset;
        return 0;
    }

    int addPage(long gfn) {
        if (pages.length >= EventChannelOp.FIFO_MAX_ARRAY_PAGES) {
            return -Errno.ENOSPC;
        }
        long mfn = domain.memory().pin(gfn);
        if (mfn < 0) {
            return -Errno.EINVAL;
        }
        pages = Arrays.copyOf(pages, pages.length + 1);
        pages[pages.length - 1] = mfn << DomainMemory.SHIFT;
        return 0;
    }

    /** Ports that have a word. */
    int words() {
        return pages.length * EventChannelOp.FIFO_WORDS_PER_PAGE;
    }

    private long word(int port) {
        int p = port / EventChannelOp.FIFO_WORDS_PER_PAGE;
        return p < pages.length ? pages[p] + port % EventChannelOp.FIFO_WORDS_PER_PAGE * 4L : -1;
    }

    /**
     * Marks a port pending and links it to its queue.
     *
     * @return whether it was not pending before
     */
    boolean setPending(EventChannel c, Vcpu v) {
        long word = word(c.port);
        if (word < 0) {
            c.pending = true; // raised again when its page comes
            return false;
        }
        long block = control[v.id()];
        if (block < 0) {
            return false; // A guest must not use a vCPU's queues before it gave the control block.
        }
        domain.memory().touched(word);
        boolean fresh = (ram.getAndOrInt(word, FIFO_PENDING) & FIFO_PENDING) == 0;
        if ((ram.getIntVolatile(word) & FIFO_MASKED) != 0
                || (ram.getAndOrInt(word, FIFO_LINKED) & FIFO_LINKED) != 0) {
            return fresh;
        }
        int queue = v.id() * QUEUES + c.priority;
        int oldQueue = c.lastVcpu * QUEUES + c.lastPriority;
        // Unlinked although it was a tail: that queue is empty now, whatever it says.
        if (tail[oldQueue] == c.port) {
            tail[oldQueue] = 0;
        }
        c.lastVcpu = v.id();
        c.lastPriority = c.priority;

        boolean linked = false;
        if (tail[queue] != 0) {
            linked = link(word(tail[queue]), c.port);
        }
        domain.memory().touched(block);
        if (!linked) {
            long head = block + EventChannelOp.FIFO_CONTROL_HEAD + 4L * c.priority;
            int was = ram.getIntVolatile(head);
            while (!ram.casInt(head, was, c.port)) {
                was = ram.getIntVolatile(head);
            }
        }
        tail[queue] = c.port;
        if (!linked) {
            int bit = 1 << c.priority;
            if ((ram.getAndOrInt(block + EventChannelOp.FIFO_CONTROL_READY, bit) & bit) == 0) {
                v.markEventsPending();
            }
        }
        return fresh;
    }

    /**
     * Sets a tail's link if the tail is still linked; false if the queue has run empty meanwhile.
     */
    private boolean link(long word, int port) {
        // A guest that flips bits without end must not keep us here: five tries, as many as the
        // legal changes to a linked word (and BUSY stops unmasking from the second on).
        for (int i = 0; i < 5; i++) {
            int w = ram.getIntVolatile(word);
            if ((w & FIFO_LINKED) == 0) {
                if (i > 0) {
                    ram.getAndAndInt(word, ~FIFO_BUSY);
                }
                return false;
            }
            if (ram.casInt(word, w, (w & ~(FIFO_BUSY | FIFO_LINK_MASK)) | port)) {
                domain.memory().touched(word);
                return true;
            }
            ram.getAndOrInt(word, FIFO_BUSY);
        }
        ram.getAndAndInt(word, ~FIFO_BUSY);
        return true;
    }

    void clearPending(EventChannel c) {
        long word = word(c.port);
        if (word >= 0) {
            ram.getAndAndInt(word, ~FIFO_PENDING);
            domain.memory().touched(word);
        }
    }

    void unmask(EventChannel c, Vcpu v) {
        long word = word(c.port);
        if (word >= 0) {
            ram.getAndAndInt(word, ~FIFO_MASKED);
            domain.memory().touched(word);
            if ((ram.getIntVolatile(word) & FIFO_PENDING) != 0) {
                setPending(c, v);
            }
        }
    }

    boolean isPending(EventChannel c) {
        long word = word(c.port);
        return word >= 0 && (ram.getIntVolatile(word) & FIFO_PENDING) != 0;
    }

    boolean isLinked(EventChannel c) {
        long word = word(c.port);
        return word >= 0 && (ram.getIntVolatile(word) & FIFO_LINKED) != 0;
    }

    void visitState(StateSink sink) {
        for (long b : control) {
            sink.value("control block", b);
        }
        for (int port : tail) {
            sink.value("last port of a queue", port);
        }
        for (long p : pages) {
            sink.value("page of event words", p);
        }
    }

    void destroy() {
        for (long b : control) {
            if (b >= 0) {
                domain.memory().unpin(b >>> DomainMemory.SHIFT);
            }
        }
        for (long p : pages) {
            domain.memory().unpin(p >>> DomainMemory.SHIFT);
        }
        Arrays.fill(control, -1);
        pages = new long[0];
    }
}
