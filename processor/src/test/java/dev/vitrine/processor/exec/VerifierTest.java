// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.vitrine.memory.MachineMemory;
import dev.vitrine.memory.PhysicalMap;
import dev.vitrine.processor.ProcessorGroup;
import dev.vitrine.processor.TranslationDifference;
import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Asm.Cond;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Mem;
import dev.vitrine.processor.asm.Reg;
import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Mmu;
import dev.vitrine.processor.core.Vector;
import dev.vitrine.processor.guest.QuietHost;
import dev.vitrine.processor.translate.AtOnce;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Lock-step mode finds what translations do wrong. A correct one is spoiled for that. */
class VerifierTest {
    private static final int CODE = 0x10000;
    private static final int DATA = 0x20000;
    private static final int STACK = 0x30000;
    private static final int ROUNDS = 2000;

    private final MachineMemory memory = MachineMemory.reserve(1 << 20);
    private final Rendezvous rendezvous = new Rendezvous();
    private final CodeCache cache = new CodeCache(memory, rendezvous);
    private final QuietHost host = new QuietHost();
    private final Cpu cpu;
    private final Runner runner;
    private final long base;
    private int stage = 2;
    private boolean planted;
    private Spoiler spoiler = (c, g, exit) -> exit;

    /** Does something wrong behind a region. */
    private interface Spoiler {
        int spoil(Cpu cpu, Region g, int exit);
    }

    VerifierTest() {
        long first = memory.allocateRange(1 << 8);
        base = first << MachineMemory.FRAME_SHIFT;
        PhysicalMap map = new PhysicalMap(memory);
        map.mapRange(0, 1 << 8, first);
        cpu = new Cpu(new RecordedHost(host), new Mmu(map, cache));
        rendezvous.join(cpu);
        runner = new Runner(cpu, cache, rendezvous, false, false, new Planter(), mfn -> {});
        memory.ram().putLong(base + 0x1000, 0x2067);
        memory.ram().putLong(base + 0x2000, 0xE7); // one page of 1 GiB
        cpu.cr3 = 0x1000;
        cpu.cr4 = Cpu.CR4_PAE | Cpu.CR4_OSFXSR | Cpu.CR4_OSXMMEXCPT;
        cpu.efer = Cpu.EFER_LME | Cpu.EFER_LMA;
        cpu.cr0 = Cpu.CR0_PE | Cpu.CR0_ET | Cpu.CR0_PG | Cpu.CR0_WP;
        for (int s : new int[] {Cpu.ES, Cpu.SS, Cpu.DS, Cpu.FS, Cpu.GS}) {
            cpu.segment[s].set(0x10, 0, -1, 0xC093);
        }
        cpu.segment[Cpu.CS].set(8, 0, -1, 0xA09B);
        cpu.r[Cpu.R_SEG_BASE + Cpu.CS] = 0;
        cpu.r[Cpu.RSP] = STACK;
        cpu.rip = CODE;
        cpu.modeChanged();
    }

    @AfterEach
    void close() {
        memory.close();
    }

    /** Translates the first block that is hot, and lets the spoiler do its work behind it. */
    private final class Planter implements Tiering {
        private final AtOnce translator = new AtOnce(1, memory.ram());

        @Override
        public void sampled(Cpu c, CodeCache all, Block block) {
            if (planted || !translator.translate(c, all, block, stage)) {
                return;
            }
            planted = true;
            Region g = block.entry.region();
            long[] pages = new long[2 * g.pages.length];
            System.arraycopy(g.pages, 0, pages, 0, g.pages.length);
            System.arraycopy(g.frames, 0, pages, g.pages.length, g.pages.length);
            Region spoiled =
                    new Region(
                            new Spoiled(g.code),
                            g.blocks,
                            g.entries,
                            g.helpers,
                            g.ends,
                            g.links,
                            g.sites,
                            pages,
                            g.longestPath,
                            1,
                            g.stage,
                            g.relocatable);
            for (int i = 0; i < g.entries.length; i++) {
                g.entries[i].entry = new Region.Entry(spoiled, i, 0);
            }
        }

