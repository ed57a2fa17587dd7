// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0
package dev.vitrine.processor.oracle;

import dev.vitrine.processor.decode.Decoder;
import dev.vitrine.processor.decode.Form;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;
import dev.vitrine.processor.decode.Operand;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;

/**
 * Where a host may do otherwise than our processor, and neither is wrong. Either the manuals leave
 * the thing open, or Intel and AMD define it differently and the host is AMD's: our processor says
 * GenuineIntel and does what Intel's do. Each constant is one such thing, as narrow as it can be
 * said, with its source: "SDM" is Intel's Software Developer's Manual, "APM" AMD's Architecture
 * Programmer's Manual. What names no section of the APM was seen on family 19h.
 *
 * <p>A constant is only asked when results differ. It then either puts into the host's result what
 * an Intel processor would have left there, so that all the rest is still compared, or leaves the
 * case out.
 */
enum HostDifference {
    // ---- left open by the architecture: not compared on any host ----

    /**
     * A branch into its own bytes may find an instruction there that goes on behind them, or one
     * that no case is made of, see {@link DifferentialRun#excluded}.
     */
    INSTRUCTION_WITHIN_A_BRANCH(Hosts.ANY) {
        @Override
        Effect on(Encounter x) {
            return x.hides(x.real) || x.hides(x.ours) ? Effect.LEFT_OUT : Effect.NONE;
        }
    },

    /**
     * SDM volume 2, SHLD and SHRD: if the count is greater than the operand size, the result is
     * undefined. Counts are taken modulo 32, so only words are concerned.
     */
    DOUBLE_SHIFT_COUNT(Hosts.ANY) {
        @Override
        Effect on(Encounter x) {
            Instruction i = x.find(HostDifference::isDoubleShiftOfWord);
            if (i == null || !x.alone()) {
                return Effect.NONE;
            }
            int last = i.operands - 1;
            long count = i.kind[last] == Operand.GPR ? x.c.state.gpr[CpuImage.RCX] : i.imm;
            if ((count & 31) <= 16) {
                return Effect.NONE;
            }
            if (i.kind[0] == Operand.MEM) {
                return x.copyMemory(x.address(i), 2);
            }
            int n = i.reg[0];
            x.intel.state.gpr[n] = x.intel.state.gpr[n] & ~0xffffL | x.ours.state.gpr[n] & 0xffff;
            return Effect.ADJUSTED;
        }
    },

    /**
     * SDM volume 2, DPPS and DPPD: which of several NaNs reaches the sum, and where, is
     * implementation dependent; at least one does.
     */
    DOT_PRODUCT_NAN(Hosts.ANY) {
        @Override
        Effect on(Encounter x) {
            Instruction i = x.find(k -> k.op == Op.DPPS || k.op == Op.DPPD);
            if (i == null) {
                return Effect.NONE;
            }
            boolean found = false;
            for (int lane = 0; lane < 4; lane++) {
                long a = x.real.state.lane(i.reg[0], lane);
                long b = x.ours.state.lane(i.reg[0], lane);
                long merged = i.op == Op.DPPS ? mergeNaNs(a, b) : bothNaN(a, b) ? b : a;
                found |= merged != a;
                x.intel.state.lane(i.reg[0], lane, merged);
            }
            if (x.alone()) {
                return found ? Effect.ADJUSTED : Effect.NONE;
            }
            // What followed in a sequence may have made anything of a NaN; Intel's processors
            // agree.
            return x.host.amd() ? Effect.LEFT_OUT : Effect.NONE;
        }
    },

    /** A wild address that is the runner's own memory in the child process, and nothing here. */
    MEMORY_OF_THE_RUNNER(Hosts.ANY) {
        @Override
        Effect on(Encounter x) {
            return x.ours.vector == PF && OracleLayout.isRunner(x.ours.cr2) && !x.sameFault()
                    ? Effect.LEFT_OUT
                    : Effect.NONE;
        }
    },

    /**
     * SDM volume 3, 6.3, "Limit Checking": whether an access that wraps around at the end of a
     * segment of 4 GiB raises #GP or #SS is up to the implementation. Without one it mostly raises
     * #PF.
     */
    WRAP_AT_4_GIB(Hosts.ANY) {
        @Override
        Effect on(Encounter x) {
            Instruction i = x.faulting();
            if (i == null || !x.c.is32() || !x.memoryFault() || x.sameFault()) {
                return Effect.NONE;
            }
            CpuImage r = x.ours.state;
            // An exception other than #PF is before the push, or behind the pop.
            long cr2 =
                    x.ours.vector == PF
                            ? x.ours.cr2
                            : x.real.vector == PF ? x.real.cr2 : r.gpr[CpuImage.RSP] - 4;
            int n = i.memoryOperand();
            boolean stack = n < 0 || i.op == Op.PUSH || i.op == Op.POP || i.op == Op.CALL_IND;
            boolean wraps =
                    isString(i.op)
                            ? wraps(x.source(i, r), i.size[0])
                                    || wraps(x.destination(i, r), i.size[0])
                            : n >= 0 && wraps(x.address(i), i.size[n]) || stack && wraps(cr2, 8);
            return wraps ? Effect.LEFT_OUT : Effect.NONE;
        }
    },

