// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.memory.GuestPhysical;
import dev.vitrine.processor.Registers;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.time.Duration;
import java.util.HexFormat;

/** Guests of a few bytes on the real processor, from the PVH entry state. */
class SmallGuestTest {
    private static final int CODE = 0x100000;
    private static final int REASON = 0x600;
    private static final Duration LIMIT = Duration.ofSeconds(60);

    /** sched_op(shutdown, REASON): mov eax, 29; mov ebx, 2; mov ecx, REASON; vmcall. */
    private static final String SHUTDOWN = "B81D000000 BB02000000 B900060000 0F01C1 F4 ";

    private static String store(int address, int value) {
        return "C705" + hex(address) + hex(value);
    }

    private static String hex(int v) {
        return String.format("%08x", Integer.reverseBytes(v));
    }

    private static byte[] bytes(String code) {
        return HexFormat.of().parseHex(code.replace(" ", ""));
    }

    private static void gate(GuestPhysical memory, int vector, int handler) {
        memory.putInt(0x3000 + 8 * vector, handler & 0xFFFF | 8 << 16);
        memory.putInt(0x3000 + 8 * vector + 4, handler & 0xFFFF0000 | 0x8E00);
    }

    /** LGDT, LIDT and a stack, for which {@link #prepare} has laid out the tables. */
    private static final String TABLES = "0F011500210000 0F011D10210000 BC00700000";

    private static void prepare(GuestPhysical memory) {
        memory.putLong(0x2008, 0x00CF9B000000FFFFL);
        memory.putLong(0x2010, 0x00CF93000000FFFFL);
        memory.putShort(0x2100, 0x17);
        memory.putInt(0x2102, 0x2000);
        memory.putShort(0x2110, 0x7FF);
        memory.putInt(0x2112, 0x3000);
    }

    private interface Check {
        void run(Domain d, DomainStop stop);
    }

    private static void run(DomainConfig config, String code, Check check)
            throws InterruptedException {
        run(config, code, d -> {}, LIMIT, check);
    }

    private static void run(
            DomainConfig config,
            String code,
            java.util.function.Consumer<Domain> setUp,
            Duration limit,
            Check check)
            throws InterruptedException {
        try (Hypervisor h = Hypervisor.create(2)) {
            Domain d = h.createDomain(config);
            d.addRam(0, 512);
            d.physical().write(CODE, bytes(code));
            prepare(d.physical());
            setUp.accept(d);
            d.startPvh(CODE, 0x5000);
            d.unpause();
            check.run(d, d.await(limit));
        }
    }

    private static DomainConfig config(int vcpus) {
        return DomainConfig.of("small", 4L << 20, vcpus);
    }

    @Test
    void entryStateIsThatOfPvh() throws InterruptedException {
        // Stores EBX, CR0, EFLAGS and CR4, for the test to look at.
        String code =
                "891D00080000 0F20C0 A304080000 BC00700000 9C 58 A308080000 0F20E0 A30C080000";
        run(
                config(1),
                code + SHUTDOWN,
                (d, stop) -> {
                    assertThat(stop.reason()).isEqualTo(StopReason.POWEROFF);
                    assertThat(d.physical().getInt(0x800)).isEqualTo(0x5000);
                    assertThat(d.physical().getInt(0x804)).isEqualTo(0x11);
                    assertThat(d.physical().getInt(0x808) & 0x20300).isZero();
                    assertThat(d.physical().getInt(0x80C)).isZero();
                });
    }

    @Test
    void shutdownReasonsAreTold() throws InterruptedException {
        StopReason[] reasons = {
            StopReason.POWEROFF,
            StopReason.REBOOT,
            StopReason.SUSPEND,
            StopReason.CRASH,
            StopReason.WATCHDOG,
            StopReason.SOFT_RESET,
            StopReason.CRASH
        };
        for (int i = 0; i < reasons.length; i++) {
            StopReason expected = reasons[i];
            run(
                    config(1),
                    store(REASON, i) + SHUTDOWN,
                    (d, stop) -> {
                        assertThat(stop.reason()).isEqualTo(expected);
                        assertThat(stop.report() != null).isEqualTo(expected == StopReason.CRASH);
                    });
        }
    }

    @Test
    void bothCallInstructionsWork() throws InterruptedException {
        // VMMCALL asks for the version, VMCALL ends.
        run(
                config(1),
                "B811000000 31DB 0F01D9 A300080000" + SHUTDOWN,
                (d, stop) -> {
                    assertThat(stop.reason()).isEqualTo(StopReason.POWEROFF);
                    assertThat(d.physical().getInt(0x800)).isEqualTo(4 << 16 | 20);
                });
    }

