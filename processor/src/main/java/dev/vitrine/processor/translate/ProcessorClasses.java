// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import dev.vitrine.processor.core.CalledAccess;
import dev.vitrine.processor.core.Cpu;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/**
 * The class loader of one processor: it has a copy of {@link ProcessorAccess}, and all else from
 * its parent. The code of regions is defined there, and so has the processor's parts as constants
 * by their names: neither does it look for them at run time, nor has each class to be given them.
 */
public final class ProcessorClasses extends ClassLoader {
    private static final String NAME = ProcessorAccess.class.getName();
    private static final byte[] COPIED = classFile();

    static {
        registerAsParallelCapable();
    }

    private final Cpu cpu;

    private ProcessorClasses(Cpu cpu) {
        super("processor", ProcessorClasses.class.getClassLoader());
        this.cpu = cpu;
    }

    /** What a processor accesses memory by; made when it is first asked for. Any thread may. */
    static CalledAccess of(Cpu cpu) {
        synchronized (cpu) {
            CalledAccess access = cpu.access;
            if (access == null) {
                access = make(cpu);
                cpu.access = access;
            }
            return access;
        }
    }

    private static CalledAccess make(Cpu cpu) {
        try {
            // With one class more, which nobody makes instances of, no code relies on there being
            // one only, and none is thrown away when the next processor has its own.
            Class.forName(NAME);
            return (CalledAccess)
                    Class.forName(NAME, true, new ProcessorClasses(cpu))
                            .getDeclaredConstructor()
                            .newInstance();
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("copy of a class", e);
        }
    }

    /** The processor that a class is of; null for one that is no copy. For its initializer. */
    public static @Nullable Cpu processor(Class<?> type) {
        return type.getClassLoader() instanceof ProcessorClasses own ? own.cpu : null;
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        if (!name.equals(NAME)) {
            return super.loadClass(name, resolve);
        }
        synchronized (getClassLoadingLock(name)) {
            Class<?> copy = findLoadedClass(name);
            return copy == null ? defineClass(name, COPIED, 0, COPIED.length) : copy;
        }
    }

    private static byte[] classFile() {
        String name = "ProcessorAccess.class";
        try (InputStream in = ProcessorClasses.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException("no " + name);
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(name, e);
        }
    }
}