    /**
     * A result of a transcendental function next to the least normal number: whether it is tiny,
     * and so raises underflow, depends on its last bit (SDM volume 1, 8.3.10). Masked underflow is
     * compared, see {@link Comparison.Tolerance#TRANSCENDENTAL}; unmasked underflow changes the
     * exponent too.
     */
    TINY_TRANSCENDENTAL(Hosts.ANY) {
        @Override
        Effect on(Encounter x) {
            Instruction i = x.find(k -> isTranscendental(k.op));
            if (i == null || !x.alone() || (x.c.state.fcw() & UNDERFLOW) != 0) {
                return Effect.NONE;
            }
            CpuImage a = x.real.state;
            CpuImage b = x.ours.state;
            for (int n = 0; n < 2; n++) {
                if (isTinyOf(a, b, n) || isTinyOf(b, a, n)) {
                    return Effect.LEFT_OUT;
                }
            }
            return Effect.NONE;
        }

        private static boolean isTinyOf(CpuImage tiny, CpuImage normal, int n) {
            return (tiny.fsw() & UNDERFLOW) != 0
                    && (tiny.stExponent(n) & 0x7fff) == ADJUSTED_EXPONENT
                    && Math.abs(tiny.stMantissa(n) - -1) <= 2
                    && (normal.fsw() & UNDERFLOW) == 0
                    && (normal.stExponent(n) & 0x7fff) == 1
                    && Math.abs(normal.stMantissa(n) - Long.MIN_VALUE) <= 2;
        }
    },

    /**
     * SDM volume 2, 2.1.1: repeat prefixes on what is no string instruction are reserved and may
     * cause unpredictable behavior. AMD's processors take them for the condition of LOOPcc: F3 E0
     * is LOOPE there, F2 E1 is LOOPNE.
     */
    REPEAT_PREFIX_ON_LOOP(Hosts.ANY) {
        @Override
        Effect on(Encounter x) {
            boolean other =
                    x.find(k ->
                            k.op == Op.LOOPE && x.prefix(k, 0xf2)
                                    || k.op == Op.LOOPNE && x.prefix(k, 0xf3))
                            != null;
            return other ? Effect.LEFT_OUT : Effect.NONE;
        }
    },

    /**
     * XRSTOR of an area whose header names components that the host has and our processor lacks, as
     * those of AVX-512, and none that the host lacks too: it raises #GP here, while the host goes
     * on (SDM volume 1, 13.8).
     */
    COMPONENTS_OF_THE_HOST(Hosts.ANY) {
        @Override
        Effect on(Encounter x) {
            Instruction i = x.find(k -> k.op == Op.XRSTOR);
            if (i == null || !x.alone()) {
                return Effect.NONE;
            }
            long header = x.address(i) + 512;
            long layout = x.word(header + 8);
            long named = layout < 0 ? layout & Long.MAX_VALUE : x.word(header);
            return (named & ~x.host.xcr0()) == 0 && (named & ~COMPONENTS) != 0
                    ? Effect.LEFT_OUT
                    : Effect.NONE;
        }
    },

    // ---- defined, but differently ----

    /**
     * SDM volume 2, Jcc, JMP, CALL, RET, LOOP: in 64-bit mode the operand size of near branches is
     * 64 bits, whatever prefixes say. APM volume 1, 3.7.9 and table 3-9: 66 makes it 16 bits, of
     * displacement, instruction pointer and stack.
     */
    OPERAND_SIZE_OF_NEAR_BRANCH(Hosts.AMD) {
        @Override
        Effect on(Encounter x) {
            boolean narrow =
                    x.find(k -> k.codeSize == 64 && isNearBranch(k.op) && x.prefix(k, 0x66)) != null
                            || x.cutOff != null && isNearBranch(x.cutOff.op) && x.prefix(0, 0x66);
            return narrow ? Effect.LEFT_OUT : Effect.NONE;
        }
    },

    /**
     * SDM volume 1, 3.3.7.1: the linear address must be canonical. On AMD's processors the offset
     * that is added to the base of FS or GS must be so too, and the operand must not wrap around.
     */
    OFFSET_IN_FS_AND_GS(Hosts.AMD) {
        @Override
        Effect on(Encounter x) {
            Instruction i = x.faulting();
            if (i == null
                    || i.codeSize != 64
                    || i.segment < FS
                    || i.memoryOperand() < 0
                    || x.real.vector != GP
                    || x.sameFault()) {
                return Effect.NONE;
            }
            long offset = x.offset(i);
            long address = x.address(i);
            boolean wraps = address < 0 && address + i.size[i.memoryOperand()] - 1 >= 0;
            return wraps || offset << 16 >> 16 != offset ? Effect.LEFT_OUT : Effect.NONE;
        }
    },

    /**
     * SDM volume 2, MOVSXD r16, r/m16 reads a word. APM volume 3, MOVSXD: the source has 32 bits
     * whatever the size of the destination, so that more of it can fault.
     */
    MOVSXD_TO_WORD(Hosts.AMD) {
        @Override
        Effect on(Encounter x) {
            Instruction i = x.faulting();
            return i != null
                            && i.form.mnemonic.equals("movsxd")
                            && i.operandSize == 2
                            && x.memoryFault()
                    ? Effect.LEFT_OUT
                    : Effect.NONE;
        }
    },

    /**
     * A string instruction with a repeat prefix and 32-bit addresses that does nothing, because ECX
     * is zero or the first element faults: Intel's processors clear the upper halves of the
     * registers that they would have counted up, AMD's leave all registers alone.
     */
    REPEAT_WITHOUT_ITERATION(Hosts.AMD) {
        @Override
        Effect on(Encounter x) {
            Instruction i =
                    x.find(k ->
                            isString(k.op)
                                    && k.rep != Instruction.REP_NONE
                                    && k.codeSize == 64
                                    && k.addressSize == 4);
            if (i == null) {
                return Effect.NONE;
            }
            if (!x.alone()) {
                return Effect.LEFT_OUT;
            }
            if (x.real.state.gpr[CpuImage.RCX] != x.c.state.gpr[CpuImage.RCX]) {
                return Effect.NONE;
            }
            for (int n : new int[] {CpuImage.RCX, CpuImage.RSI, CpuImage.RDI}) {
                long[] r = x.intel.state.gpr;
                r[n] = r[n] & 0xffff_ffffL | x.ours.state.gpr[n] & ~0xffff_ffffL;
            }
            return Effect.ADJUSTED;
        }
    },

