// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.platform.InstructionClock;
import dev.vitrine.platform.VirtualClock;

import java.util.Objects;
import java.util.UUID;

/**
 * What a domain is made with. Sizes are checked here, so that a bad one gives a sentence and not a
 * failure later on.
 *
 * @param name for people; need not be unique
 * @param uuid handle of the domain (XENVER_guest_handle)
 * @param vcpus number of virtual processors, 1 to 128
 * @param maxMemory bytes of RAM that the domain may own at most, 1 MiB to 16 TiB
 * @param clock whether time is the host's or that of retired instructions
 * @param tscFrequency ticks of the time-stamp counter in a second
 * @param wallClockBase for the virtual clock: nanoseconds since 1970 at start
 * @param instructionsPerMicrosecond for the virtual clock: speed of the machine
 * @param maxGrantFrames limit of the grant table
 * @param maxGrantVersion 1 or 2
 * @param maxEventChannels highest event channel port
 * @param forcedEmulation whether Xen's forced-emulation prefix (UD2, then "xen") is skipped
 * @param verifyTranslation whether all that translated code does is done again by the interpreter
 *     and compared; for one vCPU only
 */
public record DomainConfig(
        String name,
        UUID uuid,
        int vcpus,
        long maxMemory,
        Clock clock,
        long tscFrequency,
        long wallClockBase,
        int instructionsPerMicrosecond,
        int maxGrantFrames,
        int maxGrantVersion,
        int maxEventChannels,
        boolean forcedEmulation,
        boolean verifyTranslation) {

    /** Sort of time that a domain lives in. */
    public enum Clock {
        REAL,
        VIRTUAL
    }

    /** APIC ids are twice the vCPU's number: with 128 they reach 254, the last one of xAPIC. */
    public static final int MAX_VCPUS = 128;

    public static final long MIN_MEMORY = 1L << 20;
    public static final long MAX_MEMORY = 1L << 44;

    public DomainConfig {
        Objects.requireNonNull(name);
        Objects.requireNonNull(uuid);
        Objects.requireNonNull(clock);
        if (vcpus < 1 || vcpus > MAX_VCPUS) {
            throw new IllegalArgumentException("vcpus = " + vcpus + ": must be 1 to " + MAX_VCPUS);
        }
        if (maxMemory < MIN_MEMORY || maxMemory > MAX_MEMORY) {
            throw new IllegalArgumentException(
                    "memory of " + maxMemory + " bytes: must be 1 MiB to 16 TiB");
        }
        if (verifyTranslation && vcpus != 1) {
            throw new IllegalArgumentException(
                    "vcpus = " + vcpus + ": translated code is verified with one only");
        }
        if (maxGrantFrames < 1 || maxGrantFrames > 4096) {
            throw new IllegalArgumentException("max_grant_frames = " + maxGrantFrames);
        }
        if (maxGrantVersion < 1 || maxGrantVersion > 2) {
            throw new IllegalArgumentException("max_grant_version = " + maxGrantVersion);
        }
        if (maxEventChannels < 1 || maxEventChannels > 131071) {
            throw new IllegalArgumentException("max_event_channels = " + maxEventChannels);
        }
    }

    /** A configuration with Xen's defaults. */
    public static DomainConfig of(String name, long memory, int vcpus) {
        return new DomainConfig(
                name,
                uuidOf(name),
                vcpus,
                memory,
                Clock.REAL,
                VirtualClock.DEFAULT_FREQUENCY,
                InstructionClock.DEFAULT_WALL_CLOCK,
                1000,
                64,
                2,
                1023,
                false,
                false);
    }

    /**
     * A UUID of version 8 (RFC 9562, of the maker's own kind), always the same for a name. Java has
     * one of MD5, for which it makes its security providers ready: 8 ms of each start of a guest.
     */
    private static UUID uuidOf(String name) {
        long high = hash(0xcbf2_9ce4_8422_2325L, name);
        long low = hash(high, name);
        return new UUID(high & ~0xf000L | 0x8000L, low & -1L >>> 2 | 1L << 63);
    }

    /** FNV-1a, and then the finalizer of MurmurHash3, so that each bit depends on all. */
    private static long hash(long start, String text) {
        long hash = start;
        for (int i = 0; i < text.length(); i++) {
            hash = (hash ^ text.charAt(i)) * 0x100_0000_01b3L;
        }
        hash = (hash ^ hash >>> 33) * 0xff51_afd7_ed55_8ccdL;
        hash = (hash ^ hash >>> 33) * 0xc4ce_b9fe_1a85_ec53L;
        return hash ^ hash >>> 33;
    }

    public DomainConfig withClock(Clock c) {
        return new DomainConfig(
                name,
                uuid,
                vcpus,
                maxMemory,
                c,
                tscFrequency,
                wallClockBase,
                instructionsPerMicrosecond,
                maxGrantFrames,
                maxGrantVersion,
                maxEventChannels,
                forcedEmulation,
                verifyTranslation);
    }

    public DomainConfig withUuid(UUID u) {
        return new DomainConfig(
                name,
                u,
                vcpus,
                maxMemory,
                clock,
                tscFrequency,
                wallClockBase,
                instructionsPerMicrosecond,
                maxGrantFrames,
                maxGrantVersion,
                maxEventChannels,
                forcedEmulation,
                verifyTranslation);
    }

    /** Same with other limits (xl.cfg's max_grant_frames and so on). */
    public DomainConfig withLimits(int grantFrames, int grantVersion, int eventChannels) {
        return new DomainConfig(
                name,
                uuid,
                vcpus,
                maxMemory,
                clock,
                tscFrequency,
                wallClockBase,
                instructionsPerMicrosecond,
                grantFrames,
                grantVersion,
                eventChannels,
                forcedEmulation,
                verifyTranslation);
    }

    public DomainConfig withForcedEmulation(boolean on) {
        return new DomainConfig(
                name,
                uuid,
                vcpus,
                maxMemory,
                clock,
                tscFrequency,
                wallClockBase,
                instructionsPerMicrosecond,
                maxGrantFrames,
                maxGrantVersion,
                maxEventChannels,
                on,
                verifyTranslation);
    }

    public DomainConfig withVerifyTranslation(boolean on) {
        return new DomainConfig(
                name,
                uuid,
                vcpus,
                maxMemory,
                clock,
                tscFrequency,
                wallClockBase,
                instructionsPerMicrosecond,
                maxGrantFrames,
                maxGrantVersion,
                maxEventChannels,
                forcedEmulation,
                on);
    }
}
