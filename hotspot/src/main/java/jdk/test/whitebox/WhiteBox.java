// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package jdk.test.whitebox;

import java.lang.reflect.Executable;

/**
 * What of HotSpot's WhiteBox (src/hotspot/share/prims/whitebox.cpp) is used here: asking for the
 * compilation of a method, at once and by the compiler of one's choice. HotSpot binds the native
 * methods to a class of this name only, only if it comes from the boot class path, and only with
 * {@code -XX:+UnlockDiagnosticVMOptions -XX:+WhiteBoxAPI}; otherwise its initialization fails.
 */
public final class WhiteBox {
    static {
        registerNatives();
    }

    public WhiteBox() {}

    private static native void registerNatives();

    /**
     * Puts a method into the queue of a compiler.
     *
     * @param level HotSpot's CompLevel, 1 to 4
     * @param bci -1: for its beginning
     * @return false if it will not be compiled
     */
    public native boolean enqueueMethodForCompilation0(Executable method, int level, int bci);

    /** The value of one of HotSpot's flags; null if there is none of that name. */
    public native Boolean getBooleanVMFlag(String name);

    /** The level that a method is compiled at; 0 if it is not. */
    public native int getMethodCompilationLevel0(Executable method, boolean onStackReplacement);

    /** Whether a compiler has not given up on a method. */
    public native boolean isMethodCompilable0(
            Executable method, int level, boolean onStackReplacement);
}