    /**
     * SDM volume 2, REP: a fault in CMPS or SCAS restores the flags from before the instruction; so
     * does a trap between two iterations. AMD's processors leave those of the last comparison.
     */
    FLAGS_OF_INTERRUPTED_COMPARISON(Hosts.AMD) {
        @Override
        Effect on(Encounter x) {
            Instruction i = x.faulting();
            if (i == null
                    || i.op != Op.CMPS && i.op != Op.SCAS
                    || i.rep == Instruction.REP_NONE
                    || !x.memoryFault() && x.real.vector != DB) {
                return Effect.NONE;
            }
            CpuImage s = x.intel.state;
            s.rflags = s.rflags & ~ARITHMETIC | x.ours.state.rflags & ARITHMETIC;
            return Effect.ADJUSTED;
        }
    },

    /**
     * SDM volume 3, 19.3.1.1 (RF): the image that is pushed for a trap between two iterations of a
     * string instruction has RF set. AMD's processors leave it clear.
     */
    RESUME_FLAG_BETWEEN_ITERATIONS(Hosts.AMD) {
        @Override
        Effect on(Encounter x) {
            Instruction i = x.faulting();
            if (i == null
                    || !isString(i.op)
                    || i.rep == Instruction.REP_NONE
                    || x.real.vector != DB) {
                return Effect.NONE;
            }
            x.intel.state.rflags |= RF;
            return Effect.ADJUSTED;
        }
    },

    /**
     * SDM volume 2, PUSH: with 32-bit operand size all recent processors write a segment register
     * with a 16-bit move and leave the upper half of the stack slot as it was. AMD's write zeros
     * there.
     */
    UPPER_HALF_OF_PUSHED_SEGMENT(Hosts.AMD) {
        @Override
        Effect on(Encounter x) {
            Instruction i = x.find(k -> k.op == Op.PUSH_SEG && k.operandSize == 4);
            if (i == null) {
                return Effect.NONE;
            }
            long slot = x.c.state.gpr[CpuImage.RSP] - 4 & 0xffff_ffffL;
            if (!x.alone() || x.real.vector != x.ours.vector) {
                // The larger store may be misaligned where the smaller one is not.
                return x.alone() && !(x.real.vector == AC && (slot & 3) != 0)
                        ? Effect.NONE
                        : Effect.LEFT_OUT;
            }
            return x.copyMemory(slot + 2, 2);
        }
    },

    /**
     * POP of a segment register reads two bytes on Intel's processors (as SDM volume 2, PUSH says
     * of the store) and the whole stack slot on AMD's, the rest of which may fault.
     */
    UPPER_PART_OF_POPPED_SEGMENT(Hosts.AMD) {
        @Override
        Effect on(Encounter x) {
            Instruction i = x.faulting();
            if (i == null || i.op != Op.POP_SEG || !x.memoryFault()) {
                return Effect.NONE;
            }
            long slot = x.c.state.gpr[CpuImage.RSP];
            boolean more =
                    !OracleLayout.isReadable(slot + i.operandSize - 1)
                            || x.real.vector == AC && (slot & i.operandSize - 1) != 0;
            return more ? Effect.LEFT_OUT : Effect.NONE;
        }
    },

    /**
     * SDM volume 2, JMP, CALL, LSS, LFS, LGS: REX.W makes the far pointer m16:64. APM volume 3:
     * there is no such operand, REX.W is ignored.
     */
    FAR_POINTER_OF_64_BITS(Hosts.AMD) {
        @Override
        Effect on(Encounter x) {
            boolean wide =
                    x.find(k ->
                            (k.op == Op.JMP_FAR || k.op == Op.CALL_FAR || k.op == Op.LOAD_FAR)
                                    && k.codeSize == 64
                                    && k.operandSize == 8)
                            != null;
            return wide ? Effect.LEFT_OUT : Effect.NONE;
        }
    },

    /**
     * Far returns read all that they may need from the stack before they look at the selector on
     * AMD's processors, and the whole slot of the selector; Intel's read two bytes of it and check
     * them first. SDM volume 3, 7.9, table 7-2, "Priority Among Concurrent Events", note 1: the
     * order of faults of one instruction may vary from processor to processor.
     */
    READS_OF_FAR_RETURN(Hosts.AMD) {
        @Override
        Effect on(Encounter x) {
            Instruction i = x.faulting();
            return i != null
                            && (i.op == Op.RET_FAR || i.op == Op.IRET)
                            && x.memoryFault()
                            && !x.sameFault()
                    ? Effect.LEFT_OUT
                    : Effect.NONE;
        }
    },

    /**
     * SDM volume 2, appendix A, table A-3: 0F 0D with a register is a reserved NOP. APM volume 3,
     * PREFETCHW: it is undefined.
     */
    PREFETCHW_OF_REGISTER(Hosts.AMD) {
        @Override
        Effect on(Encounter x) {
            Instruction i = x.faulting();
            return x.real.vector == UD
                            && i != null
                            && i.form.map == 1
                            && i.form.opcode == 0x0d
                            && i.kind[0] == Operand.GPR
                    ? Effect.LEFT_OUT
                    : Effect.NONE;
        }
    },

