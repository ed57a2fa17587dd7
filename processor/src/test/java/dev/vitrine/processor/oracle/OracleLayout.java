// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0
package dev.vitrine.processor.oracle;

/**
 * The address space of the child process and the shape of the records that it shares with the
 * tests.
 *
 * <p>What a case can see: a read-execute code region of two pages followed by an unmapped page, the
 * same code pages again as read-write-execute, a data region of two writable pages and one
 * read-only page followed by an unmapped page, and one stack page between unmapped pages.
 * Everything lies under 2 GiB, so that the same places serve 32-bit code and absolute 32-bit
 * displacements.
 */
public final class OracleLayout {
    public static final int PAGE = 0x1000;

    /** Code as cases run it: read and execute. */
    public static final long CODE = 0x2000_0000L;

    /** The same code pages, writable as well: for code that changes itself. */
    public static final long CODE_WRITABLE = 0x2100_0000L;

    /** Bytes of mapped code; the page behind is not mapped. */
    public static final int CODE_SIZE = 2 * PAGE;

    /** Two pages read-write, one page read-only, then nothing. */
    public static final long DATA = 0x3000_0000L;

    public static final int DATA_WRITABLE_SIZE = 2 * PAGE;
    public static final int DATA_SIZE = 3 * PAGE;

    /** One page read-write between pages that are not mapped. */
    public static final long STACK = 0x3000_8000L;

    public static final int STACK_SIZE = PAGE;

    /** The most code bytes that a case can have, its exit sequence included. */
    public static final int CODE_WINDOW = 128;

    /** Memory is filled and compared in lines of this many bytes. */
    public static final int LINE = 64;

    /** The byte that fills the code region outside of the case's own bytes: INT3. */
    public static final int CODE_FILLER = 0xcc;

    // Linux's selectors. The descriptors behind them are flat, accessed and of privilege 3.
    public static final int CODE32_SELECTOR = 0x23;
    public static final int DATA_SELECTOR = 0x2b;
    public static final int CODE64_SELECTOR = 0x33;

    // ---- the runner itself ----

    /** Far from powers of two, which cases like to use as addresses. */
    static final long TEXT = 0x5a3d_0000L;

    /** The runner's variables and, from the other end of the page, its stack. */
    static final long VARIABLES = 0x5a3f_0000L;

    static final long VARIABLES_SIZE = PAGE;
    static final long RUNNER_STACK_TOP = VARIABLES + VARIABLES_SIZE;

    // All else lies above 4 GiB, where no wild pointer of a 32-bit case leads, and far from powers
    // of two.
    static final long SIGNAL_STACK = 0x1357_1200_0000L;
    static final int SIGNAL_STACK_SIZE = 0x1_0000;

    /** The code pages as the runner writes them; one page longer, so that a window always fits. */
    static final long CODE_ALIAS = 0x1357_1100_0000L;

    static final int CODE_ALIAS_SIZE = CODE_SIZE + PAGE;

    // ---- the shared file ----

    static final long SHARED = 0x1357_1000_0000L;
    static final int HEADER_COUNT = 0x08;
    static final int HEADER_DONE = 0x10;
    static final int HEADER_INDEX = 0x18;
    static final int HEADER_CRASH = 0x20;
    static final int HEADER_CPUID = 0x100;

    /** The memory that every case starts from: the data region, then the stack region. */
    static final int PRISTINE = 0x1000;

    static final int INPUT = 0x8000;
    static final int INPUT_SIZE = 4 << 20;
    static final int OUTPUT = INPUT + INPUT_SIZE;
    static final int OUTPUT_SIZE = 8 << 20;
    static final int SHARED_SIZE = OUTPUT + OUTPUT_SIZE;

    // ---- a case, as the child reads it ----

    static final int CASE_SIZE = 0x00;
    static final int CASE_LINE_COUNT = 0x04;
    static final int CASE_CODE_ALIAS = 0x08;
    static final int CASE_END = 0x10;

    /** RIP, CS, RFLAGS, RSP and SS as IRETQ pops them. */
    static final int CASE_FRAME = 0x18;

    static final int CASE_FS_BASE = 0x40;
    static final int CASE_GS_BASE = 0x48;
    static final int CASE_DS = 0x50;
    static final int CASE_ES = 0x52;
    static final int CASE_FS = 0x54;
    static final int CASE_GS = 0x56;
    static final int CASE_GPR = 0x80;
    static final int CASE_CODE = 0x100;
    static final int CASE_XSAVE = CASE_CODE + CODE_WINDOW;
    static final int XSAVE_SIZE = 832;
    static final int CASE_LINES = CASE_XSAVE + XSAVE_SIZE;

    /** An address and the 64 bytes there. */
    static final int LINE_RECORD = 8 + LINE;

    // ---- a result, as the child writes it ----

    static final int RESULT_SIZE = 0x00;
    static final int RESULT_LINE_COUNT = 0x04;
    static final int RESULT_VECTOR = 0x08;
    static final int RESULT_ERROR = 0x10;
    static final int RESULT_CR2 = 0x18;
    static final int RESULT_RIP = 0x20;
    static final int RESULT_FLAGS = 0x28;
    static final int RESULT_FS_BASE = 0x30;
    static final int RESULT_GS_BASE = 0x38;
    static final int RESULT_CS = 0x40;
    static final int RESULT_SS = 0x42;
    static final int RESULT_DS = 0x44;
    static final int RESULT_ES = 0x46;
    static final int RESULT_FS = 0x48;
    static final int RESULT_GS = 0x4a;
    static final int RESULT_SIGNAL = 0x50;
    static final int RESULT_GPR = 0x80;
    static final int RESULT_XSAVE = 0x100;
    static final int RESULT_LINES = RESULT_XSAVE + XSAVE_SIZE;
    static final int RESULT_MOST =
            RESULT_LINES + (DATA_WRITABLE_SIZE + STACK_SIZE) / LINE * LINE_RECORD + LINE;

    private OracleLayout() {}

    /** Whether the address lies in memory of the runner, which cases know nothing of. */
    static boolean isRunner(long address) {
        return address >= TEXT && address < RUNNER_STACK_TOP
                || address >= SHARED && address < SHARED + SHARED_SIZE
                || address >= CODE_ALIAS && address < CODE_ALIAS + CODE_ALIAS_SIZE
                || address >= SIGNAL_STACK && address < SIGNAL_STACK + SIGNAL_STACK_SIZE;
    }

    /** Whether the address lies in memory that a case may read. */
    public static boolean isReadable(long address) {
        return address >= DATA && address < DATA + DATA_SIZE
                || address >= STACK && address < STACK + STACK_SIZE;
    }
}