        @Override
        public boolean hot(Cpu c, CodeCache all, Block block, long origin, long executed) {
            return true;
        }
    }

    private final class Spoiled extends RegionCode {
        private final RegionCode right;

        Spoiled(RegionCode right) {
            this.right = right;
        }

        @Override
        public int run(Cpu c, Region region, int entry) {
            return spoiler.spoil(c, region, right.run(c, region, entry));
        }

        @Override
        protected RegionCode another() {
            return new Spoiled(right);
        }
    }

    private void write(java.util.function.Consumer<Asm> body) {
        Asm a = new Asm(64, CODE);
        body.accept(a);
        byte[] code = a.toBytes();
        memory.ram().write(base + CODE, code, 0, code.length);
    }

    /** A loop with registers, flags, a vector register and memory in it; RCX counts downwards. */
    private static void loop(Asm a) {
        Label again = a.label("again");
        a.mov(Reg.ECX, ROUNDS);
        a.bind(again).add(Reg.RAX, Reg.RCX);
        a.db(0x66, 0x48, 0x0F, 0x6E, 0xC0); // MOVQ XMM0, RAX
        a.mov(Mem.abs(DATA), Reg.RAX);
        a.dec(Reg.RCX).jcc(Cond.NZ, again).hlt();
    }

    private long statistic(String name) {
        long[] found = new long[1];
        runner.regionStatistics((s, n) -> found[0] += s.equals(name) ? n : 0);
        return found[0];
    }

