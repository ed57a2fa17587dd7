// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import dev.vitrine.introspection.LittleEndian;
import dev.vitrine.introspection.trace.ValueWriter;

import org.jspecify.annotations.Nullable;

import java.util.Objects;

/** Why a signal came (siginfo_t): which members there are depends on signal and code. */
final class SignalInfo {
    private static final int SIZE = 128;

    private static final int USER = 0;
    private static final int KERNEL = 0x80;
    private static final int TIMER = -2;
    private static final int THREAD_KILL = -6;

    private static final int ILL = 4;
    private static final int TRAP = 5;
    private static final int BUS = 7;
    private static final int FPE = 8;
    private static final int SEGV = 11;
    private static final int CHILD = 17;
    private static final int SYS = 31;

    static final Pointed POINTER =
            new Pointed() {
                @Override
                public @Nullable Object read(CallReader call, long address) {
                    byte[] b = new byte[SIZE];
                    return call.read(address, b, 0, SIZE) ? b : null;
                }

                @Override
                public void write(ValueWriter w, Object content, CallView call) {
                    SignalInfo.write(w, (byte[]) content, call);
                }
            };

    private SignalInfo() {}

    private static void write(ValueWriter w, byte[] b, CallView call) {
        int signal = LittleEndian.i32(b, 0);
        int error = LittleEndian.i32(b, 4);
        int code = LittleEndian.i32(b, 8);
        w.beginObject();
        w.name("si_signo");
        Objects.requireNonNull(Scalars.of("signal")).write(w, signal, call);
        if (error != 0 || !w.brief()) {
            w.name("si_errno");
            w.number(error);
        }
        w.name("si_code");
        String name = code(signal, code);
        if (name == null) {
            w.number(code);
        } else {
            w.symbol(name);
        }
        if (signal != 0) {
            Layout l = Objects.requireNonNull(Layouts.of(call.abi(), layout(signal, code)));
            int union = call.abi() == Abi.X64 ? 16 : 12;
            l.members(w, b, union, call);
            if (code < 0 && code != THREAD_KILL) {
                value(w, b, union + 8, call);
            }
        }
        w.endObject();
    }

    /** A union sigval, as the number and as the pointer that it may be. */
    private static void value(ValueWriter w, byte[] b, int at, CallView call) {
        long pointer = LittleEndian.number(b, at, call.abi().pointer());
        if (pointer != 0 || !w.brief()) {
            w.name("si_int");
            w.number(LittleEndian.i32(b, at));
            w.name("si_ptr");
            w.address(pointer);
        }
    }

    static @Nullable String code(int signal, int code) {
        String name = Constants.of("signal_code").name(code);
        if (name != null) {
            return name;
        }
        return switch (signal) {
            case ILL -> Constants.of("sigill_code").name(code);
            case TRAP -> Constants.of("sigtrap_code").name(code);
            case BUS -> Constants.of("sigbus_code").name(code);
            case FPE -> Constants.of("sigfpe_code").name(code);
            case SEGV -> Constants.of("sigsegv_code").name(code);
            case CHILD -> Constants.of("sigchld_code").name(code);
            case SYS -> Constants.of("sigsys_code").name(code);
            default -> null;
        };
    }

    /** Which members of the union there are. */
    private static String layout(int signal, int code) {
        if (code == USER || code == THREAD_KILL) {
            return "siginfo_kill";
        }
        if (code == TIMER) {
            return "siginfo_timer";
        }
        if (code < 0) {
            return "siginfo_queue";
        }
        if (code == KERNEL && signal != SEGV) {
            return "siginfo_none";
        }
        return switch (signal) {
            case CHILD -> "siginfo_child";
            case ILL, TRAP, BUS, FPE, SEGV -> "siginfo_fault";
            case SYS -> "siginfo_call";
            default -> "siginfo_none";
        };
    }
}
