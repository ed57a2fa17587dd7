// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import dev.vitrine.introspection.LittleEndian;

import org.jspecify.annotations.Nullable;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Starts a program by call_usermodehelper (include/linux/umh.h), as a child of the kernel: as root,
 * in the first namespaces, with the root folder of the first process.
 */
final class ExecProcedure implements Procedure {
    /** Waits until the program has been loaded, and its arguments are the kernel's no more. */
    private static final long UMH_WAIT_EXEC = 1;

    private final List<String> arguments;
    private final List<String> environment;
    private int step;
    private volatile long block;
    private long status;

    /** The first of the arguments is the program's path. */
    ExecProcedure(List<String> arguments, List<String> environment) {
        this.arguments = arguments;
        this.environment = environment;
    }

    @Override
    public Set<String> functions() {
        return Set.of(Buffers.ALLOCATE, Buffers.FREE, "call_usermodehelper");
    }

    @Override
    public @Nullable KernelCall next(CallMemory memory, long result) {
        switch (step++) {
            case 0 -> {
                return KernelCall.of(Buffers.ALLOCATE, (long) content(0).length);
            }
            case 1 -> {
                block = Buffers.checked(result);
                memory.write(block, content(block));
                long argv = block;
                long envp = block + 8L * (arguments.size() + 1);
                return KernelCall.of(
                        "call_usermodehelper",
                        LittleEndian.i64(content(block), 0),
                        argv,
                        envp,
                        UMH_WAIT_EXEC);
            }
            case 2 -> {
                status = (int) result;
                return KernelCall.of(Buffers.FREE, block);
            }
            default -> {
                return null;
            }
        }
    }

    /** Address of the vector of arguments; 0 until there is one. */
    long vector() {
        return block;
    }

    /** A negative error number; 0 if the program has been started. */
    long status() {
        return status;
    }

    /** Both vectors, and behind them the texts, for a block at an address. */
    private byte[] content(long address) {
        int pointers = 8 * (arguments.size() + environment.size() + 2);
        ByteArrayOutputStream texts = new ByteArrayOutputStream();
        List<Long> vector = new ArrayList<>();
        for (List<String> list : List.of(arguments, environment)) {
            for (String s : list) {
                vector.add(address + pointers + texts.size());
                texts.writeBytes(s.getBytes(StandardCharsets.UTF_8));
                texts.write(0);
            }
            vector.add(0L);
        }
        byte[] all = new byte[pointers + texts.size()];
        for (int i = 0; i < vector.size(); i++) {
            LittleEndian.put64(all, 8 * i, vector.get(i));
        }
        System.arraycopy(texts.toByteArray(), 0, all, pointers, texts.size());
        return all;
    }
}