    /**
     * SDM volume 2, UD: UD0 and UD1 have a ModRM byte, which is fetched and may fault first. AMD's
     * processors know without it that the instruction is undefined.
     */
    MODRM_OF_UNDEFINED(Hosts.AMD) {
        @Override
        Effect on(Encounter x) {
            return x.cutOff != null
                            && (x.cutOff.op == Op.UD0 || x.cutOff.op == Op.UD1)
                            && x.real.vector == UD
                            && x.ours.vector == PF
                    ? Effect.LEFT_OUT
                    : Effect.NONE;
        }
    },

    /**
     * SDM volume 2, table 2-21 (exception type 4): an operand of the SHA instructions that is not
     * aligned to 16 bytes raises #GP. AMD's processors accept it.
     */
    ALIGNMENT_OF_SHA(Hosts.AMD) {
        @Override
        Effect on(Encounter x) {
            Instruction i = x.at(x.ours.state.rip);
            return i != null
                            && isSha(i.op)
                            && x.ours.vector == GP
                            && i.memoryOperand() >= 0
                            && (!x.alone() || (x.address(i) & 15) != 0)
                    ? Effect.LEFT_OUT
                    : Effect.NONE;
        }
    },

    /**
     * SDM volume 2, 2.7 (exception types 4 and 5): only references of 8 bytes and less raise #AC.
     * APM volume 2, 8.2.18, and volume 4, of each instruction: larger ones do as well.
     */
    ALIGNMENT_CHECK_OF_VECTOR(Hosts.AMD) {
        @Override
        Effect on(Encounter x) {
            Instruction i = x.faulting();
            return i != null && x.real.vector == AC && i.vectorLength != 0 && i.memoryOperand() >= 0
                    ? Effect.LEFT_OUT
                    : Effect.NONE;
        }
    },

    /**
     * SDM volume 2, PINSRD and PEXTRD: outside of 64-bit mode VEX.W is ignored. On AMD's processors
     * W = 1 is undefined there.
     */
    VEX_W_OUTSIDE_OF_64_BIT_MODE(Hosts.AMD) {
        @Override
        Effect on(Encounter x) {
            Instruction i = x.faulting();
            return i != null
                            && x.real.vector == UD
                            && i.codeSize != 64
                            && i.vex
                            && (i.op == Op.PINSRD || i.op == Op.PEXTRD)
                    ? Effect.LEFT_OUT
                    : Effect.NONE;
        }
    },

    /**
     * APM volume 1, 4.2.2 (MXCSR.MM, CPUID 80000001.ECX.MisAlignSse): bit 17 of MXCSR exists. SDM
     * volume 1, 10.2.3: it is reserved, loading it raises #GP.
     */
    MISALIGNED_EXCEPTION_MASK(Hosts.AMD) {
        @Override
        Effect on(Encounter x) {
            Instruction i = x.at(x.ours.state.rip);
            return i != null
                            && (i.op == Op.LDMXCSR || i.op == Op.FXRSTOR || i.op == Op.XRSTOR)
                            && x.ours.vector == GP
                            && !x.sameFault()
                            // What follows in a sequence may load MXCSR again.
                            && (!x.alone() || (x.real.state.mxcsr() & MXCSR_MM) != 0)
                    ? Effect.LEFT_OUT
                    : Effect.NONE;
        }
    },

    /** The same bit in the image that FXSAVE and XSAVE write: MXCSR_MASK, byte 2. */
    MXCSR_MASK_IN_IMAGE(Hosts.AMD) {
        @Override
        Effect on(Encounter x) {
            Instruction i = x.find(k -> k.op == Op.FXSAVE || k.op == Op.XSAVE || k.op == Op.XSAVEC);
            return i != null && x.alone() ? x.copyMemory(x.address(i) + 30, 1) : Effect.NONE;
        }
    },

    /**
     * SDM volume 2, VGATHER and VPGATHER, "Operation": the elements of the mask are made all ones
     * or all zeros, and what lies above the vectors is cleared, before the first element is read.
     * On AMD's processors a fault leaves all that undone for the elements that were not read.
     */
    MASK_OF_FAULTING_GATHER(Hosts.AMD) {
        @Override
        Effect on(Encounter x) {
            Instruction i = x.faulting();
            if (i == null || !x.sameFault() || !x.memoryFault() || !isGather(i.op)) {
                return Effect.NONE;
            }
            int data = gatherData(i.op);
            int count = i.vectorLength / Math.max(data, gatherIndex(i.op));
            CpuImage s = x.intel.state;
            CpuImage ours = x.ours.state;
            for (int lane = 0; lane < 4; lane++) {
                long mask = s.lane(i.reg[2], lane);
                for (int at = 8 - data; at >= 0; at -= data) {
                    long sign = mask >> (8 * (at + data) - 1) & 1;
                    long element = (data == 8 ? -1 : 0xffff_ffffL) << 8 * at;
                    mask = mask & ~element | -sign & element;
                }
                int kept = Math.clamp((long) count * data - 8 * lane, 0, 8);
                long low = kept == 8 ? -1 : (1L << 8 * kept) - 1;
                s.lane(i.reg[2], lane, mask & low | ours.lane(i.reg[2], lane) & ~low);
                s.lane(
                        i.reg[0],
                        lane,
                        s.lane(i.reg[0], lane) & low | ours.lane(i.reg[0], lane) & ~low);
            }
            return Effect.ADJUSTED;
        }
    },

