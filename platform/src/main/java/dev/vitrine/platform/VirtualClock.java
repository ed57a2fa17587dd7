// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.platform;

/**
 * A domain's time: nanoseconds of system time and the time-stamp counter, which is an exact linear
 * function of it at a fixed frequency. Never goes backwards.
 */
public abstract sealed class VirtualClock permits RealClock, InstructionClock {
    /** Frequency of the time-stamp counter unless told otherwise: 1 GHz, one tick a nanosecond. */
    public static final long DEFAULT_FREQUENCY = 1_000_000_000L;

    private static final long NANOS = 1_000_000_000L;

    private final long frequency;
    private final int shift;
    private final int multiplier;

    /**
     * @param frequency ticks of the time-stamp counter in a second, 1 MHz to 16 GHz
     */
    VirtualClock(long frequency) {
        if (frequency < 1_000_000L || frequency > 16_000_000_000L) {
            throw new IllegalArgumentException("TSC frequency " + frequency + " Hz");
        }
        this.frequency = frequency;
        // ns = ((tsc << shift) * multiplier) >> 32, multiplier in [2^31, 2^32).
        int s = 0;
        long f = frequency;
        while (f > NANOS * 2) {
            f >>>= 1;
            s--;
        }
        while (f <= NANOS) {
            f <<= 1;
            s++;
        }
        this.shift = s;
        this.multiplier = (int) Long.divideUnsigned(NANOS << 32, f);
    }

    /** System time in nanoseconds. */
    public abstract long now();

    /** Wall-clock time at system time 0, in nanoseconds since 1970-01-01 UTC. */
    public abstract long wallClockBase();

    /** Whether time advances with retired instructions and jumps over idleness. */
    public abstract boolean isVirtual();

    /** Ticks of the time-stamp counter in a second. */
    public final long frequency() {
        return frequency;
    }

    /** The time-stamp counter. */
    public final long tsc() {
        return ticks(now());
    }

    /** Ticks in a span of nanoseconds; or the counter's value at a system time. */
    public final long ticks(long nanos) {
        return frequency == NANOS ? nanos : wholeTicks(nanos);
    }

    /**
     * Nanoseconds in a span of ticks, rounded up so that a timer never fires early; Long.MAX_VALUE
     * if that does not fit.
     */
    public final long nanos(long ticks) {
        if (ticks < 0) {
            return Long.MAX_VALUE;
        }
        if (frequency == NANOS) {
            return ticks;
        }
        if (ticks / frequency > Long.MAX_VALUE / NANOS - 1) {
            return Long.MAX_VALUE;
        }
        long whole = ticks / frequency * NANOS;
        long rest = ticks % frequency; // below 2^34: the product needs 64 bits, unsigned
        return whole + Long.divideUnsigned(rest * NANOS + frequency - 1, frequency);
    }

    /** tsc_shift of Xen's vcpu_time_info. */
    public final int pvclockShift() {
        return shift;
    }

    /** tsc_to_system_mul of Xen's vcpu_time_info, an unsigned 32-bit fraction. */
    public final int pvclockMultiplier() {
        return multiplier;
    }

    private long wholeTicks(long nanos) {
        // The rest is below 10^9 and the frequency below 2^34: the product needs 64 bits, unsigned.
        return nanos / NANOS * frequency + Long.divideUnsigned(nanos % NANOS * frequency, NANOS);
    }
}
