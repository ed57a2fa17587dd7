// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.memory.GuestRam;
import dev.vitrine.processor.TranslationDifference;
import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Decoder;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.InstructionText;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;

/** The text about a region that did something else than the interpreter. */
final class DifferenceReport {
    /** Bytes of memory that are named at the most. */
    static final int BYTES = 64;

    /** Of the instructions in question, so many are shown. */
    private static final int STEPS = 100;

    private final List<String> lines = new ArrayList<>();
    private final List<String> steps = new ArrayList<>();
    private final RegionCode target;

    DifferenceReport(RegionCode t) {
        this.target = t;
        Region g = t.region;
        lines.add(
                String.format(
                        "translated code did something else than the interpreter: region at %x",
                        g.blocks[0].rip));
        lines.add(
                String.format(
                        "  stage %d, %d blocks, entered at %x (entry %d)",
                        g.stage, g.blocks.length, t.rip, t.number));
    }

    void left(String how, long instructions) {
        lines.add(String.format("  left after %d instructions by %s", instructions, how));
    }

    void state(StateImage translated, StateImage interpreted) {
        for (int i = translated.mismatch(interpreted, 0);
                i >= 0;
                i = i + 1 < StateImage.SIZE ? translated.mismatch(interpreted, i + 1) : -1) {
            lines.add(
                    String.format(
                            "  %s: translated %x, interpreted %x%s",
                            StateImage.name(i),
                            translated.values[i],
                            interpreted.values[i],
                            i == StateImage.FLAGS
                                    ? " ("
                                            + flags(translated.values[i] ^ interpreted.values[i])
                                            + " differ)"
                                    : ""));
        }
    }

    private static String flags(long bits) {
        String[] names = {"CF", "", "PF", "", "AF", "", "ZF", "SF", "", "", "", "OF"};
        List<String> set = new ArrayList<>();
        for (int i = 0; i < names.length; i++) {
            if ((bits >>> i & 1) != 0) {
                set.add(names[i]);
            }
        }
        return String.join(" ", set);
    }

    void memory(WritablePages pages) {
        for (WritablePages.Place p : pages.differences(BYTES)) {
            lines.add(
                    String.format(
                            "  byte at linear address %x, machine address %x: translated %02x,"
                                    + " interpreted %02x",
                            p.linear(), p.machine(), p.translated(), p.interpreted()));
        }
        for (long page : pages.strays()) {
            lines.add(
                    String.format(
                            "  page at machine address %x: only the interpreter wrote to it",
                            page));
        }
    }

    void complaint(String text) {
        lines.add("  " + text);
    }

    /**
     * @param good instructions after which both agreed, by running the region with a smaller limit
     * @param bad instructions after which they did not
     */
    void window(long good, long bad) {
        lines.add(
                String.format(
                        "  both agreed after %d instructions, and no more after %d", good, bad));
    }

    static String text(long rip, Instruction i) {
        return String.format("%x  %s", rip, InstructionText.format(i));
    }

    /** An instruction that the interpreter did where they did not agree any more. */
    void step(String text) {
        steps.add(text);
    }

    void suspect(String what, @Nullable String text) {
        lines.add(
                text == null
                        ? "  the interpreter did not change " + what
                        : "  the interpreter changed " + what + " last at " + text);
    }

    /** The region's instructions. */
    void code(GuestRam ram) {
        if (!steps.isEmpty()) {
            lines.add("  what the interpreter did in between:");
            int from = Math.max(0, steps.size() - STEPS);
            if (from > 0) {
                lines.add("    (" + from + " more)");
            }
            steps.subList(from, steps.size()).forEach(s -> lines.add("    " + s));
        }
        lines.add("  the region:");
        for (Block b : target.region.blocks) {
            lines.add(String.format("    block at %x", b.rip));
            for (int n = 0; n < b.count; n++) {
                lines.add("      " + text(b.rip(n), decoded(b, n, ram)));
            }
        }
    }

    /** A block keeps few of its instructions: decodes one again, from the bytes of now. */
    private static Instruction decoded(Block b, int n, GuestRam ram) {
        byte[] bytes = new byte[15];
        for (int i = 0; i < bytes.length; i++) {
            long la = b.linear() + b.rip(n) - b.rip + i;
            long mfn = (la ^ b.linear()) >>> 12 == 0 ? b.mfn0 : b.mfn1;
            bytes[i] = mfn < 0 ? 0 : ram.getByte(mfn << 12 | la & 4095);
        }
        int codeSize =
                (b.modeKey & Cpu.MODE_64) != 0 ? 64 : (b.modeKey & Cpu.MODE_32) != 0 ? 32 : 16;
        Instruction i = new Instruction();
        new Decoder(false).decode(bytes, 0, bytes.length, b.rip(n), codeSize, i);
        return i;
    }

    TranslationDifference finish() {
        return new TranslationDifference(lines);
    }
}