    /**
     * SDM volume 2, VGATHER and VPGATHER: elements whose bit of the mask is clear are not loaded,
     * and faults come from the lowest element on. Where a selected element raises #PF AMD's
     * processors raise #GP or #SS instead if the address of one that is not selected is not
     * canonical (seen on Zen 4; their manual does not say).
     */
    ADDRESS_OF_ELEMENT_NOT_SELECTED(Hosts.AMD) {
        @Override
        Effect on(Encounter x) {
            Instruction i = x.faulting();
            if (i == null
                    || !isGather(i.op)
                    || !x.alone()
                    || x.ours.vector != PF
                    || (x.real.vector != GP && x.real.vector != SS)) {
                return Effect.NONE;
            }
            int data = gatherData(i.op);
            int index = gatherIndex(i.op);
            CpuImage s = x.c.state;
            long base = x.linear(i.segment, i.disp + (i.base >= 0 ? s.gpr[i.base] : 0));
            for (int k = 0; k < i.vectorLength / Math.max(data, index); k++) {
                long mask = s.lane(i.reg[2], k * data / 8) << 64 - 8 * (k * data % 8 + data);
                long value = s.lane(i.index, k * index / 8) >> 8 * (k * index % 8);
                long la = base + ((index == 4 ? (int) value : value) << i.scale);
                if (mask >= 0 && la != la << 16 >> 16) {
                    return Effect.LEFT_OUT;
                }
            }
            return Effect.NONE;
        }
    },

    /**
     * INT1 is a trap: the saved RIP is that of the next instruction (SDM volume 3, 7.3, table 7-1;
     * APM volume 2, 8.2.2). Under SVM the intercepted #DB of INT1 has the RIP of the instruction
     * itself (APM volume 2, 15.12.2), and KVM hands that on to its guest.
     */
    RIP_OF_INT1(Hosts.AMD) {
        @Override
        Effect on(Encounter x) {
            Instruction i = x.faulting();
            if (i == null || i.op != Op.INT1 || x.real.vector != DB) {
                return Effect.NONE;
            }
            x.intel.state.rip = i.nextRip();
            return Effect.ADJUSTED;
        }
    },

    /**
     * An x87 store whose conversion raises an unmasked exception writes nothing (SDM volume 1,
     * 8.5). Intel's processors do not look at the memory then, AMD's do so first. For the order see
     * {@link #READS_OF_FAR_RETURN}.
     */
    MEMORY_OF_SUPPRESSED_STORE(Hosts.AMD) {
        @Override
        Effect on(Encounter x) {
            Instruction i = x.faulting();
            return i != null
                            && isX87Store(i.op)
                            && x.memoryFault()
                            && !x.sameFault()
                            && (x.ours.state.fsw() & FSW_ES) != 0
                    ? Effect.LEFT_OUT
                    : Effect.NONE;
        }
    },

    /**
     * VCVTPS2PH to memory that faults: AMD's processors look at the memory before they convert.
     * Intel's may have set flags in MXCSR then, or have raised #XM. For the order see {@link
     * #READS_OF_FAR_RETURN}.
     */
    MEMORY_OF_CONVERTING_STORE(Hosts.AMD) {
        @Override
        Effect on(Encounter x) {
            Instruction i = x.faulting();
            if (i == null || i.op != Op.VCVTPS2PH || !x.memoryFault()) {
                return Effect.NONE;
            }
            if (x.ours.vector == XM) {
                return Effect.LEFT_OUT;
            }
            x.intel.state.mxcsr(x.ours.state.mxcsr());
            return Effect.ADJUSTED;
        }
    },

    /**
     * BOUND whose lower bound is exceeded: AMD's processors read the upper bound all the same. For
     * the order see {@link #READS_OF_FAR_RETURN}.
     */
    UPPER_BOUND(Hosts.AMD) {
        @Override
        Effect on(Encounter x) {
            Instruction i = x.faulting();
            return i != null && i.op == Op.BOUND && x.memoryFault() && x.ours.vector == BR
                    ? Effect.LEFT_OUT
                    : Effect.NONE;
        }
    },

    /**
     * An area of XSAVE that is both misaligned (#GP) and outside of the canonical range of the
     * stack segment (#SS). For the order see {@link #READS_OF_FAR_RETURN}.
     */
    MISALIGNED_AREA_OUT_OF_RANGE(Hosts.AMD) {
        @Override
        Effect on(Encounter x) {
            Instruction i = x.faulting();
            return i != null
                            && isArea(i.op)
                            && x.real.vector == GP
                            && x.ours.vector == SS
                            && (x.address(i) & 63) != 0
                    ? Effect.LEFT_OUT
                    : Effect.NONE;
        }
    },

    /**
     * XRSTOR of an area in standard format whose last component cannot be read: Intel's processors
     * raise #PF before they look at the header, AMD's do only if the header is good and says that
     * the component is there. For the order see {@link #READS_OF_FAR_RETURN}.
     */
    END_OF_RESTORED_AREA(Hosts.AMD) {
        @Override
        Effect on(Encounter x) {
            Instruction i = x.at(x.ours.state.rip);
            return i != null
                            && i.op == Op.XRSTOR
                            && x.ours.vector == PF
                            && x.ours.cr2 >= x.address(i) + 576
                            && !x.sameFault()
                    ? Effect.LEFT_OUT
                    : Effect.NONE;
        }
    },

    /**
     * XRSTOR of an area in compacted format with a bad header that begins where nothing can be
     * read: Intel's processors look at the header first. For the order see {@link
     * #READS_OF_FAR_RETURN}.
     */
    START_OF_RESTORED_AREA(Hosts.AMD) {
        @Override
        Effect on(Encounter x) {
            Instruction i = x.faulting();
            return i != null
                            && i.op == Op.XRSTOR
                            && x.real.vector == PF
                            && x.real.cr2 == x.address(i)
                            && x.ours.vector == GP
                            && x.ours.state.rip == i.rip
                    ? Effect.LEFT_OUT
                    : Effect.NONE;
        }
    },

