// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

/**
 * A socket.
 *
 * @param protocol tcp, tcp6, udp, udp6 or unix
 * @param local local address and port, or the path of a unix socket ({@code @} in front of an
 *     abstract one); may be empty
 * @param remote remote address and port; empty for unix sockets
 * @param state LISTEN, ESTABLISHED and so on; for unix sockets also their type, as in {@code STREAM
 *     LISTEN}
 * @param uid user number of its owner
 * @param inode number of its inode, as in {@code socket:[1234]}; 0 if it belongs to no file
 * @param address linear address of its struct sock
 */
public record LinuxSocket(
        String protocol,
        String local,
        String remote,
        String state,
        long uid,
        long inode,
        long address) {}
