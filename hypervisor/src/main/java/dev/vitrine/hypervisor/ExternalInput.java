// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

/**
 * Something that comes to a domain from outside, and is no function of its state.
 *
 * @param channel who takes it: {@link #MEMORY}, or what {@link Domain#setInputHandler} was told
 * @param bytes the content, which must not change
 */
public record ExternalInput(int channel, byte[] bytes) {
    /** A write to guest-physical memory: the address in 8 bytes, little-endian, and the bytes. */
    public static final int MEMORY = 0;

    /** Bytes for the console. */
    public static final int CONSOLE = 1;

    /** The xenstore has something for the guest that it did not ask for; no content. */
    public static final int STORE = 2;
}