    /**
     * CMPS both of whose operands fault. Intel's processors look at the one at RDI first, AMD's at
     * the one at RSI. For the order see {@link #READS_OF_FAR_RETURN}.
     */
    OPERANDS_OF_CMPS(Hosts.AMD) {
        @Override
        Effect on(Encounter x) {
            Instruction i = x.faulting();
            if (i == null
                    || i.op != Op.CMPS
                    || !x.memoryFault()
                    || x.real.state.rip != x.ours.state.rip) {
                return Effect.NONE;
            }
            CpuImage r = x.real.state;
            boolean both =
                    !OracleLayout.isReadable(x.source(i, r))
                            && !OracleLayout.isReadable(x.destination(i, r));
            return both ? Effect.LEFT_OUT : Effect.NONE;
        }
    },

    /**
     * An operand that crosses the end of the canonical range: what lies before it raises #PF, what
     * lies behind it #GP or #SS, and the whole #AC. For the order see {@link #READS_OF_FAR_RETURN}.
     */
    OPERAND_OVER_THE_EDGE(Hosts.AMD) {
        @Override
        Effect on(Encounter x) {
            Instruction i = x.faulting();
            int n = i == null ? -1 : i.memoryOperand();
            if (i != null && i.op == Op.LEAVE && x.c.is32()) {
                // The operand at EBP crosses the end of the segment, and is misaligned.
                long frame = x.real.state.gpr[CpuImage.RBP] & 0xffff_ffffL;
                return frame > 0xffff_fffcL && x.real.vector == SS && x.ours.vector == AC
                        ? Effect.LEFT_OUT
                        : Effect.NONE;
            }
            if (i == null
                    || n < 0
                    || !x.memoryFault()
                    || x.real.state.rip != x.ours.state.rip
                    || x.sameFault()) {
                return Effect.NONE;
            }
            int size = isX87Area(i.op) || isArea(i.op) ? XSAVE_AREA : i.size[n];
            long start = x.address(i);
            return start < CANONICAL_END && start + Math.max(size, i.vectorLength) > CANONICAL_END
                    ? Effect.LEFT_OUT
                    : Effect.NONE;
        }
    },

    /**
     * XSAVE and XSAVEC of an area that begins in memory which cannot be written, and of components
     * that do not lie there. Intel's processors access the header and what they save (SDM volume 1,
     * 13.13), AMD's look at the beginning as well.
     */
    START_OF_UNSAVED_AREA(Hosts.AMD) {
        @Override
        Effect on(Encounter x) {
            Instruction i = x.faulting();
            return i != null
                            && isArea(i.op)
                            && x.real.vector == PF
                            && x.real.cr2 == x.address(i)
                            && x.ours.state.rip != i.rip
                    ? Effect.LEFT_OUT
                    : Effect.NONE;
        }
    },

    /**
     * VCVTPS2PH of a denormal number with underflow unmasked: Intel's processors call the result
     * inexact even where it has so few digits that it is not (SDM volume 1, 4.9.1.5 and 4.9.1.6).
     */
    INEXACT_HALF_OF_DENORMAL(Hosts.AMD) {
        @Override
        Effect on(Encounter x) {
            Instruction i = x.faulting();
            if (i == null
                    || i.op != Op.VCVTPS2PH
                    || x.real.vector != XM
                    || (x.real.state.mxcsr() & MXCSR_UM) != 0) {
                return Effect.NONE;
            }
            CpuImage s = x.intel.state;
            s.mxcsr(s.mxcsr() & ~MXCSR_PE | x.ours.state.mxcsr() & MXCSR_PE);
            return Effect.ADJUSTED;
        }
    },

    /**
     * The pointers to the last x87 instruction and its operand, and its opcode. APM volume 2,
     * 11.4.4 (FXSAVE, XSAVE): they are saved, and restored, only while an unmasked exception is
     * pending (FSW.ES); processors with RstrFpErrPtrs save zeros otherwise. FXSAVE or XSAVE is all
     * that shows them at the end of a case. Intel's processors keep opcode and operand of
     * instructions with an unmasked exception only (SDM volume 1, 8.1.8 and 8.1.9), AMD's those of
     * the last instruction, which FLDCW may turn into one with a pending exception, and the last
     * operand that there was. And AMD's keep addresses of 57 bits.
     */
    X87_POINTERS(Hosts.AMD) {
        @Override
        Effect on(Encounter x) {
            CpuImage s = x.intel.state;
            CpuImage ours = x.ours.state;
            boolean pending = (s.fsw() & FSW_ES) != 0;
            boolean unmasked = x.find(k -> k.op == Op.FLDCW) != null;
            Instruction last = x.at(s.fip());
            if (!pending || unmasked) {
                s.fop(ours.fop());
            }
            if (!pending
                    || unmasked
                    || last != null && last.memoryOperand() < 0
                    || s.fdp() == ours.fdp() << 7 >> 7) {
                s.xsave[2] = ours.fdp();
            }
            if (!pending || s.fip() == ours.fip() << 7 >> 7) {
                s.xsave[1] = ours.fip();
            }
            return Effect.ADJUSTED;
        }
    };

    /** On which hosts a difference says nothing. */
    private enum Hosts {
        ANY,
        AMD
    }

    /** What a constant made of a case. */
    enum Effect {
        NONE,
        /** {@link Encounter#intel} was changed. */
        ADJUSTED,
        /** What differs after all adjustments shows nothing. */
        LEFT_OUT
    }

    private static final int DB = 1;
    private static final int BR = 5;
    private static final int UD = 6;
    private static final int SS = 12;
    private static final int GP = 13;
    private static final int PF = 14;
    private static final int AC = 17;
    private static final int XM = 19;
    private static final long ARITHMETIC = 0x8d5;
    private static final long RF = 0x1_0000;
    private static final int FSW_ES = 0x80;
    private static final int MXCSR_PE = 1 << 5;
    private static final int MXCSR_UM = 1 << 11;
    private static final int MXCSR_MM = 1 << 17;