    @Test
    void hypercallPageByMsr() throws InterruptedException {
        // WRMSR 0x40000000 with 0x9000; mov ebx, 0; call 0x9000 + 17 * 32; store; end.
        int target = 0x9000 + 17 * 32;
        String call = "31DB B8" + hex(target) + "FFD0 A300080000";
        run(
                config(1),
                "BC00700000 B900000040 B800900000 31D2 0F30" + call + SHUTDOWN,
                (d, stop) -> {
                    assertThat(stop.reason()).isEqualTo(StopReason.POWEROFF);
                    assertThat(d.physical().getInt(0x800)).isEqualTo(4 << 16 | 20);
                });
    }

    @Test
    void haltWithInterruptsOffPowersOff() throws InterruptedException {
        run(
                config(1),
                "FA F4",
                (d, stop) -> assertThat(stop.reason()).isEqualTo(StopReason.POWEROFF));
    }

    @Test
    void tripleFaultIsReported() throws InterruptedException {
        run(
                config(1),
                "0F0B",
                (d, stop) -> {
                    assertThat(stop.reason()).isEqualTo(StopReason.TRIPLE_FAULT);
                    assertThat(stop.message()).contains("0x100000");
                    assertThat(stop.report()).isNotNull();
                    assertThat(stop.report().registers()).isNotEmpty();
                });
    }

    @Test
    void instructionsThatTheProcessorLacksAreCounted() throws InterruptedException {
        // VMXOFF: #UD, whose handler ends the guest.
        run(
                config(1),
                TABLES + "0F01C4",
                d -> {
                    gate(d.physical(), 6, 0x9000);
                    d.physical().write(0x9000, bytes(SHUTDOWN));
                },
                LIMIT,
                (d, stop) -> {
                    assertThat(stop.reason()).isEqualTo(StopReason.POWEROFF);
                    assertThat(d.statistics().keySet())
                            .anyMatch(k -> k.startsWith("not implemented: instruction"));
                });
    }

    @Test
    void endlessLoopWithInterruptsOffIsStopped() throws InterruptedException {
        run(
                config(1),
                "FA EBFE",
                d -> {},
                Duration.ofMillis(50),
                (d, stop) -> assertThat(stop.reason()).isEqualTo(StopReason.TIMEOUT));
    }

    /** The BSP starts the AP with INIT and start-up IPI; the AP runs in real mode at 0x8000. */
    private static final String START_AP =
            store(0xFEE000F0, 0x1FF)
                    + store(0xFEE00310, 2 << 24)
                    + store(0xFEE00300, 0x4500)
                    + store(0xFEE00300, 0x4608)
                    + "803D000500005A 75F7";

    @ParameterizedTest
    @EnumSource(DomainConfig.Clock.class)
    void applicationProcessorStartsInRealMode(DomainConfig.Clock clock)
            throws InterruptedException {
        run(
                config(2).withClock(clock),
                START_AP + SHUTDOWN,
                d -> d.physical().write(0x8000, bytes("31C0 8ED8 8C0E0205 C60600055A F4 EBFD")),
                LIMIT,
                (d, stop) -> {
                    assertThat(stop.reason()).isEqualTo(StopReason.POWEROFF);
                    assertThat(d.physical().getShort(0x502)).as("CS").isEqualTo(0x800);
                });
    }

    /** LAPIC timer after 10 ms, whose handler at 0x9000 ends the guest; HLT until then. */
    private static final String WAIT_FOR_TIMER =
            TABLES
                    + store(0xFEE000F0, 0x1FF)
                    + store(0xFEE00320, 0x40)
                    + store(0xFEE003E0, 0xB)
                    + store(0xFEE00380, 1_000_000)
                    + "FB F4 EBFD";

    @ParameterizedTest
    @EnumSource(DomainConfig.Clock.class)
    void timerWakesAHaltedProcessor(DomainConfig.Clock clock) throws InterruptedException {
        run(
                config(1).withClock(clock),
                WAIT_FOR_TIMER,
                d -> {
                    gate(d.physical(), 0x40, 0x9000);
                    d.physical().write(0x9000, bytes(SHUTDOWN));
                },
                LIMIT,
                (d, stop) -> {
                    assertThat(stop.reason()).isEqualTo(StopReason.POWEROFF);
                    assertThat(d.clock().now()).isGreaterThanOrEqualTo(10_000_000);
                    if (d.clock().isVirtual()) {
                        assertThat(d.clock().now()).isLessThan(10_001_000);
                    }
                    assertThat(d.statistics().get("instructions")).isLessThan(100);
                });
    }

