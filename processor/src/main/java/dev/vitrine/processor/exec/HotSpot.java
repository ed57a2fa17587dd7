// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Executable;
import java.lang.reflect.Method;

/**
 * HotSpot's compile queue, where the launcher has opened it (module {@code hotspot}). Without it,
 * in another JVM or without the launcher, everything works, but methods wait until HotSpot finds
 * them hot by itself.
 */
public final class HotSpot {
    /** By the first compiler, without counters: what stays as it is. */
    public static final int SIMPLE = 1;

    /** By the first compiler, with the profile that the second one wants. */
    public static final int PROFILED = 3;

    /** By the second compiler. */
    public static final int OPTIMIZED = 4;

    private record Door(
            MethodHandle compile, MethodHandle level, MethodHandle compilable, boolean large) {}

    private static final @Nullable Door DOOR = open();

    private HotSpot() {}

    private static @Nullable Door open() {
        try {
            Class<?> type = Class.forName("jdk.test.whitebox.WhiteBox", true, null);
            Object box = type.getConstructor().newInstance();
            MethodHandles.Lookup lookup = MethodHandles.publicLookup();
            return new Door(
                    lookup.findVirtual(
                                    type,
                                    "enqueueMethodForCompilation0",
                                    MethodType.methodType(
                                            boolean.class, Executable.class, int.class, int.class))
                            .bindTo(box),
                    lookup.findVirtual(
                                    type,
                                    "getMethodCompilationLevel0",
                                    MethodType.methodType(
                                            int.class, Executable.class, boolean.class))
                            .bindTo(box),
                    lookup.findVirtual(
                                    type,
                                    "isMethodCompilable0",
                                    MethodType.methodType(
                                            boolean.class,
                                            Executable.class,
                                            int.class,
                                            boolean.class))
                            .bindTo(box),
                    compilesLarge(lookup, type, box));
        } catch (ReflectiveOperationException | LinkageError e) {
            return null;
        }
    }

    private static boolean compilesLarge(MethodHandles.Lookup lookup, Class<?> type, Object box)
            throws ReflectiveOperationException {
        MethodHandle flag =
                lookup.findVirtual(
                        type,
                        "getBooleanVMFlag",
                        MethodType.methodType(Boolean.class, String.class));
        try {
            return Boolean.FALSE.equals((Boolean) flag.invoke(box, "DontCompileHugeMethods"));
        } catch (Throwable e) {
            throw new IllegalStateException("flags of HotSpot", e);
        }
    }

    /** The size in bytes up to which methods are compiled, as far as they are worth it. */
    public static int methodLimit() {
        return DOOR != null && DOOR.large ? LARGE_METHOD : METHOD;
    }

    /** HotSpot's HugeMethodLimit. */
    private static final int METHOD = 8000;

    /**
     * Without that limit: what its second compiler does well in a fifth of a second, and for which
     * its first one does not run out of virtual registers more often than not.
     */
    private static final int LARGE_METHOD = 12_000;

    /** Asks for the compilation of a method; false if that cannot be asked for. */
    public static boolean compile(Method method, int level) {
        if (DOOR == null) {
            return false;
        }
        try {
            return (boolean) DOOR.compile.invoke((Executable) method, level, -1);
        } catch (Throwable e) {
            throw new IllegalStateException("compiling " + method, e);
        }
    }

    /**
     * The level that a method for which {@link #compile} was true is compiled at; 0 before that.
     */
    public static int level(Method method) {
        if (DOOR == null) {
            return 0;
        }
        try {
            return (int) DOOR.level.invoke((Executable) method, false);
        } catch (Throwable e) {
            throw new IllegalStateException("looking at " + method, e);
        }
    }

    /**
     * Whether a compilation that {@link #compile} has asked for can still come: a compiler that
     * runs out of something, as the first one of virtual registers, does not try again.
     */
    public static boolean compilable(Method method, int level) {
        if (DOOR == null) {
            return false;
        }
        try {
            return (boolean) DOOR.compilable.invoke((Executable) method, level, false);
        } catch (Throwable e) {
            throw new IllegalStateException("looking at " + method, e);
        }
    }
}