    /** Components of XCR0 that our processor has: x87, SSE and AVX. */
    private static final long COMPONENTS = 7;

    /** The bytes of an area in standard format with the components that are known here. */
    private static final int XSAVE_AREA = OracleLayout.XSAVE_SIZE;

    /** The underflow bit of FSW, and its mask in FCW. */
    private static final int UNDERFLOW = 0x10;

    /** Exponent 0, increased by 24576 (SDM volume 1, 8.5.5). */
    private static final int ADJUSTED_EXPONENT = 0x6000;

    private static final int FS = 4;
    private static final int GS = 5;
    private static final long CANONICAL_END = 1L << 47;

    private final Hosts hosts;

    HostDifference(Hosts hosts) {
        this.hosts = hosts;
    }

    /** Looks at a case whose results differ. */
    abstract Effect on(Encounter x);

    /** Names for reports. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', ' ')
                + (hosts == Hosts.AMD ? " (AMD)" : "");
    }

    /**
     * What is left of the differences of a case.
     *
     * @param host that gave the result
     * @param initial the memory from before the case, but for the case's own
     * @param form that the case was made for; null for a sequence
     * @param counts how many cases each constant left out; this one is added
     * @return a line for each difference, empty if there is none; null if the case shows nothing
     */
    static @Nullable String remaining(
            HostFeatures host,
            InitialMemory initial,
            Case c,
            @Nullable Form form,
            Result real,
            Result ours,
            int undefinedFlags,
            Comparison.Tolerance tolerance,
            Map<HostDifference, Long> counts) {
        Encounter x = new Encounter(host, initial, c, form, real, ours);
        @Nullable HostDifference reason = null;
        for (HostDifference d : values()) {
            if ((d.hosts == Hosts.ANY || x.host.amd()) && d.on(x) == Effect.LEFT_OUT) {
                reason = d;
            }
        }
        String text = Comparison.differences(c, x.intel, ours, undefinedFlags, tolerance);
        if (text.isEmpty() || reason == null) {
            return text;
        }
        counts.merge(reason, 1L, Long::sum);
        return null;
    }

    /** Counts of cases that were left out, none yet. */
    static Map<HostDifference, Long> noCounts() {
        return new EnumMap<>(HostDifference.class);
    }

    /** A case whose results differ. */
    static final class Encounter {
        final HostFeatures host;
        final Case c;
        final Result real;
        final Result ours;

        /** The host's result, to be changed to what an Intel processor would have left. */
        final Result intel = new Result();

        /** The form of the only instruction, if its bytes end before it does; else null. */
        final @Nullable Form cutOff;

        private final List<Instruction> instructions = new ArrayList<>();
        private final byte[] code;
        private final InitialMemory initial;

        Encounter(
                HostFeatures host,
                InitialMemory initial,
                Case c,
                @Nullable Form form,
                Result real,
                Result ours) {
            this.host = host;
            this.initial = initial;
            this.c = c;
            this.real = real;
            this.ours = ours;
            intel.copyFrom(real);
            code = c.codeBytes();
            int at = 0;
            while (at < code.length) {
                int n = decode(at);
                if (n <= 0) {
                    break;
                }
                at += n;
            }
            if (find(k -> DifferentialRun.branches(k.op)) != null) {
                // It may lead into its own bytes, where other instructions can hide.
                for (at = 1; at < code.length; at++) {
                    if (at(c.codeAddress + at) == null) {
                        decode(at);
                    }
                }
            }
            cutOff = instructions.isEmpty() ? form : null;
        }

        /** Adds the instruction at an offset, and returns its length; not positive if none is. */
        private int decode(int at) {
            Instruction i = new Instruction();
            long rip = c.codeAddress + at;
            int n = new Decoder().decode(code, at, code.length - at, rip, c.is32() ? 32 : 64, i);
            if (n > 0) {
                instructions.add(i);
            }
            return n;
        }

        /**
         * Whether a processor stopped at what a branch has found in its own bytes, and nobody
         * knows.
         */
        boolean hides(Result r) {
            long rip = r.state.rip;
            Instruction i = at(rip);
            return r.vector != Result.END
                    && rip - c.codeAddress > 0
                    && rip - c.codeAddress < code.length
                    && find(k -> DifferentialRun.branches(k.op)) != null
                    && (i == null || DifferentialRun.excluded(i.op) != null);
        }

        /** Whether the case has one instruction. */
        boolean alone() {
            return instructions.size() == 1;
        }

        @Nullable Instruction find(Predicate<Instruction> wanted) {
            for (Instruction i : instructions) {
                if (wanted.test(i)) {
                    return i;
                }
            }
            return null;
        }

        @Nullable Instruction at(long rip) {
            return find(i -> i.rip == rip);
        }

        /** The instruction at which the host's exception is reported. */
        @Nullable Instruction faulting() {
            return at(real.state.rip);
        }

        /** Whether the host ended with an exception that memory operands raise. */
        boolean memoryFault() {
            return real.vector == SS || real.vector == GP || real.vector == PF || real.vector == AC;
        }

        /** Whether both processors raised the same exception at the same instruction. */
        boolean sameFault() {
            return real.vector == ours.vector && real.state.rip == ours.state.rip;
        }

        /** Whether an instruction has a legacy prefix that no REX.W overrides. */
        boolean prefix(Instruction i, int prefix) {
            return prefix((int) (i.rip - c.codeAddress), prefix);
        }

