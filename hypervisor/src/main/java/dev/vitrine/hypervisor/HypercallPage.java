// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.memory.BadGuestAddress;
import dev.vitrine.xenabi.HypercallNumber;

/** The page of stubs that guests call instead of executing VMCALL themselves. */
final class HypercallPage {
    private static final int STUB = 32;

    private HypercallPage() {}

    /**
     * WRMSR of the hypercall MSR: fills the page whose address is in the value. False gives #GP.
     */
    static boolean write(Vcpu vcpu, long value) {
        if ((value & 0xFFF) != 0) {
            return false; // There is one page only: index 0.
        }
        try {
            vcpu.domain().memory().physical.write(value, content());
        } catch (BadGuestAddress e) {
            return false;
        }
        vcpu.domain().latchWidth(vcpu);
        return true;
    }

    /** The page as bytes; also for images that ask for it by ELF note. */
    static byte[] content() {
        byte[] page = new byte[4096];
        for (int i = 0; i < 4096 / STUB; i++) {
            int at = i * STUB;
            if (i == HypercallNumber.IRET) {
                page[at] = 0x0F; // UD2
                page[at + 1] = 0x0B;
                continue;
            }
            page[at] = (byte) 0xB8; // MOV EAX, number
            Bytes.putInt(page, at + 1, i);
            page[at + 5] = 0x0F; // VMCALL
            page[at + 6] = 0x01;
            page[at + 7] = (byte) 0xC1;
            page[at + 8] = (byte) 0xC3; // RET
        }
        return page;
    }
}
