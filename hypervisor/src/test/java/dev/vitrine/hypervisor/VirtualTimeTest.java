// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import static dev.vitrine.processor.asm.Reg.*;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.hypervisor.guest.AssembledGuest;
import dev.vitrine.memory.GuestPhysical;
import dev.vitrine.memory.MemoryHash;
import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Mem;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * Under the virtual clock a run is a function of the domain's initial state and of its input,
 * whatever is done to it from outside. The guests mix time, random numbers and the places at which
 * they are interrupted, and with several vCPUs those at which the others write, into their memory.
 */
@Timeout(180)
class VirtualTimeTest {
    private static final int CODE = 0x100000;
    private static final int OTHER = 0x102000;
    private static final int HANDLER = 0x9000;
    private static final int WOKEN_AT = 0x9800;

    /** Starts the APIC's timer with a period of 50 microseconds; then mixes, for ever. */
    private static final String MIXER =
            """
            0f011500210000        lgdt ds:0x2100
            0f011d10210000        lidt ds:0x2110
            bc00700000            mov  esp,0x7000
            c705f000e0feff010000  mov  DWORD PTR ds:0xfee000f0,0x1ff
            c7052003e0fe40000200  mov  DWORD PTR ds:0xfee00320,0x20040
            c705e003e0fe0b000000  mov  DWORD PTR ds:0xfee003e0,0xb
            c7058003e0fe88130000  mov  DWORD PTR ds:0xfee00380,0x1388
            fb                    sti
            0f31                  rdtsc
            c1c605                rol  esi,0x5
            31c6                  xor  esi,eax
            0fc7f1                rdrand ecx
            01ce                  add  esi,ecx
            b801000000            mov  eax,0x1
            0fa2                  cpuid
            31de                  xor  esi,ebx
            47                    inc  edi
            893500080000          mov  DWORD PTR ds:0x800,esi
            893d04080000          mov  DWORD PTR ds:0x804,edi
            a110080000            mov  eax,ds:0x810
            6bc021                imul eax,eax,0x21
            01f0                  add  eax,esi
            a310080000            mov  ds:0x810,eax
            ebcd                  jmp  rdtsc
            """;

    /** Mixes where the interrupt came; powers off at the 400th. */
    private static final String TICK =
            """
            50                    push eax
            a108080000            mov  eax,ds:0x808
            6bc01f                imul eax,eax,0x1f
            01f8                  add  eax,edi
            01f0                  add  eax,esi
            a308080000            mov  ds:0x808,eax
            ff050c080000          inc  DWORD PTR ds:0x80c
            813d0c08000090010000  cmp  DWORD PTR ds:0x80c,0x190
            730c                  jae  off
            c705b000e0fe00000000  mov  DWORD PTR ds:0xfee000b0,0x0
            58                    pop  eax
            cf                    iret
            b81d000000            mov  eax,0x1d
            bb02000000            mov  ebx,0x2
            b900060000            mov  ecx,0x600
            0f01c1                vmcall
            f4                    hlt
            """;

    /** Mixes a number that all vCPUs share. */
    private static final String NEIGHBOUR =
            """
            a110080000  mov  eax,ds:0x810
            6bc025      imul eax,eax,0x25
            40          inc  eax
            a310080000  mov  ds:0x810,eax
            a314080000  mov  ds:0x814,eax
            ebeb        jmp  0
            """;

    /** Goes before {@link #TICK}: wakes all others. */
    private static final String WAKE =
            """
            c7050003e0fe50400c00  mov  DWORD PTR ds:0xfee00300,0xc4050
            """;

    /** Mixes the shared number whenever it is woken. */
    private static final String SLEEPER =
            """
            0f011500210000        lgdt ds:0x2100
            0f011d10210000        lidt ds:0x2110
            bc00780000            mov  esp,0x7800
            c705f000e0feff010000  mov  DWORD PTR ds:0xfee000f0,0x1ff
            fb                    sti
            f4                    hlt
            a110080000            mov  eax,ds:0x810
            6bc025                imul eax,eax,0x25
            40                    inc  eax
            a310080000            mov  ds:0x810,eax
            ebef                  jmp  hlt
            """;

    /** What wakes a sleeper. */
    private static final String WOKEN =
            """
            c705b000e0fe00000000  mov  DWORD PTR ds:0xfee000b0,0x0
            cf                    iret
            """;

    private static byte[] assemble(String listing) {
        StringBuilder digits = new StringBuilder();
        listing.lines().forEach(l -> digits.append(l.strip().split("\\s+", 2)[0]));
        return HexFormat.of().parseHex(digits);
    }

