// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0
package dev.vitrine.processor.oracle;

import static org.assertj.core.api.Assertions.assertThat;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Map;

/** What is forgiven, and that nothing next to it is. */
class HostDifferenceTest {
    private final InitialMemory initial = new InitialMemory(1);
    private final Case c = new Case().reset();
    private final Result real = new Result();
    private final Result ours = new Result();
    private final Map<HostDifference, Long> counts = HostDifference.noCounts();

    @BeforeEach
    void sameResults() {
        for (Result r : new Result[] {real, ours}) {
            r.state.reset();
            r.vector = Result.END;
        }
    }

    private static HostFeatures host(String vendor) {
        int[] words = new int[HostFeatures.LEAVES.length * 4];
        byte[] name = vendor.getBytes(StandardCharsets.US_ASCII);
        int[] order = {1, 3, 2};
        for (int i = 0; i < name.length; i++) {
            words[order[i / 4]] |= name[i] << i % 4 * 8;
        }
        return new HostFeatures(words, 0xe7);
    }

    private void code(String hex) {
        c.code(HexFormat.of().parseHex(hex));
    }

    private @Nullable String remaining(String vendor) {
        return HostDifference.remaining(
                host(vendor), initial, c, null, real, ours, 0, Comparison.Tolerance.EXACT, counts);
    }

    private @Nullable String onIntel() {
        return remaining("GenuineIntel");
    }

    private @Nullable String onAmd() {
        return remaining("AuthenticAMD");
    }

    @Test
    void anOrdinaryDifferenceIsOneOnAnyHost() {
        code("4801c8"); // ADD RAX, RCX
        ours.state.gpr[0] = 1;
        assertThat(onIntel()).contains("rax");
        assertThat(onAmd()).contains("rax");
        assertThat(counts).isEmpty();
    }

    @Test
    void anAdjustedResultIsComparedInEverythingElse() {
        code("f1"); // INT1
        real.vector = 1;
        ours.vector = 1;
        real.state.rip = OracleLayout.CODE;
        ours.state.rip = OracleLayout.CODE + 1;
        assertThat(onIntel()).contains("rip");
        assertThat(onAmd()).isEmpty();
        ours.state.gpr[9] = 1;
        assertThat(onAmd()).contains("r9").doesNotContain("rip");
        ours.state.rip++;
        assertThat(onAmd()).contains("rip");
    }

    @Test
    void aCaseIsLeftOutForItsReasonOnly() {
        code("66e900000000"); // JMP with operand-size prefix
        ours.state.rip = OracleLayout.CODE + 6;
        real.state.rip = 4;
        assertThat(onIntel()).contains("rip");
        assertThat(onAmd()).isNull();
        assertThat(counts)
                .containsExactly(Map.entry(HostDifference.OPERAND_SIZE_OF_NEAR_BRANCH, 1L));
        code("e900000000");
        assertThat(onAmd()).contains("rip");
        code("6648e900000000"); // REX.W has precedence
        assertThat(onAmd()).contains("rip");
        c.mode32();
        code("66e90000");
        assertThat(onAmd()).contains("rip");
    }

    @Test
    void x87PointersCountWhileAnExceptionIsPending() {
        code("d9e8"); // FLD1
        ours.state.xsave[1] = OracleLayout.CODE;
        assertThat(onIntel()).contains("fip");
        assertThat(onAmd()).isEmpty();
        real.state.fsw(0x8080);
        ours.state.fsw(0x8080);
        assertThat(onAmd()).contains("fip");
    }

    @Test
    void undefinedResultsAreNotComparedOnAnyHost() {
        code("660fa4c811"); // SHLD AX, CX, 17
        ours.state.gpr[0] = 0xffff;
        assertThat(onIntel()).isEmpty();
        assertThat(onAmd()).isEmpty();
        ours.state.gpr[0] = 0x1_0000;
        assertThat(onIntel()).contains("rax");
        ours.state.gpr[0] = 0xffff;
        code("660fa4c810"); // the count is the operand size
        assertThat(onIntel()).contains("rax");
    }

    @Test
    void componentsThatOnlyTheHostHas() {
        code("0fae28"); // XRSTOR [RAX]
        c.state.gpr[0] = OracleLayout.DATA;
        c.word(initial, OracleLayout.DATA + 512, 0);
        c.word(initial, OracleLayout.DATA + 520, Long.MIN_VALUE | 0x20);
        ours.vector = 13;
        assertThat(onIntel()).isNull();
        for (long others : new long[] {0x10, 0x20 | 1L << 40, 7}) {
            c.word(initial, OracleLayout.DATA + 520, Long.MIN_VALUE | others);
            assertThat(onIntel()).contains("#GP");
        }
    }

    @Test
    void theUpperHalfOfAPushedSegmentRegister() {
        c.mode32();
        code("1e"); // PUSH DS
        for (Result r : new Result[] {real, ours}) {
            r.lineCount = 1;
            r.lineAddresses[0] = c.state.gpr[CpuImage.RSP] - 64;
        }
        real.lineWords[7] = 0x0000_002b_0000_0000L;
        ours.lineWords[7] = 0x1234_002b_0000_0000L;
        assertThat(onIntel()).contains("real 2b00000000");
        assertThat(onAmd()).isEmpty();
        ours.lineWords[7] = 0x1234_0023_0000_0000L;
        assertThat(onAmd()).contains("ours");
    }

    /** VGATHERDPD YMM13, [R12 + XMM5 * 2], YMM12, whose third element is below the upper half. */
    @Test
    void addressOfAGathersElementThatIsNotSelected() {
        code("c4429d926c6c00");
        c.state.gpr[12] = 0xffff_8000_0000_0020L;
        c.state.lane(5, 0, 0x1b1_0000_0056L);
        c.state.lane(5, 1, 0xdb_ffff_fee2L);
        c.state.lane(12, 0, -1);
        c.state.lane(12, 1, -1);
        for (Result r : new Result[] {real, ours}) {
            r.state.rip = c.codeAddress;
        }
        real.vector = 13;
        ours.vector = 14;
        assertThat(onIntel()).isNotNull();
        assertThat(onAmd()).isNull();
        // Where it is selected, too, the lower element still comes first.
        c.state.lane(12, 2, -1);
        assertThat(onAmd()).isNotNull();
        c.state.lane(12, 2, 0);
        c.state.lane(5, 1, 0xdb_0000_fee2L);
        assertThat(onAmd()).isNotNull();
    }

    @Test
    void anInstructionHiddenInABranchIsSeen() {
        code("eb90"); // the second byte is NOP
        real.vector = 1;
        ours.vector = 1;
        real.state.rip = OracleLayout.CODE + 1;
        ours.state.rip = OracleLayout.CODE + 2;
        assertThat(onAmd()).contains("rip");
        code("ebf1"); // the second byte is INT1
        assertThat(onAmd()).isEmpty();
    }

    @Test
    void anInstructionThatGoesOnBehindABranchIsLeftOut() {
        code("ca0f00"); // RETF 15; to its second byte, where what follows makes it STR
        real.vector = 3;
        ours.vector = 13;
        real.state.rip = OracleLayout.CODE + 5;
        ours.state.rip = OracleLayout.CODE + 1;
        assertThat(onIntel()).isNull();
        ours.state.rip = OracleLayout.CODE;
        assertThat(onIntel()).contains("real");
    }
}