    private String difference(Spoiler wrong) {
        write(VerifierTest::loop);
        spoiler = wrong;
        TranslationDifference e =
                catchThrowableOfType(TranslationDifference.class, () -> runner.run(1_000_000));
        assertThat(planted).isTrue();
        assertThat(e).as("found").isNotNull();
        String text = String.join("\n", e.lines());
        assertThat(text).contains("region at 100", "stage " + stage, "the region:", "dec rcx");
        return text;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void nothingIsWrong(int which) {
        stage = which;
        write(VerifierTest::loop);
        assertThat(runner.run(1_000_000)).isEqualTo(Runner.HALTED);
        assertThat(planted).isTrue();
        assertThat(cpu.r[Cpu.RAX]).isEqualTo(ROUNDS * (ROUNDS + 1L) / 2);
        assertThat(statistic("region executions verified")).isPositive();
        assertThat(statistic("instructions verified")).isGreaterThan(ROUNDS * 4L);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void wrongRegister(int which) {
        stage = which;
        String text =
                difference((c, g, exit) -> {
                    c.r[Cpu.RAX] ^= 1;
                    return exit;
                });
        assertThat(text).contains("RAX: translated ", "changed RAX last at 10005  add rax,rcx");
        assertThat(text).doesNotContain("RCX:", "flags:", "byte at");
    }

    @Test
    void wrongFlag() {
        String text =
                difference((c, g, exit) -> {
                    LazyFlags.settle(c);
                    c.setArithmeticFlags(c.arithmeticFlags() ^ Cpu.OF);
                    return exit;
                });
        assertThat(text).contains("arithmetic flags: translated ", "(OF differ)");
    }

    @Test
    void wrongControlFlag() {
        assertThat(
                        difference((c, g, exit) -> {
                            c.eflags ^= Cpu.DF;
                            return exit;
                        }))
                .contains("other flags: translated 402, interpreted 2");
    }

    @Test
    void wrongVectorLane() {
        String text =
                difference((c, g, exit) -> {
                    c.v[1] = 5;
                    return exit;
                });
        assertThat(text).contains("YMM0 bits 64 to 127: translated 5, interpreted 0");
    }

    @Test
    void wrongFloatingPointState() {
        String text =
                difference((c, g, exit) -> {
                    c.mxcsr ^= 1;
                    c.x87.mantissa[3]++;
                    return exit;
                });
        assertThat(text).contains("MXCSR: ", "x87 register 3 mantissa: ");
    }

    @Test
    void wrongByteOfMemory() {
        String text =
                difference((c, g, exit) -> {
                    // At the first exit the page cannot be written to yet.
                    long at = base + DATA + 77;
                    c.mmu.ram.putByte(at, (byte) (c.mmu.ram.getByte(at) + 1));
                    return exit;
                });
        assertThat(text)
                .contains(
                        "byte at linear address 2004d",
                        "translated 02, interpreted 01",
                        "did not change the byte at linear address 2004d");
        assertThat(text).doesNotContain("RAX:");
    }

    @Test
    void missingStore() {
        String text =
                difference((c, g, exit) -> {
                    c.mmu.ram.putLong(base + DATA, 0);
                    return exit;
                });
        assertThat(text).contains("byte at linear address 20000");
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, 1, 4, 5, -1_000_000, 1_000_000})
    void wrongCount(long by) {
        String text =
                difference((c, g, exit) -> {
                    c.retired += by;
                    return exit;
                });
        assertThat(text).containsAnyOf("instructions retired: ", "counts ", "no block ends", "RCX");
    }

    @Test
    void wrongInstructionPointer() {
        assertThat(
                        difference((c, g, exit) -> {
                            c.rip += 3;
                            return exit;
                        }))
                .contains("RIP: translated 10008, interpreted 10005");
    }

    @Test
    void leavesAtAnotherInstruction() {
        // The count is that of the loop's beginning; the site is its store.
        String text = difference((c, g, exit) -> exit == RegionCode.EXIT ? ~0 : exit);
        assertThat(text).contains("left after ", "by the slow path");
    }

    @Test
    void faultThatIsNone() {
        assertThat(
                        difference((c, g, exit) -> {
                            throw c.fault(Vector.UD);
                        }))
                .contains("translated code met a fault with vector 6");
    }

    @Test
    void exceptionOfTheCodeItself() {
        assertThat(
                        difference((c, g, exit) -> {
                            throw new ArrayIndexOutOfBoundsException("planted");
                        }))
                .contains("translated code ends with", "planted");
    }

    @Test
    void saysWhereItBegan() {
        String text =
                difference((c, g, exit) -> {
                    if (c.r[Cpu.RCX] <= 980) {
                        c.r[Cpu.RAX]++;
                    }
                    return exit;
                });
        // Five instructions a round: the last good exit is one round before the first bad one.
        var m =
                java.util.regex.Pattern.compile("agreed after (\\d+) instructions.*after (\\d+)")
                        .matcher(text);
        assertThat(m.find()).isTrue();
        long good = Long.parseLong(m.group(1));
        assertThat(good).isPositive();
        assertThat(Long.parseLong(m.group(2))).isEqualTo(good + 5);
        assertThat(text).containsOnlyOnce("what the interpreter did in between");
    }

    @Test
    void clockTellsBothTheSame() {
        write(a -> {
            Label again = a.label("again");
            a.mov(Reg.ECX, ROUNDS).xor(Reg.EBX, Reg.EBX);
            a.bind(again).db(0x0F, 0x31); // RDTSC
            a.add(Reg.RBX, Reg.RAX).dec(Reg.RCX).jcc(Cond.NZ, again).hlt();
        });
        assertThat(runner.run(1_000_000)).isEqualTo(Runner.HALTED);
        assertThat(statistic("instructions verified")).isGreaterThan(ROUNDS * 3L);
        // The host counts how often it was asked: once for each round.
        assertThat(cpu.r[Cpu.RBX]).isEqualTo(ROUNDS * (ROUNDS - 1L) / 2);
    }

    @Test
    void whatTheHostWritesToIsNotInRegions() {
        memory.frames().share(base + DATA >>> 12);
        write(VerifierTest::loop);
        long[] inside = new long[1];
        spoiler =
                (c, g, exit) -> {
                    inside[0] += exit < 0 ? 1 : 0;
                    return exit;
                };
        assertThat(runner.run(1_000_000)).isEqualTo(Runner.HALTED);
        assertThat(inside[0]).as("exits at the store").isGreaterThan(ROUNDS / 2);
    }

    @Test
    void refusesSeveralProcessors() {
        PhysicalMap map = new PhysicalMap(memory);
        assertThatThrownBy(() -> new ProcessorGroup(map, 2, false, true))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
