// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.platform;

/**
 * The bus that connects the local APICs of a machine: carries interprocessor interrupts (SDM volume
 * 3, 12.6 and 12.12.9).
 */
public final class ApicBus {
    private LocalApic[] apics = new LocalApic[0];
    private int arbitration;

    /** Connects an APIC; all are connected before the machine runs. */
    void attach(LocalApic apic) {
        LocalApic[] a = java.util.Arrays.copyOf(apics, apics.length + 1);
        a[apics.length] = apic;
        apics = a;
    }

    /**
     * Sends what an interrupt command register says.
     *
     * @param icr the register as x2APIC has it: destination in the upper 32 bits
     */
    void send(LocalApic source, long icr) {
        int low = (int) icr;
        int vector = low & 0xFF;
        int mode = (low >>> 8) & 7;
        boolean logical = (low & 1 << 11) != 0;
        boolean level = (low & 1 << 15) != 0;
        boolean assertion = (low & 1 << 14) != 0;
        int destination = (int) (icr >>> 32);
        if (mode == LocalApic.MODE_INIT && level && !assertion) {
            return; // INIT level de-assert only synchronized arbitration ids long ago.
        }
        switch ((low >>> 18) & 3) {
            case 1 -> source.receive(mode, vector, level);
            case 2, 3 -> {
                boolean self = ((low >>> 18) & 3) == 2;
                for (LocalApic a : apics) {
                    if (a != source || self) {
                        a.receive(mode, vector, level);
                    }
                }
            }
            default -> {
                if (mode == LocalApic.MODE_LOWEST) {
                    lowest(source, destination, logical, vector, level);
                } else {
                    for (LocalApic a : apics) {
                        if (a.matches(destination, logical, source.inX2Mode())) {
                            a.receive(mode, vector, level);
                        }
                    }
                }
            }
        }
    }

    private void lowest(
            LocalApic source, int destination, boolean logical, int vector, boolean level) {
        LocalApic best = null;
        LocalApic[] all = apics;
        for (int i = 0; i < all.length; i++) {
            LocalApic a = all[(arbitration + i) % all.length];
            if (a.matches(destination, logical, source.inX2Mode())
                    && a.softwareEnabled()
                    && (best == null || a.processorPriority() < best.processorPriority())) {
                best = a;
            }
        }
        arbitration = (arbitration + 1) % Math.max(1, all.length);
        if (best != null) {
            best.receive(LocalApic.MODE_FIXED, vector, level);
        }
    }
}