    private static void load(Domain d) {
        d.addRam(0, 512);
        GuestPhysical m = d.physical();
        m.write(CODE, assemble(MIXER));
        m.write(HANDLER, assemble(TICK));
        m.write(OTHER, assemble(NEIGHBOUR));
        m.putLong(0x2008, 0x00CF9B000000FFFFL);
        m.putLong(0x2010, 0x00CF93000000FFFFL);
        m.putShort(0x2100, 0x17);
        m.putInt(0x2102, 0x2000);
        m.putShort(0x2110, 0x7FF);
        m.putInt(0x2112, 0x3000);
        m.putInt(0x3000 + 8 * 0x40, HANDLER & 0xFFFF | 8 << 16);
        m.putInt(0x3004 + 8 * 0x40, HANDLER & 0xFFFF0000 | 0x8E00);
    }

    /** The others sleep, but for when vCPU 0 wakes them. */
    private static void loadSleepers(Domain d) {
        load(d);
        GuestPhysical m = d.physical();
        m.write(HANDLER, assemble(WAKE + TICK));
        m.write(OTHER, assemble(SLEEPER));
        m.write(WOKEN_AT, assemble(WOKEN));
        m.putInt(0x3000 + 8 * 0x50, WOKEN_AT & 0xFFFF | 8 << 16);
        m.putInt(0x3004 + 8 * 0x50, WOKEN_AT & 0xFFFF0000 | 0x8E00);
    }

    private interface Disturbance {
        void disturb(Domain d) throws InterruptedException;
    }

    private static List<String> run(int vcpus, @Nullable InputJournal journal, Disturbance outside)
            throws InterruptedException {
        return run(vcpus, VirtualTimeTest::load, journal, outside);
    }

    /** All that is known of the domain at its end. */
    private static List<String> run(
            int vcpus, Consumer<Domain> guest, @Nullable InputJournal journal, Disturbance outside)
            throws InterruptedException {
        try (Hypervisor h = Hypervisor.create(1, new TurnScheduler())) {
            Domain d =
                    h.createDomain(
                            DomainConfig.of("mixer", 4L << 20, vcpus)
                                    .withClock(DomainConfig.Clock.VIRTUAL));
            StateDigest digest = new StateDigest(d);
            guest.accept(d);
            if (journal != null) {
                d.setJournal(journal);
            }
            d.startPvh(CODE, 0);
            for (int i = 1; i < vcpus; i++) {
                d.vcpu(i).engine().enterPvh(OTHER, 0);
                d.vcpu(i).markInitialised();
                d.vcpu(i).bringUp();
            }
            d.setInputHandler(7, bytes -> mixIn(d, bytes));
            d.unpause();
            outside.disturb(d);
            DomainStop stop = d.await(Duration.ofSeconds(120));
            assertThat(stop.reason()).as(stop.message()).isEqualTo(StopReason.POWEROFF);
            assertThat(d.physical().getInt(0x80C)).isEqualTo(400);
            List<String> state = new ArrayList<>();
            for (StateSection s : digest.devices()) {
                state.add(s.name() + " " + s.hash());
                for (int i = 0; i < s.names().size(); i++) {
                    state.add(s.name() + " " + s.names().get(i) + " " + s.values().get(i));
                }
            }
            for (int i = 0x800; i < 0x818; i += 4) {
                state.add(i + " " + d.physical().getInt(i));
            }
            long[] memory = digest.memory();
            Arrays.stream(memory).forEach(part -> state.add("memory " + part));
            assertThat(memory).isEqualTo(ofAllMemory(d));
            return state;
        }
    }

    /** What following the writes comes to, from scratch. */
    private static long[] ofAllMemory(Domain d) {
        var machine = d.memory().machine;
        for (long mfn = 0; mfn < machine.frameCount(); mfn++) {
            machine.frames().set(mfn, dev.vitrine.memory.FrameTable.DIRTY);
        }
        MemoryHash hash = new MemoryHash(machine);
        hash.update();
        long[] parts = new long[MemoryHash.PARTS];
        Arrays.setAll(parts, hash::part);
        return parts;
    }

