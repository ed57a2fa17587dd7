// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.core;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandles;

/**
 * Memory accesses of the first stage's code: each a call, so that this code is small and HotSpot's
 * first compiler is soon done with it. Where the soft TLB misses they set {@link Cpu#missed}, and a
 * load gives 0.
 *
 * <p>Each processor has a class of its own for them, a copy of {@link ProcessorAccess}: HotSpot
 * knows the processor's memory, soft TLBs and the rest as constants in it, which halves an access.
 */
public abstract class CalledAccess {
    private static final byte[] COPIED = classFile();

    /** For the copies. */
    CalledAccess() {}

    /** Looks whether an access to a linear address would hit, and makes none. */
    public abstract void probe(long la, int size, boolean write);

    public abstract long load1(long la);

    public abstract long load2(long la);

    public abstract long load4(long la);

    public abstract long load8(long la);

    /** Loads for a read-modify-write: the later store to the address will hit. */
    public abstract long update1(long la);

    public abstract long update2(long la);

    public abstract long update4(long la);

    public abstract long update8(long la);

    public abstract void store1(long la, long value);

    public abstract void store2(long la, long value);

    public abstract void store4(long la, long value);

    public abstract void store8(long la, long value);

    /** Makes the accesses of a processor. */
    public static CalledAccess of(Cpu cpu) {
        try {
            // With one class more, which nobody makes instances of, no code relies on there being
            // one only, and none is thrown away when the next processor has its own.
            MethodHandles.lookup().ensureInitialized(ProcessorAccess.class);
            return (CalledAccess)
                    MethodHandles.lookup()
                            .defineHiddenClassWithClassData(COPIED, cpu, true)
                            .lookupClass()
                            .getDeclaredConstructor()
                            .newInstance();
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("copy of a class", e);
        }
    }

    private static byte[] classFile() {
        String name = "ProcessorAccess.class";
        try (InputStream in = CalledAccess.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException("no " + name);
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(name, e);
        }
    }
}
