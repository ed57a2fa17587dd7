// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import dev.vitrine.introspection.LittleEndian;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/**
 * The operations of io_uring: what the fields of a submission (struct io_uring_sqe, in
 * include/uapi/linux/io_uring.h) mean for each, as operations.tbl says.
 */
public final class RingCalls {
    /** Bytes of a submission that have a meaning for all; some rings have 64 more. */
    public static final int ENTRY_SIZE = 64;

    /** What names of operations begin with. */
    public static final String PREFIX = "IORING_OP_";

    private static final int FLAGS = 1;
    private static final int FIXED_FILE = 1;
    private static final Map<String, String> FORMS = forms();

    /** What is told of an operation that the table does not have. */
    private static final String UNKNOWN =
            "fd=fd:fd off=off:hex64 addr=addr:hex64 len=len:uint op_flags=flags:hex32";

    /** A field of a submission. */
    private enum Field {
        FD(4, 4),
        OFF(8, 8),
        ADDR(16, 8),
        LEN(24, 4),
        FLAGS(28, 4),
        BUF(40, 2),
        ADDR_LEN(44, 2),
        FILE_INDEX(44, 4),
        ADDR3(48, 8);

        private final int offset;
        private final int size;

        Field(int offset, int size) {
            this.offset = offset;
            this.size = size;
        }

        long of(byte[] entry) {
            return LittleEndian.number(entry, offset, size);
        }
    }

    /** An operation, and where its arguments are. */
    private record Form(Call call, List<Field> fields) {}

    private final Map<Integer, Form> known = new HashMap<>();
    private final Abi abi;

    /** The operations of programs of an ABI, which decides about structures that they point to. */
    public RingCalls(Abi abi) {
        this.abi = abi;
    }

    private static Map<String, String> forms() {
        Map<String, String> map = new HashMap<>();
        for (String line : Tables.lines(Tables.class, "operations.tbl")) {
            String[] words = line.trim().split(" +", 2);
            map.put(PREFIX + words[0], words.length == 1 ? "" : words[1]);
        }
        return map;
    }

    /** The name of an operation, such as IORING_OP_READ, or its number if it has none. */
    public static String name(int opcode) {
        String name = Constants.of("io_uring_op").name(opcode);
        return name == null ? Integer.toString(opcode) : name;
    }

    /** Names of the flags that all operations may have. */
    public static String flags(byte[] entry) {
        return Constants.of("io_uring_sqe").bits(entry[FLAGS] & 0xFF);
    }

    /** Whether the file is the number of a registered one, and no descriptor. */
    public static boolean isFixedFile(byte[] entry) {
        return (entry[FLAGS] & FIXED_FILE) != 0;
    }

    /** Names of the flags of a completion. */
    public static String completionFlags(long flags) {
        return Constants.of("io_uring_cqe").bits(flags);
    }

    /**
     * The arguments of an operation; what they point to has not been read.
     *
     * @param opcode may be anything
     * @param entry the submission
     */
    public CapturedArguments arguments(int opcode, byte[] entry) {
        Form form = form(opcode);
        long[] values = new long[form.fields.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = form.fields.get(i).of(entry);
        }
        return new CapturedArguments(form.call, values);
    }

    private synchronized Form form(int opcode) {
        return known.computeIfAbsent(opcode, this::find);
    }

    private Form find(int opcode) {
        String name = name(opcode);
        List<String> words = new ArrayList<>();
        List<Field> fields = new ArrayList<>();
        for (String word : FORMS.getOrDefault(name, UNKNOWN).split(" +")) {
            if (!word.isEmpty()) {
                int equals = word.indexOf('=');
                int colon = word.indexOf(':');
                words.add(word.substring(0, equals) + word.substring(colon));
                fields.add(
                        Field.valueOf(word.substring(equals + 1, colon).toUpperCase(Locale.ROOT)));
            }
        }
        return new Form(
                new Call(
                        abi,
                        opcode,
                        name,
                        TypeParser.parameters(words),
                        Objects.requireNonNull(Scalars.of("i64"))),
                fields);
    }
}
