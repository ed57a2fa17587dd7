// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.litmus;

/**
 * One instruction of a litmus test. A value n stands for as many bytes n as the access has.
 *
 * @param place offset from the first variable, each of which has 16 bytes
 * @param size bytes; an access does not go over the end of an 8-byte word, but for one of 16 bytes,
 *     which is two words
 */
record Step(Kind kind, Form form, int place, int size, int value) {
    /** Bytes from a variable to the next. */
    static final int VARIABLE = 16;

    enum Kind {
        WRITE,
        READ,
        /** A read and a write, between which others may come: ADD without LOCK. */
        ADD,
        /** Locked, with a result. */
        EXCHANGE,
        LOCKED_ADD,
        FETCH_AND_ADD,
        /** LOCK CMPXCHG that writes what is there. */
        COMPARE_EXCHANGE,
        /** MFENCE, or a locked instruction on the stack. */
        FENCE
    }

    enum Form {
        MOV,
        IMMEDIATE,
        STRING,
        REPEATED_STRING,
        SSE,
        AVX,
        X87,
        LOCK
    }

    static Step write(int variable, int value) {
        return new Step(Kind.WRITE, Form.MOV, variable * VARIABLE, 4, value);
    }

    static Step read(int variable) {
        return new Step(Kind.READ, Form.MOV, variable * VARIABLE, 4, 0);
    }

    static Step exchange(int variable, int value) {
        return new Step(Kind.EXCHANGE, Form.MOV, variable * VARIABLE, 4, value);
    }

    static Step fence(Form form) {
        return new Step(Kind.FENCE, form, 0, 0, 0);
    }

    /** The same by other instructions. */
    Step by(Form other) {
        return new Step(kind, other, place, size, value);
    }

    Step at(int offset, int bytes) {
        return new Step(kind, form, place / VARIABLE * VARIABLE + offset, bytes, value);
    }

    int variable() {
        return place / VARIABLE;
    }

    /** How many results it has: what it reads, in words. */
    int results() {
        return switch (kind) {
            case READ -> size == 16 ? 2 : 1;
            case EXCHANGE, FETCH_AND_ADD, COMPARE_EXCHANGE -> 1;
            default -> 0;
        };
    }

    /** What it writes or adds. */
    long pattern() {
        long all = value * 0x0101010101010101L;
        return size >= 8 ? all : all & (1L << 8 * size) - 1;
    }

    @Override
    public String toString() {
        String where =
                String.format("%c+%d.%d", 'x' + variable(), place % VARIABLE, size)
                        + (form == Form.MOV ? "" : " by " + form);
        return switch (kind) {
            case WRITE -> where + " := " + value;
            case READ -> "read " + where;
            case ADD -> "add " + value + " to " + where;
            case FENCE -> "fence by " + form;
            default -> "LOCK " + kind + " " + where + ", " + value;
        };
    }
}
