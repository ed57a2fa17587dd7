// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.trace.Moment;
import dev.vitrine.introspection.trace.TraceContext;

/** Tells of kprobes, and of ftrace's hooks that lead out of the kernel. */
final class HookGuard {
    private static final int TEXT = 128;

    private final Findings findings;
    private final LinuxKernel kernel;
    private final KernelCode code;
    private final long operationFunction;
    private final long probeSymbol;
    private final long probeOffset;
    private final long probeAddress;
    private final long[] probeHandlers;

    HookGuard(Findings findings, LinuxKernel k, KernelCode code) {
        this.findings = findings;
        this.kernel = k;
        this.code = code;
        boolean ftrace = k.types().member("ftrace_ops", "func") != null;
        operationFunction = ftrace ? k.member("ftrace_ops", "func").offset() : -1;
        probeSymbol = k.member("kprobe", "symbol_name").offset();
        probeOffset = k.member("kprobe", "offset").offset();
        probeAddress = k.member("kprobe", "addr").offset();
        probeHandlers =
                new long[] {
                    k.member("kprobe", "pre_handler").offset(),
                    k.member("kprobe", "post_handler").offset()
                };
    }

    /** Watches from now on. */
    void begin(TraceContext context) {
        if (kernel.hasSymbol("register_kprobe")) {
            context.onFunction("register_kprobe", n -> probe(n, n.argument(0)));
        }
        if (operationFunction >= 0 && kernel.hasSymbol("ftrace_startup")) {
            context.onFunction("ftrace_startup", n -> tracer(n, n.argument(0)));
        }
    }

    private void probe(Moment m, long probe) {
        long name = m.pointer(probe + probeSymbol);
        long address = m.pointer(probe + probeAddress);
        long offset = m.number(probe + probeOffset, 4);
        String symbol = name == 0 ? "" : m.text(name, TEXT);
        if (address == 0) {
            address = code.address(symbol) + offset;
        }
        long handler = m.pointer(probe + probeHandlers[0]);
        if (handler == 0) {
            handler = m.pointer(probe + probeHandlers[1]);
        }
        String place =
                name == 0
                        ? code.place(m, address)
                        : symbol + (offset == 0 ? "" : "+" + Findings.hex(offset));
        findings.tell(m, "kprobe", place, address, null, null, handler, findings.caller(m));
    }

    private void tracer(Moment m, long operations) {
        long function = m.pointer(operations + operationFunction);
        String owner = code.owner(m, function);
        // The kernel's own tracers are somebody's who looks, and changes nothing.
        if (!KernelCode.KERNEL.equals(owner)) {
            findings.tell(
                    m,
                    "ftrace",
                    code.place(m, operations),
                    operations,
                    null,
                    null,
                    function,
                    findings.caller(m));
        }
    }
}
