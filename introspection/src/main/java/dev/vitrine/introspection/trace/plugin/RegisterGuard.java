// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.hypervisor.Subscription;
import dev.vitrine.introspection.trace.Moment;
import dev.vitrine.introspection.trace.TraceContext;
import dev.vitrine.processor.Interception;
import dev.vitrine.processor.Registers;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Map;

/** Watches the registers by which the kernel is entered and protected. */
final class RegisterGuard {
    // SDM volume 4, table 2-2
    private static final int SYSENTER_EIP = 0x176;
    private static final int LSTAR = 0xC000_0082;
    private static final int CSTAR = 0xC000_0083;

    private static final long CR0_WP = 1 << 16;
    private static final long CR0_PG = 1L << 31;
    private static final long CR4_SMEP = 1 << 20;
    private static final long CR4_SMAP = 1 << 21;

    /** Where each of the MSRs leads, by the names that kernels have for it. */
    private static final Map<Integer, List<String>> ENTRIES =
            Map.of(
                    LSTAR, List.of("entry_SYSCALL_64"),
                    CSTAR,
                            List.of(
                                    "entry_SYSCALL_compat",
                                    "ignore_sysret",
                                    "entry_SYSCALL32_ignore"),
                    SYSENTER_EIP, List.of("entry_SYSENTER_compat"));

    private static final Map<Integer, String> NAMES =
            Map.of(LSTAR, "IA32_LSTAR", CSTAR, "IA32_CSTAR", SYSENTER_EIP, "IA32_SYSENTER_EIP");

    private final Findings findings;
    private final KernelCode code;
    private final long interruptTable;

    RegisterGuard(Findings findings, KernelCode code, long interruptTable) {
        this.findings = findings;
        this.code = code;
        this.interruptTable = interruptTable;
    }

    /** Watches from now on. */
    void begin(TraceContext context) {
        context.onRegisters(
                Subscription.NONE
                        .msr(LSTAR, true)
                        .msr(CSTAR, true)
                        .msr(SYSENTER_EIP, true)
                        .descriptors()
                        .controlRegister(0, true, true, ~CR0_WP)
                        .controlRegister(4, true, true, ~(CR4_SMEP | CR4_SMAP)),
                this::written);
    }

    /** Looks at what is in them. */
    void look(Moment m) {
        Registers r = m.registers();
        entry(m, LSTAR, r.lstar(), null, Findings.CHECK);
        entry(m, CSTAR, r.cstar(), null, Findings.CHECK);
        entry(m, SYSENTER_EIP, r.sysenterEip(), null, Findings.CHECK);
        table(m, r.idt().base(), null, Findings.CHECK);
    }

    /** One of them is written. */
    private void written(Moment m, Interception what) {
        switch (what) {
            case Interception.MsrWrite w -> entry(m, w.msr(), w.value(), w.old(), findings.by(m));
            case Interception.DescriptorAccess d -> {
                if (d.write() && d.table() == Interception.DescriptorTable.IDTR) {
                    // Behind the limit.
                    table(
                            m,
                            m.pointer(d.linear() + 2),
                            Findings.hex(m.registers().idt().base()),
                            findings.by(m));
                }
            }
            case Interception.ControlRegisterWrite c -> {
                long guarded = c.register() == 0 ? CR0_WP : CR4_SMEP | CR4_SMAP;
                // Without paging there is nothing to protect: a processor begins or ends.
                boolean paging = c.register() == 0 ? (c.value() & CR0_PG) != 0 : true;
                long cleared = c.old() & ~c.value() & guarded;
                if (cleared != 0 && paging) {
                    String name =
                            c.register() == 0
                                    ? "CR0.WP"
                                    : cleared == CR4_SMEP
                                            ? "CR4.SMEP"
                                            : cleared == CR4_SMAP ? "CR4.SMAP" : "CR4.SMEP|SMAP";
                    findings.tell(
                            m,
                            name,
                            c.register(),
                            Findings.hex(c.old()),
                            Findings.hex(c.value()),
                            findings.by(m));
                }
            }
            default -> {
                // Nothing else has been subscribed to.
            }
        }
    }

    private void entry(Moment m, int msr, long value, @Nullable Long old, String by) {
        if (value == 0 || isEntry(m, msr, value)) {
            return;
        }
        String name = NAMES.getOrDefault(msr, "");
        if (findings.isNew(name + value)) {
            findings.tell(
                    m,
                    "register",
                    name,
                    msr & 0xFFFF_FFFFL,
                    old == null ? null : Findings.hex(old),
                    Findings.hex(value),
                    value,
                    by);
        }
    }

    private void table(Moment m, long base, @Nullable String old, String by) {
        // The processor uses it by another address, where programs may see it, too.
        if (m.translate(base) != m.translate(interruptTable) && findings.isNew("IDTR" + base)) {
            findings.tell(m, "IDTR", 0, old, Findings.hex(base), by);
        }
    }

    private boolean isEntry(Moment m, int msr, long value) {
        String place = code.place(m, value);
        // Under Xen some kernels enter elsewhere, by names of their own.
        return ENTRIES.getOrDefault(msr, List.of()).stream()
                .anyMatch(name -> place.equals(name) || place.startsWith("xen_" + name));
    }
}