        /** As {@link #prefix(Instruction, int)}, for the bytes at an offset in the code. */
        boolean prefix(int offset, int prefix) {
            boolean found = false;
            for (int at = offset; at < code.length; at++) {
                int b = code[at] & 0xff;
                switch (b) {
                    case 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3 -> {
                        // Of F2 and F3 the last one counts.
                        if (b == prefix) {
                            found = true;
                        } else if ((b & ~1) == 0xf2 && (prefix & ~1) == 0xf2) {
                            found = false;
                        }
                    }
                    default -> {
                        return found && (c.is32() || (b & 0xf8) != 0x48 || prefix != 0x66);
                    }
                }
            }
            return found;
        }

        /** The offset in its segment of an instruction's memory operand. */
        long offset(Instruction i) {
            long[] gpr = c.state.gpr;
            long a = i.disp;
            if (i.base == Instruction.RIP_BASE) {
                a += i.nextRip();
            } else if (i.base >= 0) {
                a += gpr[i.base];
            }
            if (i.index >= 0) {
                a += gpr[i.index] << i.scale;
            }
            return a & mask(i.addressSize);
        }

        /** The linear address of an instruction's memory operand. */
        long address(Instruction i) {
            return linear(i.segment, offset(i));
        }

        /** Where a string instruction reads from by RSI. */
        long source(Instruction i, CpuImage registers) {
            return linear(i.segment, registers.gpr[CpuImage.RSI] & mask(i.addressSize));
        }

        /** The operand of a string instruction at RDI. */
        long destination(Instruction i, CpuImage registers) {
            return linear(0, registers.gpr[CpuImage.RDI] & mask(i.addressSize));
        }

        private static long mask(int bytes) {
            return bytes == 8 ? -1 : (1L << 8 * bytes) - 1;
        }

        private long linear(int segment, long offset) {
            CpuImage s = c.state;
            long a = offset + (segment == FS ? s.fsBase : segment == GS ? s.gsBase : 0);
            return c.is32() ? a & 0xffff_ffffL : a;
        }

        /** The word at an address before the case; 0 if there is no memory or it is misaligned. */
        long word(long address) {
            return (address & 7) == 0 && OracleLayout.isReadable(address)
                    ? c.word(initial, address)
                    : 0;
        }

        /** Takes bytes of memory from our result. */
        Effect copyMemory(long address, int bytes) {
            for (int i = 0; i < bytes; i++) {
                if (!intel.copyByte(ours, address + i)) {
                    return Effect.LEFT_OUT;
                }
            }
            return Effect.ADJUSTED;
        }
    }

    private static boolean wraps(long address, int size) {
        return (address & 0xffff_ffffL) + size > 1L << 32;
    }

    private static boolean isDoubleShiftOfWord(Instruction i) {
        return (i.op == Op.SHLD || i.op == Op.SHRD) && i.size[0] == 2;
    }

    private static boolean bothNaN(long a, long b) {
        return Double.isNaN(Double.longBitsToDouble(a)) && Double.isNaN(Double.longBitsToDouble(b));
    }

    /** The floats of {@code a}, but of {@code b} where both are NaNs. */
    private static long mergeNaNs(long a, long b) {
        long result = 0;
        for (int shift = 0; shift < 64; shift += 32) {
            int x = (int) (a >>> shift);
            int y = (int) (b >>> shift);
            boolean both =
                    Float.isNaN(Float.intBitsToFloat(x)) && Float.isNaN(Float.intBitsToFloat(y));
            result |= ((both ? y : x) & 0xffff_ffffL) << shift;
        }
        return result;
    }

    private static boolean isNearBranch(Op op) {
        return switch (op) {
            case JCC, JMP_REL, JMP_IND, CALL_REL, CALL_IND, RET_NEAR, LOOP, LOOPE, LOOPNE, JRCXZ ->
                    true;
            default -> false;
        };
    }

    private static boolean isString(Op op) {
        return switch (op) {
            case MOVS, STOS, LODS, SCAS, CMPS, INS, OUTS -> true;
            default -> false;
        };
    }

    private static boolean isSha(Op op) {
        return switch (op) {
            case SHA1MSG1, SHA1MSG2, SHA1NEXTE, SHA1RNDS4, SHA256MSG1, SHA256MSG2, SHA256RNDS2 ->
                    true;
            default -> false;
        };
    }

    private static boolean isTranscendental(Op op) {
        return switch (op) {
            case F2XM1, FYL2X, FYL2XP1, FPTAN, FPATAN, FSIN, FCOS, FSINCOS -> true;
            default -> false;
        };
    }

    private static boolean isX87Store(Op op) {
        return switch (op) {
            case FST, FSTP, FIST, FISTP, FISTTP, FBSTP -> true;
            default -> false;
        };
    }

    private static boolean isArea(Op op) {
        return switch (op) {
            case XSAVE, XSAVEC, XSAVEOPT, XRSTOR -> true;
            default -> false;
        };
    }

    private static boolean isX87Area(Op op) {
        return switch (op) {
            case FXSAVE, FXRSTOR, FNSAVE, FRSTOR, FNSTENV, FLDENV -> true;
            default -> false;
        };
    }

    private static boolean isGather(Op op) {
        return gatherData(op) != 0;
    }

    /** The bytes of an element that a gather loads; 0 for other instructions. */
    private static int gatherData(Op op) {
        return switch (op) {
            case VGATHERDPS, VGATHERQPS, VPGATHERDD, VPGATHERQD -> 4;
            case VGATHERDPD, VGATHERQPD, VPGATHERDQ, VPGATHERQQ -> 8;
            default -> 0;
        };
    }

    private static int gatherIndex(Op op) {
        return switch (op) {
            case VGATHERDPS, VGATHERDPD, VPGATHERDD, VPGATHERDQ -> 4;
            default -> 8;
        };
    }
}