    @Test
    void virtualTimeRepeatsExactly() throws InterruptedException {
        // A loop that the timer ends: how far it came is a matter of time, and always the same.
        String loop =
                TABLES
                        + store(0xFEE000F0, 0x1FF)
                        + store(0xFEE00320, 0x40)
                        + store(0xFEE003E0, 0xB)
                        + store(0xFEE00380, 100_000)
                        + "FB FF0500080000 EBF8";
        int[] counts = new int[2];
        for (int i = 0; i < 2; i++) {
            int n = i;
            run(
                    config(1).withClock(DomainConfig.Clock.VIRTUAL),
                    loop,
                    d -> {
                        gate(d.physical(), 0x40, 0x9000);
                        d.physical().write(0x9000, bytes(SHUTDOWN));
                    },
                    LIMIT,
                    (d, stop) -> counts[n] = d.physical().getInt(0x800));
        }
        assertThat(counts[0]).isBetween(490_000, 500_000).isEqualTo(counts[1]);
    }

    @Test
    void pauseHoldsTheGuestStill() throws InterruptedException {
        try (Hypervisor h = Hypervisor.create(1)) {
            Domain d = h.createDomain(config(1));
            d.addRam(0, 512);
            d.physical().write(CODE, bytes("FA FF0500080000 EBF8"));
            d.startPvh(CODE, 0);
            for (int i = 0; i < 20; i++) {
                int before = d.physical().getInt(0x800);
                d.unpause();
                while (d.physical().getInt(0x800) == before) {
                    Thread.onSpinWait();
                }
                d.pause();
                int held = d.physical().getInt(0x800);
                for (int j = 0; j < 1000; j++) {
                    assertThat(d.physical().getInt(0x800)).isEqualTo(held);
                }
            }
            assertThat(d.vcpu(0).retiredInstructions()).isPositive();
        }
    }

    @Test
    void registersAreThoseOfTheGuest() throws InterruptedException {
        // EDI by MOV, IA32_LSTAR by WRMSR.
        String code = "BF78563412 B9820000C0 B800F0FFFF BAFFFFFFFF 0F30";
        run(
                config(1),
                TABLES + code + SHUTDOWN,
                (d, stop) -> {
                    Registers r = d.vcpu(0).registers();
                    assertThat(r.general(Registers.RDI)).isEqualTo(0x12345678);
                    assertThat(r.lstar()).isEqualTo(0xFFFFFFFFFFFFF000L);
                    assertThat(r.idt()).isEqualTo(new Registers.Table(0x3000, 0x7FF));
                    assertThat(r.gdt()).isEqualTo(new Registers.Table(0x2000, 0x17));
                    assertThat(r.segment(Registers.DS).selector()).isEqualTo(16);
                    assertThat(r.cr0() & 0x80000001L).isEqualTo(1);
                    assertThat(r.privilege()).isZero();
                });
    }

    @Test
    void domainsTakeTurnsOnOneProcessor() throws InterruptedException {
        try (Hypervisor h = Hypervisor.create(1)) {
            Domain[] d = new Domain[3];
            for (int i = 0; i < 3; i++) {
                d[i] = h.createDomain(config(1));
                d[i].addRam(0, 512);
                d[i].physical().write(CODE, bytes("FA FF0500080000 EBF8"));
                d[i].startPvh(CODE, 0);
            }
            for (Domain x : d) {
                x.unpause();
            }
            for (Domain x : d) {
                while (x.physical().getInt(0x800) < 1000) {
                    Thread.sleep(1);
                }
            }
            assertThat(h.domains()).hasSize(3);
            d[1].destroy();
            assertThat(h.domains()).containsExactly(d[0], d[2]);
        }
    }

    @Test
    void aHugeDomainCostsNextToNothing() {
        try (Hypervisor h = Hypervisor.create(1)) {
            Domain d = h.createDomain(DomainConfig.of("huge", 512L << 30, 4));
            d.addRam(0, 512L << 18);
            d.physical().putInt((512L << 30) - 4, 7);
            assertThat(d.physical().getInt((512L << 30) - 4)).isEqualTo(7);
            assertThat(d.totalPages()).isEqualTo(512L << 18);
        }
    }
}