    private static void pauseAtRandom(Domain d) throws InterruptedException {
        SplittableRandom random = new SplittableRandom(1);
        while (!d.isStopping()) {
            d.pause();
            if (random.nextInt(8) == 0) {
                Thread.sleep(random.nextInt(3));
            }
            d.unpause();
            for (int spins = random.nextInt(20_000); spins > 0; spins--) {
                Thread.onSpinWait();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void runsRepeatThoughOneIsPaused(int vcpus) throws InterruptedException {
        List<String> undisturbed = run(vcpus, null, d -> {});
        assertThat(run(vcpus, null, VirtualTimeTest::pauseAtRandom))
                .containsExactlyElementsOf(undisturbed);
        assertThat(run(vcpus, null, VirtualTimeTest::pauseAtRandom))
                .containsExactlyElementsOf(undisturbed);
    }

    /** Whose turn it is next is the same, though one is woken that may not run yet. */
    @Test
    void runsRepeatThoughOneIsPausedWhereOthersWake() throws InterruptedException {
        List<String> undisturbed = run(2, VirtualTimeTest::loadSleepers, null, d -> {});
        for (int i = 0; i < 5; i++) {
            assertThat(run(2, VirtualTimeTest::loadSleepers, null, VirtualTimeTest::pauseAtRandom))
                    .containsExactlyElementsOf(undisturbed);
        }
    }

    /** Keeps input with its place, or gives it back there. */
    private static final class Log implements InputJournal {
        private final TreeMap<Long, List<ExternalInput>> inputs = new TreeMap<>();
        private boolean replays;

        @Override
        public synchronized List<ExternalInput> point(long number, List<ExternalInput> arrived) {
            if (replays) {
                return inputs.getOrDefault(number, List.of());
            }
            if (!arrived.isEmpty()) {
                inputs.computeIfAbsent(number, n -> new ArrayList<>()).addAll(arrived);
            }
            return arrived;
        }

        @Override
        public synchronized void written(long number, ExternalInput write) {
            inputs.computeIfAbsent(number, n -> new ArrayList<>()).add(write);
        }

        @Override
        public long stopAt() {
            return Long.MAX_VALUE;
        }

        @Override
        public void stopReached() {}
    }

    /** Takes part in what the guests mix. */
    private static void mixIn(Domain d, byte[] bytes) {
        d.physical().putInt(0x810, d.physical().getInt(0x810) * 31 + bytes[0]);
    }

    private static void sendAtRandom(Domain d) throws InterruptedException {
        SplittableRandom random = new SplittableRandom();
        for (int i = 0; i < 40; i++) {
            if (random.nextInt(4) == 0) {
                d.writeFromOutside(0x810, new byte[] {(byte) i, 1, 2, 3}, 0, 4);
            } else {
                d.post(new ExternalInput(7, new byte[] {(byte) i}));
            }
            Thread.sleep(random.nextInt(5));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void inputAtItsPlaceRepeatsARun(int vcpus) throws InterruptedException {
        Log log = new Log();
        List<String> recorded = run(vcpus, log, VirtualTimeTest::sendAtRandom);
        assertThat(log.inputs).isNotEmpty();
        assertThat(recorded).isNotEqualTo(run(vcpus, null, d -> {}));
        log.replays = true;
        assertThat(run(vcpus, log, d -> {})).containsExactlyElementsOf(recorded);
        assertThat(run(vcpus, log, VirtualTimeTest::pauseAtRandom))
                .containsExactlyElementsOf(recorded);
    }

    /**
     * A timer that is set while a vCPU runs ends what it runs: its interrupt comes on time, with
     * its count of the bus as with a deadline of the time-stamp counter.
     */
    @Test
    void timersAreOnTime() throws InterruptedException {
        int rounds = 50;
        int nanos = 700;
        for (boolean deadline : new boolean[] {false, true}) {
            try (AssembledGuest g =
                    new AssembledGuest(
                            DomainConfig.of("timer", AssembledGuest.RAM + (1 << 20), 1)
                                    .withClock(DomainConfig.Clock.VIRTUAL),
                            a -> {
                                Label again = a.label();
                                Label wait = a.label();
                                a.mov(ECX, 0x1B).rdmsr().or(EAX, 0xC00).wrmsr();
                                a.mov(ECX, 0x80F).mov(EAX, 0x1FF).xor(EDX, EDX).wrmsr();
                                a.mov(ECX, 0x832).mov(EAX, deadline ? 0x40040 : 0x40).wrmsr();
                                a.mov(ECX, 0x83E).mov(EAX, 0xB).wrmsr();
                                a.mov(R15, AssembledGuest.DATA).mov(EBP, rounds).sti();
                                a.bind(again).xor(EBX, EBX).rdtsc();
                                a.mov(Mem.base(R15), EAX);
                                if (deadline) {
                                    a.mov(ECX, 0x6E0).add(EAX, nanos).wrmsr();
                                } else {
                                    a.mov(ECX, 0x838).mov(EAX, nanos / 10).xor(EDX, EDX).wrmsr();
                                }
                                a.bind(wait).test(EBX, EBX).jcc(Asm.Cond.Z, wait);
                                a.dec(EBP).jcc(Asm.Cond.NZ, again);
                            })) {
                g.handler(
                        0x40,
                        a -> {
                            a.rdtsc().mov(Mem.base(R15).disp(4), EAX).add(R15, 8).inc(EBX);
                            a.mov(ECX, 0x80B).xor(EAX, EAX).xor(EDX, EDX).wrmsr().iret(64);
                        });
                g.runToEnd();
                for (int i = 0; i < rounds; i++) {
                    int at = AssembledGuest.DATA + 8 * i;
                    int passed =
                            g.domain.physical().getInt(at + 4) - g.domain.physical().getInt(at);
                    assertThat(passed).as("round %d", i).isBetween(nanos, nanos + 10);
                }
            }
        }
    }
}
