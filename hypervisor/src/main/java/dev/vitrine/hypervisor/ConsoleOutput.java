// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

/** Receives what a guest writes with CONSOLEIO_write or to the debug port 0xE9. */
public interface ConsoleOutput {
    /** Throws the text away. */
    ConsoleOutput NOWHERE = (bytes, offset, length) -> {};

    /** Called on a vCPU's thread; must not block for long. The array is reused after the call. */
    void write(byte[] bytes, int offset, int length);
}
