// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

/**
 * A socket.
 *
 * @param protocol tcp, tcp6, udp, udp6, udplite, udplite6, raw, raw6, icmp, icmp6 (for ping), unix,
 *     packet or netlink
 * @param local local address and port, for raw sockets the protocol's number in place of the port;
 *     the path of a unix socket ({@code @} in front of an abstract one); of a packet socket the
 *     protocol's number in hexadecimal (ETH_P_*) and the device, * for all; of a netlink socket
 *     protocol and port; may be empty
 * @param remote remote address and port; empty for unix and packet sockets
 * @param state LISTEN, ESTABLISHED and so on; for unix sockets also their type, as in {@code STREAM
 *     LISTEN}; for packet and netlink sockets their type alone
 * @param uid user number of its owner
 * @param inode number of its inode, as in {@code socket:[1234]}; 0 if it belongs to no file
 * @param namespace inode number of its network namespace, as /proc/PID/ns/net has it
 * @param address linear address of its struct sock
 */
public record LinuxSocket(
        String protocol,
        String local,
        String remote,
        String state,
        long uid,
        long inode,
        long namespace,
        long address) {}
